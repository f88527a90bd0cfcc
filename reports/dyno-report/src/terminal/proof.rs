//! Stamps, steady states, starts and figures that may not be used.

use comfy_table::CellAlignment;
use dyno_view::proof::StampsView;
use dyno_view::report::{CellView, Report};

use super::{Ink, Page, plain_table, ruled};
use crate::untrusted::one_line;
use crate::{proof, start, steady, words};

impl Page {
    /// One or two lines on the stamps, and one on the steady state.
    pub(super) fn proof(&mut self, cell: &CellView) {
        if let Some(view) = &cell.proof {
            self.wrapped("Stamps:", &proof::stamps(&view.stamps), Ink::Plain);
            if matches!(view.stamps, StampsView::Calibrated { .. }) {
                for text in proof::uncalibrated(view) {
                    self.wrapped("", &text, Ink::Warn);
                }
            }
            let disturbance = proof::disturbance(view);
            if !disturbance.is_empty() {
                self.wrapped("Disturbed by:", &disturbance, Ink::Plain);
            }
        }
        if let Some(view) = &cell.steady {
            self.wrapped("Steady state:", &steady::verdict(view), Ink::Plain);
            for (label, figure, n) in steady::figures(view) {
                if label.starts_with("W:") {
                    self.wrapped(&format!("  {label}:"), &format!("p50 {} ({n})", figure.line()), Ink::Plain);
                }
            }
        }
    }

    /// Figures of launches none of which may be used, as nothing else.
    pub(super) fn unusable(&mut self, cell: &CellView) {
        if cell.invalid_metrics.is_empty() {
            return;
        }
        self.gap();
        self.wrapped(
            "INVALID:",
            "no launch of this cell may be used; what they showed, for the search for the cause only:",
            Ink::Bad,
        );
        for metric in cell.invalid_metrics.iter().filter(|metric| metric.n > 0) {
            let p50 = words::quantile(metric, 500).line();
            let n = words::count(metric.n);
            self.wrapped(
                &format!("  {}:", one_line(&metric.label)),
                &format!("INVALID p50 {p50}, {} (min – max, n = {n})", crate::cell::extremes(metric)),
                Ink::Dim,
            );
        }
    }

    /// Cold and warm starts, one column for each state.
    pub(super) fn starts(&mut self, report: &Report) {
        let Some(view) = &report.starts else { return };
        self.gap();
        self.heading("Starts");
        for of in start::tables(view) {
            self.wrapped("", &format!("{}: {}", of.name, of.settings), Ink::Dim);
            for state in &of.states {
                let ink = if state.tone == "good" || state.tone.is_empty() { Ink::Plain } else { Ink::Warn };
                let text = format!("{}; {}", state.verified, state.resident);
                self.wrapped(&format!("{}:", one_line(&state.name)), &text, ink);
                for reason in &state.reasons {
                    self.wrapped(" ", reason, Ink::Warn);
                }
            }
            self.start_table(&of);
        }
    }

    /// States across where that fits, else each figure in a line of its own.
    fn start_table(&mut self, of: &start::Table<'_>) {
        let across = start_across(of);
        let width = usize::from(self.style.width);
        if across.lines().all(|line| line.trim_end().chars().count() <= width) {
            for (i, line) in across.lines().enumerate() {
                self.text(line, if i < 2 { Ink::Dim } else { Ink::Plain });
            }
            return;
        }
        for line in &of.lines {
            self.text(&one_line(line.label), Ink::Dim);
            let names = of.states.iter().map(|state| state.name.clone()).chain(of.differences.clone());
            for (name, entry) in names.zip(line.figures.iter().chain(&line.differences)) {
                self.wrapped(&format!("  {}:", one_line(&name)), &with_sign(entry, line.sign), Ink::Plain);
            }
        }
    }
}

fn with_sign(entry: &words::Entry, sign: &str) -> String {
    if entry.is_missing || sign.is_empty() {
        return entry.line();
    }
    format!("{} {sign} {}", entry.value, entry.note).trim_end().to_owned()
}

fn start_across(of: &start::Table<'_>) -> String {
    let mut table = plain_table();
    let mut header = vec!["median".to_owned()];
    header.extend(of.states.iter().map(|state| one_line(&state.name)));
    header.extend(of.differences.iter().map(|name| one_line(name)));
    table.set_header(header);
    for line in &of.lines {
        let label = if line.sign.is_empty() {
            line.label.to_owned()
        } else {
            format!("{} ({})", line.label, line.sign)
        };
        let figure = |entry: &words::Entry| format!("{}\n{}", entry.value, entry.note);
        let mut row = vec![label];
        row.extend(line.figures.iter().map(figure));
        row.extend(line.differences.iter().map(figure));
        row.resize(1 + of.states.len() + of.differences.len(), String::new());
        table.add_row(row.iter().map(|text| text.lines().map(one_line).collect::<Vec<_>>().join("\n")));
    }
    ruled(&mut table);
    for i in 1..table.column_count() {
        if let Some(column) = table.column_mut(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}
