//! Distributions side by side, row by row.

use dyno_stats::{Level, type1};
use dyno_view::chart::{Chart, ChartForm, Series};
use dyno_view::comparison::{ColumnFigure, ColumnView, RowView};

use super::charts::{Kind, MAX_ROWS, of_rows, row_name};
use crate::cell::CellRecord;
use crate::measure::request_value;

/// House rule: fewer requests have no quartiles worth drawing.
const MIN_REQUESTS: usize = 8;
/// Ends of the whiskers and of the box, with the line in it.
const LEVELS: [u32; 5] = [50_000, 250_000, 500_000, 750_000, 950_000];

/// One chart for each metric of requests that a median of the table is of.
pub(super) fn charts(cells: &[&CellRecord<'_>], columns: &[ColumnView], rows: &[RowView]) -> Vec<Chart> {
    if rows.len() > MAX_ROWS {
        return Vec::new();
    }
    let is_median = |column: &&ColumnView| column.figure == ColumnFigure::Quantile { permille: 500 };
    columns.iter().filter(is_median).filter_map(|column| chart(cells, column, rows)).collect()
}

fn chart(cells: &[&CellRecord<'_>], column: &ColumnView, rows: &[RowView]) -> Option<Chart> {
    let series: Vec<Series> = cells
        .iter()
        .zip(rows)
        .zip(1_u32..)
        .map(|((cell, row), line)| series(cell, &column.metric, row, f64::from(line)))
        .collect();
    let kind = Kind {
        id: "boxes",
        title: format!("{} of all requests", column.label),
        says: "Boxes from p25 to p75 with the median, whiskers from p5 to p95 (all type 1: observations), and dots for \
               the smallest and the largest",
        form: ChartForm::Boxes,
        x: column.label.clone(),
    };
    of_rows(kind, column, series)
}

fn series(cell: &CellRecord<'_>, metric: &str, row: &RowView, place: f64) -> Series {
    let rows = cell.ok_rows();
    let mut values: Vec<f64> = rows.iter().filter_map(|row| request_value(cell, metric, *row)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len() as u64;
    let places = if values.len() < MIN_REQUESTS { Vec::new() } else { places(&values) };
    let points = places.into_iter().map(|value| [value, place]).collect();
    Series { name: row_name(row), points, n }
}

/// Whiskers, box and line, then the smallest and the largest.
fn places(sorted: &[f64]) -> Vec<f64> {
    let levels = LEVELS.iter().filter_map(|level| type1(sorted, Level::per_million(*level)?));
    levels.chain(sorted.first().copied()).chain(sorted.last().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_made_of_observations() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(places(&hundred), [5.0, 25.0, 50.0, 75.0, 95.0, 1.0, 100.0]);
    }
}
