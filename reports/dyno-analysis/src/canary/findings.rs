//! What a reader of a check must know first.

use dyno_view::canary::{CanarySubject, CanaryVerdict, TokensByView};
use dyno_view::report::Finding;

use super::baseline::Baseline;
use super::verdict::digits;
use crate::findings::{note, warning};

/// The verdict in a sentence: of one subject what it shows, of several how many are what.
pub(super) fn summary(subjects: &[CanarySubject]) -> String {
    if let [one] = subjects {
        return of_one(one);
    }
    let count = |verdict| subjects.iter().filter(|of| of.verdict == verdict).count();
    let kinds = [
        (CanaryVerdict::Drift, "say something else"),
        (CanaryVerdict::Incomplete, "lack answers"),
        (CanaryVerdict::Numeric, "differ in ties only"),
        (CanaryVerdict::Same, "say the same"),
    ];
    let parts: Vec<String> = kinds
        .into_iter()
        .filter(|(verdict, _)| count(*verdict) > 0)
        .map(|(verdict, words)| format!("{} of {} {words}", count(verdict), subjects.len()))
        .collect();
    parts.join(", ")
}

fn of_one(of: &CanarySubject) -> String {
    let counts = &of.counts;
    let same = format!("{} of {} answers are the same", counts.same, counts.all());
    let kl = of
        .kl
        .map(|kl| format!("distributions {} nats apart in the mean of {} places", digits(kl.mean), kl.n));
    let grades = of.grades.map(|grades| {
        format!(
            "{} of {} graded answers pass, {} did",
            grades.subject_passed, grades.n, grades.baseline_passed
        )
    });
    let rest =
        of.reasons.iter().cloned().chain(kl.filter(|_| of.verdict != CanaryVerdict::Drift)).chain(grades);
    [same].into_iter().chain(rest).collect::<Vec<_>>().join("; ")
}

pub(super) fn findings(baseline: &Baseline, subjects: &[CanarySubject]) -> Vec<Finding> {
    let mut found = Vec::new();
    let n_unstable = baseline.answers.values().filter(|answer| answer.n_others > 0).count();
    if n_unstable > 0 {
        found.push(warning(format!(
            "the baseline does not repeat itself: its launches gave other answers to {n_unstable} of {} prompts",
            baseline.answers.len()
        )));
    }
    for of in subjects {
        let name = if subjects.len() > 1 { format!("{}: ", of.name) } else { String::new() };
        match of.tokens_by {
            TokensByView::Id => {}
            TokensByView::Piece => found.push(note(format!(
                "{name}tokens are compared by their texts, for nothing shows that their numbers mean the same on both sides"
            ))),
            TokensByView::Text => found.push(note(format!(
                "{name}texts are compared character by character where a side does not tell its tokens"
            ))),
        }
        if of.kl.is_none() {
            found.push(note(format!(
                "{name}no divergence of distributions: both sides must tell probabilities, and the runtimes here do not"
            )));
        }
        if of.rows.iter().any(|row| row.edit_is_cut) {
            found.push(note(format!("{name}of very long texts only a part is in the edit distance")));
        }
    }
    found
}
