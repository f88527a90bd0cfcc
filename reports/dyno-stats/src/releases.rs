//! Which release of a history changed a metric (MEASUREMENT §3.6).

use statrs::function::beta::beta_reg;

/// When a change of level counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReleaseRule {
    /// Values that are looked at together, at least 4; the next look begins half of them further on.
    pub window: usize,
    /// The p value that a change must be below, of 0 to 1.
    pub max_p: f64,
    /// The relative change, of the larger mean over the smaller, that a change must be above: 0.03 is 3 %.
    pub min_magnitude: f64,
}

impl ReleaseRule {
    /// The window and p value of Apache Otava, and the least change that matters.
    pub fn otava(min_magnitude: f64) -> Self {
        Self { window: 50, max_p: 0.001, min_magnitude }
    }
}

/// A change of level between two releases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReleaseChange {
    /// The first value of the new level.
    pub at: usize,
    /// Mean since the change before.
    pub before: f64,
    /// Mean up to the change after.
    pub after: f64,
    /// Student's two-sided p value of the difference.
    pub p: f64,
}

/// The changes of level in a history of one value for each release, oldest first, rising.
///
/// E-divisive (Matteson & James 2014) over sliding windows, with Student's t-test in place of permutations, so that the
/// same history has the same changes; then the weakest points are dropped, one by one, until all are significant and
/// large enough (Fleming et al. 2023, "Hunter: using change point detection to hunt for performance regressions"; kept
/// on as Apache Otava). The first pass takes points with ten times the p value.
/// Variances are the unbiased ones. Levels without any scatter that differ are a change with p 0.
/// None where a value is not finite. Cost: grows with the values, times the square of the window.
pub fn release_changes(values: &[f64], rule: &ReleaseRule) -> Vec<ReleaseChange> {
    if !values.iter().all(|value| value.is_finite()) {
        return Vec::new();
    }
    let mut points = weak_points(values, rule.window.max(4), first_pass(rule.max_p));
    loop {
        let changes = described(values, &points);
        let Some(weakest) = weakest(&changes, rule) else { return changes };
        points.remove(weakest);
    }
}

/// Otava's: ten times, or what is left of it where that is no p value any more.
fn first_pass(max_p: f64) -> f64 {
    match max_p {
        small if small < 0.05 => small * 10.0,
        medium if medium < 0.5 => medium * 2.0,
        large => large,
    }
}

/// The point to drop: the one with the highest p value that is too high, else the smallest that is too small.
fn weakest(changes: &[ReleaseChange], rule: &ReleaseRule) -> Option<usize> {
    let by = |of: fn(&ReleaseChange) -> f64| {
        move |a: &(usize, &ReleaseChange), b: &(usize, &ReleaseChange)| of(a.1).total_cmp(&of(b.1))
    };
    let unlikely = changes.iter().enumerate().max_by(by(|change| change.p))?;
    if unlikely.1.p >= rule.max_p {
        return Some(unlikely.0);
    }
    let smallest = changes.iter().enumerate().min_by(by(magnitude))?;
    (magnitude(smallest.1) <= rule.min_magnitude).then_some(smallest.0)
}

/// The larger of the relative changes forwards and backwards.
fn magnitude(change: &ReleaseChange) -> f64 {
    let relative = |from: f64, to: f64| {
        let by = (to - from).abs();
        if by > 0.0 { by / from.abs() } else { 0.0 }
    };
    relative(change.before, change.after).max(relative(change.after, change.before))
}

/// Each point with the levels on its sides, up to its neighbours.
fn described(values: &[f64], points: &[usize]) -> Vec<ReleaseChange> {
    let ends: Vec<usize> = [0].into_iter().chain(points.iter().copied()).chain([values.len()]).collect();
    let of = |ends: &[usize]| {
        let (left, right) = (Side::of(&values[ends[0]..ends[1]]), Side::of(&values[ends[1]..ends[2]]));
        ReleaseChange { at: ends[1], before: left.mean, after: right.mean, p: left.p_of_same(&right) }
    };
    ends.windows(3).map(of).collect()
}

