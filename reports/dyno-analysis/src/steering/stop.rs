//! Repetitions of a cell that end when enough is known.

use dyno_model::plan::{Plan, PlannedRun, Steering};
use dyno_stats::Verdict;

use super::evidence::Evidence;
use super::looks::{PrecisionLook, SloLook, confidence_words, known_words, n_looks};

/// Why a run is not needed, from what the repetitions before it show; `None` when it is.
///
/// Looks are made after each repetition, so there is none before the first.
pub(super) fn why(plan: &Plan, steering: &Steering, evidence: &Evidence, run: &PlannedRun) -> Option<String> {
    let cell = plan.cell(&run.cell)?;
    let before = plan.runs.iter().filter(|of| of.cell == run.cell && of.repetition < run.repetition);
    let tally = evidence.tally(before);
    if tally.n() == 0 || !tally.is_of_several_launches() {
        return None;
    }
    let (n_looks, is_open) = (n_looks(plan, cell), cell.load.is_open());
    let look =
        |confidence: f64| format!("look {} of {n_looks} at {}", run.repetition, confidence_words(confidence));
    match steering {
        Steering::Precision { .. } => {
            let found = PrecisionLook::of(steering, n_looks, &tally).filter(PrecisionLook::is_enough)?;
            let (name, words) = (found.name(is_open), known_words(&found.known?));
            Some(format!("{name} is {words}, {})", look(found.confidence)))
        }
        Steering::SloDecided { .. } => {
            let found = SloLook::of(plan.slo.as_ref()?, n_looks, &tally)?;
            let is_decided = matches!(found.verdict, Verdict::Pass | Verdict::Fail);
            is_decided.then(|| format!("{} ({})", found.words(is_open), look(found.confidence())))
        }
        Steering::Capacity => None,
    }
}
