//! Cells under load in a terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement};
use dyno_view::load::VerdictView;
use dyno_view::report::{CellView, Report};

use super::comparison::tight;
use super::{Ink, Page, plain_table, ruled};
use crate::load::{
    Front, PERMILLES, Sweep, SweepRow, caveats, chunk_words, fronts, http_words, legend, limits, share_words,
    sweeps,
};
use crate::untrusted::one_line;
use crate::words::{Entry, quantile_name};

impl Page {
    /// The first table of a report: latencies from the due, rates, and what could not keep up.
    pub(super) fn load(&mut self, report: &Report) {
        let Some(view) = &report.load else { return };
        self.gap();
        self.heading("Under load");
        for finding in &view.alarms {
            self.wrapped("warning:", &finding.text, Ink::Warn);
        }
        let sweeps = sweeps(report, view);
        for sweep in &sweeps {
            self.gap();
            self.found(sweep, sweeps.len());
        }
        let fronts = fronts(report, view);
        for front in &fronts {
            self.gap();
            self.front(front);
        }
        self.gap();
        for text in legend(&fronts) {
            self.wrapped("", text, Ink::Dim);
        }
        for sweep in &sweeps {
            self.gap();
            self.heading(&format!("Against load: {}", sweep.name));
            self.sweep(sweep);
        }
    }

    fn front(&mut self, front: &Front<'_>) {
        let is_saturated = !front.load.saturation.is_empty();
        let mark = if is_saturated { "  SATURATED" } else { "" };
        self.heading(&format!("{}{mark}", front.name));
        let facts: Vec<String> =
            front.facts.iter().map(|(label, value)| format!("{label} {value}")).collect();
        self.wrapped("", &facts.join(" · "), if is_saturated { Ink::Warn } else { Ink::Plain });
        let width = usize::from(self.style.width);
        let fits = |text: &String| text.lines().all(|line| line.trim_end().chars().count() <= width);
        let layouts = [Layout::OneLine, Layout::TwoLines, Layout::Compact];
        let wide = layouts.into_iter().map(|layout| across(front, layout)).find(fits);
        let text = wide.unwrap_or_else(|| down(front, self.style.width));
        let n_header = text.lines().position(|line| line.starts_with('─')).map_or(0, |rule| rule + 1);
        for (i, line) in text.lines().enumerate() {
            self.text(line, if i < n_header { Ink::Dim } else { Ink::Plain });
        }
        for text in &front.remarks {
            self.wrapped("", text, Ink::Dim);
        }
        for (verdict, text) in &front.limits {
            self.wrapped("", text, verdict_ink(Some(*verdict)));
        }
    }

    /// Capacity, saturation and knee.
    fn found(&mut self, sweep: &Sweep<'_>, n_sweeps: usize) {
        if n_sweeps > 1 && !sweep.found.is_empty() {
            self.wrapped("", &sweep.name, Ink::Dim);
        }
        for found in &sweep.found {
            let text = format!("{} ({})", found.value, found.note);
            self.wrapped(&format!("{}:", one_line(&found.label)), &text, Ink::Bold);
        }
    }

    fn sweep(&mut self, sweep: &Sweep<'_>) {
        let all: Vec<usize> = (0..sweep.columns.len()).collect();
        let few: Vec<usize> = ["Offered", "Answered", "SLO", "TTFT p95", "TPOT p95"]
            .iter()
            .filter_map(|name| sweep.columns.iter().position(|(column, _)| column == name))
            .collect();
        let width = usize::from(self.style.width);
        let fits = |text: &String| text.lines().all(|line| line.trim_end().chars().count() <= width);
        let wide = [all, few].iter().map(|columns| sweep_table(sweep, columns)).find(fits);
        match wide {
            Some(text) => {
                let n_header = text.lines().position(|line| line.starts_with('─')).map_or(0, |rule| rule + 1);
                for (i, line) in text.lines().enumerate() {
                    self.text(line, if i < n_header { Ink::Dim } else { Ink::Plain });
                }
            }
            None => sweep.rows.iter().for_each(|row| self.sweep_row(sweep, row)),
        }
        if !sweep.view.notes.is_empty() {
            self.gap();
        }
        for note in &sweep.view.notes {
            self.wrapped("note:", note, Ink::Plain);
        }
    }

    /// One load below its name: for narrow terminals.
    fn sweep_row(&mut self, sweep: &Sweep<'_>, row: &SweepRow) {
        self.wrapped("", &load_words(row), if row.is_saturated { Ink::Warn } else { Ink::Plain });
        let figures = sweep.columns.iter().zip(&row.figures).filter(|(_, text)| *text != "–");
        let words: Vec<String> = figures
            .map(|((name, sign), text)| format!("{name} {text} {sign}").trim_end().to_owned())
            .collect();
        self.wrapped(" ", &words.join(" · "), verdict_ink(row.verdict));
    }

