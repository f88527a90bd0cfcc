//! Distributions side by side, row by row.

use dyno_stats::{Level, type1};
use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};
use dyno_view::comparison::{Better, ColumnFigure, ColumnView, RowView};

use super::charts::{LOG_RATIO, MAX_ROWS, axis_unit};
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
    let unit = axis_unit(column.unit)?;
    let series: Vec<Series> = cells
        .iter()
        .zip(rows)
        .zip(1_u32..)
        .map(|((cell, row), line)| series(cell, &column.metric, row, f64::from(line)))
        .collect();
    let values = || series.iter().flat_map(|series| &series.points).map(|point| point[0]);
    let low = values().min_by(f64::total_cmp)?;
    let high = values().max_by(f64::total_cmp)?;
    let scale = if low > 0.0 && high / low > LOG_RATIO { Scale::Log } else { Scale::Linear };
    let better = match column.better {
        Better::Lower => "lower",
        Better::Higher => "higher",
    };
    let logarithmic = if scale == Scale::Log { " Equal distances are equal ratios." } else { "" };
    let axis = |label: &str, unit, scale| Axis { label: label.to_owned(), unit, scale };
    Some(Chart {
        id: format!("boxes-{}", column.metric.replace('_', "-")),
        title: format!("{} of all requests", column.label),
        caption: format!(
            "Boxes from p25 to p75 with the median, whiskers from p5 to p95 (all type 1: observations), and dots for the \
             smallest and the largest; {better} is better.{logarithmic}"
        ),
        form: ChartForm::Boxes,
        x: axis(&column.label, unit, scale),
        y: axis("place", AxisUnit::Count, Scale::Linear),
        series,
        marks: Vec::new(),
    })
}

fn series(cell: &CellRecord<'_>, metric: &str, row: &RowView, place: f64) -> Series {
    let rows = cell.ok_rows();
    let mut values: Vec<f64> = rows.iter().filter_map(|row| request_value(cell, metric, *row)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len() as u64;
    let name = [row.name.as_str()].into_iter().chain(row.marks.iter().map(String::as_str));
    let places = if values.len() < MIN_REQUESTS { Vec::new() } else { places(&values) };
    let points = places.into_iter().map(|value| [value, place]).collect();
    Series { name: name.collect::<Vec<_>>().join(", "), points, n }
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
