//! A search by halves for the highest rate that keeps the SLOs.

use dyno_model::load::LoadModel;
use dyno_model::plan::{Cell, Plan, PlannedRun};
use dyno_stats::{RateStep, Settled, settled};

use super::evidence::Evidence;
use super::looks::{SloLook, n_looks};
use crate::load::rate_words;

/// Cells of a plan that differ by nothing but their rate, the lowest first; `None` for a cell without one.
pub(super) fn rates<'p>(plan: &'p Plan, cell: &Cell) -> Option<Vec<(u64, &'p Cell)>> {
    let alike = apart_from_rate(cell)?;
    let is_alike = |of: &&Cell| apart_from_rate(of).as_ref() == Some(&alike);
    let mut rates: Vec<(u64, &Cell)> =
        plan.cells.iter().filter(is_alike).filter_map(|of| Some((rate(of)?, of))).collect();
    rates.sort_by_key(|(rate, _)| *rate);
    Some(rates)
}

/// How many rates the search has that a cell belongs to; 1 for a cell without a rate.
pub(super) fn n_rates(plan: &Plan, cell: &Cell) -> usize {
    rates(plan, cell).map_or(1, |rates| rates.len())
}

fn rate(cell: &Cell) -> Option<u64> {
    match &cell.load {
        LoadModel::Open { rate_milli_per_s, .. } => Some(*rate_milli_per_s),
        LoadModel::Single { .. } | LoadModel::Closed { .. } | LoadModel::Trace { .. } => None,
    }
}

fn apart_from_rate(cell: &Cell) -> Option<Cell> {
    let mut same = Cell { id: String::new().as_str().into(), ..cell.clone() };
    match &mut same.load {
        LoadModel::Open { rate_milli_per_s, .. } => *rate_milli_per_s = 0,
        LoadModel::Single { .. } | LoadModel::Closed { .. } | LoadModel::Trace { .. } => return None,
    }
    Some(same)
}

/// Why a run is not needed, from the verdicts of other rates; `None` when it is.
///
/// All repetitions of a rate are measured before its verdict is made, and then it stands. A rate without a valid
/// launch has none. There are never more verdicts than the search declares, for they share its confidence.
pub(super) fn why(plan: &Plan, evidence: &Evidence, run: &PlannedRun) -> Option<String> {
    let cell = plan.cell(&run.cell)?;
    if runs(plan, cell).any(|of| evidence.has_begun(of.id)) {
        return None;
    }
    let rates = rates(plan, cell)?;
    let looks: Vec<(RateStep, String)> = rates
        .iter()
        .filter_map(|(rate_milli_per_s, of)| {
            let look = look(plan, evidence, of)?;
            let step = RateStep { rate_milli_per_s: *rate_milli_per_s, verdict: look.verdict };
            Some((step, look.words(true)))
        })
        .collect();
    let steps: Vec<RateStep> = looks.iter().map(|(step, _)| *step).collect();
    let words = |step: &RateStep| looks.iter().find(|(of, _)| of == step).map_or("", |(_, words)| words);
    match settled(rate(cell)?, &steps) {
        Some(Settled::AboveNotPassing(step)) => {
            Some(format!("a lower rate did not pass: at {}, {}", per_s(step.rate_milli_per_s), words(&step)))
        }
        Some(Settled::BelowPassing { rate_milli_per_s }) => {
            Some(format!("a higher rate passed: {}", per_s(rate_milli_per_s)))
        }
        None => {
            let n_looks = n_looks(plan, cell);
            (steps.len() >= n_looks as usize)
                .then(|| format!("the {n_looks} verdicts that the search declares are made"))
        }
    }
}

/// What the requests at a rate show; `None` when there are none that may be used, or no SLOs.
pub(super) fn look<'p>(plan: &'p Plan, evidence: &Evidence, cell: &Cell) -> Option<SloLook<'p>> {
    SloLook::of(plan.slo.as_ref()?, n_looks(plan, cell), &evidence.tally(runs(plan, cell)))
}

/// The runs of a cell.
pub(super) fn runs<'p>(plan: &'p Plan, cell: &Cell) -> impl Iterator<Item = &'p PlannedRun> {
    let id = cell.id.clone();
    plan.runs.iter().filter(move |run| run.cell == id)
}

/// `2.5/s`.
pub(super) fn per_s(rate_milli_per_s: u64) -> String {
    rate_words(rate_milli_per_s as f64 / 1000.0)
}