    /// What is to be said of a cell's load and its chunks, below its metrics.
    pub(super) fn cell_load(&mut self, cell: &CellView) {
        for caveat in caveats(cell) {
            self.wrapped("", &caveat, Ink::Dim);
        }
        for (verdict, text) in cell.offered.iter().flat_map(limits) {
            self.wrapped("", &text, verdict_ink(Some(verdict)));
        }
        for sentence in cell.chunks.iter().flat_map(chunk_words) {
            self.wrapped("", &sentence, Ink::Dim);
        }
    }

    /// The share of errors, and what HTTP said.
    pub(super) fn errors(&mut self, cell: &CellView) {
        if let Some(errors) = cell.errors.filter(|errors| errors.of > 0) {
            let ink = if errors.n == 0 { Ink::Plain } else { Ink::Warn };
            let text = format!("{} of {}: {}", errors.n, errors.of, share_words(errors));
            self.wrapped("errors:", &text, ink);
        }
        for outcome in &cell.outcomes {
            for text in http_words(outcome) {
                self.wrapped(&format!("  {}:", one_line(&outcome.outcome)), &text, Ink::Plain);
            }
        }
    }
}

fn verdict_ink(verdict: Option<VerdictView>) -> Ink {
    match verdict {
        Some(VerdictView::Pass) => Ink::Good,
        Some(VerdictView::Fail) => Ink::Bad,
        Some(VerdictView::Inconclusive { .. }) => Ink::Warn,
        None => Ink::Plain,
    }
}

/// How the first table is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `8.10 s [7.30 – 9.10]`.
    OneLine,
    /// The interval below the value.
    TwoLines,
    /// The same without spaces in intervals, and without a column for n.
    Compact,
}

fn across(front: &Front<'_>, layout: Layout) -> String {
    let mut table = plain_table();
    let mut header = vec!["latency".to_owned(), String::new()];
    header.extend(PERMILLES.iter().map(|permille| quantile_name(*permille)));
    header.push("longest".to_owned());
    header.extend((layout != Layout::Compact).then(|| "n".to_owned()));
    table.set_header(header);
    for line in &front.lines {
        let mut row = vec![one_line(&line.view.label), line.origin.to_owned()];
        row.extend(line.figures.iter().map(|entry: &Entry| match layout {
            Layout::OneLine => entry.line(),
            Layout::TwoLines => format!("{}\n{}", entry.value, entry.note),
            Layout::Compact => {
                format!("{}\n{}", entry.value, tight(&entry.note))
            }
        }));
        row.push(line.max.clone());
        row.extend((layout != Layout::Compact).then(|| line.n.clone()));
        table.add_row(row);
    }
    ruled(&mut table);
    for i in 2..table.column_count() {
        if let Some(column) = table.column_mut(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// One row for each percentile, for narrow terminals.
fn down(front: &Front<'_>, width: u16) -> String {
    let mut table = plain_table();
    table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
    for line in &front.lines {
        table.add_row([format!("{}, {}", one_line(&line.view.label), line.origin), String::new()]);
        for (permille, entry) in PERMILLES.iter().zip(&line.figures) {
            table.add_row([format!("  {}", quantile_name(*permille)), entry.line()]);
        }
        table.add_row(["  longest".to_owned(), format!("{} (n = {})", line.max, line.n)]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    if let Some(values) = table.column_mut(1) {
        values.set_constraint(ColumnConstraint::ContentWidth);
    }
    table.to_string()
}

fn sweep_table(sweep: &Sweep<'_>, columns: &[usize]) -> String {
    let mut table = plain_table();
    let mut header = vec!["load".to_owned()];
    header.extend(columns.iter().map(|column| {
        let (name, sign) = sweep.columns[*column];
        let folded = name.replace(' ', "\n");
        if sign.is_empty() { folded } else { format!("{folded}\n{sign}") }
    }));
    table.set_header(header);
    for row in &sweep.rows {
        let mut cells = vec![load_words(row).replace(" arrivals", "\narrivals")];
        cells.extend(
            columns.iter().map(|column| row.figures[*column].replace(", ", ",\n").replace(" [", "\n[")),
        );
        table.add_row(cells);
    }
    ruled(&mut table);
    for i in 1..table.column_count() {
        if let Some(column) = table.column_mut(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

fn load_words(row: &SweepRow) -> String {
    let mark = if row.is_saturated { ", SATURATED" } else { "" };
    format!("{}{mark}", one_line(&row.load))
}
