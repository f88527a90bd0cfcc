//! A sum over a sum, with how sure it is.

use crate::regression::student_t;

/// The fewest pairs for an interval (house rule): of fewer, their spread is not known.
const MIN_PAIRS: usize = 5;

/// A ratio of two sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SumRatio {
    /// `Σ over / Σ under`.
    pub ratio: f64,
    /// Its interval; `None` of fewer than 5 pairs.
    pub interval: Option<[f64; 2]>,
}

/// `Σ over / Σ under` of pairs `(over, under)`: tokens by time, or a mean where `under` is 1. The interval is that of
/// the ratio estimator (Cochran 1977, *Sampling Techniques*, §6.4): standard error `√(Σ(over − R·under)² / (n − 1) / m)`
/// over the mean of `under`, and Student's t with m − 1 degrees of freedom, where the n pairs are worth m independent
/// ones. `None` when `Σ under` is not above 0.
pub fn sum_ratio(pairs: &[(f64, f64)], worth: u64, confidence: f64) -> Option<SumRatio> {
    let (over, under) = pairs.iter().fold((0.0, 0.0), |sums, pair| (sums.0 + pair.0, sums.1 + pair.1));
    if under <= 0.0 || !under.is_finite() || !over.is_finite() {
        return None;
    }
    let (ratio, n) = (over / under, pairs.len());
    let interval = || {
        let m = (worth as f64).min(n as f64);
        if n < MIN_PAIRS || m < 2.0 {
            return None;
        }
        let spread: f64 = pairs.iter().map(|pair| (pair.0 - ratio * pair.1).powi(2)).sum();
        let error = (spread / (n as f64 - 1.0) / m).sqrt() / (under / n as f64);
        let half = student_t(confidence, m - 1.0)? * error;
        Some([ratio - half, ratio + half])
    };
    Some(SumRatio { ratio, interval: interval() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6 * expected.abs(), "{found}, not {expected}");
    }

    /// With `under` 1 it is a mean, with the interval of Student's t: sd = √(72/7), t(0.975, 7) = 2.364624 of the
    /// tables, half-width 2.364624 × √(72/7/8) = 2.681232.
    #[test]
    fn a_mean_has_students_interval() {
        let pairs: Vec<(f64, f64)> =
            [2.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0, 12.0].map(|value| (value, 1.0)).into();
        let found = sum_ratio(&pairs, 8, 0.95).expect("eight pairs");
        near(found.ratio, 6.0);
        let [low, high] = found.interval.expect("eight pairs");
        near(high - low, 2.0 * 2.364_624_252 * (72.0_f64 / 7.0 / 8.0).sqrt());
        near(f64::midpoint(low, high), 6.0);
    }

    /// By hand: 60 tokens in 30 s are 2 a second; residuals −1, 1, 0, −2, 2 give Σ = 10, 10 / 4 / 5 = 0.5, over a mean
    /// of 6 s; t(0.975, 4) = 2.776445.
    #[test]
    fn a_rate_by_hand() {
        let pairs = [(9.0, 5.0), (11.0, 5.0), (12.0, 6.0), (12.0, 7.0), (16.0, 7.0)];
        let found = sum_ratio(&pairs, 5, 0.95).expect("five pairs");
        near(found.ratio, 2.0);
        let [low, high] = found.interval.expect("five pairs");
        near((high - low) / 2.0, 2.776_445_105 * 0.5_f64.sqrt() / 6.0);
        let wider = sum_ratio(&pairs, 3, 0.95).and_then(|of| of.interval).expect("worth three");
        assert!(wider[0] < low && wider[1] > high, "fewer independent ones say less");
    }

    #[test]
    fn few_pairs_have_no_interval_and_no_time_has_no_rate() {
        let found = sum_ratio(&[(4.0, 2.0), (2.0, 1.0)], 2, 0.95).expect("two pairs");
        assert_eq!(found, SumRatio { ratio: 2.0, interval: None });
        assert_eq!(sum_ratio(&[], 0, 0.95), None);
        assert_eq!(sum_ratio(&[(4.0, 0.0)], 1, 0.95), None);
    }
}
