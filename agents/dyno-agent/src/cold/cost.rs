//! What a start read, and how often it waited for storage.

use std::collections::BTreeSet;

use dyno_model::start::{StartCost, StartPoint};

use crate::sys::pages;

/// More processes than a runtime has.
const MAX_PROCESSES: usize = 1000;

/// What process `pid`, with its threads and its living children, has read and waited for since it was spawned.
///
/// What a child read that has ended is in the figure of its parent, if that waited for it. A figure is `None` when it
/// cannot be had of one of the processes: a part would look like the whole.
pub(crate) fn cost(pid: u32, until: StartPoint) -> StartCost {
    let mut seen = BTreeSet::new();
    let mut to_do = vec![pid];
    let mut sum = (Some(0), Some(0));
    while let Some(pid) = to_do.pop() {
        if !seen.insert(pid) || seen.len() > MAX_PROCESSES {
            continue;
        }
        let of_process = (pages::read_bytes(pid), pages::major_faults(pid));
        let has_ended = of_process == (None, None) && seen.len() > 1;
        if !has_ended {
            sum = (plus(sum.0, of_process.0), plus(sum.1, of_process.1));
        }
        to_do.extend(pages::children(pid));
    }
    StartCost { until, read_bytes: sum.0, major_faults: sum.1 }
}

fn plus(sum: Option<u64>, part: Option<u64>) -> Option<u64> {
    sum?.checked_add(part?)
}
