//! What a compliance report rests on, and what it does not say.

use std::collections::BTreeSet;

use dyno_model::metric::{Population as Observations, metric};
use dyno_model::slo::{Condition, Demand, Judged, Objective, Slo};
use dyno_view::compliance::{JudgedCellView, JudgementMethod, ObjectiveView};
use dyno_view::energy::EnergySourceView;

use super::egress::is_egress;
use crate::cell::CellRecord;
use crate::machine::unreal;

/// What is judged and how, one sentence each.
pub(super) fn rules(slo: &Slo, cells: &[&CellRecord<'_>], objectives: &[ObjectiveView]) -> Vec<String> {
    let has = |of: &dyn Fn(&Objective) -> bool| slo.objectives.iter().any(of);
    let mut rules = Vec::new();
    let mut add = |words: &str| rules.push(words.to_owned());
    if has(&|of| of.judges == Judged::Requests) {
        add(
            "Each request that was to be served counts once, whatever became of it: one that failed, was killed, timed out, \
             was answered without a token, or was never sent because the runtime had ended, meets no condition.",
        );
        add(
            "A request without a value of a judged metric does not keep its limit; but an answer of one token has no gap \
             between tokens that could be too long.",
        );
    }
    if cells.iter().any(|cell| cell.cell.load.is_open()) {
        add(
            "In open loops TTFT and E2E latency count from when a request was due, so a wait in a queue is in them.",
        );
    }
    if has(&|of| of.judges == Judged::Launches && !is_egress(of)) {
        add(
            "Each fresh launch counts once; one that was killed or never became ready meets no condition. A metric of \
             requests stands for a launch by its median over those that were answered.",
        );
    }
    if has(&of_launches_by_request) {
        add("Where a request is held against a metric of launches, the value is that of its launch.");
    }
    if has(&|of| matches!(of.demand, Demand::Share { .. })) {
        add(
            "Passed: the one-sided upper Clopper–Pearson bound of the share of violations is within what the objective \
             allows (MLPerf's early stopping). Failed: the lower bound is beyond it. Else it is inconclusive.",
        );
        add(
            "Requests of one run resemble each other: a verdict takes at least 5 runs of which none holds more than 40 % of \
             the requests, and where requests may differ from run to run (p ≤ 0.2) the bounds are those of runs. Fewer \
             runs show a failure only where it holds whatever their requests have in common.",
        );
        add(&sharing(objectives));
    }
    if has(&|of| of.conditions.contains(&Condition::Passed)) {
        add(
            "An answer passes if its prompt's grader accepts it, which is a necessary condition and no mark for style. A \
             prompt without a grader that a program can apply is outside of such an objective.",
        );
    }
    if has(&|of| matches!(of.demand, Demand::Drop { .. })) {
        add(
            "A drop holds each prompt against itself in the baseline: the majority of its answers counts, and the first \
             answer where there is none, so a prompt counts once however often it was asked. A request that failed is an \
             answer that does not pass; a prompt that the baseline has no graded answer to is in no pair.",
        );
        add(
            "Passed: the one-sided upper end of Tango's score interval (1998) of the drop is within what the objective \
             allows. Failed: the lower end is beyond it. Else it is inconclusive.",
        );
    }
    if has(&is_egress) {
        add(
            "A launch breaks `forbid_egress` where a socket of the runtime's process, or of one that came of it, had an \
             address at its other end that is neither loopback nor its own, or asked for one. All launches count, whatever \
             became of them. It is no proof of silence: what was opened and closed between two looks was not seen, nor what \
             other programs sent on the runtime's behalf.",
        );
    }
    if has(&|of| of.demand == Demand::Every) {
        add(
            "`every` counts what is in the record and infers nothing; the bound beside it says how little that shows.",
        );
    }
    rules
}

fn of_launches_by_request(objective: &Objective) -> bool {
    let is_of_launches = |condition: &Condition| match condition {
        Condition::Answered | Condition::Passed | Condition::NoEgress => false,
        Condition::Limit { metric: id, .. } => {
            metric(id).is_some_and(|metric| metric.population == Observations::Launch)
        }
    };
    objective.judges == Judged::Requests && objective.conditions.iter().any(is_of_launches)
}

fn sharing(objectives: &[ObjectiveView]) -> String {
    let n_shared = objectives.iter().flat_map(|of| &of.judgements).map(|of| of.n_shared).max().unwrap_or(1);
    match n_shared {
        1 => "One statement is made of each cell, so it has the whole confidence.".to_owned(),
        n => format!(
            "Up to {n} statements are made of a cell (objectives, and looks that could have ended the campaign), so each \
             has a confidence with which all of them hold at once (Bonferroni)."
        ),
    }
}

/// What this report does not say, one sentence each.
pub(super) fn limits(
    cells: &[(&CellRecord<'_>, &JudgedCellView)],
    objectives: &[ObjectiveView],
) -> Vec<String> {
    let mut limits = Vec::new();
    limits.push(units(cells));
    limits.push(
        "It is about these models, quantizations, settings, context lengths, prompts and loads, and is not carried over to \
         others."
            .to_owned(),
    );
    if cells.iter().any(|(cell, _)| !cell.cell.load.is_open()) {
        limits.push(
            "In closed loops a slow device is asked less: their figures are not those of a service that many users ask \
             whenever they like."
                .to_owned(),
        );
    }
    if cells.len() > 1 {
        limits.push(
            "Each cell is judged by itself. All of them pass together with the confidence of one; that one of many fails by \
             chance is likelier than for one alone."
                .to_owned(),
        );
    }
    limits.extend(few(objectives));
    limits.extend(cells.iter().filter_map(|(cell, _)| not_a_device(cell)).collect::<BTreeSet<_>>());
    let marks = cells.iter().flat_map(|(_, view)| view.model_marks.iter().map(|mark| (&view.model, mark)));
    limits.extend(marks.map(|(model, mark)| format!("Model {model}: {mark}.")).collect::<BTreeSet<_>>());
    limits.extend(cells.iter().filter_map(|(_, view)| energy(view)).collect::<BTreeSet<_>>());
    limits
}

fn units(cells: &[(&CellRecord<'_>, &JudgedCellView)]) -> String {
    let devices: BTreeSet<&str> = cells.iter().map(|(cell, _)| cell.cell.device.0.as_str()).collect();
    let named: Vec<&str> = devices.iter().copied().collect();
    match named.as_slice() {
        [one] => format!(
            "One unit was tested, {one}: what another unit of the same make does is not covered, for units differ."
        ),
        many => format!(
            "{} units were tested ({}), each for itself: what other units of the same make do is not covered.",
            many.len(),
            many.join(", ")
        ),
    }
}

/// Verdicts that rest on few launches, or that infer nothing.
fn few(objectives: &[ObjectiveView]) -> Vec<String> {
    let is_count = |of: &&ObjectiveView| {
        of.judgements.iter().any(|judgement| judgement.method == JudgementMethod::Count && judgement.n > 0)
    };
    let of = |objective: &ObjectiveView| {
        let least = objective.judgements.iter().map(|judgement| judgement.n).min().unwrap_or(0);
        let high =
            objective.judgements.iter().filter_map(|judgement| judgement.share).map(|share| share.high);
        let high = high.fold(0.0, f64::max) * 100.0;
        let noun = match objective.judges {
            dyno_view::compliance::JudgedView::Request => "request",
            dyno_view::compliance::JudgedView::Launch => "launch",
        };
        format!(
            "`{}` counts {} at the least: with 95 % confidence up to {high:.1} % of others may violate it.",
            objective.name,
            super::words::plural(least, noun)
        )
    };
    objectives.iter().filter(is_count).map(of).collect()
}

fn not_a_device(cell: &CellRecord<'_>) -> Option<String> {
    let device = &cell.cell.device;
    if crate::proof::is_scripted(cell) {
        return Some(format!("The runtime {} is scripted: its times are no device's.", cell.cell.runtime));
    }
    unreal(cell.record, device).map(|unreal| format!("{device} is no device of its own: {}.", unreal.mark()))
}

fn energy(view: &JudgedCellView) -> Option<String> {
    let EnergySourceView { name, class, caveat, .. } = view.measuring.energy.as_ref()?;
    let caveat = caveat.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
    Some(format!("Energy of {} is that of {name}, a source of class {class}{caveat}.", view.device))
}
