//! The same judgements cell by cell, for those who rank devices by them.

use dyno_model::slo::{Condition, Objective, Slo};
use dyno_view::compliance::{ConditionView, JudgementView};

use super::claims::condition_view;
use super::observe::{Observer, Seen, tests};
use super::population::Population;
use super::select::is_of_kind;
use super::view::Bench;
use crate::cell::CellRecord;
use crate::present::campaign_view;

/// A request that was judged.
pub(crate) struct Observed<'r> {
    /// Row of the request table; `None` when it is in no record.
    pub(crate) row: Option<usize>,
    /// Kind of its prompt.
    pub(crate) category: Option<&'r str>,
    /// Whether it meets not all conditions.
    pub(crate) is_violation: bool,
}

/// What each cell of a record shows of the objectives that are about it, by the objective's place. `cells` are all of
/// its plan, in the plan's order.
pub(crate) fn judgements(cells: &[CellRecord<'_>], slo: &Slo) -> Vec<Vec<(usize, JudgementView)>> {
    let Some(first) = cells.first() else { return Vec::new() };
    let bench = Bench::of(cells, slo, campaign_view(first.record));
    let of_cell = |place: usize| {
        let about = slo.objectives.iter().enumerate().filter(|(_, of)| bench.places(of).contains(&place));
        about.map(|(number, of)| (number, bench.judgement(of, place))).collect()
    };
    (0..cells.len()).map(of_cell).collect()
}

/// The requests of a cell against the conditions of an objective, as far as it is about them and they are judged; what
/// it says of lengths is passed over.
pub(crate) fn observed<'c>(cell: &'c CellRecord<'_>, objective: &Objective) -> Vec<Observed<'c>> {
    let (population, observer) = (Population::of(cell), Observer::of(cell));
    let tests = tests(cell, &objective.conditions);
    let plan = cell.record.plan;
    let selected = population.attempts.iter().filter(|of| is_of_kind(plan, &objective.selection, of.prompt));
    let judged = selected.filter_map(|attempt| match observer.request(attempt, &tests) {
        Seen::Excluded(_) => None,
        Seen::Judged { causes, .. } => Some(Observed {
            row: attempt.row,
            category: plan.prompts.get(attempt.prompt).map(|prompt| prompt.category.as_str()),
            is_violation: !causes.is_empty(),
        }),
    });
    judged.collect()
}

/// Conditions in plain data.
pub(crate) fn conditions_view(conditions: &[Condition]) -> Vec<ConditionView> {
    conditions.iter().filter_map(condition_view).collect()
}
