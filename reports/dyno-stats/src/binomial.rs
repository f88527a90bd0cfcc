//! The binomial distribution, exactly, and what follows from it for quantiles and shares.

use crate::level::Level;

/// Binomial distribution of `n` draws with probability `p`, as its terms around the mode.
///
/// Terms come from the exact ratio of neighbours, `P(k+1)/P(k) = (n−k)/(k+1) · p/(1−p)`, outward from the mode,
/// and are scaled to a sum of 1. Terms under 1e-25 of the mode's are left out: probabilities are exact to about
/// 1e-13, which is checked against the regularised incomplete beta function in the tests. Cost: about 20 standard
/// deviations, so some 25,000 terms for ten million draws, where continued fractions no longer converge in a few steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Binomial {
    n: u64,
    first: u64,
    /// `P(first)`, `P(first + 1)` …
    terms: Vec<f64>,
}

const NEGLIGIBLE: f64 = 1e-25;

impl Binomial {
    /// The distribution for `n` draws with probability `p` of 0 to 1; outside it, the nearer bound is meant.
    pub fn new(n: u64, p: f64) -> Self {
        if p <= 0.0 || p >= 1.0 {
            return Self { n, first: if p <= 0.0 { 0 } else { n }, terms: vec![1.0] };
        }
        let odds = p / (1.0 - p);
        let mode = (((n + 1) as f64 * p).floor() as u64).min(n);
        let (mut below, mut above) = (Vec::new(), Vec::new());
        let (mut k, mut term) = (mode, 1.0);
        while k > 0 && term > NEGLIGIBLE {
            term *= k as f64 / ((n - k + 1) as f64 * odds);
            k -= 1;
            below.push(term);
        }
        (k, term) = (mode, 1.0);
        while k < n && term > NEGLIGIBLE {
            term *= (n - k) as f64 / (k + 1) as f64 * odds;
            k += 1;
            above.push(term);
        }
        // Small terms first, so that the sum keeps their digits.
        let sum = below.iter().rev().sum::<f64>() + (1.0 + above.iter().rev().sum::<f64>());
        let first = mode - below.len() as u64;
        let terms = below.into_iter().rev().chain([1.0]).chain(above).map(|term| term / sum).collect();
        Self { n, first, terms }
    }

    /// `P(B = k)`.
    fn chance(&self, k: u64) -> f64 {
        k.checked_sub(self.first).and_then(|place| self.terms.get(place as usize)).copied().unwrap_or(0.0)
    }

    /// `P(B ≤ k)`.
    pub fn at_most(&self, k: u64) -> f64 {
        if k < self.first {
            return 0.0;
        }
        let n_terms = ((k - self.first) as usize).saturating_add(1).min(self.terms.len());
        let (low, high) = self.terms.split_at(n_terms);
        if low.len() <= high.len() { low.iter().sum() } else { 1.0 - high.iter().rev().sum::<f64>() }
    }

    /// `P(B ≥ k)`.
    pub fn at_least(&self, k: u64) -> f64 {
        if k <= self.first {
            return 1.0;
        }
        let n_terms = ((k - self.first) as usize).min(self.terms.len());
        let (low, high) = self.terms.split_at(n_terms);
        if high.len() <= low.len() { high.iter().rev().sum() } else { 1.0 - low.iter().sum::<f64>() }
    }
}

/// Ranks, from 1, of the observations that bound a quantile: `[x_(low), x_(high)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranks {
    /// Rank of the lower bound.
    pub low: u64,
    /// Rank of the upper bound.
    pub high: u64,
}

/// Equal-tailed order-statistic interval of a quantile from `n` independent observations (MEASUREMENT §3.2):
/// `low = max{r: P(B ≤ r−1) ≤ α/2}`, `high = min{s: P(B ≤ s−1) ≥ 1−α/2}`, B ~ Bin(n, p), α = 1 − `confidence`.
/// `None` when a bound would be infinite: then `n` is below [`min_observations`].
pub fn interval_ranks(n: u64, level: Level, confidence: f64) -> Option<Ranks> {
    let FiniteRanks { low, high } = finite_ranks(n, level, confidence);
    Some(Ranks { low: low?, high: high? })
}

/// Ranks of the bounds of a quantile, each `None` where it is infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FiniteRanks {
    /// Rank of the lower bound, from 1.
    pub low: Option<u64>,
    /// Rank of the upper bound.
    pub high: Option<u64>,
}

