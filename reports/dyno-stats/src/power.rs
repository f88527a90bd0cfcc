//! What a number of blocks can find, before they are measured (MEASUREMENT §3.5 rule 4).

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::gamma::ln_gamma;

use crate::regression::student_t;

/// Slices of the integral; the density is smooth, and Simpson's rule exact to about 1e-9 with these, to 1e-7
/// for two blocks.
const SLICES: u32 = 600;
/// From so many blocks on Student's law is the normal one.
const MANY: u32 = 100_000;

/// The smallest mean difference that a paired, two-sided t-test of `n` blocks finds with probability `power`, when the
/// differences scatter by `sd`. Infinite for fewer than two blocks, or shares outside 0 to 1; 0 without scatter.
///
/// The rank test over blocks is as powerful within 5 % of the blocks (its efficiency is 3/π for normal differences, more
/// for heavier tails), but finds nothing at 5 % with fewer than six.
pub fn minimum_detectable(sd: f64, n: u32, alpha: f64, power: f64) -> f64 {
    if n < 2 || !is_share(alpha) || !is_share(power) || !sd.is_finite() {
        return f64::INFINITY;
    }
    let test = TTest::of(n, alpha);
    let (mut low, mut high) = (0.0, 1.0);
    while test.power(high) < power && high < 1e9 {
        high *= 2.0;
    }
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if test.power(middle) < power {
            low = middle;
        } else {
            high = middle;
        }
    }
    high * sd.abs()
}

/// The fewest blocks with which a paired, two-sided t-test finds a mean difference of `effect` with probability `power`,
/// when the differences scatter by `sd`. At least 2; `u32::MAX` for no effect, and where no number would do.
pub fn blocks_for(effect: f64, sd: f64, alpha: f64, power: f64) -> u32 {
    let ratio = effect.abs() / sd.abs();
    if ratio.is_nan() || ratio <= 0.0 || !is_share(alpha) || !is_share(power) {
        return u32::MAX;
    }
    if ratio.is_infinite() {
        return 2;
    }
    let mut enough: u32 = 2;
    while TTest::of(enough, alpha).power(ratio) < power {
        if enough == u32::MAX {
            return u32::MAX;
        }
        enough = enough.saturating_mul(2);
    }
    let mut below = (enough / 2).max(1);
    while enough - below > 1 {
        let middle = u32::midpoint(below, enough);
        if TTest::of(middle, alpha).power(ratio) < power {
            below = middle;
        } else {
            enough = middle;
        }
    }
    enough
}

fn is_share(of: f64) -> bool {
    of > 0.0 && of < 1.0
}

/// A two-sided t-test of `n` values.
struct TTest {
    root_n: f64,
    /// Where T is significant from.
    bound: f64,
    /// Places of W with their weights; T = (Z + ratio·√n) / W, with W² a χ² over its degrees of freedom.
    scatter: Vec<(f64, f64)>,
}

impl TTest {
    fn of(n: u32, alpha: f64) -> Self {
        let free = f64::from(n) - 1.0;
        let root_n = f64::from(n).sqrt();
        let known = || Normal::standard().inverse_cdf(1.0 - alpha / 2.0);
        if n >= MANY {
            return Self { root_n, bound: known(), scatter: vec![(1.0, 1.0)] };
        }
        let bound = student_t(1.0 - alpha, free).unwrap_or(f64::INFINITY);
        let half = free / 2.0;
        let scale = std::f64::consts::LN_2 + half * half.ln() - ln_gamma(half);
        let density = |w: f64| {
            // With one degree of freedom there is no power of w.
            let rising = if free > 1.0 { (free - 1.0) * w.ln() } else { 0.0 };
            (scale + rising - half * w * w).exp()
        };
        let reach = 10.0 / (2.0 * free).sqrt();
        let from = (1.0 - reach).max(0.0);
        let step = (1.0 + reach - from) / f64::from(SLICES);
        let at = |place: u32| {
            let w = from + step * f64::from(place);
            (w, simpson(place) * step / 3.0 * density(w))
        };
        Self { root_n, bound, scatter: (0..=SLICES).map(at).collect() }
    }

