//! Distributions.

use dyno_view::chart::{AxisUnit, Chart, ChartForm, Series};

use super::reduce::steps;
use super::{MAX_LAUNCHES, axis, chart};
use crate::cell::CellRecord;
use crate::derive::Derived;

pub(super) fn ttft(cell: &CellRecord<'_>) -> Chart {
    let series = by_launch(cell, |derived| derived.ttft_ns);
    let axes = (axis("TTFT", AxisUnit::Ns), axis("share of requests", AxisUnit::Ratio));
    let caption = "A point says which share of the requests had their first token within that time.";
    chart("ttft-cdf", "Time to first token", caption, ChartForm::Step, axes, series)
}

pub(super) fn tpot(cell: &CellRecord<'_>) -> Chart {
    let series = by_launch(cell, |derived| derived.tpot_ns);
    let axes = (axis("TPOT", AxisUnit::Ns), axis("share of requests", AxisUnit::Ratio));
    let caption = "A point says which share of the requests had their tokens at that pace or faster.";
    chart("tpot-cdf", "Time per output token", caption, ChartForm::Step, axes, series)
}

/// One series for each launch, so that launches that differ are seen; pooled where there are many.
fn by_launch(cell: &CellRecord<'_>, value: fn(&Derived) -> Option<u64>) -> Vec<Series> {
    let sorted = |rows: &[usize]| {
        let mut values: Vec<u64> = rows.iter().filter_map(|row| value(&cell.record.derived[*row])).collect();
        values.sort_unstable();
        values
    };
    let series =
        |name: String, values: &[u64]| Series { name, points: steps(values), n: values.len() as u64 };
    if cell.valid_launches().count() > MAX_LAUNCHES {
        return vec![series("all launches".to_owned(), &sorted(&cell.ok_rows()))];
    }
    cell.valid_launches().map(|launch| series(launch.name(), &sorted(&cell.ok_rows_of(launch)))).collect()
}
