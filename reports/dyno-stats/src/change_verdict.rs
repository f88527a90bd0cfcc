//! Whether a release is worse, better or the same (MEASUREMENT §3.5 rule 5).

use statrs::distribution::{ContinuousCDF, Normal};

use crate::effect::Effect;
use crate::regression::student_t;

/// The largest q value at which a difference counts.
const MOST_Q: f64 = 0.05;
/// More blocks than this nobody measures (house rule).
const MOST_BLOCKS: u32 = 10_000;

/// What an effect shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeVerdict {
    /// Worse, by more than matters.
    Regression,
    /// Better, by more than matters.
    Improvement,
    /// The same, but for less than matters.
    Equivalent,
    /// None of these is shown: it takes more blocks.
    Inconclusive,
}

/// The verdict on an effect that is above 0 where it is worse, with its interval adjusted for the family it is one of.
/// `delta` is the least that matters, on the effect's scale: for a logarithm of a ratio, `0.03_f64.ln_1p()` is 3 %.
///
/// Regression: lower bound above δ/2, estimate above δ, q at most 0.05. Improvement: the same mirrored.
/// Equivalent: both bounds within −δ to δ (Schuirmann's two one-sided tests 1987). Else inconclusive, as is each effect
/// without both bounds.
pub fn change_verdict(effect: &Effect, q: f64, delta: f64) -> ChangeVerdict {
    let (Some(low), Some(high)) = (effect.low, effect.high) else { return ChangeVerdict::Inconclusive };
    let is_found = q <= MOST_Q;
    if is_found && low > 0.5 * delta && effect.value > delta {
        ChangeVerdict::Regression
    } else if is_found && high < -0.5 * delta && effect.value < -delta {
        ChangeVerdict::Improvement
    } else if low > -delta && high < delta {
        ChangeVerdict::Equivalent
    } else {
        ChangeVerdict::Inconclusive
    }
}

/// How many blocks, those measured included, would lead to a verdict with probability `power`, if the effect is what it
/// seems and blocks differ by `sd`: the fewest whose Student's interval at `1 − alpha` decides as [`change_verdict`]
/// does. At least as many as the rank test needs for a p value of `alpha` at all, `2 / 2ⁿ ≤ alpha`.
/// `None` when even 10,000 would not: an effect of just δ is never decided.
pub fn blocks_to_decide(effect: &Effect, sd: f64, delta: f64, alpha: f64, power: f64) -> Option<u32> {
    let is_asked = sd >= 0.0 && delta > 0.0 && alpha > 0.0 && alpha < 1.0 && effect.value.is_finite();
    let least = ((1.0 - alpha.log2()).ceil().max(2.0)) as u32;
    let enough =
        |n: u32| chance_to_decide(effect.value.abs(), sd, delta, alpha, n).is_some_and(|of| of >= power);
    if !is_asked || !enough(MOST_BLOCKS) {
        return None;
    }
    // From `most` on it is always enough; the chance grows with the blocks.
    let (mut below, mut most) = (least - 1, MOST_BLOCKS.max(least));
    while most - below > 1 {
        let middle = u32::midpoint(below, most);
        if enough(middle) {
            most = middle;
        } else {
            below = middle;
        }
    }
    Some(most)
}

