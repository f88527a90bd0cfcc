//! From pairs of answers to a verdict on a drop.

use dyno_model::slo::Demand;
use dyno_stats::{confidence_of_each, paired_difference, pairs_to_decide};
use dyno_view::compliance::{ComplianceVerdict, DropBoundsView, DropView, JudgementMethod, JudgementView};

use super::decide::{Frame, POWER, counted, overruled};
use super::drops::{Found, Pairs};
use super::observe::Test;
use super::tally::Tally;

/// The judgement of a cell's answers against a baseline's.
pub(super) fn dropped(
    frame: &Frame<'_>,
    tests: &[Test],
    tally: &Tally,
    found: Option<&Found>,
) -> JudgementView {
    let mut view = counted(frame, tests, tally);
    (view.n, view.n_violations, view.share, view.n_tolerated) = (0, 0, None, None);
    view.violations.clear();
    view.method = JudgementMethod::PairedScore;
    let Demand::Drop { most_ppm, confidence_ppm } = frame.objective.demand else { return view };
    let most = f64::from(most_ppm) / 1e6;
    let confidence = confidence_of_each(f64::from(confidence_ppm) / 1e6, frame.n_shared);
    (view.allowed_ratio, view.confidence) = (most, Some(confidence));
    match found {
        Some(Found::Pairs(pairs)) => held(&mut view, pairs, most, confidence),
        Some(Found::Nothing(why)) => view.why = Some(why.clone()),
        None => view.why = Some("it is held against a baseline, and none is at hand here".to_owned()),
    }
    if let Some((verdict, why)) = overruled(frame, tally, view.verdict) {
        (view.verdict, view.why) = (verdict, Some(why));
    }
    if view.verdict != ComplianceVerdict::Inconclusive
        && let Some(drop) = &mut view.drop
    {
        drop.more_prompts = None;
    }
    if matches!(view.verdict, ComplianceVerdict::Pass | ComplianceVerdict::Fail) {
        view.why = None;
    }
    view
}

/// The drop with its bounds, and what they show.
fn held(view: &mut JudgementView, pairs: &Pairs, most: f64, confidence: f64) {
    let counts = pairs.counts;
    // Each end of an interval with the confidence 2c − 1 holds by itself with c.
    let both = (2.0 * confidence - 1.0).max(0.0);
    let fell = paired_difference(counts.lost, counts.gained, counts.n, both).map(|of| DropBoundsView {
        value: -of.value,
        low: -of.high,
        high: -of.low,
        confidence,
    });
    (view.n, view.n_violations) = (counts.n, counts.n - counts.candidate_passed);
    let mut more_prompts = None;
    match fell {
        None => view.why = Some("no prompt has a graded answer on both sides".to_owned()),
        Some(fell) if fell.high <= most => view.verdict = ComplianceVerdict::Pass,
        Some(fell) if fell.low > most => view.verdict = ComplianceVerdict::Fail,
        Some(_) => {
            let total = pairs_to_decide(counts.lost, counts.gained, counts.n, most, confidence, POWER);
            more_prompts = total.map(|total| total.saturating_sub(counts.n).max(1));
            view.why = Some(match more_prompts {
                Some(1) => "about 1 more prompt like these would probably decide it".to_owned(),
                Some(n) => format!("about {n} more prompts like these would probably decide it"),
                None => {
                    "so near the limit that no number of prompts within reason would decide it".to_owned()
                }
            });
        }
    }
    view.drop = Some(DropView {
        baseline: pairs.baseline.clone(),
        plan_digest: pairs.plan_digest.clone(),
        journal_digest: pairs.journal_digest.clone(),
        baseline_cell: pairs.baseline_cell.clone(),
        n: counts.n,
        baseline_passed: counts.baseline_passed,
        passed: counts.candidate_passed,
        fell,
        most,
        more_prompts,
        lost: pairs.lost.clone(),
        gained: pairs.gained.clone(),
        n_unpaired: pairs.n_unpaired,
        n_unstable: pairs.n_unstable,
    });
}
