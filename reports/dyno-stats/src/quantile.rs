//! Point estimates of quantiles (Hyndman & Fan 1996, "Sample quantiles in statistical packages").

use crate::level::Level;

/// Rank, from 1, of the type 1 quantile of `n` observations: `⌈n·p⌉`.
/// `None` when there is no observation. Exact: no floating point.
pub fn type1_rank(n: usize, level: Level) -> Option<usize> {
    let rank = (n as u128 * u128::from(level.parts_per_million())).div_ceil(1_000_000);
    (n > 0).then_some(rank as usize)
}

/// Type 1 quantile (inverted distribution function) of `sorted`: always an observation.
///
/// # Example
/// The median of 1, 2, 3, 4 is 2.
pub fn type1<T: Copy>(sorted: &[T], level: Level) -> Option<T> {
    sorted.get(type1_rank(sorted.len(), level)? - 1).copied()
}

/// Type 7 quantile (linear interpolation at `(n − 1)·p`, the default of NumPy and R) of `sorted`: for charts only.
pub fn type7(sorted: &[f64], level: Level) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = last as f64 * level.share();
    let below = place.floor() as usize;
    let low = sorted[below];
    let high = sorted[(below + 1).min(last)];
    Some(low + (place - place.floor()) * (high - low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn type1_takes_the_observation_of_rank_ceil_np() {
        let ten: Vec<u64> = (1..=10).collect();
        for (level, expected) in [(Level::P50, 5), (Level::P90, 9), (Level::P95, 10), (Level::P99, 10)] {
            assert_eq!(type1(&ten, level), Some(expected), "{level:?}");
        }
        // 100 · 0.95 is 95 exactly; a product of floats may be a little more and give 96.
        assert_eq!(type1_rank(100, Level::P95), Some(95));
        assert_eq!(type1_rank(1_000_000, Level::P99), Some(990_000));
        assert_eq!(type1::<u64>(&[], Level::P50), None);
    }

    #[test]
    fn type7_is_numpys_linear() {
        // numpy.percentile([1, 2, 3, 4], 50) = 2.5 and ([1, 2, 3, 4], 90) = 3.7, by the formula: 3·0.9 = 2.7 → 3 + 0.7·1.
        let four = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(type7(&four, Level::P50), Some(2.5));
        let p90 = type7(&four, Level::P90).expect("four observations");
        assert!((p90 - 3.7).abs() < 1e-12, "{p90}");
        assert_eq!(type7(&[7.0], Level::P99), Some(7.0));
        assert_eq!(type7(&[], Level::P50), None);
    }

    proptest! {
        /// Definition of type 1: the smallest observation x with F(x) ≥ p.
        #[test]
        fn type1_inverts_the_distribution_function(mut values in proptest::collection::vec(0_u32..50, 1..80), parts in 1_u32..1_000_000) {
            values.sort_unstable();
            let level = Level::per_million(parts).expect("within range");
            let found = type1(&values, level).expect("not empty");
            let at_most = |x: u32| values.iter().filter(|value| **value <= x).count() as u128 * 1_000_000;
            let wanted = values.len() as u128 * u128::from(parts);
            let by_definition = values.iter().copied().find(|x| at_most(*x) >= wanted);
            prop_assert_eq!(Some(found), by_definition);
        }

        #[test]
        fn type7_lies_between_the_extremes(mut values in proptest::collection::vec(-1e6_f64..1e6, 1..80), parts in 1_u32..1_000_000) {
            values.sort_unstable_by(f64::total_cmp);
            let found = type7(&values, Level::per_million(parts).expect("within range")).expect("not empty");
            prop_assert!(found >= values[0] - 1e-9 && found <= values[values.len() - 1] + 1e-9);
        }
    }
}
