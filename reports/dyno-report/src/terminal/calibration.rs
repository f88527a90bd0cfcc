//! A calibration in a terminal.

use comfy_table::CellAlignment;
use dyno_view::calibration::CalibrationView;

use super::compare::ink;
use super::{Ink, LEAST_WIDTH, Page, TerminalStyle, plain_table, ruled};
use crate::compare::{
    CalibrationLine, calibration_facts, calibration_lines, calibration_verdict, false_alarm_words,
};
use crate::untrusted::one_line;

/// A device held against itself: whether verdicts may rest on it, and how far each metric scatters.
pub fn calibration(view: &CalibrationView, style: &TerminalStyle) -> String {
    let style = TerminalStyle { width: style.width.max(LEAST_WIDTH), color: style.color };
    let mut page = Page { style, out: String::new() };
    page.heading(&format!("A/A calibration of {}", view.device));
    let (tone, verdict) = calibration_verdict(view);
    page.wrapped("", &verdict, ink(tone));
    page.gap();
    for (label, value) in calibration_facts(view) {
        page.wrapped(&format!("{}:", one_line(&label)), &value, Ink::Plain);
    }
    page.gap();
    let lines = calibration_lines(view);
    page.calibrated(&lines);
    page.gap();
    if let Some((tone, text)) = false_alarm_words(view) {
        page.wrapped("", &text, ink(tone));
    }
    let how = "scatter: standard deviation of a launch, without what a block shares; MDE: the least change that 10 blocks \
               find in four of five experiments; alarms: tests of 10 of these blocks that found a difference, to look at; q: at \
               0.05 or below, one of two equal arms is the better one.";
    page.wrapped("", how, Ink::Dim);
    page.wrapped("again:", &view.regenerate, Ink::Dim);
    page.out
}

impl Page {
    fn calibrated(&mut self, lines: &[CalibrationLine]) {
        let text = across(lines);
        let width = usize::from(self.style.width);
        if text.lines().all(|line| line.trim_end().chars().count() <= width) {
            for (i, line) in text.lines().enumerate() {
                self.text(line, if i < 2 { Ink::Dim } else { Ink::Plain });
            }
            return;
        }
        for line in lines {
            let said = format!(
                "median {}, scatter {}, MDE {}, δ {}, r1 {}, {} blocks, alarms {}, q {}",
                line.median, line.scatter, line.mde, line.delta, line.r1, line.n_blocks, line.alarms, line.q
            );
            self.wrapped(&format!("{}:", one_line(&line.label)), &said, Ink::Plain);
        }
    }
}

fn across(lines: &[CalibrationLine]) -> String {
    let mut table = plain_table();
    table.set_header(["metric", "blocks", "median", "scatter", "MDE", "δ", "r1", "alarms", "q"]);
    for line in lines {
        table.add_row([
            one_line(&line.label),
            line.n_blocks.clone(),
            line.median.clone(),
            line.scatter.clone(),
            line.mde.clone(),
            line.delta.clone(),
            line.r1.clone(),
            line.alarms.clone(),
            line.q.clone(),
        ]);
    }
    ruled(&mut table);
    for i in 1..9 {
        if let Some(column) = table.column_mut(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}
