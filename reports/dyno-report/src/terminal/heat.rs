//! Loads that go on.

use comfy_table::CellAlignment;
use dyno_view::report::{CellView, Report};

use super::{Ink, Page, plain_table, ruled};
use crate::heat;
use crate::untrusted::one_line;

impl Page {
    /// The first run against the sustained pace.
    pub(super) fn heat_table(&mut self, report: &Report) {
        let Some(view) = &report.heat else { return };
        self.gap();
        self.heading("Does it stay fast?");
        let rows = heat::rows(view);
        for layout in [" ", "\n"] {
            let mut table = plain_table();
            let mut header = vec![String::new()];
            header.extend(heat::HEADS.map(str::to_owned));
            table.set_header(header);
            for of in &rows {
                let figures = of.figures.iter().map(|figure| {
                    let (value, note) = figure.parts();
                    let is_missing = value == "n/a";
                    if is_missing || note.is_empty() { value } else { format!("{value}{layout}{note}") }
                });
                table.add_row([one_line(&of.name)].into_iter().chain(figures));
            }
            ruled(&mut table);
            for place in 1..table.column_count() {
                if let Some(column) = table.column_mut(place) {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
            let text = table.to_string();
            let width = usize::from(self.style.width);
            if text.lines().all(|line| line.trim_end().chars().count() <= width) {
                for (place, line) in text.lines().enumerate() {
                    self.text(line, if place < 2 { Ink::Dim } else { Ink::Plain });
                }
                self.heat_remarks(&rows, false);
                return;
            }
        }
        self.heat_remarks(&rows, true);
    }

    /// What does not fit the table, and the figures where no table fits.
    fn heat_remarks(&mut self, rows: &[heat::Row], with_figures: bool) {
        for of in rows {
            self.wrapped(&format!("{}:", one_line(&of.name)), &of.load, Ink::Dim);
            for ((head, figure), n) in heat::HEADS.iter().zip(&of.figures).zip(&of.ns) {
                let is_missing = figure.parts().0 == "n/a";
                if with_figures || is_missing {
                    let n = if n.is_empty() { String::new() } else { format!(" ({n})") };
                    self.wrapped(&format!("  {head}:"), &format!("{}{n}", figure.line()), Ink::Plain);
                }
            }
            if let Some(ended) = &of.ended {
                self.wrapped(" ", ended, Ink::Bad);
            }
            if of.is_invalid {
                self.wrapped(" ", "INVALID: its numbers may not be used", Ink::Bad);
            }
        }
    }

    /// What each launch did.
    pub(super) fn heat(&mut self, cell: &CellView) {
        let Some(view) = &cell.heat else { return };
        for of in heat::launches(view) {
            let ink = match of.tone {
                "bad" => Ink::Bad,
                "warn" => Ink::Warn,
                _ => Ink::Plain,
            };
            self.wrapped(&format!("Heat, {}:", of.name), &of.verdict, ink);
            for reason in &of.invalid {
                self.wrapped("  INVALID:", reason, Ink::Bad);
            }
            if let Some(ended) = &of.ended {
                self.wrapped(" ", ended, Ink::Bad);
            }
            for change in &of.changes {
                let evidence = if change.evidence.is_empty() {
                    String::new()
                } else {
                    format!(": {}", change.evidence.join("; "))
                };
                let text = format!("{} ({}), {}{evidence}", change.levels, change.by, change.cause);
                self.wrapped(&format!("  {}:", change.at), &text, Ink::Plain);
            }
            for (label, figure, note) in &of.facts {
                let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
                self.wrapped(&format!("  {label}:"), &format!("{}{note}", figure.line()), Ink::Plain);
            }
            for zone in &of.temps {
                let [before, onset, end, max] = &zone.figures;
                let text =
                    format!("{before} before, {onset} at the slowdown, {end} at the end, {max} at most");
                let text = text.replace(", n/a at the slowdown", "");
                self.wrapped(&format!("  {}:", one_line(&zone.site)), &text, Ink::Plain);
            }
        }
        self.wrapped(" ", &heat::ambient(view), Ink::Dim);
    }
}
