//! Figures of other tools in a terminal, and the campaigns that a report is of.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement};
use dyno_view::report::Report;

use super::{Ink, Page, plain_table, ruled};
use crate::campaigns;
use crate::imported::{COLUMNS, HEADING, N_TEXT_COLUMNS, cells, source};
use crate::untrusted::one_line;
use crate::words;

impl Page {
    /// Each campaign in a line; nothing where the report is of one.
    pub(super) fn campaigns(&mut self, report: &Report) {
        for part in campaigns::parts(report) {
            let plan = words::short_digest(part.plan_digest);
            self.wrapped(
                &format!("{}:", one_line(part.id)),
                &format!("{} · plan {plan}", part.words),
                Ink::Dim,
            );
        }
    }

    /// The figures of each file, with what must be known of them.
    pub(super) fn imported(&mut self, report: &Report) {
        if report.imported.is_empty() {
            return;
        }
        self.gap();
        self.heading(HEADING);
        for view in &report.imported {
            self.gap();
            self.wrapped("", &source(view), Ink::Dim);
            self.gap();
            let mut table = plain_table();
            table.set_width(self.style.width).set_content_arrangement(ContentArrangement::Dynamic);
            table.set_header(COLUMNS);
            for row in &view.rows {
                table.add_row(cells(row).map(|text| one_line(&text)));
            }
            ruled(&mut table);
            for (place, column) in table.column_iter_mut().enumerate() {
                let is_figure = place >= N_TEXT_COLUMNS;
                if is_figure {
                    column.set_cell_alignment(CellAlignment::Right);
                }
                if is_figure || place == 0 {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
            self.text(&table.to_string(), Ink::Plain);
            self.gap();
            for note in &view.notes {
                self.wrapped("note:", note, Ink::Dim);
            }
        }
    }
}
