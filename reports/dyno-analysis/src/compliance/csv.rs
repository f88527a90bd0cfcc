//! Every judged request as a row, with each objective kept or not.

use std::io::Write;

use dyno_model::slo::{Demand, Judged, Objective, Slo};
use dyno_store::{Campaign, csv_row};

use super::error::ComplianceError;
use super::population::{Attempt, Fate, Population};
use super::select;
use super::tally::{Mark, Tally};
use super::view::Bench;
use crate::cell::CellRecord;
use crate::error::AnalysisError;
use crate::present::campaign_view;
use crate::record::Record;

/// Columns before those of the objectives.
const COLUMNS: [&str; 16] = [
    "run",
    "launch",
    "idx",
    "cell",
    "device",
    "prompt_id",
    "category",
    "language",
    "isl_tokens",
    "osl_tokens",
    "outcome",
    "excluded",
    "ttft_ns",
    "ttft_sched_ns",
    "tpot_ns",
    "e2e_ns",
];

/// Writes every request that was to be served as one row (RFC 4180), undefined values as empty fields.
///
/// Behind the columns of the request stands one for each objective, under its name: `kept`, `violated`, `excluded`, or
/// nothing where the objective is not about the request. An objective of launches has the word of the request's launch; a
/// drop has `passed` or `failed`.
/// A word that a spreadsheet would take for a formula begins with an apostrophe.
///
/// # Errors
/// As of [`super::compliance`], or when `out` cannot be written.
pub fn compliance_csv(campaign: &Campaign, slo: &Slo, out: &mut dyn Write) -> Result<(), ComplianceError> {
    let problems = select::problems(campaign.plan(), slo);
    if !problems.is_empty() {
        return Err(ComplianceError::Claims { problems });
    }
    let record = Record::read(campaign)?;
    let cells: Vec<CellRecord<'_>> =
        record.plan.cells.iter().map(|cell| CellRecord::of(&record, cell)).collect();
    let bench = Bench::of(&cells, slo, campaign_view(&record));
    let problems = bench.empty_lengths(slo);
    if !problems.is_empty() {
        return Err(ComplianceError::Claims { problems });
    }
    let mut lines = Vec::new();
    let names = slo.objectives.iter().map(|objective| harmless(&objective.name));
    let header: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).chain(names).collect();
    csv_row(&mut lines, &header);
    for (place, cell) in cells.iter().enumerate() {
        let about: Vec<Option<(&Objective, Tally)>> = slo
            .objectives
            .iter()
            .map(|objective| {
                let is_about = select::cells(record.plan, &objective.selection).contains(&place);
                is_about.then(|| (objective, bench.tally(objective, place)))
            })
            .collect();
        let population = &bench.populations[place];
        for (idx, attempt) in population.attempts.iter().enumerate() {
            let mut fields = fields(cell, population, attempt);
            fields.extend(about.iter().map(|of| word(of.as_ref(), population, attempt, idx).to_owned()));
            csv_row(&mut lines, &fields);
            if lines.len() >= 1 << 16 {
                out.write_all(&lines).map_err(AnalysisError::Export)?;
                lines.clear();
            }
        }
    }
    out.write_all(&lines).map_err(AnalysisError::Export)?;
    Ok(())
}

fn fields(cell: &CellRecord<'_>, population: &Population<'_, '_>, attempt: &Attempt<'_>) -> Vec<String> {
    fn shown<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let record = cell.record;
    let planned = record.plan.prompts.get(attempt.prompt);
    let derived = attempt.row.map(|row| &record.derived[row]);
    let (outcome, excluded) = match attempt.fate {
        Fate::Ended(word) => (word.to_owned(), ""),
        Fate::Unsent => ("unsent".to_owned(), ""),
        Fate::Restarted => ("restarted".to_owned(), ""),
        Fate::Excluded(rule) => (shown(attempt.row.map(|row| &record.requests.outcome[row])), rule.id()),
    };
    vec![
        attempt.run.to_string(),
        attempt.launch.to_string(),
        attempt.idx.to_string(),
        cell.cell.id.to_string(),
        harmless(&cell.cell.device.0),
        harmless(&attempt.prompt.to_string()),
        planned.map(|prompt| harmless(&prompt.category)).unwrap_or_default(),
        planned.map(|prompt| harmless(&prompt.language)).unwrap_or_default(),
        shown(population.isl(cell, attempt)),
        shown(attempt.row.and_then(|row| record.requests.completion_tokens[row])),
        outcome,
        excluded.to_owned(),
        shown(derived.and_then(|of| of.ttft_ns)),
        shown(derived.and_then(|of| of.ttft_sched_ns)),
        shown(derived.and_then(|of| of.tpot_ns)),
        shown(derived.and_then(|of| of.e2e_ns)),
    ]
}

/// Foreign words for a spreadsheet.
fn harmless(word: &str) -> String {
    let is_formula = word.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{word}") } else { word.to_owned() }
}

fn word(
    about: Option<&(&Objective, Tally)>,
    population: &Population<'_, '_>,
    attempt: &Attempt<'_>,
    idx: usize,
) -> &'static str {
    let Some((objective, tally)) = about else { return "" };
    let is_drop = matches!(objective.demand, Demand::Drop { .. });
    let place = match objective.judges {
        Judged::Requests => Some(idx),
        Judged::Launches => population.starts.iter().position(|start| {
            (start.launch.row.run, start.launch.row.launch) == (attempt.run, attempt.launch)
        }),
    };
    match place.and_then(|place| tally.marks.get(place)) {
        None | Some(Mark::Unselected) => "",
        Some(Mark::Excluded(_)) => "excluded",
        // A drop is of all prompts: no request keeps or breaks it.
        Some(Mark::Kept) if is_drop => "passed",
        Some(Mark::Violated) if is_drop => "failed",
        Some(Mark::Kept) => "kept",
        Some(Mark::Violated) => "violated",
    }
}
