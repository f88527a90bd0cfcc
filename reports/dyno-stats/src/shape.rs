//! Estimates for pictures: smooth quantiles, and how far two shapes lie apart.

use statrs::function::beta::beta_reg;
use statrs::function::gamma::ln_gamma;

use crate::level::Level;

/// Up to here each weight is a difference of two values of the incomplete beta function.
const FEW: usize = 2000;
/// Beyond so many expected values on each side, weights are the beta density in the middle of their cell: it bends by
/// less than a thousandth within one.
const WIDE: f64 = 1000.0;
/// Standard deviations on each side of the quantile beyond which weights are nothing.
const REACH: f64 = 40.0;

/// Harrell and Davis' quantile (1982): the mean of all values, weighted by how likely each is the quantile of a sample,
/// `Σ w_i·x_(i)` with `w_i = I_{i/n}(a, b) − I_{(i−1)/n}(a, b)`, `a = (n + 1)p`, `b = (n + 1)(1 − p)`.
/// Smoother than an observation, for the median of few values and for charts; not for claims.
/// `None` without values, or when one is not finite.
pub fn harrell_davis(values: &[f64], level: Level) -> Option<f64> {
    if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    let size = n as f64;
    let (a, b) = ((size + 1.0) * level.share(), (size + 1.0) * (1.0 - level.share()));
    let reach = if n <= FEW { size } else { REACH * (a * b / (a + b)).sqrt() + REACH };
    let middle = size * level.share();
    let first = (middle - reach).floor().max(0.0) as usize;
    let last = n.min((middle + reach).ceil() as usize);
    let weights: Vec<f64> = if a.min(b) > WIDE {
        let scale = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) - size.ln();
        let density = |x: f64| (scale + (a - 1.0) * x.ln() + (b - 1.0) * (1.0 - x).ln()).exp();
        (first..last).map(|at| density((at as f64 + 0.5) / size)).collect()
    } else {
        let up_to: Vec<f64> = (first..=last).map(|at| beta_reg(a, b, at as f64 / size)).collect();
        up_to.windows(2).map(|ends| ends[1] - ends[0]).collect()
    };
    let sum: f64 = weights.iter().sum();
    let weighted: f64 = weights.iter().zip(&sorted[first..last]).map(|(weight, value)| weight * value).sum();
    (sum > 0.0).then(|| weighted / sum)
}

/// Kolmogorov and Smirnov's distance of two samples: the largest difference between their distribution functions, of 0
/// to 1. For pictures only: requests of a run hang together, so no p value follows from it.
/// `None` when one has no values, or a value is not a number.
pub fn ks_distance(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.is_empty() || b.is_empty() || a.iter().chain(b).any(|value| value.is_nan()) {
        return None;
    }
    let sorted = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    };
    let (a, b) = (sorted(a), sorted(b));
    let (mut at_a, mut at_b, mut most) = (0, 0, 0.0_f64);
    while at_a < a.len() && at_b < b.len() {
        let value = a[at_a].min(b[at_b]);
        at_a += a[at_a..].iter().take_while(|of| **of <= value).count();
        at_b += b[at_b..].iter().take_while(|of| **of <= value).count();
        most = most.max((at_a as f64 / a.len() as f64 - at_b as f64 / b.len() as f64).abs());
    }
    Some(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Draws;
    use crate::quantile::type7;

    fn near(found: Option<f64>, expected: f64, within: f64) {
        let found = found.expect("values");
        assert!((found - expected).abs() <= within, "{found} is not {expected}");
    }

    #[test]
    fn quantiles_are_those_of_scipy() {
        // scipy.stats.mstats.hdquantiles(x, prob=[0.5, 0.9, 0.95]).
        let eleven = [2.1, 3.5, 3.7, 8.2, 1.4, 9.9, 4.4, 5.0, 6.1, 2.8, 7.7];
        near(harrell_davis(&eleven, Level::P50), 4.562_463_721_823, 1e-10);
        near(harrell_davis(&eleven, Level::P90), 8.992_238_617_046, 1e-10);
        near(harrell_davis(&eleven, Level::P95), 9.550_100_314_988, 1e-10);
        // 5000: i = np.arange(1, 5001); (i * 2654435761 % 1000003 / 1000003) ** 3, with prob 0.5, 0.9, 0.999.
        let many: Vec<f64> =
            (1..=5000_u64).map(|i| ((i * 2_654_435_761 % 1_000_003) as f64 / 1_000_003.0).powi(3)).collect();
        near(harrell_davis(&many, Level::P50), 0.125_684_780_572, 1e-7);
        near(harrell_davis(&many, Level::P90), 0.730_815_301_542, 1e-7);
        near(
            harrell_davis(&many, Level::per_million(999_000).expect("within range")),
            0.998_734_444_310,
            1e-7,
        );
    }

    #[test]
    fn a_million_values_have_about_the_plain_quantile() {
        let mut draws = Draws::new(0x00ed_9ed1_0070);
        let mut values: Vec<f64> = (0..1_000_000).map(|_| draws.unit()).collect();
        let smooth: Vec<f64> =
            [Level::P50, Level::P99].iter().filter_map(|level| harrell_davis(&values, *level)).collect();
        values.sort_unstable_by(f64::total_cmp);
        for (level, smooth) in [Level::P50, Level::P99].into_iter().zip(smooth) {
            near(type7(&values, level), smooth, 2e-4);
        }
    }

    #[test]
    fn one_value_is_each_quantile_of_itself() {
        near(harrell_davis(&[7.5], Level::P99), 7.5, 1e-12);
        near(harrell_davis(&vec![7.5; 3000], Level::P50), 7.5, 1e-9);
        assert_eq!(harrell_davis(&[], Level::P50), None);
        assert_eq!(harrell_davis(&[1.0, f64::NAN], Level::P50), None);
    }

    #[test]
    fn distances_are_those_of_scipy() {
        // scipy.stats.ks_2samp(a, b).statistic.
        let (a, b) = ([1.0, 2.0, 2.0, 3.0, 5.0, 5.0], [2.0, 3.0, 5.0, 6.0, 7.0]);
        near(ks_distance(&a, &b), 0.4, 1e-12);
        near(ks_distance(&b, &a), 0.4, 1e-12);
        let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        near(ks_distance(&term, &[1.15, 0.88, 0.90, 0.74, 1.21]), 0.6, 1e-12);
        near(ks_distance(&a, &a), 0.0, 0.0);
        near(ks_distance(&[1.0], &[2.0]), 1.0, 0.0);
        assert_eq!(ks_distance(&[], &b), None);
        assert_eq!(ks_distance(&[f64::NAN], &b), None);
    }
}
