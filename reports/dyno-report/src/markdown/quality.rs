//! Answers that were graded.

use dyno_view::quality::FrontierView;
use dyno_view::report::{CellView, Report};

use super::{escaped, push};
use crate::quality;
use crate::words::Worded;

/// Failed answers that are shown; the page has more.
const N_FAILURES: usize = 3;
/// Longest beginning of an answer.
const ANSWER_CHARS: usize = 120;

/// A figure whose interval is not taken for a link.
fn figure(of: &Worded) -> String {
    match of {
        Worded::Estimate { .. } => of.line(),
        Worded::Missing { .. } => escaped(&of.line()),
    }
}

/// Cells by speed, quality and energy.
pub(super) fn table(report: &Report, out: &mut String) {
    let Some(view) = &report.quality else { return };
    out.push_str("\n### Speed, quality and energy\n");
    for group in &view.groups {
        front(group, out);
    }
    push(out, format_args!("\n<sub>{}</sub>\n", escaped(quality::FRONT_NOTE)));
}

fn front(group: &FrontierView, out: &mut String) {
    push(out, format_args!("\n{}\n", escaped(&group.work)));
    push(out, format_args!("\n| Cell | {} |\n", quality::FRONT_HEADS.join(" | ")));
    out.push_str("| --- | ---: | ---: | ---: | ---: | --- |\n");
    for row in quality::front_rows(group) {
        let figures = row.figures.each_ref().map(figure).join(" | ");
        push(out, format_args!("| {} | {figures} | {} |\n", escaped(&row.name), escaped(&row.standing)));
    }
    out.push('\n');
    for text in quality::front_sentences(group) {
        push(out, format_args!("- {}\n", escaped(&text)));
    }
}

/// The pass rates of a cell, and a few answers that do not pass.
pub(super) fn cell(cell: &CellView, out: &mut String) {
    let Some(view) = &cell.quality else { return };
    push(out, format_args!("\nQuality: {}\n", quality::population(&view.overall)));
    push(out, format_args!("\n| Category | {} |\n", quality::HEADS.join(" | ")));
    push(out, format_args!("| --- |{}\n", " ---: |".repeat(quality::HEADS.len())));
    for row in quality::rows(view) {
        push(
            out,
            format_args!(
                "| {} | {} | {} | {} | {} | {} |\n",
                escaped(&row.name),
                row.n,
                row.passed,
                figure(&row.rate),
                row.cut,
                row.ungraded
            ),
        );
    }
    out.push('\n');
    for text in quality::sentences(view) {
        push(out, format_args!("- {}\n", escaped(&text)));
    }
    for of in view.failures.iter().take(N_FAILURES) {
        let answer: String = of.answer.chars().take(ANSWER_CHARS).collect();
        push(out, format_args!("- Not passed: {}: {}\n", escaped(&quality::failure(of)), escaped(&answer)));
    }
    push(out, format_args!("\n<sub>{}</sub>\n", escaped(quality::NOTE)));
}
