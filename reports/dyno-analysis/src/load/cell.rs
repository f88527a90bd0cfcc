//! One cell under its load.

use dyno_model::load::LoadModel;
use dyno_view::load::{CellLoadView, LoadKindView};

use super::attempts::Attempts;
use super::good::good;
use super::latency::latencies;
use super::pace;
use super::saturation::saturation;
use crate::cell::CellRecord;
use crate::throughput::{output_tokens_per_s, requests_per_s};

/// How a cell's load was offered and kept up with; `None` without a launch.
pub(crate) fn cell_load(cell: &CellRecord<'_>) -> Option<CellLoadView> {
    if cell.launches.is_empty() {
        return None;
    }
    let load = &cell.cell.load;
    let attempts = Attempts::of(cell);
    let offered = pace::offered_per_s(cell);
    let answered =
        if load.is_open() { pace::pace_per_s(&pace::answered(cell)) } else { requests_per_s(cell) };
    let state = saturation(cell, &attempts, offered, answered);
    let held_back = |of: &crate::cell::LaunchRecord<'_>| of.row.load.as_ref().map(|facts| facts.n_held_back);
    Some(CellLoadView {
        kind: kind(load),
        label: label(load),
        users: users(load),
        caveat: caveat(load),
        offered_per_s: offered,
        sent_per_s: pace::pace_per_s(&pace::sent(cell)).filter(|_| load.is_open()),
        answered_per_s: answered,
        output_tokens_per_s: output_tokens_per_s(cell),
        max_in_flight: pace::max_in_flight(cell),
        n_held_back: cell.valid_launches().filter_map(held_back).map(u64::from).sum(),
        n_wanted: attempts.n(),
        n_answered: cell.ok_rows().len() as u64,
        n_unsent: attempts.n_unsent,
        latencies: latencies(cell, &attempts, state.no_interval.as_ref()),
        saturation: state.reasons,
        good: good(cell, &attempts),
    })
}

fn kind(load: &LoadModel) -> LoadKindView {
    match load {
        LoadModel::Single { .. } => LoadKindView::Single,
        LoadModel::Closed { .. } => LoadKindView::Closed,
        LoadModel::Open { ramp_to_milli_per_s: None, .. } => LoadKindView::Open,
        LoadModel::Open { ramp_to_milli_per_s: Some(_), .. } => LoadKindView::Ramp,
        LoadModel::Trace { .. } => LoadKindView::Trace,
    }
}

/// Users that wait for their answers.
pub(super) fn users(load: &LoadModel) -> Option<u32> {
    match load {
        LoadModel::Single { .. } => Some(1),
        LoadModel::Closed { workers, .. } => Some(*workers),
        LoadModel::Open { .. } | LoadModel::Trace { .. } => None,
    }
}

fn label(load: &LoadModel) -> String {
    match (users(load), load) {
        (Some(users), LoadModel::Single { think_ms } | LoadModel::Closed { think_ms, .. }) => {
            match think_ms {
                0 => format!("closed({users})"),
                _ => format!("closed({users}), {think_ms} ms think time"),
            }
        }
        _ => load.label(),
    }
}

/// What the latencies of a closed loop are not.
fn caveat(load: &LoadModel) -> Option<String> {
    let users = users(load)?;
    let who = match users {
        1 => "one user waits for each answer before asking again".to_owned(),
        _ => format!("each of {users} users waits for an answer before asking again"),
    };
    Some(format!(
        "closed({users}): {who}, so a slow device is asked less. Its p99 is not that of a service under load."
    ))
}
