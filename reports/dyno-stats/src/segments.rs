//! Where the level of a series changes.

use crate::level::Level;
use crate::optimal::best_division;
use crate::quantile::type1;
use crate::series::median;

/// A normal distribution's standard deviation over its median absolute deviation, `1 / Φ⁻¹(3/4)`.
pub(crate) const MAD_TO_SD: f64 = 1.482_602_218_505_602;

/// The places where a new level begins, rising, in a series of noise around levels: the optimum of PELT (Killick,
/// Fearnhead & Eckley 2012) with the cost `Σ(x − mean)² / σ²` of a segment, the penalty `3·ln n` of each change
/// (MEASUREMENT §3.6), and no segment shorter than `min_segment`. Exact, not an approximation.
///
/// σ is taken from the median absolute difference of neighbours, so that steps do not count as noise. Noise that hangs
/// together looks like levels: [`crate::level_changes`] allows for that.
pub fn change_points(values: &[f64], min_segment: usize) -> Vec<usize> {
    let Some(variance) = noise_variance(values) else { return Vec::new() };
    best_division(values, penalty(values.len()) * variance, min_segment)
}

/// What a change costs, in variances of the noise.
pub(crate) fn penalty(n: usize) -> f64 {
    3.0 * (n as f64).ln()
}

/// Variance of the noise; `None` for fewer than two values, or when all are equal.
pub(crate) fn noise_variance(values: &[f64]) -> Option<f64> {
    let steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    let robust = median(&steps)? * MAD_TO_SD;
    // Where most neighbours are equal (a coarse clock), the mean of the squares says more.
    let square = if robust > 0.0 {
        robust * robust
    } else {
        steps.iter().map(|d| d * d).sum::<f64>() / steps.len() as f64
    };
    // A difference of two has twice the variance of one.
    (square > 0.0).then_some(square / 2.0)
}