/// The bounds of [`interval_ranks`] that are finite: of few observations a high quantile has a lower bound only.
/// Each holds by itself with confidence `1 − α/2`.
pub fn finite_ranks(n: u64, level: Level, confidence: f64) -> FiniteRanks {
    let tail = tail_of(confidence);
    let binomial = Binomial::new(n, level.share());
    // The first k with P(B ≤ k) > α/2 is also the last r with P(B ≤ r−1) ≤ α/2.
    let (low, high) = (binomial.first_above(tail), binomial.first_reaching(1.0 - tail) + 1);
    FiniteRanks { low: (1..=n).contains(&low).then_some(low), high: (high <= n).then_some(high) }
}

impl Binomial {
    /// The smallest k with `P(B ≤ k) > bound`, for a bound in the lower half.
    fn first_above(&self, bound: f64) -> u64 {
        let mut sum = 0.0;
        for (k, term) in (self.first..).zip(&self.terms) {
            sum += term;
            if sum > bound * (1.0 + EQUAL) {
                return k;
            }
        }
        self.n
    }

    /// The smallest k with `P(B ≤ k) ≥ bound`, for a bound in the upper half: summed from above, where terms are small.
    fn first_reaching(&self, bound: f64) -> u64 {
        let last = self.first + self.terms.len() as u64 - 1;
        let mut beyond = 0.0;
        for (k, term) in (self.first..=last).rev().zip(self.terms.iter().rev()) {
            // Here `beyond` is P(B > k).
            beyond += term;
            if beyond > (1.0 - bound) * (1.0 + EQUAL) {
                return k;
            }
        }
        self.first
    }
}

/// Two probabilities this near to each other are taken for equal, for rounding cannot tell.
const EQUAL: f64 = 1e-9;

/// Half of what a confidence leaves, from decimals as people write them: 0.95 gives 0.025 to the last digit.
pub(crate) fn tail_of(confidence: f64) -> f64 {
    ((1.0 - confidence) * 1e12).round() / 2e12
}

/// The fewest observations for a finite equal-tailed interval: the smallest n with `max(p, 1−p)ⁿ ≤ α/2`.
pub fn min_observations(level: Level, confidence: f64) -> u64 {
    let share = level.share().max(1.0 - level.share());
    let tail = tail_of(confidence);
    let estimate = (tail.ln() / share.ln()).floor().max(1.0) as u64;
    let enough = |n: u64| (n as f64 * share.ln()).exp() <= tail * (1.0 + EQUAL);
    let mut n = estimate.saturating_sub(2).max(1);
    while !enough(n) {
        n += 1;
    }
    n
}

/// One-sided upper Clopper–Pearson bound of a share: the p for which `P(B ≤ events) = 1 − confidence`
/// (Clopper & Pearson 1934). 1 when all draws were events; `None` without draws, or with more events than draws.
pub fn clopper_pearson_upper(events: u64, n: u64, confidence: f64) -> Option<f64> {
    if n == 0 || events > n {
        return None;
    }
    if events == n {
        return Some(1.0);
    }
    let above = |p: f64| {
        let law = Binomial::new(n, p);
        let tail = law.at_most(events);
        let slope = (n - events) as f64 / (1.0 - p) * law.chance(events) / tail;
        (((1.0 - confidence) / tail).ln(), slope)
    };
    Some(rising_root((events as f64 + 1.0) / (n as f64 + 1.0), above))
}

/// One-sided lower Clopper–Pearson bound of a share: the p for which `P(B ≥ events) = 1 − confidence`.
/// 0 when there was no event; `None` as of the upper bound.
pub fn clopper_pearson_lower(events: u64, n: u64, confidence: f64) -> Option<f64> {
    if n == 0 || events > n {
        return None;
    }
    if events == 0 {
        return Some(0.0);
    }
    let above = |p: f64| {
        let law = Binomial::new(n, p);
        let tail = law.at_least(events);
        ((tail / (1.0 - confidence)).ln(), events as f64 / p * law.chance(events) / tail)
    };
    Some(rising_root(events as f64 / (n as f64 + 1.0), above))
}

