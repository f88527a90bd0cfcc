//! Figures of other tools in Markdown.

use dyno_view::report::Report;

use super::{escaped, push};
use crate::imported::{COLUMNS, HEADING, N_TEXT_COLUMNS, cells, source};

/// The figures of each file, with what must be known of them.
pub(super) fn imported(report: &Report, out: &mut String) {
    if report.imported.is_empty() {
        return;
    }
    push(out, format_args!("\n### {HEADING}\n"));
    for view in &report.imported {
        push(out, format_args!("\n{}\n\n| {} |\n", escaped(&source(view)), COLUMNS.join(" | ")));
        let rule: Vec<&str> =
            (0..COLUMNS.len()).map(|place| if place < N_TEXT_COLUMNS { "---" } else { "---:" }).collect();
        push(out, format_args!("| {} |\n", rule.join(" | ")));
        for row in &view.rows {
            push(out, format_args!("| {} |\n", cells(row).map(|text| escaped(&text)).join(" | ")));
        }
        out.push('\n');
        for note in &view.notes {
            push(out, format_args!("- {}\n", escaped(note)));
        }
    }
}
