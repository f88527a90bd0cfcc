//! What the template shows of stamps, steady states and starts, in words.

use dyno_view::proof::{ProofStage, ProofView, StampsView};
use dyno_view::report::CellView;
use dyno_view::start::StartsView;
use dyno_view::steady::SteadyView;
use serde::Serialize;

use super::picture::{Picture, picture};
use crate::words::{Entry, Worded};
use crate::{proof, start, steady};

/// How far a cell's figures can be believed.
#[derive(Serialize)]
pub(super) struct Proof {
    stamps: String,
    /// `good` where stamps were tried.
    tone: &'static str,
    uncalibrated: Vec<String>,
    stages: Vec<Stage>,
    /// Whether there is more than one launch to choose from.
    has_worst: bool,
}

#[derive(Serialize)]
struct Stage {
    title: &'static str,
    rows: Vec<Watched>,
}

#[derive(Serialize)]
struct Watched {
    label: String,
    note: String,
    typical: Vec<String>,
    worst: Vec<String>,
    worst_name: String,
}

/// The steady state of a cell.
#[derive(Serialize)]
pub(super) struct Steady {
    verdict: String,
    signal: String,
    figures: Vec<StateFigure>,
    launches: Vec<SteadyLaunch>,
}

#[derive(Serialize)]
struct StateFigure {
    label: String,
    value: String,
    note: String,
    n: String,
    missing: bool,
}

#[derive(Serialize)]
struct SteadyLaunch {
    name: String,
    class: &'static str,
    tone: &'static str,
    n: String,
    levels: Vec<String>,
    steady: String,
}

/// Cold and warm starts.
#[derive(Serialize)]
pub(super) struct Starts {
    tables: Vec<StartTable>,
    note: &'static str,
}

#[derive(Serialize)]
struct StartTable {
    name: String,
    settings: String,
    states: Vec<StartState>,
    differences: Vec<Difference>,
    lines: Vec<StartLine>,
    charts: Vec<Picture>,
}

#[derive(Serialize)]
struct StartState {
    name: String,
    verified: String,
    tone: &'static str,
    reasons: Vec<String>,
    resident: String,
    steps: Vec<String>,
}

#[derive(Serialize)]
struct Difference {
    name: String,
    rounds: String,
}

#[derive(Serialize)]
struct StartLine {
    label: String,
    note: String,
    sign: &'static str,
    figures: Vec<Figure>,
    differences: Vec<Figure>,
}

#[derive(Serialize)]
struct Figure {
    value: String,
    note: String,
    missing: bool,
}

/// Of one cell.
pub(super) fn proof(view: &ProofView) -> Proof {
    let rows = proof::rows(view);
    let stage = |of: ProofStage| {
        let rows = rows.iter().filter(|row| row.stage == of).map(|row| Watched {
            label: row.label.to_owned(),
            note: row.note.to_owned(),
            typical: row.typical.clone(),
            worst: row.worst.clone(),
            worst_name: row.worst_name.clone(),
        });
        Stage { title: proof::stage_word(of), rows: rows.collect() }
    };
    let stages = [ProofStage::Calibration, ProofStage::Load].map(stage);
    Proof {
        stamps: proof::stamps(&view.stamps),
        tone: match view.stamps {
            StampsView::Calibrated { .. } => "good",
            StampsView::Unknown { .. } => "",
        },
        uncalibrated: match view.stamps {
            StampsView::Calibrated { .. } => proof::uncalibrated(view),
            // The first line says it already.
            StampsView::Unknown { .. } => Vec::new(),
        },
        stages: stages.into_iter().filter(|stage| !stage.rows.is_empty()).collect(),
        has_worst: view.launches.len() > 1,
    }
}

/// Of one cell.
pub(super) fn steady(view: &SteadyView) -> Steady {
    let figure = |(label, worded, n): (String, Worded, String)| {
        let (value, note) = worded.parts();
        StateFigure { label, value, note, n, missing: matches!(worded, Worded::Missing { .. }) }
    };
    let launch = |of: steady::Launch| SteadyLaunch {
        name: of.name,
        class: of.class,
        tone: of.tone,
        n: of.n,
        levels: of.levels,
        steady: of.steady,
    };
    Steady {
        verdict: steady::verdict(view),
        signal: view.signal.clone(),
        figures: steady::figures(view).into_iter().map(figure).collect(),
        launches: steady::launches(view).into_iter().map(launch).collect(),
    }
}

/// Of the whole campaign.
pub(super) fn starts(view: &StartsView) -> Starts {
    let figure = |entry: Entry| Figure { value: entry.value, note: entry.note, missing: entry.is_missing };
    let line = |of: start::Line<'_>| StartLine {
        label: of.label.to_owned(),
        note: of.note.to_owned(),
        sign: of.sign,
        figures: of.figures.into_iter().map(figure).collect(),
        differences: of.differences.into_iter().map(figure).collect(),
    };
    let table = |(number, (of, group)): (usize, (start::Table<'_>, &dyno_view::start::StartGroupView))| {
        let anchor = format!("starts-{}", number + 1);
        StartTable {
            name: of.name,
            settings: of.settings,
            states: of.states.into_iter().map(state).collect(),
            differences: of
                .differences
                .into_iter()
                .zip(of.rounds)
                .map(|(name, rounds)| Difference { name, rounds })
                .collect(),
            lines: of.lines.into_iter().map(line).collect(),
            charts: group
                .charts
                .iter()
                .enumerate()
                .map(|(i, chart)| picture(chart, &anchor, i + 1))
                .collect(),
        }
    };
    let tables = start::tables(view).into_iter().zip(&view.groups).enumerate();
    Starts { tables: tables.map(table).collect(), note: start::DISK_NOTE }
}

fn state(of: start::State<'_>) -> StartState {
    StartState {
        name: of.name,
        verified: of.verified,
        tone: of.tone,
        reasons: of.reasons,
        resident: of.resident,
        steps: of.view.steps.clone(),
    }
}

/// Why no figure of a cell may be used, each reason once.
pub(super) fn reasons(view: &CellView) -> Vec<String> {
    let mut reasons: Vec<String> = view.launches.iter().flat_map(|launch| launch.invalid.clone()).collect();
    reasons.sort();
    reasons.dedup();
    reasons
}