/// Points that one of the windows finds, rising.
fn weak_points(values: &[f64], window: usize, max_p: f64) -> Vec<usize> {
    let mut points = Vec::new();
    let mut start = 0;
    while start < values.len() {
        let end = values.len().min(start + window);
        let found = points_of_window(&values[start..end], max_p);
        let last = found.last().map_or(0, |at| at + start);
        points.extend(found.into_iter().map(|at| at + start));
        start = last.max(start + window / 2);
    }
    points.sort_unstable();
    points.dedup();
    points
}

/// Divides a window where its parts differ the most, again and again, until a division is not significant.
fn points_of_window(values: &[f64], max_p: f64) -> Vec<usize> {
    let distances = Distances::of(values);
    let mut points = Vec::new();
    loop {
        let ends: Vec<usize> = [0].into_iter().chain(points.iter().copied()).chain([values.len()]).collect();
        let best = ends.windows(2).filter_map(|part| distances.best_division(part[0], part[1]));
        let Some((at, _)) = best.reduce(|best, next| if next.1 > best.1 { next } else { best }) else {
            return points;
        };
        let part = points.partition_point(|point| *point < at);
        let (left, right) = (&values[ends[part]..at], &values[at..ends[part + 1]]);
        if Side::of(left).p_of_same(&Side::of(right)) > max_p {
            return points;
        }
        points.insert(part, at);
    }
}

/// Sums of the distances between all pairs of values, as a summed-area table.
struct Distances {
    n: usize,
    table: Vec<f64>,
}

impl Distances {
    fn of(values: &[f64]) -> Self {
        let n = values.len();
        let mut table = vec![0.0; (n + 1) * (n + 1)];
        for (row, one) in values.iter().enumerate() {
            let mut sum = 0.0;
            for (column, other) in values.iter().enumerate() {
                sum += (one - other).abs();
                table[(row + 1) * (n + 1) + column + 1] = table[row * (n + 1) + column + 1] + sum;
            }
        }
        Self { n, table }
    }

    /// Of all pairs of one of `rows` and one of `columns`.
    fn between(&self, rows: (usize, usize), columns: (usize, usize)) -> f64 {
        let at = |row: usize, column: usize| self.table[row * (self.n + 1) + column];
        at(rows.1, columns.1) - at(rows.0, columns.1) - at(rows.1, columns.0) + at(rows.0, columns.0)
    }

    /// Where a part is divided best: the start of the second of two neighbouring pieces, the first of which begins with
    /// the part, that differ the most.
    fn best_division(&self, start: usize, end: usize) -> Option<(usize, f64)> {
        let mut best: Option<(usize, f64)> = None;
        for at in start + 1..end {
            for stop in at + 1..=end {
                let differs = self.divergence(start, at, stop);
                if best.is_none_or(|best| differs > best.1) {
                    best = Some((at, differs));
                }
            }
        }
        best
    }

    /// `mn/(m + n)` times the energy distance of two pieces of n and m values, with powers of 1:
    /// twice the mean distance between them, less the mean distances within each.
    fn divergence(&self, start: usize, at: usize, stop: usize) -> f64 {
        let (n, m) = ((at - start) as f64, (stop - at) as f64);
        let (left, right) = ((start, at), (at, stop));
        // Each pair within a piece is in the table twice.
        let within = |piece: (usize, usize), n: f64| {
            if n > 1.0 { self.between(piece, piece) / (n * (n - 1.0)) } else { 0.0 }
        };
        let apart = 2.0 * self.between(left, right) / (n * m) - within(left, n) - within(right, m);
        n * m / (n + m) * apart
    }
}

/// One side of a change.
struct Side {
    n: f64,
    mean: f64,
    /// Sum of squared distances to the mean.
    squares: f64,
}

