//! Where launches of several devices lie on one axis of time.

use std::collections::BTreeMap;

use dyno_store::LaunchRow;

use crate::clock::wall_ahead_ns;
use crate::record::Record;

/// A launch on the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    /// Its number, from 1 in the order of the record.
    pub(super) process: u64,
    /// An instant of its device's clock, in ns,
    origin_ns: u64,
    /// and how long after the first launch that was.
    after_ns: i128,
}

impl Placed {
    /// Microseconds after the first launch began.
    pub(super) fn us(&self, at_ns: u64) -> f64 {
        let ns = self.after_ns + i128::from(at_ns) - i128::from(self.origin_ns);
        ns as f64 / 1000.0
    }
}

/// All launches by run and number. One without a wall clock begins at 0.
pub(super) fn places(record: &Record<'_>) -> BTreeMap<(u32, u32), Placed> {
    let ahead_ns = wall_ahead_ns(record);
    let wall = |launch: &LaunchRow| {
        let ahead_ns = record.cell_of(launch.run).and_then(|cell| ahead_ns.get(&cell.device));
        Some(i128::from(launch.wall_ns?) - i128::from(ahead_ns.copied().unwrap_or(0)))
    };
    let first = record.launches.iter().filter_map(wall).min().unwrap_or(0);
    let placed = |(process, launch): (u64, &LaunchRow)| {
        let origin_ns = launch.started_at_ns.or_else(|| first_sent(record, launch)).unwrap_or(0);
        let after_ns = wall(launch).map_or(0, |wall| wall - first);
        ((launch.run, launch.launch), Placed { process, origin_ns, after_ns })
    };
    (1..).zip(&record.launches).map(placed).collect()
}

fn first_sent(record: &Record<'_>, launch: &LaunchRow) -> Option<u64> {
    let requests = &record.requests;
    let of_launch = (0..requests.len())
        .filter(|row| (requests.run[*row], requests.launch[*row]) == (launch.run, launch.launch));
    of_launch.map(|row| requests.sent_at_ns[row]).min()
}
