//! Series in their order of time.

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
    if values.len() < 3 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn autocorrelation_of_small_series_by_hand() {
        // 1, 2, 3: mean 2; (−1·0 + 0·1) / (1 + 0 + 1) = 0.
        assert_eq!(lag1_autocorrelation(&[1.0, 2.0, 3.0]), Some(0.0));
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
    fn median_is_an_observation() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.0));
        assert_eq!(median(&[]), None);
    }
}
