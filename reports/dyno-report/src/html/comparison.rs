//! Cells side by side, as the template shows them.

use dyno_view::comparison::{ComparedFigure, RowState};
use dyno_view::report::Report;
use serde::Serialize;

use super::picture::{Picture, picture};
use crate::comparison::{Done, NO_VERDICT, Row, tables, unlike};

/// The comparison.
#[derive(Serialize)]
pub(super) struct Comparison {
    unlike: Option<String>,
    tables: Vec<Table>,
    no_verdict: &'static str,
}

#[derive(Serialize)]
struct Table {
    work: String,
    shared: String,
    columns: Vec<Heading>,
    rows: Vec<Line>,
    unlike: Vec<String>,
    done: Vec<[String; 7]>,
    overlaps: Vec<String>,
    notes: Vec<String>,
    charts: Vec<Picture>,
}

#[derive(Serialize)]
struct Heading {
    label: String,
    sign: &'static str,
    unlike: bool,
}

#[derive(Serialize)]
struct Line {
    /// Anchor of the cell's section; `None` when it has none.
    anchor: Option<String>,
    name: String,
    marks: Vec<String>,
    state: &'static str,
    word: &'static str,
    detail: String,
    error: Option<String>,
    figures: Vec<Figure>,
    n: String,
}

#[derive(Serialize)]
struct Figure {
    value: String,
    note: String,
    missing: bool,
    /// What to sort by.
    by: Option<f64>,
}

/// The comparison of a report, with links to its cells.
pub(super) fn comparison(report: &Report) -> Option<Comparison> {
    let view = report.comparison.as_ref()?;
    let worded = tables(view).into_iter().zip(&view.groups).zip(1_usize..);
    let table = |((table, group), number): (
        (crate::comparison::Table<'_>, &dyno_view::comparison::GroupView),
        usize,
    )| {
        let charts = group.charts.iter().zip(1_usize..);
        Table {
            charts: charts.map(|(chart, i)| picture(chart, &format!("group-{number}"), i)).collect(),
            columns: table
                .columns
                .iter()
                .map(|of| Heading { label: of.label.clone(), sign: of.sign, unlike: of.is_unlike })
                .collect(),
            rows: table.rows.iter().map(|row| line(row, cell_anchor(report, &row.view.cell))).collect(),
            work: table.work,
            shared: table.shared,
            unlike: table.unlike,
            done: table.done.into_iter().map(done).collect(),
            overlaps: table.overlaps,
            notes: table.notes.to_vec(),
        }
    };
    Some(Comparison { unlike: unlike(view), tables: worded.map(table).collect(), no_verdict: NO_VERDICT })
}

/// The anchor of a cell's section.
pub(super) fn cell_anchor(report: &Report, cell: &str) -> Option<String> {
    let place = report.cells.iter().position(|of| of.id == cell)?;
    Some(format!("cell-{}", place + 1))
}

/// Name, prompts, cache, answers, lengths, tokenizer and counter.
fn done(of: Done) -> [String; 7] {
    [of.name, of.prompts, of.cached, of.answers, of.lengths.to_owned(), of.tokenizer, of.counted]
}

fn line(row: &Row<'_>, anchor: Option<String>) -> Line {
    let by = |figure: Option<&ComparedFigure>| match figure {
        Some(ComparedFigure::Estimate { value, .. } | ComparedFigure::Highest { value, .. }) => Some(*value),
        Some(ComparedFigure::TooFew { .. } | ComparedFigure::Missing { .. }) | None => None,
    };
    let figure = |(place, entry): (usize, &crate::words::Entry)| Figure {
        value: entry.value.clone(),
        note: entry.note.trim_matches(['(', ')']).to_owned(),
        missing: entry.is_missing,
        by: by(row.view.figures.get(place)),
    };
    Line {
        anchor,
        name: row.view.name.clone(),
        marks: row.view.marks.clone(),
        state: match row.view.state {
            RowState::Valid => "good",
            RowState::Failures | RowState::Incomplete | RowState::Partly => "warn",
            RowState::Invalid | RowState::NotMeasured => "bad",
        },
        word: row.word,
        detail: row.detail.clone(),
        error: row.view.error.clone(),
        figures: row.figures.iter().enumerate().map(figure).collect(),
        n: row.n.clone(),
    }
}