/// The point of 0 to 1 where a rising function, given with its slope, is 0: Newton's steps, or halves where one leads out
/// of what is left. The logarithm of a binomial tail is concave in p, so few steps lead there.
fn rising_root(start: f64, of: impl Fn(f64) -> (f64, f64)) -> f64 {
    const STEPS: u32 = 200;
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    let mut at = start;
    for _ in 0..STEPS {
        let (value, slope) = of(at);
        if value < 0.0 {
            low = at;
        } else {
            high = at;
        }
        let step = at - value / slope;
        let next = if low < step && step < high { step } else { f64::midpoint(low, high) };
        if (next - at).abs() <= 2.0 * f64::EPSILON * at {
            return next;
        }
        at = next;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};
    use statrs::function::beta::beta_reg;

    use super::*;

    fn level(parts_per_million: u32) -> Level {
        Level::per_million(parts_per_million).expect("within range")
    }

    #[test]
    fn min_observations_are_those_of_measurement_3_2() {
        // Columns of the table: two-sided 95 % equal-tailed, two-sided 99 % equal-tailed; the one-sided columns
        // follow from `pⁿ ≤ α`, which is an equal-tailed interval of confidence 1 − 2α.
        let table = [
            (500_000, 6, 8, 5, 7),
            (750_000, 13, 19, 11, 17),
            (900_000, 36, 51, 29, 44),
            (950_000, 72, 104, 59, 90),
            (990_000, 368, 528, 299, 459),
            (995_000, 736, 1058, 598, 919),
            (999_000, 3688, 5296, 2995, 4603),
            (999_900, 36_887, 52_981, 29_956, 46_050),
        ];
        for (parts, two_95, two_99, one_95, one_99) in table {
            assert_eq!(min_observations(level(parts), 0.95), two_95, "p{parts} two-sided 95 %");
            assert_eq!(min_observations(level(parts), 0.99), two_99, "p{parts} two-sided 99 %");
            assert_eq!(min_observations(level(parts), 0.90), one_95, "p{parts} one-sided 95 %");
            assert_eq!(min_observations(level(parts), 0.98), one_99, "p{parts} one-sided 99 %");
        }
    }

    #[test]
    fn min_observations_for_total_coverage_are_those_of_measurement_3_2() {
        // Third column: smallest n whose extremes cover the quantile with 95 %, 1 − pⁿ − (1−p)ⁿ ≥ 0.95.
        let table = [
            (500_000, 6),
            (750_000, 11),
            (900_000, 29),
            (950_000, 59),
            (990_000, 299),
            (995_000, 598),
            (999_000, 2995),
            (999_900, 29_956),
        ];
        for (parts, expected) in table {
            let covered = |n: u64| {
                let binomial = Binomial::new(n, level(parts).share());
                binomial.at_most(n - 1) - binomial.at_most(0)
            };
            assert!(covered(expected) >= 0.95, "p{parts} with {expected}");
            assert!(covered(expected - 1) < 0.95, "p{parts} with one less than {expected}");
        }
    }

    #[test]
    fn ranks_are_those_of_measurement_3_2() {
        let table = [
            (500_000, 100, 40, 61),
            (500_000, 1000, 469, 532),
            (900_000, 100, 84, 96),
            (900_000, 1000, 881, 919),
            (950_000, 200, 184, 197),
            (950_000, 500, 465, 485),
            (950_000, 1000, 936, 964),
            (990_000, 1000, 983, 997),
            (990_000, 2000, 1971, 1989),
            (990_000, 5000, 4936, 4964),
            (990_000, 10_000, 9880, 9920),
            (999_000, 5000, 4990, 5000),
            (999_000, 10_000, 9983, 9997),
            (999_000, 20_000, 19_971, 19_989),
        ];
        for (parts, n, low, high) in table {
            assert_eq!(interval_ranks(n, level(parts), 0.95), Some(Ranks { low, high }), "p{parts}, n = {n}");
        }
    }

    #[test]
    fn an_interval_is_finite_from_the_minimum_on() {
        for level in [Level::P50, Level::P90, Level::P95, Level::P99] {
            let least = min_observations(level, 0.95);
            assert_eq!(interval_ranks(least - 1, level, 0.95), None, "{level:?}");
            let ranks = interval_ranks(least, level, 0.95).expect("the minimum suffices");
            assert_eq!(
                ranks.high, least,
                "{level:?}: at the minimum the upper bound is the largest observation"
            );
        }
        assert_eq!(interval_ranks(0, Level::P50, 0.95), None);
    }

    #[test]
    fn a_high_quantile_of_few_has_a_lower_bound_only() {
        // Of 40, P(B ≤ 37) at 99 % is 0.0075 and P(B ≤ 38) is 0.0607 (1 − 0.99⁴⁰ − 40 · 0.01 · 0.99³⁹ and so on): rank 38.
        assert_eq!(finite_ranks(40, Level::P99, 0.95), FiniteRanks { low: Some(38), high: None });
        // With enough of them they are the two ranks of the interval.
        assert_eq!(finite_ranks(1000, Level::P99, 0.95), FiniteRanks { low: Some(983), high: Some(997) });
        // Of two, either may be below the median: no bound is finite.
        assert_eq!(finite_ranks(2, Level::P50, 0.95), FiniteRanks { low: None, high: None });
        assert_eq!(finite_ranks(0, Level::P50, 0.95), FiniteRanks { low: None, high: None });
    }

    #[test]
    fn clopper_pearson_bounds_fit_closed_forms() {
        // No event in n draws: upper bound 1 − α^(1/n); only events: lower bound α^(1/n).
        for n in [1_u64, 59, 299, 10_000] {
            let upper = clopper_pearson_upper(0, n, 0.95).expect("draws");
            assert!((upper - (1.0 - 0.05_f64.powf(1.0 / n as f64))).abs() < 1e-12, "n = {n}: {upper}");
            let lower = clopper_pearson_lower(n, n, 0.95).expect("draws");
            assert!((lower - 0.05_f64.powf(1.0 / n as f64)).abs() < 1e-12, "n = {n}: {lower}");
        }
        assert_eq!(clopper_pearson_upper(5, 5, 0.95), Some(1.0));
        assert_eq!(clopper_pearson_lower(0, 5, 0.95), Some(0.0));
        assert_eq!(clopper_pearson_upper(0, 0, 0.95), None);
        // Two-sided 95 % interval of 10 in 100, as in R's binom.test(10, 100): 0.04900469 … 0.17622260.
        let (lower, upper) = (clopper_pearson_lower(10, 100, 0.975), clopper_pearson_upper(10, 100, 0.975));
        assert!((lower.expect("draws") - 0.049_004_69).abs() < 1e-8);
        assert!((upper.expect("draws") - 0.176_222_60).abs() < 1e-8);
    }

    #[test]
    fn clopper_pearson_bounds_solve_what_they_are_defined_by() {
        for n in [1, 2, 7, 60, 1000, 100_000] {
            for events in [0, n / 7, n / 3, n / 2, n - 1] {
                for confidence in [0.5, 0.8, 0.95, 0.9999] {
                    let left = 1.0 - confidence;
                    let upper = clopper_pearson_upper(events, n, confidence).expect("draws");
                    let tail = Binomial::new(n, upper).at_most(events);
                    // A bound close to 1 is itself rounded: what is left to 1 has fewer digits.
                    let within = 1e-9 + 1e-15 / (1.0 - upper);
                    assert!((tail / left - 1.0).abs() < within, "{events} of {n}, {confidence}: {tail}");
                    let lower = clopper_pearson_lower(events.max(1), n, confidence).expect("draws");
                    let tail = Binomial::new(n, lower).at_least(events.max(1));
                    assert!((tail / left - 1.0).abs() < 1e-9, "{events} of {n}, {confidence}: {tail}");
                }
            }
        }
    }

    #[test]
    fn ten_million_draws_are_summed_without_loss() {
        let n = 10_000_000;
        let binomial = Binomial::new(n, 0.5);
        // By symmetry P(B ≤ n/2 − 1) = P(B ≥ n/2 + 1).
        let (low, high) = (binomial.at_most(n / 2 - 1), binomial.at_least(n / 2 + 1));
        assert!((low - high).abs() < 1e-12, "{low} {high}");
        let ranks = interval_ranks(n, Level::P50, 0.95).expect("enough");
        assert_eq!(ranks.low + ranks.high, n + 1, "the median's interval is symmetric");
        // Normal approximation: half-width 1.959964 · √n/2 = 3099.0 ranks.
        assert!((n / 2 - ranks.low).abs_diff(3099) <= 1, "{ranks:?}");
    }

    proptest! {
        /// P(B ≤ k) = I_{1−p}(n−k, k+1), by statrs.
        #[test]
        fn distribution_is_the_incomplete_beta_function(n in 1_u64..400, k in 0_u64..400, p in 0.001_f64..0.999) {
            let k = k % n;
            let expected = beta_reg((n - k) as f64, (k + 1) as f64, 1.0 - p);
            let binomial = Binomial::new(n, p);
            prop_assert!((binomial.at_most(k) - expected).abs() < 1e-10, "{} {}", binomial.at_most(k), expected);
            prop_assert!((binomial.at_least(k + 1) - (1.0 - expected)).abs() < 1e-10);
        }

        /// Each tail outside the interval has at most α/2, and one rank further in would have more.
        #[test]
        fn interval_is_equal_tailed_and_tight(n in 6_u64..3000, parts in 10_000_u32..990_000) {
            let level = level(parts);
            let binomial = Binomial::new(n, level.share());
            if let Some(Ranks { low, high }) = interval_ranks(n, level, 0.95) {
                prop_assert!(binomial.at_most(low - 1) <= 0.025 + 1e-9);
                prop_assert!(binomial.at_most(low) > 0.025 - 1e-9);
                prop_assert!(binomial.at_least(high) <= 0.025 + 1e-9);
                prop_assert!(binomial.at_least(high - 1) > 0.025 - 1e-9);
            } else {
                prop_assert!(n < min_observations(level, 0.95));
            }
        }
    }
}
