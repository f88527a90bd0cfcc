//! A history in a terminal.

use comfy_table::CellAlignment;
use dyno_view::history::HistoryView;

use super::compare::ink;
use super::{Ink, LEAST_WIDTH, Page, TerminalStyle, plain_table, ruled};
use crate::compare::{SeriesWords, history_verdict, series_words};
use crate::untrusted::one_line;

/// Campaigns over time: what changed for good, then each series. What could not be read is among the findings.
pub fn history(view: &HistoryView, style: &TerminalStyle) -> String {
    let style = TerminalStyle { width: style.width.max(LEAST_WIDTH), color: style.color };
    let mut page = Page { style, out: String::new() };
    page.heading("History");
    let (tone, verdict) = history_verdict(view);
    page.wrapped("", &verdict, ink(tone));
    page.listed(&view.findings);
    for series in series_words(view) {
        page.history_series(&series);
    }
    page.gap();
    page.wrapped("again:", &view.regenerate, Ink::Dim);
    page.out
}

impl Page {
    fn history_series(&mut self, series: &SeriesWords<'_>) {
        self.gap();
        self.heading(&series.name);
        self.wrapped("", &series.work, Ink::Dim);
        for (tone, text) in &series.changes {
            self.wrapped("", text, ink(*tone));
        }
        if let Some(why) = series.unsearched {
            self.wrapped("", &format!("changes were not looked for: {why}"), Ink::Warn);
        }
        self.gap();
        let width = usize::from(self.style.width);
        let text = across(series);
        if text.lines().all(|line| line.trim_end().chars().count() <= width) {
            for (i, line) in text.lines().enumerate() {
                self.text(line, if i < 2 { Ink::Dim } else { Ink::Plain });
            }
            return;
        }
        for point in &series.points {
            let said =
                format!("{} {}, n = {}, {}", point.value, point.range, point.n, one_line(&point.release));
            self.wrapped(&format!("{}:", one_line(&point.campaign)), said.trim_end_matches(", "), Ink::Plain);
        }
    }
}

fn across(series: &SeriesWords<'_>) -> String {
    let mut table = plain_table();
    table.set_header(["campaign", "measured", "release", "value", "least – most", "launches"]);
    for point in &series.points {
        table.add_row([
            one_line(&point.campaign),
            one_line(&point.at),
            one_line(&point.release),
            point.value.clone(),
            point.range.clone(),
            point.n.clone(),
        ]);
    }
    ruled(&mut table);
    for i in 3..6 {
        if let Some(column) = table.column_mut(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}
