//! Energy.

use comfy_table::CellAlignment;
use dyno_view::energy::EnergyGroupView;
use dyno_view::report::{CellView, Report};

use super::{Ink, Page, plain_table, ruled};
use crate::energy;
use crate::untrusted::one_line;

impl Page {
    /// The source and the figures of one cell.
    pub(super) fn energy(&mut self, cell: &CellView) {
        let Some(view) = &cell.energy else { return };
        self.wrapped("Energy:", &energy::verdict(view), Ink::Plain);
        for figure in &view.figures {
            let entry = energy::figure(figure);
            let text = if entry.is_missing {
                entry.line()
            } else {
                format!("{} ({})", entry.line(), energy::how(figure))
            };
            let ink = if entry.is_missing { Ink::Dim } else { Ink::Plain };
            self.wrapped(&format!("  {}:", one_line(&figure.label)), &text, ink);
        }
        for idle in &view.idle {
            let (label, entry, of) = energy::idle(idle);
            self.wrapped(&format!("  {label}:"), &format!("{} ({of})", entry.line()), Ink::Plain);
        }
        if !view.parts.is_empty() {
            self.wrapped("  Of the whole:", &energy::parts(&view.parts), Ink::Plain);
        }
        if let Some(method) = energy::method(view) {
            self.wrapped("  How:", &method, Ink::Dim);
        }
    }

    /// Cells side by side, as far as their energies mean the same.
    pub(super) fn energies(&mut self, report: &Report) {
        let Some(table) = report.energy.as_ref().filter(|table| energy::has_table(table)) else { return };
        self.gap();
        self.heading("Energy");
        for group in &table.groups {
            self.energy_group(group);
        }
        for sentence in energy::sentences(table) {
            self.wrapped("", &sentence, Ink::Plain);
        }
        self.wrapped("", energy::NOTE, Ink::Dim);
    }

    /// All figures across where that fits, else each in a line of its own.
    fn energy_group(&mut self, group: &EnergyGroupView) {
        self.wrapped("", &group.basis, Ink::Dim);
        let across = across(group);
        let width = usize::from(self.style.width);
        if across.lines().all(|line| line.trim_end().chars().count() <= width) {
            // Names of columns take two lines.
            let n_head = across.lines().position(|line| line.contains('─')).map_or(0, |place| place + 1);
            for (i, line) in across.lines().enumerate() {
                self.text(line, if i < n_head { Ink::Dim } else { Ink::Plain });
            }
            return;
        }
        for row in &group.rows {
            self.wrapped("", &format!("{}:", energy::row_name(row)), Ink::Bold);
            for (label, entry) in energy::headings(group).iter().zip(energy::row(row)) {
                self.wrapped(&format!("  {}:", one_line(label)), &entry.line(), Ink::Plain);
            }
        }
    }
}

fn across(group: &EnergyGroupView) -> String {
    let mut table = plain_table();
    let two_lines = |label: &String| one_line(label).replacen(" per ", "\nper ", 1);
    let headings = energy::headings(group);
    table.set_header(["cell".to_owned()].into_iter().chain(headings.iter().map(two_lines)));
    for row in &group.rows {
        let figures = energy::row(row).into_iter().map(|entry| format!("{}\n{}", entry.value, entry.note));
        table.add_row([one_line(&energy::row_name(row))].into_iter().chain(figures));
    }
    ruled(&mut table);
    for i in 1..table.column_count() {
        if let Some(column) = table.column_mut(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}
