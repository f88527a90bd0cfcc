//! Which runs of a plan need not be measured, because of what is in the record already.
//!
//! The plan declares the rule before the first run ([`Steering`](dyno_model::plan::Steering)). Runs are taken in its
//! order, and before each the [`Judge`] looks at what there is. It reads no clock and draws nothing: the same record
//! gives the same answers, so that a campaign that is resumed goes on as it began.

mod evidence;
mod findings;
mod judge;
mod looks;
mod search;
mod stop;

pub use judge::{Judge, Need};

pub(crate) use findings::findings;
pub(crate) use looks::n_looks;

use std::collections::BTreeMap;

use dyno_model::ids::RunId;
use dyno_store::JournalEntry;

use crate::planned::n_planned;
use crate::record::Record;

/// Requests that the plan asks for, but for those of runs that were left out.
pub(crate) fn n_wanted(record: &Record<'_>) -> u64 {
    let left_out = left_out(&record.entries);
    let wanted = record.plan.runs.iter().filter(|run| !left_out.contains_key(&run.id));
    wanted.map(|run| n_planned(record, run)).sum()
}

/// The runs that the journal says are left out, and why.
pub(crate) fn left_out(entries: &[JournalEntry]) -> BTreeMap<RunId, &str> {
    let mut left_out = BTreeMap::new();
    for entry in entries {
        if let JournalEntry::LeftOut { run, why, .. } = entry {
            left_out.entry(*run).or_insert(why.as_str());
        }
    }
    left_out
}
