//! Cells under load, as the template shows them.

use dyno_view::load::VerdictView;
use dyno_view::report::{CellView, Report};
use serde::Serialize;

use super::picture::{Picture, picture};
use crate::load::{
    Found, Front, FrontLine, PERMILLES, SweepRow, caveats, chunk_words, fronts, legend, limits, load_name,
    sweeps,
};
use crate::words::quantile_name;

/// The section of loads.
#[derive(Serialize)]
pub(super) struct Load {
    alarms: Vec<String>,
    permille_names: Vec<String>,
    cells: Vec<Cell>,
    legend: Vec<&'static str>,
    sweeps: Vec<Sweep>,
}

/// One cell of the first table.
#[derive(Serialize)]
struct Cell {
    anchor: String,
    name: String,
    saturated: bool,
    facts: Vec<Labelled>,
    lines: Vec<Line>,
    remarks: Vec<String>,
    limits: Vec<Limit>,
}

#[derive(Serialize)]
struct Labelled {
    label: String,
    value: String,
}

#[derive(Serialize)]
struct Limit {
    tone: &'static str,
    text: String,
}

/// One latency.
#[derive(Serialize)]
struct Line {
    label: String,
    origin: &'static str,
    headline: bool,
    figures: Vec<Figure>,
    max: String,
    n: String,
}

#[derive(Serialize)]
struct Figure {
    value: String,
    note: String,
    missing: bool,
}

#[derive(Serialize)]
struct Sweep {
    name: String,
    tiles: Vec<Tile>,
    columns: Vec<Column>,
    rows: Vec<Row>,
    notes: Vec<String>,
    charts: Vec<Picture>,
}

#[derive(Serialize)]
struct Column {
    name: &'static str,
    sign: &'static str,
}

#[derive(Serialize)]
struct Tile {
    label: String,
    value: String,
    note: String,
}

#[derive(Serialize)]
struct Row {
    anchor: String,
    load: String,
    saturated: bool,
    figures: Vec<RowFigure>,
}

#[derive(Serialize)]
struct RowFigure {
    text: String,
    /// What stands below it.
    note: String,
    /// Colour of a verdict; empty for anything else.
    tone: &'static str,
}

/// The loads of a report, with links to their cells.
pub(super) fn load(report: &Report) -> Option<Load> {
    let view = report.load.as_ref()?;
    let sweeps = sweeps(report, view);
    let fronts = fronts(report, view);
    let sweep = |(of, number): (crate::load::Sweep<'_>, usize)| Sweep {
        name: of.name,
        tiles: of.found.into_iter().map(tile).collect(),
        rows: of.rows.iter().map(|found| row(found, &of.columns)).collect(),
        columns: of.columns.into_iter().map(|(name, sign)| Column { name, sign }).collect(),
        notes: of.view.notes.clone(),
        charts: (1..)
            .zip(&of.view.charts)
            .map(|(i, chart)| picture(chart, &format!("load-{number}"), i))
            .collect(),
    };
    Some(Load {
        alarms: view.alarms.iter().map(|finding| finding.text.clone()).collect(),
        permille_names: PERMILLES.iter().map(|permille| quantile_name(*permille)).collect(),
        cells: fronts.iter().map(cell).collect(),
        legend: legend(&fronts),
        sweeps: sweeps.into_iter().zip(1..).map(sweep).collect(),
    })
}

fn anchor(place: usize) -> String {
    format!("cell-{}", place + 1)
}

fn cell(front: &Front<'_>) -> Cell {
    Cell {
        anchor: anchor(front.place),
        name: front.name.clone(),
        saturated: !front.load.saturation.is_empty(),
        facts: front
            .facts
            .iter()
            .map(|(label, value)| Labelled { label: (*label).to_owned(), value: value.clone() })
            .collect(),
        lines: front.lines.iter().map(line).collect(),
        remarks: front.remarks.clone(),
        limits: front
            .limits
            .iter()
            .map(|(verdict, text)| Limit { tone: tone(verdict), text: text.clone() })
            .collect(),
    }
}

fn line(line: &FrontLine<'_>) -> Line {
    let figure = |entry: &crate::words::Entry| Figure {
        value: entry.value.clone(),
        note: entry.note.trim_matches(['(', ')']).to_owned(),
        missing: entry.is_missing,
    };
    Line {
        label: line.view.label.clone(),
        origin: line.origin,
        headline: line.is_headline,
        figures: line.figures.iter().map(figure).collect(),
        max: line.max.clone(),
        n: line.n.clone(),
    }
}

fn tile(found: Found) -> Tile {
    Tile { label: found.label, value: found.value, note: found.note }
}

fn row(found: &SweepRow, columns: &[(&'static str, &'static str)]) -> Row {
    let figure = |((column, _), text): (&(&'static str, &'static str), &String)| {
        let is_verdict = *column == "SLO";
        // Of a verdict, what it takes; of a share, its interval.
        let (text, note) = match text.split_once(", ").filter(|_| is_verdict) {
            Some((word, rest)) => (word.to_owned(), rest.to_owned()),
            None => match text.split_once(" [") {
                Some((value, interval)) => (value.to_owned(), format!("[{interval}")),
                None => (text.clone(), String::new()),
            },
        };
        let tone = found.verdict.as_ref().filter(|_| is_verdict).map_or("", tone);
        RowFigure { text, note, tone }
    };
    Row {
        anchor: anchor(found.place),
        load: found.load.clone(),
        saturated: found.is_saturated,
        figures: columns.iter().zip(&found.figures).map(figure).collect(),
    }
}

fn tone(verdict: &VerdictView) -> &'static str {
    match verdict {
        VerdictView::Pass => "good",
        VerdictView::Fail => "bad",
        VerdictView::Inconclusive { .. } => "warn",
    }
}

/// The load of a cell in its heading; its campaign where the report is of several; `None` of a single user.
pub(super) fn cell_load(report: &Report, cell: &CellView) -> Option<String> {
    if let Some(campaign) = &cell.campaign {
        return Some(format!("campaign {campaign}"));
    }
    let is_shown = report.load.as_ref().is_some_and(|load| load.cells.contains(&cell.id));
    is_shown.then(|| cell.offered.as_ref().map_or_else(|| load_name(report, cell), |load| load.label.clone()))
}

/// What is to be said of a cell's load and its chunks, below its metrics.
pub(super) fn sentences(cell: &CellView) -> Vec<String> {
    let limits = cell.offered.iter().flat_map(limits).map(|(_, text)| text);
    caveats(cell).into_iter().chain(limits).chain(cell.chunks.iter().flat_map(chunk_words)).collect()
}
