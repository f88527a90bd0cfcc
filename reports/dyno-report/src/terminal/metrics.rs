//! A cell's metrics in a terminal.

use comfy_table::{CellAlignment, ContentArrangement};
use dyno_view::report::{CellView, MetricView};

use super::{Ink, Page, plain_table, ruled};
use crate::cell::{extremes, has_no_estimate, permilles};
use crate::untrusted::one_line;
use crate::words;

impl Page {
    /// The first layout that fits; the narrow ones name the range of what has no percentile below the table.
    pub(super) fn metrics(&mut self, cell: &CellView) {
        let width = usize::from(self.style.width);
        let fits = |table: &String| table.lines().all(|line| line.trim_end().chars().count() <= width);
        let wide = [across(cell, Layout::OneLine), across(cell, Layout::TwoLines)].into_iter().find(fits);
        let table = wide.clone().unwrap_or_else(|| {
            let compact = across(cell, Layout::Compact);
            if fits(&compact) { compact } else { down(cell, self.style.width) }
        });
        for (i, line) in table.lines().enumerate() {
            self.text(line, if i < 2 { Ink::Dim } else { Ink::Plain });
        }
        if wide.is_none() {
            for metric in cell.metrics.iter().filter(|metric| has_no_estimate(metric)) {
                let range = format!("{} (min – max, n = {})", extremes(metric), words::count(metric.n));
                self.wrapped(&format!("{}:", one_line(&metric.label)), &range, Ink::Plain);
            }
        }
    }
}

/// How a table with percentiles across is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `92.1 ms [90.3 – 94.0]`.
    OneLine,
    /// The interval below the value.
    TwoLines,
    /// The same without spaces in intervals; n below the name, no column for the range.
    Compact,
}

fn across(cell: &CellView, layout: Layout) -> String {
    let permilles = permilles(cell);
    let is_compact = layout == Layout::Compact;
    let mut table = plain_table();
    let mut header = vec!["metric".to_owned()];
    header.extend((!is_compact).then(|| "n".to_owned()));
    header.extend(permilles.iter().map(|&permille| words::quantile_name(permille)));
    header.extend((!is_compact).then(|| "min – max".to_owned()));
    table.set_header(header);
    for metric in &cell.metrics {
        let (label, n) = (one_line(&metric.label), n_of(metric));
        let mut row = if is_compact { vec![format!("{label}\nn = {n}")] } else { vec![label, n] };
        row.extend(permilles.iter().map(|&permille| {
            let (value, note) = words::quantile(metric, permille).parts();
            match layout {
                Layout::OneLine => format!("{value} {note}"),
                Layout::TwoLines => format!("{value}\n{note}"),
                Layout::Compact => format!("{value}\n{}", note.replace(" – ", "–")),
            }
        }));
        row.extend((!is_compact).then(|| extremes(metric)));
        table.add_row(row);
    }
    ruled(&mut table);
    for i in 1..table.column_count() {
        if let Some(column) = table.column_mut(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// One row for each percentile, for the narrowest terminals.
fn down(cell: &CellView, width: u16) -> String {
    let mut table = plain_table();
    table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["metric", "", "figure"]);
    for metric in &cell.metrics {
        table.add_row([one_line(&metric.label), "n".to_owned(), n_of(metric)]);
        for quantile in &metric.quantiles {
            let name = words::quantile_name(quantile.permille);
            table.add_row([String::new(), name, words::quantile(metric, quantile.permille).line()]);
        }
    }
    ruled(&mut table);
    table.to_string()
}

/// `118`, or `118 worth 96` where neighbours resemble each other.
fn n_of(metric: &MetricView) -> String {
    let worth = metric.n_effective.map(|worth| format!(" worth {}", words::count(worth)));
    format!("{}{}", words::count(metric.n), worth.unwrap_or_default())
}
