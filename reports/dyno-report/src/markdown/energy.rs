//! Energy.

use dyno_view::report::{CellView, Report};

use super::{escaped, push};
use crate::energy;

/// Cells side by side, as far as their energies mean the same.
pub(super) fn energies(report: &Report, out: &mut String) {
    let Some(table) = report.energy.as_ref().filter(|table| energy::has_table(table)) else { return };
    out.push_str("\n### Energy\n");
    for group in &table.groups {
        let headings = energy::headings(group);
        push(out, format_args!("\n{}\n\n| Cell |", escaped(&group.basis)));
        for heading in &headings {
            push(out, format_args!(" {} |", escaped(heading)));
        }
        push(out, format_args!("\n| --- |{}\n", " ---: |".repeat(headings.len())));
        for row in &group.rows {
            let figures: Vec<String> = energy::row(row).iter().map(|entry| escaped(&entry.line())).collect();
            push(out, format_args!("| {} | {} |\n", escaped(&energy::row_name(row)), figures.join(" | ")));
        }
    }
    let sentences = energy::sentences(table);
    if !sentences.is_empty() {
        out.push('\n');
    }
    for sentence in sentences {
        push(out, format_args!("- {}\n", escaped(&sentence)));
    }
    push(out, format_args!("\n<sub>{}</sub>\n", energy::NOTE));
}

/// The source and the figures of one cell.
pub(super) fn cell(cell: &CellView, out: &mut String) {
    let Some(view) = &cell.energy else { return };
    push(out, format_args!("\nEnergy: {}.\n\n", escaped(&energy::verdict(view))));
    if view.source.is_none() {
        return;
    }
    out.push_str("| Energy | Figure | Of |\n| --- | ---: | --- |\n");
    for figure in &view.figures {
        let (entry, how) = (energy::figure(figure), energy::how(figure));
        push(
            out,
            format_args!("| {} | {} | {} |\n", escaped(&figure.label), escaped(&entry.line()), escaped(&how)),
        );
    }
    for idle in &view.idle {
        let (label, entry, of) = energy::idle(idle);
        push(out, format_args!("| {label} | {} | {of} |\n", entry.line()));
    }
    if !view.parts.is_empty() {
        push(out, format_args!("\nOf the whole: {}.\n", escaped(&energy::parts(&view.parts))));
    }
    if let Some(method) = energy::method(view) {
        push(out, format_args!("\nHow: {}.\n", escaped(&method)));
    }
    if !view.others.is_empty() {
        out.push('\n');
    }
    for other in &view.others {
        let (name, why) = energy::other(other);
        push(out, format_args!("- not used: {}: {}\n", escaped(&name), escaped(&why)));
    }
}
