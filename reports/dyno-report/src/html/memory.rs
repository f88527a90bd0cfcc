//! Memory and roofline, in words for the template.

use dyno_view::report::CellView;
use serde::Serialize;

use crate::memory::{self, Line, Rung, sections};
use crate::words::Worded;

/// Memory or roofline of a cell.
#[derive(Serialize)]
pub(super) struct Section {
    title: &'static str,
    verdict: String,
    tone: &'static str,
    lines: Vec<Figure>,
    rungs: Vec<RungRow>,
}

#[derive(Serialize)]
struct Figure {
    label: String,
    value: String,
    interval: String,
    note: String,
    missing: bool,
}

#[derive(Serialize)]
struct RungRow {
    context: String,
    used: String,
    anon: String,
    launches: String,
    outcome: String,
    tone: &'static str,
}

/// The sections of a cell.
pub(super) fn memory(cell: &CellView) -> Vec<Section> {
    let section = |of: memory::Section| Section {
        title: of.title,
        verdict: of.verdict,
        tone: of.tone,
        lines: of.lines.into_iter().map(figure).collect(),
        rungs: of.rungs.into_iter().map(rung_row).collect(),
    };
    sections(cell).into_iter().map(section).collect()
}

fn figure(line: Line) -> Figure {
    let missing = matches!(line.figure, Worded::Missing { .. });
    let (value, interval) = line.figure.parts();
    // The reason of what is missing is its note already.
    let interval = if missing { String::new() } else { interval };
    Figure { label: line.label, value, interval, note: line.note, missing }
}

fn rung_row(rung: Rung) -> RungRow {
    let Rung { context, used, anon, launches, outcome, tone } = rung;
    RungRow { context, used, anon, launches, outcome, tone }
}
