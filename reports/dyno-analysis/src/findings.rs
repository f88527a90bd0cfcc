//! What a reader must know before the figures.

mod contact;
mod device;
mod measured;
mod record;

use dyno_view::report::{Finding, FindingLevel};

use crate::cell::CellRecord;
use crate::record::Record;

/// All findings, the gravest first and otherwise in the order of the record.
pub(crate) fn findings(record: &Record<'_>, cells: &[CellRecord<'_>]) -> Vec<Finding> {
    let mut all = record::findings(record);
    all.extend(contact::findings(record));
    all.extend(device::findings(record));
    for cell in cells {
        all.extend(measured::findings(cell).into_iter().map(|finding| named(cell, cells.len(), finding)));
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
    Finding { text: format!("{} · {} · {}: {}", of.device, of.runtime, of.model, finding.text), ..finding }
}

fn invalid(text: String) -> Finding {
    Finding { level: FindingLevel::Invalid, text }
}

fn warning(text: String) -> Finding {
    Finding { level: FindingLevel::Warning, text }
}

fn note(text: String) -> Finding {
    Finding { level: FindingLevel::Note, text }
}

/// A share in words: `4.2 %`.
fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `1 request`, `2 requests`.
fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
