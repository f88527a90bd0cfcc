//! What the template shows of loads that go on, in words.

use dyno_view::heat::{HeatTableView, HeatView};
use serde::Serialize;

use super::picture::{PanelPicture, panel_picture};
use crate::heat;
use crate::words::Worded;

/// The first run against the sustained pace.
#[derive(Serialize)]
pub(super) struct HeatTable {
    heads: [&'static str; 4],
    rows: Vec<Row>,
    note: &'static str,
}

#[derive(Serialize)]
struct Row {
    name: String,
    load: String,
    figures: Vec<Figure>,
    ended: Option<String>,
    invalid: bool,
}

#[derive(Serialize)]
struct Figure {
    value: String,
    note: String,
    n: String,
    missing: bool,
}

/// The heat of a cell.
#[derive(Serialize)]
pub(super) struct Heat {
    signal: String,
    iteration: String,
    ambient: String,
    launches: Vec<Launch>,
}

#[derive(Serialize)]
struct Launch {
    name: String,
    verdict: String,
    tone: &'static str,
    ended: Option<String>,
    facts: Vec<LabelledFigure>,
    changes: Vec<Change>,
    temps: Vec<Temp>,
    has_onset: bool,
    invalid: Vec<String>,
    picture: Option<PanelPicture>,
}

#[derive(Serialize)]
struct LabelledFigure {
    label: &'static str,
    figure: Figure,
}

#[derive(Serialize)]
struct Change {
    at: String,
    levels: String,
    by: String,
    cause: String,
    tone: &'static str,
    evidence: Vec<String>,
    temp: String,
}

#[derive(Serialize)]
struct Temp {
    site: String,
    figures: [String; 4],
}

/// Of the whole campaign.
pub(super) fn heat_table(view: &HeatTableView) -> HeatTable {
    let row = |of: heat::Row| Row {
        name: of.name,
        load: of.load,
        figures: of.figures.iter().zip(of.ns).map(|(worded, n)| figure(worded, n)).collect(),
        ended: of.ended,
        invalid: of.is_invalid,
    };
    HeatTable {
        heads: heat::HEADS,
        rows: heat::rows(view).into_iter().map(row).collect(),
        note: heat::TABLE_NOTE,
    }
}

fn figure(of: &Worded, n: String) -> Figure {
    let (value, note) = of.parts();
    Figure { value, note, n, missing: matches!(of, Worded::Missing { .. }) }
}

/// Of one cell.
pub(super) fn heat(view: &HeatView, cell_anchor: &str) -> Heat {
    let launch = |(number, of): (usize, heat::Launch)| Launch {
        name: of.name,
        verdict: of.verdict,
        tone: of.tone,
        ended: of.ended,
        facts: of
            .facts
            .into_iter()
            .map(|(label, worded, note)| LabelledFigure { label, figure: figure(&worded, note) })
            .collect(),
        changes: of.changes.into_iter().map(change).collect(),
        has_onset: of.temps.iter().any(|zone| zone.figures[1] != "n/a"),
        temps: of.temps.into_iter().map(|of| Temp { site: of.site, figures: of.figures }).collect(),
        invalid: of.invalid,
        picture: view
            .charts
            .get(number)
            .map(|chart| panel_picture(chart, &format!("{cell_anchor}-heat-{}", number + 1))),
    };
    Heat {
        signal: view.signal.clone(),
        iteration: view.iteration.clone(),
        ambient: heat::ambient(view),
        launches: heat::launches(view).into_iter().enumerate().map(launch).collect(),
    }
}

fn change(of: heat::Change) -> Change {
    let heat::Change { at, levels, by, cause, tone, evidence, temp } = of;
    Change { at, levels, by, cause, tone, evidence, temp }
}
