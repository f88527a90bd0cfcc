//! Where a meter shows loads of known instants: pure.
//!
//! The rows of a meter are laid over a known pattern of load and rest, moved to and fro, and correlated with it
//! (Pearson). For rows that are single readings the correlation is level between the moves at which a reading changes
//! sides, so that the middle of the highest level is taken. The loads begin at ever other places within the meter's
//! period ([`turns_ms`]), which makes that level much narrower than the period.

use dyno_model::clock::MonoNs;
use dyno_model::meter::{Knock, KnockVerdict};

/// Points that rows are joined to when there are more (house rule): beyond that they say no more of an edge.
const MAX_POINTS: i64 = 2000;
/// Moves in each of which the correlation is worked out again, within one row's width.
const FINE_STEPS: i64 = 20;
/// Moves of a clock that counts from nobody knows when (house rule): three days at a second each.
const MAX_MOVES: i64 = 259_200;
/// A correlation below this is none (house rule). One that places a clock must be higher.
const MIN_CORRELATION: f64 = 0.6;
const MIN_PLACING_CORRELATION: f64 = 0.8;
/// Edges of a load on a real machine are no sharper, so that a faster meter need not be nearer (house rule).
const EDGE_NS: i64 = 50_000_000;
/// Rows that there must be for each load.
const MIN_ROWS_PER_LOAD: usize = 3;

/// One row: when, and how much power.
pub(crate) type Point = (i64, f64);

/// One series of knocks: its loads, and how long it rests before the first and after the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) loads: Vec<(i64, i64)>,
    pub(crate) rest_ns: i64,
}

/// Where a pattern was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// How much later the rows show it.
    pub(crate) shift_ns: i64,
    pub(crate) correlation: f64,
    /// Mean of the rows within loads less mean of the others.
    pub(crate) step_uw: f64,
    pub(crate) n_rows: usize,
}

/// Rest, load, rest and so on, in ms, for a meter with this period.
pub(crate) fn turns_ms(knock: Knock, period_ms: u32) -> Vec<u32> {
    let n = knock.n.max(1);
    // Each edge is later within the period than the one before, and all together go once through it.
    let later = period_ms.div_ceil(2 * n);
    let mut turns = vec![knock.idle_ms];
    for _ in 0..n {
        turns.extend([knock.busy_ms.saturating_add(later), knock.idle_ms.saturating_add(later)]);
    }
    turns
}

impl Pattern {
    pub(crate) fn new(loads: &[(MonoNs, MonoNs)], knock: Knock) -> Self {
        let ns = |at: MonoNs| i64::try_from(at.0).unwrap_or(i64::MAX);
        Self {
            loads: loads.iter().map(|(from, to)| (ns(*from), ns(*to))).collect(),
            rest_ns: i64::from(knock.idle_ms) * 1_000_000,
        }
    }

    fn window(&self) -> Option<(i64, i64)> {
        Some((self.loads.first()?.0 - self.rest_ns, self.loads.last()?.1 + self.rest_ns))
    }

    fn is_load(&self, at: i64) -> bool {
        self.loads.iter().any(|(from, to)| (*from..*to).contains(&at))
    }

    /// How far rows may be off before one load is taken for another.
    fn reach_ns(&self) -> i64 {
        let turn = self.loads.first().map_or(0, |(from, to)| to - from);
        i64::midpoint(turn, self.rest_ns)
    }
}

/// How far off rows of this period may be.
pub(crate) fn tolerance_ns(period_ms: u32) -> i64 {
    (i64::from(period_ms) * 500_000).max(EDGE_NS)
}

/// Looks for patterns near where they must be.
pub(crate) fn check(rows: &[Point], patterns: &[Pattern], period_ms: u32) -> (Option<Found>, KnockVerdict) {
    let reach = patterns.iter().map(Pattern::reach_ns).max().unwrap_or(0) + i64::from(period_ms) * 1_000_000;
    let found = search(rows, patterns, period_ms, (-reach, reach));
    (found, verdict(found, patterns, period_ms))
}

