//! Latency against the length of the prompt.

use dyno_view::chart::{AxisUnit, Chart, ChartForm, Series};

use super::reduce::cloud;
use super::{axis, chart};
use crate::cell::CellRecord;
use crate::derive::Derived;

pub(super) fn ttft_by_isl(cell: &CellRecord<'_>) -> Chart {
    let axes = (axis("prompt length (ISL)", AxisUnit::Tokens), axis("TTFT", AxisUnit::Ns));
    let caption = "One point for each request: how the wait for the first token grows with the prompt.";
    let series = points(cell, |derived| derived.ttft_ns);
    chart(
        "ttft-by-isl",
        "Time to first token against prompt length",
        caption,
        ChartForm::Points,
        axes,
        series,
    )
}

pub(super) fn e2e_by_isl(cell: &CellRecord<'_>) -> Chart {
    let axes = (axis("prompt length (ISL)", AxisUnit::Tokens), axis("E2E latency", AxisUnit::Ns));
    let caption = "One point for each request: the whole answer, which depends on its own length as well.";
    let series = points(cell, |derived| derived.e2e_ns);
    chart("e2e-by-isl", "E2E latency against prompt length", caption, ChartForm::Points, axes, series)
}

fn points(cell: &CellRecord<'_>, value: fn(&Derived) -> Option<u64>) -> Vec<Series> {
    let record = cell.record;
    let point = |row: usize| {
        Some([f64::from(record.requests.prompt_tokens[row]?), value(&record.derived[row])? as f64])
    };
    let all: Vec<[f64; 2]> = cell.ok_rows().into_iter().filter_map(point).collect();
    let n = all.len() as u64;
    vec![Series { name: "requests".to_owned(), points: cloud(all), n }]
}
