//! Series in their order of time.

use crate::binomial::{Ranks, interval_ranks};
use crate::level::Level;
use crate::quantile::type1;

/// Type 1 median of values in any order; `None` when there are none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    type1(&sorted, Level::P50)
}

/// Correlation of each value with the one before it: `Σ(x_i − m)(x_{i+1} − m) / Σ(x_i − m)²`
/// (Box & Jenkins, "Time Series Analysis", the usual estimate).
/// `None` for fewer than three values, or when all are equal.
pub fn lag1_autocorrelation(values: &[f64]) -> Option<f64> {
    // The mean of equal values need not be equal to them.
    if values.len() < 3 || values.iter().all(|value| value.total_cmp(&values[0]).is_eq()) {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let together: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    let spread: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (spread > 0.0).then(|| together / spread)
}

/// How many independent values a series of `n` is worth whose lag-1 autocorrelation is `r1`: n itself while r1 is
/// within chance, `|r1| ≤ 2/√n`; else `n(1 − r1)/(1 + r1)`, from 1 to n (MEASUREMENT §2.5).
pub fn effective_n(n: u64, r1: f64) -> u64 {
    let n_float = n as f64;
    if r1.abs() <= 2.0 / n_float.sqrt() {
        return n;
    }
    // Values that alternate tell more of a mean than independent ones do; no interval is made narrower for that.
    ((n_float * (1.0 - r1) / (1.0 + r1)).floor() as u64).clamp(1, n.max(1))
}

/// Ranks of the interval of a quantile from `n` observations that are worth `n_effective` independent ones: those of
/// so many, stretched. Rank r of m independent ones stands for the ranks from `(r − 1)·n/m + 1` to `r·n/m` of all; the
/// interval takes the outermost. The same as [`interval_ranks`] where `n_effective` is n or more; `None` where it has
/// none.
pub fn effective_ranks(n: u64, n_effective: u64, level: Level, confidence: f64) -> Option<Ranks> {
    let worth = n_effective.min(n);
    let ranks = interval_ranks(worth, level, confidence)?;
    let stretched = |rank: u64| u128::from(rank) * u128::from(n);
    let low = stretched(ranks.low - 1) / u128::from(worth) + 1;
    let high = stretched(ranks.high).div_ceil(u128::from(worth));
    Some(Ranks { low: u64::try_from(low).ok()?, high: u64::try_from(high).ok()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn autocorrelation_of_small_series_by_hand() {
        // 1, 2, 3: mean 2; (−1·0 + 0·1) / (1 + 0 + 1) = 0.
        assert_eq!(lag1_autocorrelation(&[1.0, 2.0, 3.0]), Some(0.0));
        assert_eq!(lag1_autocorrelation(&[0.1; 9]), None);
        // 1, −1, 1, −1: mean 0; three products of −1 over a sum of 4.
        assert_eq!(lag1_autocorrelation(&[1.0, -1.0, 1.0, -1.0]), Some(-0.75));
        assert_eq!(lag1_autocorrelation(&[5.0, 5.0, 5.0]), None);
        assert_eq!(lag1_autocorrelation(&[1.0, 2.0]), None);
    }

    #[test]
    fn a_series_that_hangs_together_is_worth_less() {
        assert_eq!(effective_n(100, 0.0), 100);
        assert_eq!(effective_n(100, 0.2), 100); // 2/√100 is within chance.
        assert_eq!(effective_n(100, 0.25), 60); // 100 · 0.75 / 1.25.
        assert_eq!(effective_n(100, 0.6), 25); // 100 · 0.4 / 1.6.
        assert_eq!(effective_n(100, -0.6), 100);
        assert_eq!(effective_n(100, 1.0), 1);
        assert_eq!(effective_n(0, 0.5), 0);
    }

    #[test]
    fn fewer_independent_ones_have_a_wider_interval() {
        // MEASUREMENT §3.2: 40/61 of 100 for the median. 400 observations worth 100: ranks 39·4 + 1 and 61·4.
        let ranks = |n, worth| effective_ranks(n, worth, Level::P50, 0.95);
        assert_eq!(ranks(400, 100), Some(Ranks { low: 157, high: 244 }));
        assert_eq!(ranks(100, 100), Some(Ranks { low: 40, high: 61 }));
        assert_eq!(ranks(100, 900), ranks(100, 100), "no interval is made narrower");
        // 10 observations worth 6: ranks 1 and 6 of 6 are 1 and 10 of 10; 5 are too few for a median.
        assert_eq!(ranks(10, 6), Some(Ranks { low: 1, high: 10 }));
        assert_eq!(ranks(100, 5), None);
    }

    proptest! {
        /// The stretched interval is one of n, and covers at least the same share of the ranks.
        #[test]
        fn an_effective_interval_covers_its_share(n in 6_u64..2000, worth in 6_u64..2000, parts in 100_000_u32..900_000) {
            let level = Level::per_million(parts).expect("within range");
            let worth = worth.min(n);
            if let Some(of) = interval_ranks(worth, level, 0.95) {
                let found = effective_ranks(n, worth, level, 0.95).expect("as many are enough");
                prop_assert!(1 <= found.low && found.low <= found.high && found.high <= n, "{found:?}");
                prop_assert!((found.high - found.low + 1) * worth >= (of.high - of.low + 1) * n, "{of:?} {found:?}");
            } else {
                prop_assert_eq!(effective_ranks(n, worth, level, 0.95), None);
            }
        }
    }

    #[test]
    fn median_is_an_observation() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.0));
        assert_eq!(median(&[]), None);
    }
}
