//! `forbid_egress`: no launch had a connection beyond its machine.
//!
//! All launches count, whatever became of them: one whose figures may not be used, or that was cut off, has spoken all
//! the same. One that was not watched shows nothing, and is no pass.

use dyno_model::slo::{Condition, Objective};
use dyno_view::compliance::{ComplianceVerdict, JudgementView};

use super::observe::Cause;
use super::population::Population;
use super::tally::{Mark, Tally};
use crate::cell::{CellRecord, LaunchRecord};
use crate::network::beyond;

/// Whether an objective is this one.
pub(super) fn is_egress(objective: &Objective) -> bool {
    objective.conditions == [Condition::NoEgress]
}

/// All launches of a cell.
pub(super) fn tally(cell: &CellRecord<'_>, population: &Population<'_, '_>) -> Tally {
    let mut tally = Tally::default();
    for launch in &cell.launches {
        let sentences = sentences(launch);
        tally.n += 1;
        tally.n_violations += u64::from(!sentences.is_empty());
        tally.runs.take(launch.row.run, !sentences.is_empty());
        for sentence in sentences {
            let cause = Cause::Egress(format!("{}: {sentence}", launch.name()));
            *tally.causes.entry(cause).or_default() += 1;
        }
    }
    tally.marks = population.starts.iter().map(|start| mark(cell, start.launch)).collect();
    tally
}

/// A pass that rests on a launch of which nothing is known is none.
pub(super) fn doubted(mut view: JudgementView, cell: &CellRecord<'_>) -> JudgementView {
    if view.verdict == ComplianceVerdict::Pass
        && let Some(why) = cell
            .launches
            .iter()
            .find_map(|launch| doubt(cell, launch).map(|why| format!("{}: {why}", launch.name())))
    {
        (view.verdict, view.why) = (ComplianceVerdict::Inconclusive, Some(why));
    }
    view
}

fn mark(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Mark {
    if !sentences(launch).is_empty() {
        Mark::Violated
    } else if doubt(cell, launch).is_some() {
        Mark::Unselected
    } else {
        Mark::Kept
    }
}

fn sentences(launch: &LaunchRecord<'_>) -> Vec<String> {
    launch.row.network.as_ref().map(|watch| beyond(launch.row, watch)).unwrap_or_default()
}

/// Why nothing is known of a launch; `None` where something is.
fn doubt(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<String> {
    if let Some(watch) = &launch.row.network {
        return watch.doubt();
    }
    Some(if crate::proof::is_scripted(cell) {
        "the runtime is scripted, and has no process that could be watched".to_owned()
    } else if launch.row.spawned_at_ns.is_none() && launch.row.ready_at_ns.is_none() {
        "no runtime was started".to_owned()
    } else if launch.row.outcome.is_none() {
        "its record was cut off before the runtime ended".to_owned()
    } else {
        "the record says nothing of its sockets, as those of earlier versions".to_owned()
    })
}
