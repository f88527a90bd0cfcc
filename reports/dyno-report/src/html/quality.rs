//! What the template shows of answers that were graded, in words.

use dyno_view::quality::{FrontierView, QualityTableView, QualityView};
use serde::Serialize;

use super::picture::{Picture, picture};
use crate::quality;
use crate::words::Worded;

/// The quality of one cell.
#[derive(Serialize)]
pub(super) struct Quality {
    population: String,
    heads: [&'static str; 5],
    rows: Vec<Row>,
    sentences: Vec<String>,
    failures_heading: String,
    failures: Vec<Failure>,
    note: &'static str,
}

#[derive(Serialize)]
struct Row {
    name: String,
    figures: Vec<Figure>,
}

/// As the template's macro for figures wants it.
#[derive(Serialize)]
struct Figure {
    value: String,
    note: String,
    missing: bool,
}

#[derive(Serialize)]
struct Failure {
    category: String,
    heading: String,
    prompt: String,
    answer: String,
}

/// Cells by speed, quality and energy.
#[derive(Serialize)]
pub(super) struct Frontiers {
    groups: Vec<Group>,
    heads: [&'static str; 5],
    note: &'static str,
}

#[derive(Serialize)]
struct Group {
    work: String,
    rows: Vec<FrontRow>,
    sentences: Vec<String>,
    charts: Vec<Picture>,
}

#[derive(Serialize)]
struct FrontRow {
    name: String,
    /// Anchor of the cell's section; `None` when it has none.
    anchor: Option<String>,
    figures: Vec<Figure>,
    standing: String,
    tone: &'static str,
}

/// Of one cell.
pub(super) fn quality(view: &QualityView) -> Quality {
    let row = |of: quality::Row| Row {
        name: of.name,
        figures: vec![plain(of.n), plain(of.passed), figure(&of.rate), plain(of.cut), plain(of.ungraded)],
    };
    let failure = |of: &dyno_view::quality::FailedAnswerView| Failure {
        category: of.category.clone(),
        heading: quality::failure(of),
        prompt: of.prompt.clone(),
        answer: of.answer.clone(),
    };
    Quality {
        population: quality::population(&view.overall),
        heads: quality::HEADS,
        rows: quality::rows(view).into_iter().map(row).collect(),
        sentences: quality::sentences(view),
        failures_heading: quality::failures_heading(view),
        failures: view.failures.iter().map(failure).collect(),
        note: quality::NOTE,
    }
}

fn plain(value: String) -> Figure {
    Figure { value, note: String::new(), missing: false }
}

fn figure(of: &Worded) -> Figure {
    let (value, note) = of.parts();
    Figure { value, note, missing: matches!(of, Worded::Missing { .. }) }
}

/// Of the whole report; `anchor` gives the section of a cell.
pub(super) fn frontiers(view: &QualityTableView, anchor: impl Fn(&str) -> Option<String>) -> Frontiers {
    let groups = view.groups.iter().zip(1..).map(|(of, number)| group(of, number, &anchor)).collect();
    Frontiers { groups, heads: quality::FRONT_HEADS, note: quality::FRONT_NOTE }
}

fn group(of: &FrontierView, number: usize, anchor: impl Fn(&str) -> Option<String>) -> Group {
    let row = |(row, view): (quality::FrontRow, &dyno_view::quality::FrontierRowView)| FrontRow {
        name: row.name,
        anchor: anchor(&view.cell),
        figures: row.figures.iter().map(figure).collect(),
        standing: row.standing,
        tone: if row.is_on_front { "good" } else { "" },
    };
    let charts = of.charts.iter().zip(1_usize..);
    Group {
        work: of.work.clone(),
        rows: quality::front_rows(of).into_iter().zip(&of.rows).map(row).collect(),
        sentences: quality::front_sentences(of),
        charts: charts.map(|(chart, i)| picture(chart, &format!("quality-{number}"), i)).collect(),
    }
}
