//! All tests of a comparison as one family: q values, the confidence of intervals, and the verdicts. Categories of
//! prompts are a family of their own: they ask again what all prompts were asked.

use dyno_stats::benjamini_hochberg;
use dyno_view::compare::FamilyView;

use super::change::{ALPHA, change, p_of};
use super::contrast::Drafted;
use super::no_tests;
use super::quality::{Answers, Quality};

/// Settles every row and every row of failures.
pub(super) fn settle(drafted: &mut [Drafted<'_, '_>]) -> FamilyView {
    let rows: Vec<Vec<Option<f64>>> =
        drafted.iter().map(|of| of.drafts.iter().map(|draft| p_of(&draft.data)).collect()).collect();
    let failures: Vec<Option<f64>> = drafted.iter().map(|of| of.failures.p).collect();
    let quality: Vec<Option<f64>> =
        drafted.iter().map(|of| of.answers.compared().and_then(Quality::p)).collect();
    let all: Vec<f64> = rows.iter().flatten().chain(&failures).chain(&quality).copied().flatten().collect();
    let family = family(&all);
    let mut q_values = benjamini_hochberg(&all).into_iter();
    let mut next = |p: &Option<f64>| p.and_then(|_| q_values.next());
    let of_rows: Vec<Vec<Option<f64>>> = rows.iter().map(|of| of.iter().map(&mut next).collect()).collect();
    let of_failures: Vec<Option<f64>> = failures.iter().map(&mut next).collect();
    let of_quality: Vec<Option<f64>> = quality.iter().map(&mut next).collect();
    let of_categories: Vec<f64> =
        drafted.iter().filter_map(|of| of.answers.compared()).flat_map(Quality::category_ps).collect();
    let categories = self::family(&of_categories);
    let mut of_categories = benjamini_hochberg(&of_categories).into_iter();
    for (place, of) in drafted.iter_mut().enumerate() {
        let tested = rows[place].iter().zip(&of_rows[place]);
        of.changes = of
            .drafts
            .iter()
            .zip(tested)
            .map(|(draft, (p, q))| change(draft, *p, *q, family.confidence))
            .collect();
        of.failures.settle(of_failures[place]);
        of.quality = std::mem::replace(&mut of.answers, Answers::Ungraded).into_compared().map(|quality| {
            let whole = (of_quality[place], family.confidence);
            quality.settled(whole, &mut of_categories, categories.confidence)
        });
    }
    family
}

/// How many tests there are, and what confidence their intervals need.
fn family(p_values: &[f64]) -> FamilyView {
    let n_tests = p_values.len() as u64;
    if n_tests == 0 {
        return no_tests();
    }
    let n_different = benjamini_hochberg(p_values).iter().filter(|q| **q <= ALPHA).count() as u64;
    let confidence = 1.0 - ALPHA * n_different.max(1) as f64 / n_tests as f64;
    FamilyView { n_tests, n_different, false_discovery: ALPHA, confidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_confidence_of_intervals_pays_for_the_family() {
        // q of 0.002, 0.004, 0.5, 0.9: 0.008, 0.008, 0.667, 0.9. Two of four: 1 − 0.05 · 2 / 4.
        let of = family(&[0.5, 0.002, 0.9, 0.004]);
        assert_eq!((of.n_tests, of.n_different), (4, 2));
        assert!((of.confidence - 0.975).abs() < 1e-12, "{of:?}");
        // None of four: as for one of them, 1 − 0.05 / 4.
        assert!((family(&[0.5, 0.4, 0.9, 0.3]).confidence - 0.9875).abs() < 1e-12);
        // All that there are: 0.95.
        assert!((family(&[0.002, 0.002]).confidence - 0.95).abs() < 1e-12);
        assert_eq!(family(&[]).n_tests, 0);
    }
}
