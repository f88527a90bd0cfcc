//! Whether a service level is kept (MEASUREMENT §9.2).

use crate::binomial::Binomial;
use crate::early_stopping::needed_for_claim;
use crate::level::Level;

/// What a number of requests shows of the claim "at least this share of requests keeps its limits".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The claim is shown.
    Pass,
    /// The contrary is shown.
    Fail,
    /// Neither.
    Inconclusive {
        /// So many more requests would show the claim, if all of them kept their limits.
        more_needed: u64,
    },
}

/// The verdict on `n` requests of which `violations` did not keep their limits; errors, timeouts and cancelled ones
/// are violations, too. `None` when there are more violations than requests.
///
/// Pass: the one-sided upper Clopper–Pearson bound of the share of violations, at `confidence`, is at most
/// `1 − fraction`; that is LoadGen's early stopping, `n ≥ h(t) + t` ([`needed_for_claim`]). Fail: the lower bound
/// is above it, `P(Bin(n, 1 − fraction) ≥ violations) < 1 − confidence`.
///
/// It holds for a number of requests that was fixed beforehand. Who looks several times must spread the confidence
/// over all looks ([`confidence_of_each`]); to measure until it passes is no proof.
pub fn slo_verdict(n: u64, violations: u64, fraction: Level, confidence: f64) -> Option<Verdict> {
    if violations > n {
        return None;
    }
    let needed = needed_for_claim(violations, fraction, confidence);
    if n >= needed {
        return Some(Verdict::Pass);
    }
    let as_many = Binomial::new(n, 1.0 - fraction.share()).at_least(violations);
    // A chance that equals what confidence leaves, but for rounding, is not below it.
    if as_many < (1.0 - confidence) * (1.0 - 1e-9) {
        return Some(Verdict::Fail);
    }
    Some(Verdict::Inconclusive { more_needed: needed - n })
}

/// The verdict on several claims that must all be shown: failed when one of them is, passed when all of them are.
pub fn all_of(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    verdicts.into_iter().fold(Verdict::Pass, |all, one| match (all, one) {
        (Verdict::Fail, _) | (_, Verdict::Fail) => Verdict::Fail,
        (Verdict::Pass, other) | (other, Verdict::Pass) => other,
        (Verdict::Inconclusive { more_needed: a }, Verdict::Inconclusive { more_needed: b }) => {
            Verdict::Inconclusive { more_needed: a.max(b) }
        }
    })
}

