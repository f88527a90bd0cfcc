//! What was measured in a judged cell, on what, and how.

use std::collections::BTreeSet;

use dyno_model::ids::RunId;
use dyno_model::plan::{PlannedRequest, PlannedRun};
use dyno_stats::{Level, type1};
use dyno_view::compliance::{JudgedCellView, LengthsView, MeasuringView};
use dyno_view::device::{FactValue, FactView};

use super::environment::{environment, probes};
use super::population::{Fate, Population};
use crate::cell::CellRecord;
use crate::energy::energy_view;
use crate::facts::{cell_facts, model_marks, own_cost};
use crate::metrics::outcome_counts;
use crate::present::utc;
use crate::proof::proof;
use crate::record::Record;
use crate::start::start_name;
use crate::steady::steady;

/// A judged cell.
pub(super) fn cell_view(
    cell: &CellRecord<'_>,
    population: &Population<'_, '_>,
    judges_energy: bool,
    aa_calibration_digest: Option<String>,
) -> JudgedCellView {
    let of = cell.cell;
    let requests = &cell.record.requests;
    let (started_at, ended_at) = span(cell);
    JudgedCellView {
        id: of.id.0.clone(),
        device: of.device.0.clone(),
        runtime: of.runtime.clone(),
        model: of.model.clone(),
        model_marks: model_marks(cell),
        load: of.load.label(),
        origin: if of.load.is_open() { "from when it was due" } else { "from when it was sent" }.to_owned(),
        start: start_name(of.start),
        context_tokens: of.context_tokens,
        threads: of.threads,
        arm: of.arm.clone(),
        facts: cell_facts(cell),
        sampling: sampling(cell),
        outcomes: outcome_counts(cell),
        n_unsent: population.attempts.iter().filter(|attempt| attempt.fate == Fate::Unsent).count() as u64,
        n_runs: count(cell.launches.iter().map(|launch| launch.row.run)),
        n_launches: u32::try_from(cell.launches.len()).unwrap_or(u32::MAX),
        n_sessions: count(cell.launches.iter().map(|launch| launch.row.session)),
        started_at,
        ended_at,
        isl: lengths(cell.all_rows().map(|row| requests.prompt_tokens[row])),
        osl: lengths(cell.all_rows().map(|row| requests.completion_tokens[row])),
        environment: environment(cell),
        measuring: MeasuringView {
            stamps: proof(cell).map(|view| view.stamps),
            probes: probes(cell),
            energy: energy_view(cell).filter(|_| judges_energy).and_then(|view| view.source),
            own_cost: own_cost(cell),
            aa_calibration_digest,
        },
        steady: steady(cell).map(|view| view.launches).unwrap_or_default(),
    }
}

fn count(of: impl Iterator<Item = u32>) -> u32 {
    u32::try_from(of.collect::<BTreeSet<u32>>().len()).unwrap_or(u32::MAX)
}

/// UTC of the first launch's begin and of the last one's end, by the device's clock.
fn span(cell: &CellRecord<'_>) -> (Option<String>, Option<String>) {
    let rows = || cell.launches.iter().map(|launch| launch.row);
    let began = rows().filter_map(|row| Record::wall(row, row.started_at_ns?)).min();
    let ended = rows().filter_map(|row| Record::wall(row, row.ended_at_ns?)).max();
    (began.and_then(utc), ended.and_then(utc))
}

/// How answers are drawn, as the plan says.
fn sampling(cell: &CellRecord<'_>) -> Vec<FactView> {
    let runs: BTreeSet<u32> = cell.launches.iter().map(|launch| launch.row.run).collect();
    let planned = runs.iter().filter_map(|run| cell.record.plan.run(RunId(*run)));
    let requests: Vec<&PlannedRequest> = planned.flat_map(|run: &PlannedRun| &run.requests).collect();
    let words = |of: fn(&PlannedRequest) -> String| {
        let different: BTreeSet<String> = requests.iter().map(|request| of(request)).collect();
        (!different.is_empty()).then(|| different.into_iter().collect::<Vec<_>>().join(", "))
    };
    let fact = |label: &str, value: Option<String>| FactView {
        label: label.to_owned(),
        value: value.map(FactValue::Text),
    };
    vec![
        fact("Longest answer", words(|request| format!("{} tokens", request.sampling.max_tokens))),
        fact("Temperature", words(|request| milli(request.sampling.temperature_milli))),
        fact("Top p", words(|request| milli(request.sampling.top_p_milli))),
        fact(
            "End of an answer",
            words(|request| {
                let is_ignored = request.sampling.ignore_eos;
                if is_ignored { "ignored: all have the longest length" } else { "the model's own" }.to_owned()
            }),
        ),
        fact("Deadline of an answer", words(|request| format!("{} ms", request.limit_ms))),
        fact("Seeds", Some("from the plan's, one for each request".to_owned())),
    ]
}

fn milli(milli: u32) -> String {
    format!("{}", f64::from(milli) / 1000.0)
}

fn lengths(of: impl Iterator<Item = Option<u32>>) -> LengthsView {
    let mut view = LengthsView::default();
    let mut known: Vec<u64> = Vec::new();
    for length in of {
        match length {
            Some(length) => known.push(u64::from(length)),
            None => view.n_unknown += 1,
        }
    }
    known.sort_unstable();
    LengthsView {
        n: known.len() as u64,
        min: known.first().copied(),
        p50: type1(&known, Level::P50),
        p95: type1(&known, Level::P95),
        max: known.last().copied(),
        ..view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_observations() {
        // Ranks ⌈5 · 0.5⌉ = 3 and ⌈5 · 0.95⌉ = 5.
        let found = lengths([Some(9), None, Some(1), Some(5), Some(7), Some(3)].into_iter());
        let expected =
            LengthsView { n: 5, n_unknown: 1, min: Some(1), p50: Some(5), p95: Some(9), max: Some(9) };
        assert_eq!(found, expected);
        assert_eq!(lengths([].into_iter()), LengthsView::default());
    }
}
