//! What a reader must know before the figures.

mod advice;
mod contact;
mod device;
mod heat;
mod measured;
mod memory;
mod network;
mod proof;
mod provenance;
mod record;
mod start;
mod steady;

use dyno_view::report::{Finding, FindingLevel};

use crate::cell::CellRecord;
use crate::comparison::listed;
use crate::record::Record;

/// All findings, the gravest first and otherwise in the order of the record.
pub(crate) fn findings(record: &Record<'_>, cells: &[CellRecord<'_>]) -> Vec<Finding> {
    let mut all = record::findings(record);
    all.extend(contact::findings(record));
    all.extend(device::findings(record));
    all.extend(crate::steering::findings(record));
    all.extend(crate::quality::findings(record));
    for cell in cells {
        let of = [
            measured::findings(cell),
            provenance::findings(cell),
            proof::findings(cell),
            start::findings(cell),
            steady::findings(cell),
            heat::findings(cell),
            memory::findings(cell),
            network::findings(cell),
        ];
        let energy = crate::energy::energy_of(cell).into_iter().flat_map(|of| of.findings.clone());
        let of = of.into_iter().flatten().chain(energy);
        all.extend(of.map(|finding| named(cell, cells.len(), finding)));
    }
    all.sort_by_key(|finding| finding.level);
    all.dedup();
    all
}

/// With several cells a finding says which one it is about.
fn named(cell: &CellRecord<'_>, n_cells: usize, finding: Finding) -> Finding {
    if n_cells < 2 {
        return finding;
    }
    let of = cell.cell;
    let start = crate::start::start_name(of.start).map(|start| format!(" · {start}")).unwrap_or_default();
    let loads_differ = cell.record.plan.cells.iter().any(|other| other.load != of.load);
    let load = if loads_differ { format!(" · {}", of.load.label()) } else { String::new() };
    Finding {
        text: format!("{} · {} · {}{start}{load}: {}", of.device, of.runtime, of.model, finding.text),
        ..finding
    }
}

fn invalid(text: String) -> Finding {
    Finding { level: FindingLevel::Invalid, text }
}

pub(crate) fn warning(text: String) -> Finding {
    Finding { level: FindingLevel::Warning, text }
}

pub(crate) fn note(text: String) -> Finding {
    Finding { level: FindingLevel::Note, text }
}

/// A share in words: `4.2 %`.
fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The first few names, and how many more there are.
pub(crate) fn some_of(names: &[String]) -> String {
    const MAX_NAMED: usize = 4;
    let first: Vec<&str> = names.iter().take(MAX_NAMED).map(String::as_str).collect();
    match names.len().saturating_sub(MAX_NAMED) {
        0 => listed(&first),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// A duration with three digits at most: `4.1 ms`.
fn duration(ns: f64) -> String {
    let (value, sign) = match ns {
        _ if ns >= 1e9 => (ns / 1e9, "s"),
        _ if ns >= 1e6 => (ns / 1e6, "ms"),
        _ if ns >= 1e3 => (ns / 1e3, "µs"),
        _ => (ns, "ns"),
    };
    if value >= 10.0 { format!("{value:.0} {sign}") } else { format!("{value:.1} {sign}") }
}

/// `1 request`, `2 requests`.
fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
