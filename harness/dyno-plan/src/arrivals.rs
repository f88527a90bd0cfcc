//! When the requests of an open loop are due.
//!
//! Gaps of mean 1 are drawn and added up; the sums are scaled so that the last is exactly the number of requests,
//! as vLLM's benchmark does it (MEASUREMENT §2.3), so every run of a rate takes the same time. A sum of `a` is then
//! due when so many requests are due by the rate: at `a / rate`, or later on the slope of a ramp.
//! The gaps follow from seed and repetition only: all rates of a sweep see the same pattern, faster or slower.

use dyno_model::load::Arrivals;

use crate::elementary::{exp, ln};
use crate::seed::Stream;

/// Thousandths of a request per second times this are requests per ns, inverted.
const NS_MILLI: u128 = 1_000_000_000_000;

/// Rates in thousandths of a request per second; equal ones are no ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) from_milli_per_s: u64,
    pub(crate) to_milli_per_s: u64,
}

impl Rates {
    /// The requests that are due within `duration_ms`, rounded down.
    pub(crate) fn n_within(self, duration_ms: u64) -> u64 {
        let twice_mean = u128::from(self.from_milli_per_s) + u128::from(self.to_milli_per_s);
        u64::try_from(twice_mean.saturating_mul(u128::from(duration_ms)) / 2_000_000).unwrap_or(u64::MAX)
    }
}

/// `n` rates from `from` to `to`, each the same factor above the one before, to the nearest whole number.
/// 0 < `from` < `to` is meant.
pub(crate) fn grid(from: u64, to: u64, n: u32) -> Vec<u64> {
    let last = n.saturating_sub(1);
    let octaves = ln(to as f64 / from as f64);
    let at = |step: u32| match step {
        0 => from,
        step if step == last => to,
        step => {
            let below = octaves * f64::from(last - step) / f64::from(last);
            (to as f64 * exp(-below)).round() as u64
        }
    };
    (0..n).map(at).collect()
}

/// The instants in ns after the load began at which `n` requests are due, never falling.
pub(crate) fn due_ns(arrivals: Arrivals, rates: Rates, n: u32, seed: u64, repetition: u32) -> Vec<u64> {
    if arrivals == Arrivals::Constant && rates.from_milli_per_s == rates.to_milli_per_s {
        let rate = u128::from(rates.from_milli_per_s);
        return (1..=u128::from(n)).map(|i| ((i * NS_MILLI + rate / 2) / rate) as u64).collect();
    }
    let mut latest = 0;
    sums(arrivals, n, seed, repetition)
        .into_iter()
        .map(|sum| {
            // Rounding must not turn two requests round.
            latest = at_ns(sum, rates, n).max(latest);
            latest
        })
        .collect()
}

/// The sums of the gaps, the last one being `n`.
fn sums(arrivals: Arrivals, n: u32, seed: u64, repetition: u32) -> Vec<f64> {
    let mut stream = Stream::new(seed, "arrivals", &repetition.to_string());
    let mut draw = || match arrivals {
        Arrivals::Constant => 1.0,
        Arrivals::Poisson => stream.exponential(),
        Arrivals::Gamma { burstiness_milli } => stream.gamma(f64::from(burstiness_milli) / 1000.0),
    };
    let mut sum = 0.0;
    let mut sums: Vec<f64> = Vec::with_capacity(n as usize);
    for _ in 0..n {
        sum += draw();
        sums.push(sum);
    }
    for value in &mut sums {
        *value = *value / sum * f64::from(n);
    }
    sums
}