    /// The chance to find a mean that is `ratio` standard deviations off: `P(|T| > bound)` of the noncentral law.
    fn power(&self, ratio: f64) -> f64 {
        let offset = ratio * self.root_n;
        let normal = Normal::standard();
        let beyond = |bound: f64| normal.cdf(offset - bound) + normal.cdf(-offset - bound);
        self.scatter.iter().map(|(w, weight)| weight * beyond(self.bound * w)).sum()
    }
}

/// Weights of Simpson's rule: 1, 4, 2, 4, …, 4, 1.
fn simpson(place: u32) -> f64 {
    match place {
        0 | SLICES => 1.0,
        odd if odd % 2 == 1 => 4.0,
        _ => 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_those_of_measurement_3_5() {
        for (ratio, five, one) in
            [(0.5, 34, 51), (0.67, 20, 30), (1.0, 10, 16), (1.5, 6, 9), (2.0, 5, 7), (3.0, 4, 5)]
        {
            assert_eq!(blocks_for(ratio, 1.0, 0.05, 0.8), five, "{ratio} at 5 %");
            assert_eq!(blocks_for(-ratio * 0.02, 0.02, 0.01, 0.8), one, "{ratio} at 1 %");
        }
    }

    #[test]
    fn powers_are_those_of_scipy() {
        // t = scipy.stats.t.ppf(1 - a/2, n - 1); d·√n = nc; nct.sf(t, n - 1, nc) + nct.cdf(-t, n - 1, nc).
        for (ratio, n, alpha, expected) in [
            (1.0, 10, 0.05, 0.803_096_856_6),
            (0.5, 34, 0.05, 0.807_777_501_3),
            (3.0, 4, 0.05, 0.967_000_639_9),
            (2.0, 3, 0.05, 0.470_749_431_3),
            (1.0, 2, 0.05, 0.092_809_155_1),
            (0.1, 500, 0.01, 0.364_224_466_6),
        ] {
            let found = TTest::of(n, alpha).power(ratio);
            let within = if n == 2 { 1e-6 } else { 1e-8 };
            assert!((found - expected).abs() < within, "{ratio}, {n}: {found}");
        }
        // The same, solved for d by halving.
        for (n, alpha, power, expected) in [
            (10, 0.05, 0.8, 0.996_001_371_5),
            (6, 0.05, 0.8, 1.434_544_782_0),
            (20, 0.01, 0.9, 0.947_236_327_6),
            (3, 0.05, 0.8, 3.264_043_549_7),
        ] {
            let found = minimum_detectable(1.0, n, alpha, power);
            assert!((found - expected).abs() < 1e-7, "{n}: {found}");
        }
    }

    #[test]
    fn what_is_detectable_takes_that_many_blocks() {
        for n in [3, 6, 10, 25, 400] {
            let least = minimum_detectable(0.02, n, 0.05, 0.8);
            assert_eq!(blocks_for(least * 1.0001, 0.02, 0.05, 0.8), n);
            assert_eq!(blocks_for(least * 0.9999, 0.02, 0.05, 0.8), n + 1);
        }
    }

    #[test]
    fn nothing_is_never_found_and_something_without_scatter_is() {
        assert_eq!(blocks_for(0.0, 1.0, 0.05, 0.8), u32::MAX);
        assert_eq!(blocks_for(0.0, 0.0, 0.05, 0.8), u32::MAX);
        assert_eq!(blocks_for(f64::NAN, 1.0, 0.05, 0.8), u32::MAX);
        assert_eq!(blocks_for(0.01, 0.0, 0.05, 0.8), 2);
        assert!(minimum_detectable(1.0, 1, 0.05, 0.8).is_infinite());
        assert!(minimum_detectable(f64::NAN, 10, 0.05, 0.8).is_infinite());
        assert!(minimum_detectable(0.0, 10, 0.05, 0.8).abs() < f64::EPSILON);
        // (1.959964 + 0.841621)² / 0.001² = 7.849 million.
        let many = blocks_for(0.001, 1.0, 0.05, 0.8);
        assert!(many.abs_diff(7_848_880) < 100, "{many}");
    }
}