/// Looks for patterns wherever they may be in rows whose clock counts from nobody knows when.
pub(crate) fn place(rows: &[Point], patterns: &[Pattern], period_ms: u32) -> Option<Found> {
    let (first, last) = (rows.first()?.0, rows.last()?.0);
    let (begin, end) = (patterns.first()?.window()?.0, patterns.last()?.window()?.1);
    // A recording may have been begun or ended within a rest.
    let rest_ns = patterns.first()?.rest_ns;
    search(rows, patterns, period_ms, (first - begin - rest_ns, last - end + rest_ns))
        .filter(|found| found.correlation >= MIN_PLACING_CORRELATION && found.step_uw > 0.0)
        .filter(|found| found.n_rows >= min_rows(patterns))
}

fn min_rows(patterns: &[Pattern]) -> usize {
    MIN_ROWS_PER_LOAD * patterns.iter().map(|pattern| pattern.loads.len()).sum::<usize>()
}

fn verdict(found: Option<Found>, patterns: &[Pattern], period_ms: u32) -> KnockVerdict {
    let unaligned = |why: String| KnockVerdict::Unaligned { why };
    let Some(found) = found else { return unaligned("it gave no rows while the load changed".to_owned()) };
    if found.n_rows < min_rows(patterns) {
        return unaligned(format!("it gave {} rows while the load changed, which are too few", found.n_rows));
    }
    if found.correlation < MIN_CORRELATION || found.step_uw <= 0.0 {
        return unaligned(format!("it does not show the loads (correlation {:.2})", found.correlation));
    }
    let (shift, tolerance) = (found.shift_ns, tolerance_ns(period_ms));
    if shift.abs() <= tolerance {
        return KnockVerdict::Aligned;
    }
    unaligned(format!(
        "it shows the loads {} ms {} than they were; {} ms are allowed",
        shift.abs() / 1_000_000,
        if shift > 0 { "later" } else { "earlier" },
        tolerance / 1_000_000
    ))
}

/// The move with the highest correlation within `range`.
fn search(rows: &[Point], patterns: &[Pattern], period_ms: u32, range: (i64, i64)) -> Option<Found> {
    let lengths = patterns.iter().filter_map(Pattern::window).map(|(from, to)| to - from);
    let width = (i64::from(period_ms.max(1)) * 1_000_000).max(lengths.max()? / MAX_POINTS);
    let points = joined(rows, width);
    let (low, high) = range;
    if high < low {
        return None;
    }
    let coarse = width.max((high - low) / MAX_MOVES);
    let best = (0..=(high - low) / coarse)
        .filter_map(|n| fit(&points, patterns, low + n * coarse))
        .reduce(|best, found| if found.correlation > best.correlation { found } else { best })?;
    let fine = (coarse / FINE_STEPS).max(1);
    let around = (-2 * FINE_STEPS..=2 * FINE_STEPS).map(|n| best.shift_ns + n * fine);
    let fits: Vec<Found> = around.filter_map(|shift_ns| fit(&points, patterns, shift_ns)).collect();
    middle(&fits)
}

/// The middle of the level of the highest correlation.
fn middle(fits: &[Found]) -> Option<Found> {
    let top = fits.iter().map(|found| found.correlation).reduce(f64::max)?;
    let is_top = |found: &Found| found.correlation >= top - 1e-9;
    let begin = fits.iter().position(is_top)?;
    let level: Vec<&Found> = fits[begin..].iter().take_while(|found| is_top(found)).collect();
    level.get(level.len() / 2).map(|found| **found)
}

