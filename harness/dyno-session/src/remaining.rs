//! What of a plan is still to do.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::ids::{DeviceId, RunId};
use dyno_model::plan::Plan;

/// What the record holds already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// Requests by run and index; of held loads, they say nothing of what is missing.
    pub requests: BTreeSet<(RunId, u32)>,
    /// Highest launch number seen, by run.
    pub launches: BTreeMap<RunId, u16>,
    /// Runs that were left out: nothing of them is missing.
    pub left_out: BTreeSet<RunId>,
    /// Runs with a launch after which a held load need not be measured again.
    pub ended: BTreeSet<RunId>,
}

/// One run with the requests that are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemainingRun {
    /// Which run.
    pub run: RunId,
    /// Number of the launch that is to serve them.
    pub launch: u16,
    /// Indices into the run's requests, ascending.
    pub requests: Vec<u32>,
}

/// The runs of `device` that lack requests, in the plan's order; those that were left out lack none.
///
/// A held load is one curve: without a launch that came to its end, it lacks all of its requests, and is measured again
/// from its begin.
///
/// A launch is counted from the highest that was ever begun, so that no two launches share a number.
pub fn remaining_runs(plan: &Plan, device: &DeviceId, finished: &Finished) -> Vec<RemainingRun> {
    let on_device =
        |run: &&dyno_model::plan::PlannedRun| plan.cell(&run.cell).is_some_and(|cell| &cell.device == device);
    let mut remaining = Vec::new();
    let wanted = |run: &&dyno_model::plan::PlannedRun| !finished.left_out.contains(&run.id);
    for run in plan.runs.iter().filter(on_device).filter(wanted) {
        let n = u32::try_from(run.requests.len()).expect("a run has fewer than 2^32 requests");
        let is_missing = |idx: &u32| match plan.hold_of(run) {
            Some(_) => !finished.ended.contains(&run.id),
            None => !finished.requests.contains(&(run.id, *idx)),
        };
        let requests: Vec<u32> = (0..n).filter(is_missing).collect();
        if !requests.is_empty() {
            let launch = finished.launches.get(&run.id).copied().unwrap_or(0) + 1;
            remaining.push(RemainingRun { run: run.id, launch, requests });
        }
    }
    remaining
}
