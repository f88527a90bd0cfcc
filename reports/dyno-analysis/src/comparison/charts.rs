//! Medians with their intervals, row by row.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};
use dyno_view::comparison::{Better, ColumnFigure, ColumnView, ComparedFigure, RowView};
use dyno_view::report::UnitView;

/// House rules: values that differ by more go on a logarithmic axis; a picture of more rows is not read.
const LOG_RATIO: f64 = 10.0;
pub(super) const MAX_ROWS: usize = 40;

/// One chart for each median that some row has.
pub(super) fn charts(columns: &[ColumnView], rows: &[RowView]) -> Vec<Chart> {
    if rows.len() > MAX_ROWS {
        return Vec::new();
    }
    let is_median = |column: &ColumnView| column.figure == ColumnFigure::Quantile { permille: 500 };
    let medians = columns.iter().enumerate().filter(|(_, column)| is_median(column));
    medians.filter_map(|(place, column)| chart(place, column, rows)).collect()
}

fn chart(place: usize, column: &ColumnView, rows: &[RowView]) -> Option<Chart> {
    let series: Vec<Series> = rows.iter().zip(1_u32..).map(|(row, line)| series(row, place, line)).collect();
    let kind = Kind {
        id: "compare",
        title: format!("{} p50", column.label),
        says: "Median with its 95 % interval",
        form: ChartForm::Whiskers,
        x: format!("{} p50", column.label),
    };
    of_rows(kind, column, series)
}

/// What tells one kind of chart with a row for each cell from another.
pub(super) struct Kind {
    pub(super) id: &'static str,
    pub(super) title: String,
    /// What is drawn of a row.
    pub(super) says: &'static str,
    pub(super) form: ChartForm,
    /// Label of the horizontal axis.
    pub(super) x: String,
}

/// A chart of one column with a row for each cell; `None` without a value, or without an axis for its unit.
pub(super) fn of_rows(kind: Kind, column: &ColumnView, series: Vec<Series>) -> Option<Chart> {
    let unit = axis_unit(column.unit)?;
    let values = || series.iter().flat_map(|series| &series.points).map(|point| point[0]);
    let low = values().min_by(f64::total_cmp)?;
    let high = values().max_by(f64::total_cmp)?;
    let scale = if low > 0.0 && high / low > LOG_RATIO { Scale::Log } else { Scale::Linear };
    let better = match column.better {
        Better::Lower => "lower",
        Better::Higher => "higher",
    };
    let logarithmic = if scale == Scale::Log { " Equal distances are equal ratios." } else { "" };
    Some(Chart {
        id: format!("{}-{}", kind.id, column.metric.replace('_', "-")),
        title: kind.title,
        caption: format!("{}; {better} is better.{logarithmic}", kind.says),
        form: kind.form,
        x: Axis { label: kind.x, unit, scale },
        y: Axis { label: "place".to_owned(), unit: AxisUnit::Count, scale: Scale::Linear },
        series,
        marks: Vec::new(),
    })
}

/// A row's name with what limits its figures.
pub(super) fn row_name(row: &RowView) -> String {
    let name = [row.name.as_str()].into_iter().chain(row.marks.iter().map(String::as_str));
    name.collect::<Vec<_>>().join(", ")
}

fn series(row: &RowView, column: usize, line: u32) -> Series {
    let place = f64::from(line);
    let (points, n) = match row.figures.get(column) {
        Some(ComparedFigure::Estimate { value, low, high, n }) => {
            (vec![[*low, place], [*value, place], [*high, place]], *n)
        }
        Some(
            ComparedFigure::Highest { .. } | ComparedFigure::TooFew { .. } | ComparedFigure::Missing { .. },
        )
        | None => (Vec::new(), 0),
    };
    Series { name: row_name(row), points, n }
}

fn axis_unit(unit: UnitView) -> Option<AxisUnit> {
    match unit {
        UnitView::Ns => Some(AxisUnit::Ns),
        UnitView::TokensPerSecond => Some(AxisUnit::TokensPerSecond),
        UnitView::Bytes => Some(AxisUnit::Bytes),
        UnitView::Tokens => Some(AxisUnit::Tokens),
        UnitView::Ratio => Some(AxisUnit::Ratio),
        UnitView::Count => Some(AxisUnit::Count),
        UnitView::Watts => Some(AxisUnit::Watts),
        UnitView::RequestsPerSecond
        | UnitView::BytesPerSecond
        | UnitView::OperationsPerSecond
        | UnitView::Joules
        | UnitView::TokensPerJoule
        | UnitView::JouleSeconds
        | UnitView::WattHours
        | UnitView::Hours => None,
    }
}
