//! Starts that were not what they should have been.

use std::collections::BTreeMap;

use dyno_view::report::Finding;

use super::warning;
use crate::cell::CellRecord;
use crate::start::{start_name, unverified};

pub(super) fn findings(cell: &CellRecord<'_>) -> Vec<Finding> {
    let Some(name) = start_name(cell.cell.start) else { return Vec::new() };
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    let launches: Vec<_> = cell.valid_launches().collect();
    for launch in &launches {
        if let Some(reason) = unverified(cell, launch) {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    let words = |(reason, n): (&str, u64)| {
        warning(format!(
            "cold=unverified: {n} of {} launches were not shown to start from {name}, so their start is in no figure: \
             {reason}",
            launches.len()
        ))
    };
    reasons.into_iter().map(words).collect()
}
