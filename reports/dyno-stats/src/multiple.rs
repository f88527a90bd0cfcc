//! Many tests at once.

/// What each of a family of p values is worth: q, the smallest share of false discoveries at which it would be one
/// (Benjamini & Hochberg 1995). `q = min over p' ≥ p of p'·m / rank(p')`, 1 at most. In the order of `p_values`.
/// A p value that is not a number of 0 to 1 counts as 1: it is no discovery, and a member of the family.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let n = p_values.len();
    let p = |at: usize| if (0.0..=1.0).contains(&p_values[at]) { p_values[at] } else { 1.0 };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| p(*a).total_cmp(&p(*b)));
    let mut adjusted = vec![1.0; n];
    let mut least: f64 = 1.0;
    for (place, at) in order.iter().enumerate().rev() {
        least = least.min(p(*at) * n as f64 / (place + 1) as f64);
        adjusted[*at] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    fn check(p_values: &[f64], expected: &[f64]) {
        let found = benjamini_hochberg(p_values);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    #[test]
    fn q_values_are_those_of_scipy() {
        // The example of Benjamini and Hochberg (1995): scipy.stats.false_discovery_control(ps).
        check(
            &[
                0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
                0.5719, 0.6528, 0.7590, 1.0,
            ],
            &[
                0.0015,
                0.003,
                0.0095,
                0.035_625,
                0.0603,
                0.063_857_142_857_142_86,
                0.063_857_142_857_142_86,
                0.0645,
                0.0765,
                0.486,
                0.581_181_818_181_818_1,
                0.714_875,
                0.753_230_769_230_769_3,
                0.813_214_285_714_285_7,
                1.0,
            ],
        );
        // In any order, and with equal ones.
        check(&[0.04, 0.01, 0.03, 0.01, 0.5, 0.049], &[0.0588, 0.03, 0.0588, 0.03, 0.5, 0.0588]);
        check(&[0.03], &[0.03]);
        check(&[], &[]);
    }

    #[test]
    fn what_is_no_p_value_is_no_discovery() {
        check(&[0.01, f64::NAN, -1.0, 7.0], &[0.04, 1.0, 1.0, 1.0]);
    }

    proptest! {
        /// As many are at most q as the rule rejects: the largest k with `p_(k) ≤ k·q/m`.
        #[test]
        fn rejects_as_the_rule_says(p_values in proptest::collection::vec(0.0_f64..1.0, 1..40), q in 0.01_f64..0.5) {
            let mut sorted = p_values.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            let m = sorted.len() as f64;
            let expected = (1..=sorted.len()).rev().find(|k| sorted[k - 1] <= *k as f64 * q / m).unwrap_or(0);
            let found = benjamini_hochberg(&p_values).iter().filter(|own| **own <= q).count();
            prop_assert!(found == expected, "{found} {expected}");
        }
    }
}