/// The instant until which `sum` requests are due: the root of `f·t + (g − f)·t²/2T = sum`, where the rate goes
/// evenly from f to g within T = 2n/(f + g), in the form that loses no digits: `2·sum / (f + √(f² + 2(g − f)·sum/T))`.
fn at_ns(sum: f64, rates: Rates, n: u32) -> u64 {
    let per_ns = |milli_per_s: u64| milli_per_s as f64 / NS_MILLI as f64;
    let (from, to) = (per_ns(rates.from_milli_per_s), per_ns(rates.to_milli_per_s));
    let slope = (to - from) * (from + to) / (2.0 * f64::from(n));
    let rate = (from * from + 2.0 * slope * sum).max(0.0).sqrt();
    (2.0 * sum / (from + rate)).round() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn steady(milli_per_s: u64) -> Rates {
        Rates { from_milli_per_s: milli_per_s, to_milli_per_s: milli_per_s }
    }

    fn gamma(burstiness_milli: u32) -> Arrivals {
        Arrivals::Gamma { burstiness_milli }
    }

    /// The gaps between arrivals, in s, the first one from the beginning.
    fn gaps(due: &[u64]) -> Vec<f64> {
        let before = [0].iter().chain(due);
        due.iter().zip(before).map(|(at, before)| (at - before) as f64 / 1e9).collect()
    }

    #[test]
    fn constant_gaps_are_exact() {
        let due = |rate, n| due_ns(Arrivals::Constant, steady(rate), n, 1, 0);
        assert_eq!(due(2000, 4), [SECOND / 2, SECOND, 3 * SECOND / 2, 2 * SECOND]);
        assert_eq!(due(3000, 3), [333_333_333, 666_666_667, SECOND]);
        assert_eq!(due(1, 1), [1000 * SECOND]);
        assert_eq!(due(1000, 0), [0; 0]);
    }

    #[test]
    fn a_constant_ramp_follows_the_square_root() {
        // From 1/s to 3/s with 4 requests: T = 2·4/4 = 2 s, t + t²/2 = 1, 2, 3, 4: t = −1 + √(1 + 2·i).
        let rates = Rates { from_milli_per_s: 1000, to_milli_per_s: 3000 };
        let due = due_ns(Arrivals::Constant, rates, 4, 1, 0);
        assert_eq!(due, [732_050_808, 1_236_067_977, 1_645_751_311, 2 * SECOND]);
        // Down again: by symmetry the gaps are the same in the other order: t_i = 2 − t'_(4−i), t'_0 = 0.
        let down = Rates { from_milli_per_s: 3000, to_milli_per_s: 1000 };
        let due = due_ns(Arrivals::Constant, down, 4, 1, 0);
        assert_eq!(due, [354_248_689, 763_932_023, 1_267_949_192, 2 * SECOND]);
    }

    #[test]
    fn a_duration_holds_the_mean_rate_times_it() {
        assert_eq!(steady(2500).n_within(10_000), 25);
        assert_eq!(steady(300).n_within(9_999), 2);
        assert_eq!(Rates { from_milli_per_s: 0, to_milli_per_s: 4000 }.n_within(10_000), 20);
        assert_eq!(steady(u64::MAX).n_within(u64::MAX), u64::MAX);
    }

    /// The file was written by `tests/golden/arrivals_1.py`, a second implementation with Python's own arithmetic.
    #[test]
    fn draws_are_those_worked_out_by_other_means() {
        let expected: std::collections::BTreeMap<String, Vec<u64>> =
            serde_json::from_str(include_str!("../tests/golden/arrivals-1.json")).expect("lists of instants");
        let up = Rates { from_milli_per_s: 500, to_milli_per_s: 4000 };
        let found = [
            ("poisson", due_ns(Arrivals::Poisson, steady(2500), 50, 7, 0)),
            ("gamma 0.25", due_ns(gamma(250), steady(2500), 50, 7, 1)),
            ("gamma 4", due_ns(gamma(4000), steady(2500), 50, 7, 2)),
            ("poisson ramp", due_ns(Arrivals::Poisson, up, 50, 7, 3)),
        ];
        assert_eq!(expected.len(), found.len());
        for (name, due) in found {
            assert_eq!(expected[name], due, "{name}");
        }
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let mut gaps = gaps(&due_ns(Arrivals::Poisson, steady(4000), 20_000, 11, 0));
        gaps.sort_unstable_by(f64::total_cmp);
        // Kolmogorov–Smirnov: the largest distance to 1 − e^(−4t); 1.95/√n is passed by one sample in 1000.
        let distance = (0..)
            .zip(&gaps)
            .map(|(i, gap)| ((f64::from(i) + 0.5) / 20_000.0 - (1.0 - (-4.0 * gap).exp())).abs())
            .fold(0.0, f64::max);
        assert!(distance < 1.95 / 20_000_f64.sqrt(), "{distance}");
    }

    #[test]
    fn burstiness_is_the_inverse_of_the_squared_variation() {
        for (burstiness_milli, expected) in [(250, 4.0), (1000, 1.0), (4000, 0.25)] {
            let gaps = gaps(&due_ns(gamma(burstiness_milli), steady(1000), 40_000, 5, 0));
            let variance = gaps.iter().map(|gap| (gap - 1.0).powi(2)).sum::<f64>() / 40_000.0;
            // Standard error of the variance of gamma(1/4) gaps is 4·√((2 + 6·4)/n) = 0.1; a few of those.
            assert!((variance / expected - 1.0).abs() < 0.1, "{burstiness_milli}: {variance}");
        }
    }

    proptest! {
        #[test]
        fn all_are_due_in_order_within_the_time_of_the_mean_rate(
            kind in 0_u32..3, burstiness in 50_u32..20_000, from in 1_u64..5_000_000, to in 1_u64..5_000_000,
            n in 1_u32..300, seed in any::<u64>(),
        ) {
            let arrivals = [Arrivals::Constant, Arrivals::Poisson, gamma(burstiness)][kind as usize];
            let rates = Rates { from_milli_per_s: from, to_milli_per_s: to };
            let due = due_ns(arrivals, rates, n, seed, 0);
            prop_assert_eq!(due.len(), n as usize);
            prop_assert!(due.is_sorted());
            let total = f64::from(n) * 2e12 / (from + to) as f64;
            let last = due[n as usize - 1] as f64;
            prop_assert!((last - total).abs() <= 1.0 + total * 1e-12, "{} {}", last, total);
        }

        #[test]
        fn a_sweep_has_one_pattern_at_all_rates(n in 1_u32..100, seed in any::<u64>()) {
            let slow = due_ns(Arrivals::Poisson, steady(1000), n, seed, 0);
            let fast = due_ns(Arrivals::Poisson, steady(10_000), n, seed, 0);
            prop_assert!(slow.iter().zip(&fast).all(|(slow, fast)| slow.abs_diff(fast * 10) <= 10));
        }
    }
}