impl Side {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let is_level = values.iter().all(|value| value.total_cmp(&values[0]).is_eq());
        // The mean of equal values need not be equal to them.
        let (mean, squares) = if is_level {
            (values.first().copied().unwrap_or(f64::NAN), 0.0)
        } else {
            (mean, values.iter().map(|value| (value - mean).powi(2)).sum())
        };
        Self { n, mean, squares }
    }

    /// Student's two-sided p value that both sides have one mean, with one variance; 1 where there is nothing to tell
    /// it by: two values, or none on a side.
    fn p_of_same(&self, other: &Self) -> f64 {
        let free = self.n + other.n - 2.0;
        let by = (self.mean - other.mean).abs();
        if self.n < 1.0 || other.n < 1.0 || free < 1.0 || by <= 0.0 {
            return 1.0;
        }
        let error = (self.squares + other.squares) / free * (1.0 / self.n + 1.0 / other.n);
        // The two tails of Student's law are an incomplete beta function: I of ν/(ν + t²).
        beta_reg(free / 2.0, 0.5, free * error / (free * error + by * by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Draws;

    fn at(changes: &[ReleaseChange]) -> Vec<usize> {
        changes.iter().map(|change| change.at).collect()
    }

    /// The series of Apache Otava's own test (`tests/analysis_test.py`, `test_single_series`), which expects 10.
    const OTAVA: [f64; 20] = [
        1.02, 0.95, 0.99, 1.00, 1.12, 1.00, 1.01, 0.98, 1.01, 0.96, 0.50, 0.51, 0.48, 0.48, 0.55, 0.50, 0.49,
        0.51, 0.50, 0.49,
    ];

    #[test]
    fn the_change_of_otavas_test_is_found() {
        for window in [10, 50] {
            let rule = ReleaseRule { window, max_p: 0.0001, min_magnitude: 0.0 };
            assert_eq!(at(&release_changes(&OTAVA, &rule)), [10], "window {window}");
        }
    }

    #[test]
    fn changes_are_those_of_otava() {
        // pip install apache-otava==0.8.0; i = numpy.arange(200); noise = i * 7919 % 101 / 101 - 0.5
        // y = numpy.select([i < 37, i < 90, i < 93, i < 150], [100, 104, 109, 101], 98.) + 2 * noise
        // otava.analysis.compute_change_points(list(y), window_len=50, max_pvalue=0.001, min_magnitude=m)[0]
        let levels = [(37, 100.0), (53, 104.0), (3, 109.0), (57, 101.0), (50, 98.0)];
        let values: Vec<f64> = levels
            .iter()
            .flat_map(|(n, level)| std::iter::repeat_n(*level, *n))
            .zip(0_u32..)
            .map(|(level, i)| level + 2.0 * (f64::from(i * 7919 % 101) / 101.0 - 0.5))
            .collect();
        let found = release_changes(&values, &ReleaseRule::otava(0.03));
        assert_eq!(at(&found), [37, 90, 93, 150]);
        assert!((found[0].before - 99.992_239_764_5).abs() < 1e-9, "{found:?}");
        assert!((found[3].after - 98.033_267_326_7).abs() < 1e-9, "{found:?}");
        assert_eq!(at(&release_changes(&values, &ReleaseRule::otava(0.05))), [90, 93]);
        // i = numpy.arange(160); noise = i * 7919 % 101 / 101 - 0.5 + i * 104729 % 97 / 97 - 0.5
        // y = numpy.select([i < 30, i < 64, i < 110], [100, 103, 99], 104.) + 6 * noise; and with 30 and 0.01.
        let levels = [(30, 100.0), (34, 103.0), (46, 99.0), (50, 104.0)];
        let values: Vec<f64> = levels
            .iter()
            .flat_map(|(n, level)| std::iter::repeat_n(*level, *n))
            .zip(0_u32..)
            .map(|(level, i)| {
                let (one, other) = (f64::from(i * 7919 % 101) / 101.0, f64::from(i * 104_729 % 97) / 97.0);
                level + 6.0 * (one + other - 1.0)
            })
            .collect();
        assert_eq!(at(&release_changes(&values, &ReleaseRule::otava(0.0))), [29, 65, 110]);
        let rule = ReleaseRule { window: 30, max_p: 0.01, min_magnitude: 0.0 };
        assert_eq!(at(&release_changes(&values, &rule)), [32, 65, 110]);
    }

    #[test]
    fn p_values_are_those_of_scipy() {
        // scipy.stats.ttest_ind(left, right): Student's, of one variance.
        let found = release_changes(&OTAVA, &ReleaseRule::otava(0.03));
        assert!((found[0].p / 3.627_606_326_07e-17 - 1.0).abs() < 1e-6, "{found:?}");
        assert!(
            (found[0].before - 1.004).abs() < 1e-12 && (found[0].after - 0.501).abs() < 1e-12,
            "{found:?}"
        );
        let (left, right) = ([1.00, 1.02, 1.05, 0.95, 0.98], [0.80, 0.82, 0.85, 0.79, 0.77]);
        let p = Side::of(&left).p_of_same(&Side::of(&right));
        assert!((p / 2.024_977_032_933e-5 - 1.0).abs() < 1e-9, "{p}");
    }

    #[test]
    fn a_change_that_does_not_matter_is_none() {
        // 1.004 to 0.501: 50 % forwards, 100.4 % backwards.
        assert_eq!(at(&release_changes(&OTAVA, &ReleaseRule::otava(1.0))), [10]);
        assert_eq!(at(&release_changes(&OTAVA, &ReleaseRule::otava(1.01))), [0; 0]);
    }

    #[test]
    fn histories_without_scatter_change_where_they_do() {
        let mut values = vec![7.0; 40];
        assert_eq!(release_changes(&values, &ReleaseRule::otava(0.02)), []);
        values[25..].fill(8.0);
        let found = release_changes(&values, &ReleaseRule::otava(0.02));
        assert_eq!(found, [ReleaseChange { at: 25, before: 7.0, after: 8.0, p: 0.0 }]);
        for few in [&[][..], &[1.0], &[1.0, 2.0], &[1.0, f64::NAN, 2.0]] {
            assert_eq!(release_changes(few, &ReleaseRule::otava(0.0)), [], "{few:?}");
        }
    }

    #[test]
    fn changes_all_along_a_long_history_are_found() {
        let mut draws = Draws::new(0x00ed_9ed1_0060);
        for _ in 0..100 {
            let levels = [100.0, 106.0, 106.0, 98.0, 110.0];
            let values: Vec<f64> = levels
                .iter()
                .flat_map(|level| (0..40).map(|_| level + draws.normal()).collect::<Vec<f64>>())
                .collect();
            let found = at(&release_changes(&values, &ReleaseRule::otava(0.03)));
            assert_eq!(found.len(), 3, "{found:?}");
            for (found, truth) in found.iter().zip([40, 120, 160]) {
                assert!(found.abs_diff(truth) <= 1, "{found}, not {truth}");
            }
        }
    }

    #[test]
    fn a_history_without_a_change_has_seldom_one() {
        let mut draws = Draws::new(0x00ed_9ed1_0061);
        let mut wrong = 0;
        for _ in 0..1000 {
            let values: Vec<f64> = (0..100).map(|_| 100.0 + 2.0 * draws.normal()).collect();
            wrong += u32::from(!release_changes(&values, &ReleaseRule::otava(0.03)).is_empty());
        }
        // The place is chosen to look its best, so this is more than one in a thousand.
        assert!(wrong <= 30, "{wrong} of 1000");
    }

    #[test]
    fn a_division_is_the_best_of_all_by_its_definition() {
        let mut draws = Draws::new(0x00ed_9ed1_0062);
        for _ in 0..50 {
            let values: Vec<f64> =
                (0..12).map(|place| draws.normal() + f64::from(u8::from(place > 6))).collect();
            let divergence = |start: usize, at: usize, stop: usize| {
                let (left, right) = (&values[start..at], &values[at..stop]);
                let (n, m) = (left.len() as f64, right.len() as f64);
                let sum = |a: &[f64], b: &[f64]| {
                    a.iter().flat_map(|a| b.iter().map(move |b| (a - b).abs())).sum::<f64>()
                };
                let within = |of: &[f64], n: f64| if n > 1.0 { sum(of, of) / (n * (n - 1.0)) } else { 0.0 };
                n * m / (n + m) * (2.0 * sum(left, right) / (n * m) - within(left, n) - within(right, m))
            };
            let mut best = f64::NEG_INFINITY;
            for at in 3..11 {
                for stop in at + 1..=11 {
                    best = best.max(divergence(2, at, stop));
                }
            }
            let (_, found) = Distances::of(&values).best_division(2, 11).expect("values");
            assert!((found - best).abs() < 1e-9, "{found} {best}");
        }
    }
}
