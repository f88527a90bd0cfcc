//! Cells under load in Markdown.

use dyno_view::report::{CellView, Finding, Report};

use super::{escaped, push};
use crate::load::{
    Front, FrontLine, PERMILLES, Sweep, caveats, chunk_words, fronts, http_words, legend, limits,
    share_words, sweeps,
};
use crate::words::{Entry, quantile_name};

/// The first table of a report: latencies from the due, rates, and what could not keep up.
pub(super) fn load(report: &Report, out: &mut String) {
    let Some(view) = &report.load else { return };
    out.push_str("\n### Under load\n\n");
    for Finding { text, .. } in &view.alarms {
        push(out, format_args!("- **Warning:** {}\n", escaped(text)));
    }
    let sweeps = sweeps(report, view);
    for sweep in &sweeps {
        found(sweep, sweeps.len(), out);
    }
    front_table(&fronts(report, view), out);
    for sweep in &sweeps {
        sweep_section(sweep, sweeps.len(), out);
    }
}

/// Capacity, saturation and knee.
fn found(sweep: &Sweep<'_>, n_sweeps: usize, out: &mut String) {
    for found in &sweep.found {
        let name = if n_sweeps > 1 { format!("{}: ", escaped(&sweep.name)) } else { String::new() };
        let (label, value, note) = (escaped(&found.label), escaped(&found.value), escaped(&found.note));
        push(out, format_args!("- {name}{label}: **{value}** ({note})\n"));
    }
}

fn front_table(fronts: &[Front<'_>], out: &mut String) {
    let names: Vec<String> = PERMILLES.iter().map(|permille| quantile_name(*permille)).collect();
    push(out, format_args!("\n| Load | Latency | {} | longest | n |\n", names.join(" | ")));
    push(out, format_args!("| --- | --- |{} ---: | ---: |\n", " ---: |".repeat(names.len())));
    for front in fronts {
        for (place, line) in front.lines.iter().enumerate() {
            let load = if place == 0 { heading(front) } else { String::new() };
            push(out, format_args!("| {load} | {}\n", row(line)));
        }
    }
    out.push('\n');
    for front in fronts {
        for text in front.remarks.iter().chain(front.limits.iter().map(|(_, text)| text)) {
            push(out, format_args!("- {}: {}\n", escaped(&front.name), escaped(text)));
        }
    }
    push(out, format_args!("\n<sub>{}</sub>\n", legend(fronts).join(" ")));
}

fn heading(front: &Front<'_>) -> String {
    let facts: Vec<String> =
        front.facts.iter().map(|(label, value)| escaped(&format!("{label} {value}"))).collect();
    let saturated = if front.load.saturation.is_empty() { "" } else { "<br>**saturated**" };
    format!("**{}**{saturated}<br>{}", escaped(&front.name), facts.join("<br>"))
}

/// Latencies from the due are the headline: bold.
fn row(line: &FrontLine<'_>) -> String {
    let bold = |text: String| if line.is_headline { format!("**{text}**") } else { text };
    let figure = |entry: &Entry| match entry.note.as_str() {
        "" => bold(entry.value.clone()),
        note => format!("{} {}", bold(entry.value.clone()), escaped(note)),
    };
    let figures: Vec<String> = line.figures.iter().map(figure).collect();
    let label = bold(escaped(&format!("{}, {}", line.view.label, line.origin)));
    format!("{label} | {} | {} | {} |", figures.join(" | "), line.max, line.n)
}

fn sweep_section(sweep: &Sweep<'_>, n_sweeps: usize, out: &mut String) {
    let name = if n_sweeps > 1 { format!(": {}", escaped(&sweep.name)) } else { String::new() };
    push(out, format_args!("\n#### Latency and throughput against load{name}\n\n"));
    let columns = sweep.columns.iter().map(|(name, sign)| titled(name, sign)).collect::<Vec<_>>();
    push(out, format_args!("| Load | {} |\n", columns.join(" | ")));
    push(out, format_args!("| --- |{}\n", " ---: |".repeat(sweep.columns.len())));
    for row in &sweep.rows {
        let saturated = if row.is_saturated { " **saturated**" } else { "" };
        let figures: Vec<String> = row.figures.iter().map(|text| escaped(text)).collect();
        push(out, format_args!("| {}{saturated} | {} |\n", escaped(&row.load), figures.join(" | ")));
    }
    if !sweep.view.notes.is_empty() {
        out.push('\n');
    }
    for note in &sweep.view.notes {
        push(out, format_args!("- {}\n", escaped(note)));
    }
}

/// `Offered (req/s)`.
fn titled(name: &str, sign: &str) -> String {
    if sign.is_empty() { name.to_owned() } else { format!("{name} ({sign})") }
}

/// What is to be said of a cell's load and its chunks, below its metrics.
pub(super) fn cell(cell: &CellView, out: &mut String) {
    let limits = cell.offered.iter().flat_map(limits).map(|(_, text)| text);
    let sentences: Vec<String> =
        caveats(cell).into_iter().chain(limits).chain(cell.chunks.iter().flat_map(chunk_words)).collect();
    if !sentences.is_empty() {
        out.push('\n');
    }
    for sentence in sentences {
        push(out, format_args!("- {}\n", escaped(&sentence)));
    }
}

/// The share of errors, and what HTTP said.
pub(super) fn errors(cell: &CellView, out: &mut String) {
    if let Some(errors) = cell.errors.filter(|errors| errors.of > 0) {
        push(
            out,
            format_args!("- errors: {} of {}: {}\n", errors.n, errors.of, escaped(&share_words(errors))),
        );
    }
    for outcome in &cell.outcomes {
        for text in http_words(outcome) {
            push(out, format_args!("- {}: {}\n", escaped(&outcome.outcome), escaped(&text)));
        }
    }
}
