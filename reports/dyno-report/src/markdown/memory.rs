//! Memory and roofline.

use dyno_view::report::CellView;

use super::{escaped, push};
use crate::memory::{Rung, sections};

/// A verdict and its figures for each; a table of the contexts where there are several.
pub(super) fn memory(cell: &CellView, out: &mut String) {
    for section in sections(cell) {
        let mark = if section.tone == "bad" { "**" } else { "" };
        push(out, format_args!("\n{}: {mark}{}{mark}.\n\n", section.title, escaped(&section.verdict)));
        for line in &section.lines {
            push(out, format_args!("- {}: {}\n", escaped(&line.label), escaped(&line.text())));
        }
        if !section.rungs.is_empty() {
            rungs(&section.rungs, out);
        }
    }
}

fn rungs(rungs: &[Rung], out: &mut String) {
    out.push_str(
        "\n| Context | in use | anonymous peak | launches | |\n| ---: | ---: | ---: | ---: | --- |\n",
    );
    for rung in rungs {
        push(
            out,
            format_args!(
                "| {} | {} | {} | {} | {} |\n",
                rung.context,
                rung.used,
                rung.anon,
                rung.launches,
                escaped(&rung.outcome)
            ),
        );
    }
}
