//! Loads that go on.

use dyno_view::report::{CellView, Report};

use super::{escaped, push};
use crate::heat;
use crate::words::Worded;

/// A figure whose interval is not taken for a link.
fn figure(of: &Worded) -> String {
    match of {
        Worded::Estimate { .. } => of.line(),
        Worded::Missing { .. } => escaped(&of.line()),
    }
}

/// The first run against the sustained pace.
pub(super) fn table(report: &Report, out: &mut String) {
    let Some(view) = &report.heat else { return };
    out.push_str("\n### Does it stay fast?\n");
    push(out, format_args!("\n| Launch | {} | Ended |\n", heat::HEADS.join(" | ")));
    push(out, format_args!("| --- |{} --- |\n", " ---: |".repeat(heat::HEADS.len())));
    for of in heat::rows(view) {
        let figures = of.figures.iter().zip(&of.ns).map(|(of, n)| {
            let n = if n.is_empty() { String::new() } else { format!(" ({n})") };
            format!("{}{n}", figure(of))
        });
        let figures: Vec<String> = figures.collect();
        let invalid = if of.is_invalid { " **INVALID**" } else { "" };
        let ended = of.ended.as_ref().map_or_else(|| "well".to_owned(), |text| escaped(text));
        push(
            out,
            format_args!(
                "| {}{invalid}<br>{} | {} | {ended} |\n",
                escaped(&of.name),
                escaped(&of.load),
                figures.join(" | ")
            ),
        );
    }
    push(out, format_args!("\n<sub>{}</sub>\n", escaped(heat::TABLE_NOTE)));
}

/// What each launch did.
pub(super) fn cell(cell: &CellView, out: &mut String) {
    let Some(view) = &cell.heat else { return };
    for of in heat::launches(view) {
        let ended = of.ended.as_ref().map(|text| format!(" It {}.", escaped(text))).unwrap_or_default();
        push(out, format_args!("\nHeat, {}: {}.{ended}\n\n", of.name, escaped(&of.verdict)));
        for reason in &of.invalid {
            push(out, format_args!("- **INVALID**: {}\n", escaped(reason)));
        }
        for change in &of.changes {
            let evidence: Vec<String> = change.evidence.iter().map(|text| escaped(text)).collect();
            let evidence =
                if evidence.is_empty() { String::new() } else { format!(": {}", evidence.join("; ")) };
            push(
                out,
                format_args!(
                    "- {}: {} ({}), {}{evidence}; hottest zone: {}\n",
                    change.at, change.levels, change.by, change.cause, change.temp
                ),
            );
        }
        for (label, of, note) in &of.facts {
            let note = if note.is_empty() { String::new() } else { format!(" ({})", escaped(note)) };
            push(out, format_args!("- {label}: {}{note}\n", figure(of)));
        }
        for zone in &of.temps {
            let [before, onset, end, max] = &zone.figures;
            push(
                out,
                format_args!(
                    "- {}: before {before}, at the slowdown {onset}, at the end {end}, at most {max}\n",
                    escaped(&zone.site)
                ),
            );
        }
    }
    push(out, format_args!("- {}\n", heat::ambient(view)));
}
