//! How much was to be measured: requests, and loads that are held until their end.

use dyno_model::plan::PlannedRun;
use dyno_view::report::HeldView;

use crate::record::Record;
use crate::steering::left_out;

/// Requests that a run was to make. Of a held load nobody knows that beforehand: it is those that it made.
pub(crate) fn n_planned(record: &Record<'_>, run: &PlannedRun) -> u64 {
    if record.plan.hold_of(run).is_none() {
        return run.requests.len() as u64;
    }
    let requests = &record.requests;
    let is_of = |row: &usize| requests.run[*row] == run.id.0 && requests.outcome[*row] != "cancelled";
    (0..requests.len()).filter(is_of).count() as u64
}

/// Whether a run's load is held and came to no end, so that `resume` measures it again.
pub(crate) fn is_cut(record: &Record<'_>, run: &PlannedRun) -> bool {
    let ends_hold = |word: &str| !matches!(word, "cancelled" | "refused" | "unsupported");
    let of_run = || record.launches.iter().filter(|launch| launch.run == run.id.0);
    record.plan.hold_of(run).is_some()
        && !of_run().any(|launch| launch.outcome.as_deref().is_some_and(ends_hold))
}

/// The held loads of a campaign; `None` without any.
pub(crate) fn held(record: &Record<'_>) -> Option<HeldView> {
    let left_out = left_out(&record.entries);
    let wanted = record.plan.runs.iter().filter(|run| !left_out.contains_key(&run.id));
    let all: Vec<&PlannedRun> = wanted.filter(|run| record.plan.hold_of(run).is_some()).collect();
    let n_ended = all.iter().filter(|run| !is_cut(record, run)).count() as u64;
    (!all.is_empty()).then_some(HeldView { n_ended, n: all.len() as u64 })
}
