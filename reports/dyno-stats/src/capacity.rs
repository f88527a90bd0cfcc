//! The highest rate at which a service level is still kept, found by halving.
//!
//! A search is what its steps say: [`settled`] and [`capacity`] are functions of the rule and of the steps so far,
//! so that a search can be told again from the record, and resumed.

use crate::verdict::Verdict;

/// How a capacity is sought. Rates are thousandths of a request per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapacityRule {
    /// The lowest rate, tried first; at least 1.
    pub low_milli_per_s: u64,
    /// The highest rate, tried second.
    pub high_milli_per_s: u64,
    /// The search ends when the lowest rate that did not pass is this near to the highest that did, in thousandths
    /// of it.
    pub tolerance_milli: u32,
    /// The most steps.
    pub max_steps: u32,
}

/// One rate that was tried with requests of its own, and what they showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateStep {
    /// The rate.
    pub rate_milli_per_s: u64,
    /// What its requests showed.
    pub verdict: Verdict,
}

/// What a search has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// The highest rate that passed; `None` when none did.
    pub passes_milli_per_s: Option<u64>,
    /// The lowest rate above it that did not; it may have failed, or have shown neither. `None` when all passed.
    pub not_passing: Option<RateStep>,
    /// Whether and why it ended.
    pub end: SearchEnd,
}

/// Whether and why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchEnd {
    /// There is a rate to try.
    Running,
    /// The two rates are near enough.
    Found,
    /// Not even the lowest rate passed.
    BelowRange,
    /// The highest rate passed, too.
    AboveRange,
    /// No step is left.
    OutOfSteps,
}

/// Why a rate need not be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// This lower one did not pass.
    AboveNotPassing(RateStep),
    /// This higher one passed.
    BelowPassing {
        /// The rate.
        rate_milli_per_s: u64,
    },
}

/// Whether `steps` settle a rate that is not among them; `None` when it has to be tried.
pub fn settled(rate_milli_per_s: u64, steps: &[RateStep]) -> Option<Settled> {
    let (passes, not_passing) = bounds(steps);
    let above = not_passing.filter(|step| step.rate_milli_per_s <= rate_milli_per_s);
    let below = passes.filter(|rate| *rate >= rate_milli_per_s);
    above
        .map(Settled::AboveNotPassing)
        .or(below.map(|rate_milli_per_s| Settled::BelowPassing { rate_milli_per_s }))
}

/// The highest rate that passed below the lowest that did not, and that one.
fn bounds(steps: &[RateStep]) -> (Option<u64>, Option<RateStep>) {
    let not_passing = steps
        .iter()
        .filter(|step| step.verdict != Verdict::Pass)
        .min_by_key(|step| step.rate_milli_per_s)
        .copied();
    let passes_milli_per_s = steps
        .iter()
        .filter(|step| step.verdict == Verdict::Pass)
        .map(|step| step.rate_milli_per_s)
        .filter(|rate| not_passing.is_none_or(|limit| *rate < limit.rate_milli_per_s))
        .max();
    (passes_milli_per_s, not_passing)
}

/// What `steps` have found.
pub fn capacity(rule: &CapacityRule, steps: &[RateStep]) -> Capacity {
    let (passes_milli_per_s, not_passing) = bounds(steps);
    let end = match (passes_milli_per_s, not_passing) {
        (None, Some(_)) => SearchEnd::BelowRange,
        (Some(rate), None) if rate >= rule.high_milli_per_s => SearchEnd::AboveRange,
        (Some(low), Some(high)) if is_near(low, high.rate_milli_per_s, rule.tolerance_milli) => {
            SearchEnd::Found
        }
        _ if steps.len() >= rule.max_steps as usize => SearchEnd::OutOfSteps,
        _ => SearchEnd::Running,
    };
    Capacity { passes_milli_per_s, not_passing, end }
}