/// Rows joined to their means over `width`, where they are closer together than that.
fn joined(rows: &[Point], width: i64) -> Vec<Point> {
    let mut points = Vec::new();
    let mut rest = rows;
    while let Some(first) = rest.first() {
        let n = rest.partition_point(|(at, _)| *at < first.0.saturating_add(width / 2)).max(1);
        let (these, others) = rest.split_at(n);
        let n_rows = these.len() as f64;
        let at = these.iter().map(|(at, _)| (at - first.0) as f64).sum::<f64>() / n_rows;
        let power = these.iter().map(|(_, power)| power).sum::<f64>() / n_rows;
        points.push((first.0 + at as i64, power));
        rest = others;
    }
    points
}

/// How well rows that are moved back by `shift_ns` fit; `None` where there is nothing to compare.
fn fit(points: &[Point], patterns: &[Pattern], shift_ns: i64) -> Option<Found> {
    // Sums over all rows, and over those within loads.
    let (mut n, mut n_loads) = (0_usize, 0_usize);
    let (mut sum, mut square, mut in_loads) = (0.0, 0.0, 0.0);
    for pattern in patterns {
        let (from, to) = pattern.window()?;
        let first = points.partition_point(|(at, _)| at - shift_ns < from);
        for (at, power) in points[first..].iter().take_while(|(at, _)| at - shift_ns < to) {
            n += 1;
            sum += power;
            square += power * power;
            if pattern.is_load(at - shift_ns) {
                n_loads += 1;
                in_loads += power;
            }
        }
    }
    let (all, loads) = (n as f64, n_loads as f64);
    let rests = all - loads;
    let variance = square / all - (sum / all) * (sum / all);
    if n_loads == 0 || n_loads == n || variance <= 0.0 {
        return None;
    }
    // The correlation with a pattern of ones and zeros is the step of its means, in deviations.
    let step_uw = in_loads / loads - (sum - in_loads) / rests;
    let correlation = step_uw * (loads * rests).sqrt() / all / variance.sqrt();
    Some(Found { shift_ns, correlation, step_uw, n_rows: n })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    const KNOCK: Knock = Knock { busy_ms: 5000, idle_ms: 5000, n: 3 };

    /// Knocks that begin at `at_ms`, as an agent would make them for a meter of this period.
    fn pattern(at_ms: i64, period_ms: u32) -> Pattern {
        let (mut at, mut loads) = (at_ms * MS, Vec::new());
        for (idx, turn) in turns_ms(KNOCK, period_ms).into_iter().enumerate() {
            let until = at + i64::from(turn) * MS;
            if idx % 2 == 1 {
                loads.push((at, until));
            }
            at = until;
        }
        Pattern { loads, rest_ns: i64::from(KNOCK.idle_ms) * MS }
    }

    /// Rows of a meter that shows 5 W at rest and 12 W under load, `late_ms` late, with some noise of its own.
    fn rows(patterns: &[Pattern], period_ms: u32, late_ms: i64, until_ms: i64) -> Vec<Point> {
        let mut rows = Vec::new();
        let mut at = 137 * MS;
        let mut noise = 1_u64;
        while at < until_ms * MS {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let ripple = (noise >> 44) as f64 / f64::from(1 << 20) - 0.5;
            let is_load = patterns.iter().any(|pattern| pattern.is_load(at - late_ms * MS));
            rows.push((at, if is_load { 12e6 } else { 5e6 } + ripple * 1e6));
            at += i64::from(period_ms) * MS;
        }
        rows
    }

    #[test]
    fn turns_go_once_through_the_period() {
        assert_eq!(turns_ms(KNOCK, 1000), [5000, 5167, 5167, 5167, 5167, 5167, 5167]);
        assert_eq!(turns_ms(Knock { busy_ms: 40, idle_ms: 20, n: 1 }, 1), [20, 41, 21]);
    }

    #[test]
    fn known_shifts_are_found_to_a_small_part_of_the_period() {
        for (period_ms, late_ms) in [(1000, 0), (1000, 300), (1000, -400), (100, 30), (10, 0), (1000, 2500)] {
            let patterns = [pattern(10_000, period_ms)];
            let rows = rows(&patterns, period_ms, late_ms, 60_000);
            let (found, verdict) = check(&rows, &patterns, period_ms);
            let found = found.expect("a clear step");
            let off_ms = found.shift_ns / MS - late_ms;
            // The edges are a sixth of the period apart.
            assert!(off_ms.abs() <= i64::from(period_ms) / 5, "{period_ms} ms, {late_ms} ms late: {found:?}");
            assert!((found.step_uw - 7e6).abs() < 3e5 && found.correlation > 0.95, "{found:?}");
            let is_aligned = late_ms.abs() < i64::from(period_ms) / 2;
            assert_eq!(verdict == KnockVerdict::Aligned, is_aligned, "{verdict:?}");
        }
    }

    #[test]
    fn a_meter_that_is_late_is_told_by_how_much() {
        let patterns = [pattern(10_000, 1000)];
        let (_, verdict) = check(&rows(&patterns, 1000, 2500, 60_000), &patterns, 1000);
        let KnockVerdict::Unaligned { why } = verdict else { panic!("{verdict:?}") };
        assert!(why.starts_with("it shows the loads 2") && why.ends_with("500 ms are allowed"), "{why}");
    }

    #[test]
    fn what_does_not_show_the_loads_is_refused() {
        let patterns = [pattern(10_000, 1000)];
        let why = |rows: &[Point]| match check(rows, &patterns, 1000).1 {
            KnockVerdict::Unaligned { why } => why,
            other => panic!("{other:?}"),
        };
        let noise = rows(&[], 1000, 0, 60_000);
        assert!(why(&noise).starts_with("it does not show the loads"), "{}", why(&noise));
        let flat: Vec<Point> = noise.iter().map(|(at, _)| (*at, 5e6)).collect();
        assert_eq!(why(&flat), "it gave no rows while the load changed");
        assert_eq!(why(&[]), "it gave no rows while the load changed");
        let few: Vec<Point> = rows(&patterns, 1000, 0, 60_000).into_iter().step_by(8).collect();
        assert!(why(&few).ends_with("too few"), "{}", why(&few));
        // One that shows less power under load measures something else.
        let turned: Vec<Point> =
            rows(&patterns, 1000, 0, 60_000).iter().map(|(at, power)| (*at, -power)).collect();
        assert_ne!(check(&turned, &patterns, 1000).1, KnockVerdict::Aligned);
    }

    #[test]
    fn an_export_is_placed_by_the_knocks_at_both_ends() {
        // A recording that was begun 100 s before the device's clock was at 0, of ten minutes.
        let (first, last) = (pattern(10_000, 100), pattern(500_000, 100));
        let patterns = [first.clone(), last.clone()];
        let own: Vec<Point> =
            rows(&patterns, 100, 0, 560_000).iter().map(|(at, power)| (at + 100_000 * MS, *power)).collect();
        let placed = place(&own, &patterns, 100).expect("clear steps");
        assert!((placed.shift_ns - 100_000 * MS).abs() < 30 * MS, "{placed:?}");
        // Each end for itself.
        let moved: Vec<Point> = own.iter().map(|(at, power)| (at - placed.shift_ns, *power)).collect();
        for pattern in patterns {
            assert_eq!(check(&moved, &[pattern], 100).1, KnockVerdict::Aligned);
        }
        assert_eq!(place(&rows(&[], 100, 0, 560_000), &[first, last], 100), None, "there are none");
    }

    #[test]
    fn no_rows_and_no_loads_are_no_panic() {
        let none = Pattern { loads: Vec::new(), rest_ns: 1 };
        assert_eq!(check(&[(1, 1.0)], &[none], 1).0, None);
        assert_eq!(place(&[], &[], 1), None);
        let one = Pattern { loads: vec![(5, 5)], rest_ns: 0 };
        assert_eq!(place(&[(0, 1.0), (9, 2.0)], &[one], 1), None);
    }
}
