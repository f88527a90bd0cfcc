//! Stamps, steady states, starts and figures that may not be used.

use dyno_view::report::{CellView, Report};

use super::{escaped, push};
use crate::{proof, start, steady, words};

/// How far the figures can be believed, and what the steady state is.
pub(super) fn proof(cell: &CellView, out: &mut String) {
    if let Some(view) = &cell.proof {
        push(out, format_args!("\nStamps: {}.\n", escaped(&proof::stamps(&view.stamps))));
        watched(view, out);
    }
    if let Some(view) = &cell.steady {
        push(
            out,
            format_args!(
                "\nSteady state ({}): {}.\n",
                escaped(&view.signal),
                escaped(&steady::verdict(view))
            ),
        );
        let figures = steady::figures(view);
        if !figures.is_empty() {
            out.push('\n');
        }
        for (label, figure, n) in figures {
            push(out, format_args!("- {} p50: {} ({n})\n", escaped(&label), figure.line()));
        }
    }
}

fn watched(view: &dyno_view::proof::ProofView, out: &mut String) {
    let rows = proof::rows(view);
    if rows.is_empty() {
        return;
    }
    out.push_str("\n<details><summary>What was watched</summary>\n");
    out.push_str("\n| Watched | typical launch | worst launch |\n| --- | --- | --- |\n");
    for row in rows {
        let stage = match row.stage {
            dyno_view::proof::ProofStage::Calibration => "calibration",
            dyno_view::proof::ProofStage::Load => "load",
        };
        let worst = if row.worst.is_empty() {
            "the same".to_owned()
        } else {
            format!("{} ({})", row.worst.join(", "), escaped(&row.worst_name))
        };
        let typical = row.typical.join(", ");
        push(
            out,
            format_args!(
                "| {} ({stage}): {} | {typical} | {worst} |\n",
                escaped(row.label),
                escaped(row.note)
            ),
        );
    }
    out.push_str("\n</details>\n");
}

/// Figures of launches none of which may be used, as nothing else.
pub(super) fn unusable(cell: &CellView, out: &mut String) {
    if cell.invalid_metrics.is_empty() {
        return;
    }
    out.push_str("\n**INVALID: no launch of this cell may be used.** What they showed, for the search for the cause only:\n\n");
    out.push_str("| Metric (invalid) | n | p50 | min – max |\n| --- | ---: | ---: | ---: |\n");
    for metric in cell.invalid_metrics.iter().filter(|metric| metric.n > 0) {
        push(
            out,
            format_args!(
                "| {}, INVALID | {} | {} | {} |\n",
                escaped(&metric.label),
                words::count(metric.n),
                words::quantile(metric, 500).line(),
                crate::cell::extremes(metric)
            ),
        );
    }
}

/// Cold and warm starts, one column for each state.
pub(super) fn starts(report: &Report, out: &mut String) {
    let Some(view) = &report.starts else { return };
    out.push_str("\n### Starts\n");
    for of in start::tables(view) {
        push(out, format_args!("\n{}: {}\n\n", escaped(&of.name), escaped(&of.settings)));
        for state in &of.states {
            let steps: Vec<String> = state.view.steps.iter().map(|step| escaped(step)).collect();
            let made =
                if steps.is_empty() { String::new() } else { format!("; made by {}", steps.join(", then ")) };
            push(
                out,
                format_args!(
                    "- {}: {}; {}{made}\n",
                    escaped(&state.name),
                    escaped(&state.verified),
                    escaped(&state.resident)
                ),
            );
            for reason in &state.reasons {
                push(out, format_args!("  - **{}**\n", escaped(reason)));
            }
        }
        start_table(&of, out);
    }
    push(out, format_args!("\n<sub>{}</sub>\n", start::DISK_NOTE));
}

fn start_table(of: &start::Table<'_>, out: &mut String) {
    let names: Vec<String> = of
        .states
        .iter()
        .map(|state| escaped(&state.name))
        .chain(of.differences.iter().map(|name| escaped(name)))
        .collect();
    push(
        out,
        format_args!("\n| Median | {} |\n| --- |{}\n", names.join(" | "), " ---: |".repeat(names.len())),
    );
    for line in &of.lines {
        let sign = if line.sign.is_empty() { String::new() } else { format!(" ({})", line.sign) };
        let mut figures: Vec<String> = line
            .figures
            .iter()
            .chain(&line.differences)
            .map(|entry| if entry.is_missing { escaped(&entry.line()) } else { entry.line() })
            .collect();
        figures.resize(names.len(), String::new());
        push(out, format_args!("| {}{sign} | {} |\n", escaped(line.label), figures.join(" | ")));
    }
}