fn is_near(low: u64, high: u64, tolerance_milli: u32) -> bool {
    let most = u128::from(low) * (1000 + u128::from(tolerance_milli));
    high - low <= 1 || u128::from(high) * 1000 <= most
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    /// The rate to try after `steps`; `None` when the search has ended.
    ///
    /// First the two ends of the range, then always the geometric middle between the highest rate that passed and the
    /// lowest that did not, rounded down. A verdict that is not a pass counts as none: what is not shown is not claimed.
    /// It takes for granted that a higher rate is never easier. Steps are taken for what they say, whatever their rates
    /// are. The verdicts of all steps together have less confidence than each: see
    /// [`confidence_of_each`](crate::confidence_of_each) with `max_steps`.
    fn next_rate(rule: &CapacityRule, steps: &[RateStep]) -> Option<u64> {
        let found = capacity(rule, steps);
        if found.end != SearchEnd::Running {
            return None;
        }
        Some(match (found.passes_milli_per_s, found.not_passing) {
            (None, _) => rule.low_milli_per_s,
            (Some(_), None) => rule.high_milli_per_s,
            (Some(low), Some(high)) => {
                let product = u128::from(low) * u128::from(high.rate_milli_per_s);
                (product.isqrt() as u64).clamp(low + 1, high.rate_milli_per_s - 1)
            }
        })
    }

    const RULE: CapacityRule =
        CapacityRule { low_milli_per_s: 100, high_milli_per_s: 10_000, tolerance_milli: 50, max_steps: 20 };

    /// Runs a search on a device that passes up to `limit` and fails above it.
    fn search(rule: &CapacityRule, limit: u64) -> (Vec<u64>, Capacity) {
        let mut steps = Vec::new();
        while let Some(rate) = next_rate(rule, &steps) {
            let verdict = if rate <= limit { Verdict::Pass } else { Verdict::Fail };
            steps.push(RateStep { rate_milli_per_s: rate, verdict });
            assert!(steps.len() <= rule.max_steps as usize);
        }
        (steps.iter().map(|step| step.rate_milli_per_s).collect(), capacity(rule, &steps))
    }

    #[test]
    fn a_search_by_hand() {
        // √(100 · 10000) = 1000 passes; √(1000 · 10000) = 3162 fails; √(1000 · 3162) = 1778 passes;
        // √(1778 · 3162) = 2371 fails; √(1778 · 2371) = 2053 fails; √(1778 · 2053) = 1910 passes;
        // √(1910 · 2053) = 1980 passes; 2053 / 1980 is under 1.05.
        let (rates, found) = search(&RULE, 2000);
        assert_eq!(rates, [100, 10_000, 1000, 3162, 1778, 2371, 2053, 1910, 1980]);
        assert_eq!(found.passes_milli_per_s, Some(1980));
        assert_eq!(found.not_passing, Some(RateStep { rate_milli_per_s: 2053, verdict: Verdict::Fail }));
        assert_eq!(found.end, SearchEnd::Found);
    }

    #[test]
    fn ends_of_the_range_end_the_search() {
        let (rates, found) = search(&RULE, 99);
        assert_eq!((rates, found.end, found.passes_milli_per_s), (vec![100], SearchEnd::BelowRange, None));
        let (rates, found) = search(&RULE, 10_000);
        assert_eq!((rates, found.end), (vec![100, 10_000], SearchEnd::AboveRange));
        assert_eq!((found.passes_milli_per_s, found.not_passing), (Some(10_000), None));
        let (rates, found) = search(&CapacityRule { max_steps: 3, ..RULE }, 2000);
        assert_eq!((rates, found.end), (vec![100, 10_000, 1000], SearchEnd::OutOfSteps));
        assert_eq!(search(&CapacityRule { max_steps: 0, ..RULE }, 2000).1.end, SearchEnd::OutOfSteps);
    }

    #[test]
    fn what_shows_neither_is_not_passed() {
        let unclear = Verdict::Inconclusive { more_needed: 5 };
        let step = |rate_milli_per_s, verdict| RateStep { rate_milli_per_s, verdict };
        let steps = [step(100, Verdict::Pass), step(10_000, Verdict::Fail), step(1000, unclear)];
        assert_eq!(next_rate(&RULE, &steps), Some(316));
        assert_eq!(capacity(&RULE, &steps).not_passing, Some(steps[2]));
    }

    #[test]
    fn a_pass_above_a_rate_that_did_not_is_not_claimed() {
        let step = |rate_milli_per_s, verdict| RateStep { rate_milli_per_s, verdict };
        let steps = [step(100, Verdict::Pass), step(5000, Verdict::Pass), step(1000, Verdict::Fail)];
        assert_eq!(capacity(&RULE, &steps).passes_milli_per_s, Some(100));
    }

    #[test]
    fn a_rate_is_settled_by_a_pass_above_or_none_below() {
        let unclear = Verdict::Inconclusive { more_needed: 5 };
        let step = |rate_milli_per_s, verdict| RateStep { rate_milli_per_s, verdict };
        let steps = [step(100, Verdict::Pass), step(1000, unclear), step(2000, Verdict::Fail)];
        assert_eq!(settled(50, &steps), Some(Settled::BelowPassing { rate_milli_per_s: 100 }));
        assert_eq!(settled(500, &steps), None);
        assert_eq!(settled(1500, &steps), Some(Settled::AboveNotPassing(steps[1])));
        assert_eq!(settled(500, &[]), None);
        // A pass above a rate that did not counts for nothing.
        let steps = [step(500, Verdict::Fail), step(900, Verdict::Pass)];
        assert_eq!(settled(700, &steps), Some(Settled::AboveNotPassing(steps[0])));
        assert_eq!(settled(300, &steps), None);
    }

    proptest! {
        #[test]
        fn finds_any_limit_within_the_tolerance(
            low in 1_u64..100_000, width in 1_u64..10_000_000, tolerance_milli in 0_u32..500, at in any::<u64>(),
        ) {
            let high = low + width;
            let limit = low + at % width;
            let rule = CapacityRule { low_milli_per_s: low, high_milli_per_s: high, tolerance_milli, max_steps: 200 };
            let (_, found) = search(&rule, limit);
            let (passes, not) = (found.passes_milli_per_s.expect("low passes"), found.not_passing.expect("high fails"));
            prop_assert_eq!(found.end, SearchEnd::Found);
            prop_assert!(passes <= limit && limit < not.rate_milli_per_s);
            let ratio = not.rate_milli_per_s as f64 / passes as f64;
            prop_assert!(not.rate_milli_per_s == passes + 1 || ratio <= 1.0 + f64::from(tolerance_milli) / 1000.0 + 1e-12);
        }

        /// Halving a ratio of 100 down to 1.05 takes log2(ln 100 / ln 1.05) = 6.6 steps after the two ends.
        #[test]
        fn needs_no_more_than_the_logarithm_of_steps(limit in 100_u64..10_000) {
            prop_assert!(search(&RULE, limit).0.len() <= 10);
        }
    }
}