/// The confidence that each of `n` verdicts must have for all of them to be right with `confidence` (Bonferroni):
/// for looks at growing numbers of requests, for the rates of a search, for several claims. At least one is meant.
pub fn confidence_of_each(confidence: f64, n: u32) -> f64 {
    1.0 - (1.0 - confidence) / f64::from(n.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::binomial::{clopper_pearson_lower, clopper_pearson_upper};

    fn unclear(more_needed: u64) -> Verdict {
        Verdict::Inconclusive { more_needed }
    }

    #[test]
    fn passes_from_the_published_numbers_of_requests_on() {
        // Floors and budgets of MEASUREMENT §3.3: p90 at 99 % 44/64/81, p99 at 95 % 299/473.
        for (n, violations, level, confidence) in [
            (44, 0, Level::P90, 0.99),
            (64, 1, Level::P90, 0.99),
            (81, 2, Level::P90, 0.99),
            (299, 0, Level::P99, 0.95),
            (473, 1, Level::P99, 0.95),
            (10_000, 77, Level::P99, 0.99),
        ] {
            assert_eq!(
                slo_verdict(n, violations, level, confidence),
                Some(Verdict::Pass),
                "{n} {violations}"
            );
            if violations < 10 {
                assert_eq!(slo_verdict(n - 1, violations, level, confidence), Some(unclear(1)), "{n}");
            }
        }
        assert_eq!(slo_verdict(0, 0, Level::P90, 0.99), Some(unclear(44)));
        assert_eq!(slo_verdict(10, 1, Level::P90, 0.99), Some(unclear(54)));
    }

    #[test]
    fn fails_when_so_many_violations_are_too_unlikely() {
        // All of n violate: 0.05ⁿ < 0.05 from n = 2 on.
        assert_eq!(slo_verdict(1, 1, Level::P95, 0.95), Some(unclear(92))); // 93 in §3.3.
        assert_eq!(slo_verdict(2, 2, Level::P95, 0.95), Some(Verdict::Fail));
        // Of 20, P(B ≥ 3) at 5 % is 1 − 0.3585 − 0.3774 − 0.1887 = 0.0755, P(B ≥ 4) = 0.0159 (tables of Bin(20, 0.05)).
        assert_eq!(slo_verdict(20, 3, Level::P95, 0.95), Some(unclear(133))); // 153 in §3.3.
        assert_eq!(slo_verdict(20, 4, Level::P95, 0.95), Some(Verdict::Fail));
        assert_eq!(slo_verdict(20, 4, Level::P95, 0.99).map(|v| v == Verdict::Fail), Some(false));
        assert_eq!(slo_verdict(3, 4, Level::P95, 0.95), None);
    }

    #[test]
    fn chances_to_pass_are_those_of_measurement_9_2() {
        let check = |level: Level, n: u64, rows: &[(f64, f64)]| {
            for (share, expected) in rows {
                let passing =
                    (0..=n).take_while(|t| slo_verdict(n, *t, level, 0.95) == Some(Verdict::Pass)).count();
                let chance = Binomial::new(n, *share).at_most(passing as u64 - 1);
                assert!((chance - expected).abs() <= 0.0051, "{level:?} {n} {share}: {chance}");
            }
        };
        let p95 = |of: [f64; 4]| [(0.01, of[0]), (0.02, of[1]), (0.03, of[2]), (0.04, of[3])];
        check(Level::P95, 59, &p95([0.55, 0.30, 0.17, 0.09]));
        check(Level::P95, 200, &p95([0.95, 0.63, 0.28, 0.10]));
        check(Level::P95, 500, &p95([1.0, 0.97, 0.67, 0.22]));
        check(Level::P95, 1000, &p95([1.0, 1.0, 0.94, 0.41]));
        let p99 = |of: [f64; 4]| [(0.002, of[0]), (0.004, of[1]), (0.006, of[2]), (0.008, of[3])];
        check(Level::P99, 299, &p99([0.55, 0.30, 0.17, 0.09]));
        check(Level::P99, 1000, &p99([0.95, 0.63, 0.28, 0.10]));
        check(Level::P99, 2000, &p99([1.0, 0.94, 0.58, 0.19]));
        check(Level::P99, 5000, &p99([1.0, 1.0, 0.94, 0.42]));
    }

    #[test]
    fn fifty_nine_good_requests_show_a_p95() {
        // 0.95^59 = 0.0485 and 0.95^58 = 0.0510.
        assert_eq!(slo_verdict(59, 0, Level::P95, 0.95), Some(Verdict::Pass));
        assert_eq!(slo_verdict(58, 0, Level::P95, 0.95), Some(unclear(1)));
    }

    #[test]
    fn several_claims_pass_together_and_fail_alone() {
        use Verdict::{Fail, Pass};
        assert_eq!(all_of([Pass, Pass]), Pass);
        assert_eq!(all_of([Pass, unclear(3), unclear(9), Pass]), unclear(9));
        assert_eq!(all_of([unclear(3), Fail, Pass]), Fail);
        assert_eq!(all_of([]), Pass);
    }

    #[test]
    fn looks_share_what_confidence_leaves() {
        assert!((confidence_of_each(0.95, 5) - 0.99).abs() < 1e-12);
        assert!((confidence_of_each(0.95, 1) - 0.95).abs() < 1e-12);
        assert!((confidence_of_each(0.95, 0) - 0.95).abs() < 1e-12);
    }

    proptest! {
        /// The verdict is that of the Clopper–Pearson bounds, found by bisection.
        #[test]
        fn verdict_is_that_of_the_bounds(n in 1_u64..2000, t in 0_u64..60, parts in 500_000_u32..999_000) {
            let (level, t) = (Level::per_million(parts).expect("within range"), t.min(n));
            let allowed = 1.0 - level.share();
            let upper = clopper_pearson_upper(t, n, 0.95).expect("draws");
            let lower = clopper_pearson_lower(t, n, 0.95).expect("draws");
            let verdict = slo_verdict(n, t, level, 0.95).expect("no more violations than requests");
            prop_assert!(verdict != Verdict::Pass || upper <= allowed + 1e-9);
            prop_assert!(verdict == Verdict::Pass || upper > allowed - 1e-9);
            prop_assert!(verdict != Verdict::Fail || lower > allowed - 1e-9);
            prop_assert!(verdict == Verdict::Fail || lower <= allowed + 1e-9);
        }

        /// As many more as are said to be needed make it pass, and one fewer do not.
        #[test]
        fn more_needed_is_exact(n in 0_u64..500, t in 0_u64..20, parts in 500_000_u32..990_000) {
            let (level, t) = (Level::per_million(parts).expect("within range"), t.min(n));
            if let Some(Verdict::Inconclusive { more_needed }) = slo_verdict(n, t, level, 0.95) {
                prop_assert_eq!(slo_verdict(n + more_needed, t, level, 0.95), Some(Verdict::Pass));
                prop_assert!(slo_verdict(n + more_needed - 1, t, level, 0.95) != Some(Verdict::Pass));
            }
        }
    }
}
