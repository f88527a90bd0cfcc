//! A calibration as Markdown.

use dyno_view::calibration::CalibrationView;

use super::{code, escaped, push};
use crate::compare::{calibration_facts, calibration_lines, calibration_verdict, false_alarm_words};

/// A device held against itself: whether verdicts may rest on it, and how far each metric scatters.
pub fn calibration(view: &CalibrationView) -> String {
    let mut out = String::new();
    let (_, verdict) = calibration_verdict(view);
    push(
        &mut out,
        format_args!("## A/A calibration of {}\n\n{}\n\n", escaped(&view.device), escaped(&verdict)),
    );
    for (label, value) in calibration_facts(view) {
        push(&mut out, format_args!("- {}: {}\n", escaped(&label), escaped(&value)));
    }
    out.push_str("\n| Metric | Blocks | Median | Scatter | MDE of 10 blocks | δ | r1 | Alarms | q |\n");
    out.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for line in calibration_lines(view) {
        push(
            &mut out,
            format_args!(
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                escaped(&line.label),
                line.n_blocks,
                line.median,
                line.scatter,
                line.mde,
                line.delta,
                line.r1,
                line.alarms,
                escaped(&line.q)
            ),
        );
    }
    if let Some((_, text)) = false_alarm_words(view) {
        push(&mut out, format_args!("\n{}\n", escaped(&text)));
    }
    push(&mut out, format_args!("\nRendered again by {}.\n", code(&view.regenerate)));
    out
}