/// How likely `n` blocks around a true effect lead to a verdict.
fn chance_to_decide(effect: f64, sd: f64, delta: f64, alpha: f64, n: u32) -> Option<f64> {
    let error = sd / f64::from(n).sqrt();
    let half = student_t(1.0 - alpha, f64::from(n - 1))? * error;
    let below = |bound: f64| {
        let distance = bound - effect;
        if error > 0.0 {
            Normal::standard().cdf(distance / error)
        } else {
            f64::from(u8::from(distance > 0.0))
        }
    };
    let differs = 1.0 - below(delta.max(0.5 * delta + half));
    let is_same = (below(delta - half) - below(half - delta)).max(0.0);
    Some(differs + is_same)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::ChangeVerdict::{Equivalent, Improvement, Inconclusive, Regression};
    use super::*;

    fn effect(low: f64, value: f64, high: f64) -> Effect {
        Effect { value, low: Some(low), high: Some(high), confidence: 0.95 }
    }

    #[test]
    fn verdicts_are_those_of_measurement_3_5() {
        let check = |low, value, high, q, expected| {
            assert_eq!(
                change_verdict(&effect(low, value, high), q, 0.03),
                expected,
                "{low} {value} {high} {q}"
            );
        };
        // lo > 0.5·δ and HL > δ and q ≤ 0.05.
        check(0.016, 0.04, 0.07, 0.05, Regression);
        check(0.016, 0.04, 0.07, 0.051, Inconclusive);
        check(0.015, 0.04, 0.07, 0.01, Inconclusive);
        check(0.016, 0.03, 0.07, 0.01, Inconclusive);
        check(-0.07, -0.04, -0.016, 0.05, Improvement);
        check(-0.07, -0.04, -0.015, 0.01, Inconclusive);
        check(-0.07, -0.03, -0.016, 0.01, Inconclusive);
        // [lo, hi] within (−δ, +δ), whatever q is: a small change can be sure and not matter.
        check(-0.029, 0.001, 0.029, 0.9, Equivalent);
        check(0.016, 0.02, 0.029, 0.001, Equivalent);
        check(-0.03, 0.0, 0.02, 0.9, Inconclusive);
        check(-0.02, 0.0, 0.03, 0.9, Inconclusive);
        check(0.016, 0.04, 0.07, f64::NAN, Inconclusive);
    }

    #[test]
    fn an_effect_without_bounds_shows_nothing() {
        for (low, high) in [(None, Some(0.1)), (Some(0.05), None), (None, None)] {
            let open = Effect { value: 0.07, low, high, confidence: 0.95 };
            assert_eq!(change_verdict(&open, 0.001, 0.03), Inconclusive);
        }
    }

    #[test]
    fn blocks_to_decide_by_hand() {
        let blocks = |value, sd| blocks_to_decide(&effect(0.0, value, 0.0), sd, 0.03, 0.05, 0.8);
        // Without scatter as many as the rank test needs: 2 / 2⁶ = 0.03.
        assert_eq!(blocks(0.0, 0.0), Some(6));
        assert_eq!(blocks(0.05, 0.0), Some(6));
        // Just the limit is never decided: half of the time the estimate is below.
        assert_eq!(blocks(0.03, 0.01), None);
        // No effect, sd of δ: δ > t·s/√n + z₀.₉·s/√n, about (2.0 + 1.28)² = 11; with t of 12 degrees, 2.18, it is 12 or 13.
        let found = blocks(0.0, 0.03).expect("decides");
        assert!((12..=13).contains(&found), "{found}");
        // 6 %, sd 3 %: the lower bound above δ/2 is 1.5 sd away, 6 blocks as in MEASUREMENT §3.5; the estimate above δ
        // is 1 sd away.
        let found = blocks(-0.06, 0.03).expect("decides");
        assert!((6..=7).contains(&found), "{found}");
        assert_eq!(blocks(f64::NAN, 0.01), None);
        assert_eq!(blocks(0.0, f64::NAN), None);
    }

    proptest! {
        /// Worse and better are mirrors of each other.
        #[test]
        fn verdicts_are_mirrored(low in -0.1_f64..0.1, up in 0.0_f64..0.1, high in 0.0_f64..0.1, q in 0.0_f64..0.1) {
            let (value, high) = (low + up, low + up + high);
            let (one, other) = (effect(low, value, high), effect(-high, -value, -low));
            let mirrored = match change_verdict(&other, q, 0.03) {
                Regression => Improvement,
                Improvement => Regression,
                same => same,
            };
            prop_assert_eq!(change_verdict(&one, q, 0.03), mirrored);
        }

        /// The more blocks differ, the more of them it takes.
        #[test]
        fn more_scatter_takes_more_blocks(value in 0.0_f64..0.02, sd in 0.005_f64..0.05) {
            let blocks = |sd| blocks_to_decide(&effect(0.0, value, 0.0), sd, 0.03, 0.05, 0.8).unwrap_or(u32::MAX);
            prop_assert!(blocks(sd) <= blocks(sd * 1.5));
        }
    }
}
