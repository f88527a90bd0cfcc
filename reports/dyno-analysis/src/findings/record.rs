//! Whether the record is whole.

use dyno_store::JournalEntry;
use dyno_view::report::Finding;

use super::{counted, note, warning};
use crate::planned::held;
use crate::record::Record;
use crate::steering::n_wanted;

pub(super) fn findings(record: &Record<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let planned = n_wanted(record);
    let missing = planned.saturating_sub(record.n_measured());
    if missing > 0 {
        findings.push(warning(format!(
            "{missing} of {planned} planned requests are missing: `edgedyno resume {}` measures them",
            record.id
        )));
    }
    if let Some(held) = held(record).filter(|held| held.n_ended < held.n) {
        findings.push(warning(format!(
            "{} of {} held loads came to no end: `edgedyno resume {}` measures them again",
            held.n - held.n_ended,
            held.n,
            record.id
        )));
    }
    findings.extend(record.entries.iter().filter_map(interrupted));
    findings.extend(versions(record));
    let manifest = record.manifest();
    if manifest.torn_bytes > 0 {
        let torn = counted(manifest.torn_bytes, "byte");
        findings.push(note(format!(
            "the journal ends in {torn} of a line that was never completed; they are in no figure"
        )));
    }
    if manifest.n_superseded_requests > 0 {
        let again = counted(manifest.n_superseded_requests, "request");
        findings.push(note(format!("{again} were measured again after an interruption; each counts once")));
    }
    findings
}

fn interrupted(entry: &JournalEntry) -> Option<Finding> {
    match entry {
        JournalEntry::Interrupted { reason, .. } => {
            Some(note(format!("the campaign was interrupted: {reason}")))
        }
        // The story of each device is told with the device.
        JournalEntry::Header { .. }
        | JournalEntry::Session { .. }
        | JournalEntry::Event { .. }
        | JournalEntry::Clock { .. }
        | JournalEntry::Prepared { .. }
        | JournalEntry::Restored { .. }
        | JournalEntry::Machine { .. }
        | JournalEntry::SensorsTested { .. }
        | JournalEntry::Metered { .. }
        | JournalEntry::MeterKnocked { .. }
        | JournalEntry::MeterFailed { .. }
        | JournalEntry::GivenUp { .. }
        | JournalEntry::LeftOut { .. }
        | JournalEntry::Resumed { .. }
        | JournalEntry::SessionEnded { .. } => None,
    }
}

/// A campaign that another version went on with.
fn versions(record: &Record<'_>) -> Option<Finding> {
    let mut versions: Vec<&str> = Vec::new();
    for entry in &record.entries {
        if let JournalEntry::Header { tool_version, .. } | JournalEntry::Resumed { tool_version, .. } = entry
            && !versions.contains(&tool_version.as_str())
        {
            versions.push(tool_version);
        }
    }
    (versions.len() > 1).then(|| {
        warning(format!("more than one version of edgedyno measured this campaign: {}", versions.join(", ")))
    })
}
