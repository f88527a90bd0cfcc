//! Contexts of several lengths: the largest one that went well, and how the first one that did not ended.

use dyno_model::sample::Quantity;
use dyno_view::memory::{LadderView, RungView};

use super::fits::used_tokens;
use super::growth::rungs;
use super::peaks::PROCESS;
use super::readings::{channel, highest};
use crate::cell::{CellRecord, LaunchRecord};

/// `None` with one length of context.
pub(super) fn ladder(cell: &CellRecord<'_>) -> Option<LadderView> {
    let cells = rungs(cell);
    if cells.len() < 2 {
        return None;
    }
    let rungs: Vec<RungView> = cells.iter().map(rung).collect();
    let tried = || rungs.iter().filter(|rung| rung.n_launches > 0);
    let first_failed = tried().find(|rung| rung.failed.is_some()).map(|rung| rung.context_tokens);
    let went_well =
        tried().take_while(|rung| rung.failed.is_none()).filter(|rung| rung.used_tokens.is_some());
    let largest_ok = went_well.last().map(|rung| rung.context_tokens);
    Some(LadderView { largest_ok, first_failed, rungs })
}

fn rung(cell: &CellRecord<'_>) -> RungView {
    let anon = |launch: &LaunchRecord<'_>| highest(channel(cell, launch, (Quantity::AnonBytes, PROCESS))?);
    RungView {
        context_tokens: cell.cell.context_tokens,
        used_tokens: used_tokens(cell),
        n_launches: cell.launches.len() as u64,
        anon_peak_bytes: cell.valid_launches().filter_map(anon).max(),
        failed: cell.launches.iter().find_map(|launch| failed(cell, launch)),
    }
}

/// How a launch, or the first of its requests that did not go well, ended; what we stopped ourselves did not fail.
fn failed(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<String> {
    let is_failure = |word: &&str| !matches!(*word, "ok" | "cancelled");
    if let Some(word) = launch.row.outcome.as_deref().filter(is_failure) {
        let detail = launch.row.outcome_detail.as_ref().map(|of| format!(": {of}")).unwrap_or_default();
        return Some(format!("{} ended as {word}{detail}", launch.name()));
    }
    let requests = &cell.record.requests;
    let mut words = launch.rows.iter().map(|row| requests.outcome[*row].as_str());
    words.find(is_failure).map(|word| format!("a request of {} ended as {word}", launch.name()))
}