/// Values with outliers moved to the bounds `median ± 3·(p90 − p10)` of the 200 values around each, as in
/// warmup_stats (Barrett et al., OOPSLA 2017).
pub(crate) fn without_outliers(values: &[f64]) -> Vec<f64> {
    const HALF_WINDOW: usize = 100;
    const P10: u32 = 100_000;
    let p10 = Level::per_million(P10).expect("within range");
    let bounded = |idx: usize| {
        let window = &values[idx.saturating_sub(HALF_WINDOW)..(idx + HALF_WINDOW).min(values.len())];
        let mut sorted = window.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let [low, middle, high] = [p10, Level::P50, Level::P90].map(|level| type1(&sorted, level));
        let (low, middle, high) = (low?, middle?, high?);
        let most = 3.0 * (high - low);
        Some(values[idx].clamp(middle - most, middle + most))
    };
    (0..values.len()).filter_map(bounded).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    /// A series of levels with a saw of ±`noise`.
    fn levels(of: &[(f64, usize)], noise: f64) -> Vec<f64> {
        let flat = of.iter().flat_map(|(level, n)| std::iter::repeat_n(*level, *n));
        flat.zip([0.3, -0.9, 0.8, -0.4, 1.0, -0.8].into_iter().cycle())
            .map(|(x, saw)| x + saw * noise)
            .collect()
    }

    #[test]
    fn steps_are_found_where_they_are() {
        assert_eq!(change_points(&levels(&[(1.0, 50), (2.0, 70), (1.5, 40)], 0.05), 20), [50, 120]);
        assert_eq!(change_points(&levels(&[(1.0, 160)], 0.05), 20), [0; 0]);
        // Without any noise, too.
        assert_eq!(change_points(&levels(&[(1.0, 50), (2.0, 70)], 0.0), 20), [50]);
        assert_eq!(change_points(&[3.0; 50], 20), [0; 0]);
        assert_eq!(change_points(&[], 20), [0; 0]);
        assert_eq!(change_points(&[1.0, 2.0], 20), [0; 0]);
    }

    #[test]
    fn no_segment_is_too_short() {
        let points = change_points(&levels(&[(1.0, 50), (5.0, 7), (1.0, 50)], 0.05), 20);
        let ends: Vec<usize> = [0].into_iter().chain(points).chain([107]).collect();
        assert!(ends.windows(2).all(|pair| pair[1] - pair[0] >= 20), "{ends:?}");
    }

    #[test]
    fn outliers_are_moved_to_the_bounds_of_their_window() {
        // 1 to 9 again and again: p10 is 1, the median 5, p90 9; the bounds are 5 ± 24.
        let mut values: Vec<f64> = (0..99).map(|i| f64::from(i % 9 + 1)).collect();
        values[50] = 1000.0;
        let found = without_outliers(&values);
        assert!((found[50] - 29.0).abs() < 1.5, "{}", found[50]);
        assert!(
            found.iter().zip(&values).enumerate().all(|(i, (a, b))| i == 50 || a.to_bits() == b.to_bits())
        );
    }

    /// Costs of segments from sums, in constant time each.
    struct Costs {
        sums: Vec<f64>,
        squares: Vec<f64>,
        variance: f64,
    }

    impl Costs {
        fn new(values: &[f64], variance: f64) -> Self {
            // Centred, so that squares of a common level do not swallow the noise.
            let centre = values.iter().sum::<f64>() / values.len() as f64;
            let (mut sums, mut squares) = (vec![0.0], vec![0.0]);
            let (mut sum, mut square) = (0.0, 0.0);
            for value in values {
                sum += value - centre;
                square += (value - centre) * (value - centre);
                sums.push(sum);
                squares.push(square);
            }
            Self { sums, squares, variance }
        }

        fn of(&self, start: usize, end: usize) -> f64 {
            let sum = self.sums[end] - self.sums[start];
            let square = self.squares[end] - self.squares[start];
            (square - sum * sum / (end - start) as f64).max(0.0) / self.variance
        }
    }

    /// The same optimum without leaving out any candidate.
    fn plain(values: &[f64], min_segment: usize) -> Option<f64> {
        let costs = Costs::new(values, noise_variance(values)?);
        let penalty = 3.0 * (values.len() as f64).ln();
        let mut best = vec![f64::INFINITY; values.len() + 1];
        best[0] = -penalty;
        for end in min_segment..=values.len() {
            for start in 0..=end - min_segment {
                best[end] = best[end].min(best[start] + costs.of(start, end) + penalty);
            }
        }
        best.last().copied()
    }

    proptest! {
        #[test]
        fn leaving_out_candidates_loses_nothing(
            noise in proptest::collection::vec(-1.0_f64..1.0, 12..120), min_segment in 1_usize..10,
            at in 0_usize..100, by in -4.0_f64..4.0,
        ) {
            let values: Vec<f64> =
                noise.iter().enumerate().map(|(i, x)| if i >= at { x + by } else { *x }).collect();
            let points = change_points(&values, min_segment);
            let costs = Costs::new(&values, noise_variance(&values).expect("noise"));
            let ends: Vec<usize> = [0].into_iter().chain(points.clone()).chain([values.len()]).collect();
            prop_assert!(ends.windows(2).all(|pair| pair[1] - pair[0] >= min_segment));
            let penalty = 3.0 * (values.len() as f64).ln();
            let own = ends.windows(2).map(|pair| costs.of(pair[0], pair[1])).sum::<f64>()
                + penalty * points.len() as f64;
            let best = plain(&values, min_segment).expect("noise");
            prop_assert!((own - best).abs() <= 1e-6 * best.abs().max(1.0), "{} {}", own, best);
        }

        #[test]
        fn a_series_backwards_changes_at_the_same_places(seed in 1_u32..1000) {
            let noise = f64::from(seed) / 20_000.0;
            let mut values = levels(&[(1.0, 45), (2.0, 60), (1.4, 33)], noise);
            let points = change_points(&values, 20);
            values.reverse();
            let mut back: Vec<usize> = change_points(&values, 20).into_iter().map(|at| 138 - at).collect();
            back.reverse();
            prop_assert_eq!(points, back);
        }
    }
}
