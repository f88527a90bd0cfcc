//! Latency against the length of the prompt.

use dyno_view::chart::{AxisUnit, Chart, ChartForm, Series};

use super::density::{CLOUD_POINTS, density};
use super::{axis, chart};
use crate::cell::CellRecord;
use crate::derive::Derived;

pub(super) fn ttft_by_isl(cell: &CellRecord<'_>) -> Chart {
    let axes = (axis("prompt length (ISL)", AxisUnit::Tokens), axis("TTFT", AxisUnit::Ns));
    let caption = "how the wait for the first token grows with the prompt.";
    let (id, title) = ("ttft-by-isl", "Time to first token against prompt length");
    let points = points(cell, |derived| derived.ttft_ns);
    against(id, title, caption, axes, points)
}

pub(super) fn e2e_by_isl(cell: &CellRecord<'_>) -> Chart {
    let axes = (axis("prompt length (ISL)", AxisUnit::Tokens), axis("E2E latency", AxisUnit::Ns));
    let caption = "the whole answer, which depends on its own length as well.";
    let (id, title) = ("e2e-by-isl", "E2E latency against prompt length");
    let points = points(cell, |derived| derived.e2e_ns);
    against(id, title, caption, axes, points)
}

fn points(cell: &CellRecord<'_>, value: fn(&Derived) -> Option<u64>) -> Vec<[f64; 2]> {
    let record = cell.record;
    let point = |row: usize| {
        Some([f64::from(record.requests.prompt_tokens[row]?), value(&record.derived[row])? as f64])
    };
    cell.ok_rows().into_iter().filter_map(point).collect()
}

/// One point for each request; of more than can be told apart how many lie where.
fn against(
    id: &str,
    title: &str,
    text: &str,
    axes: (dyno_view::chart::Axis, dyno_view::chart::Axis),
    points: Vec<[f64; 2]>,
) -> Chart {
    let n = points.len() as u64;
    if points.len() <= CLOUD_POINTS {
        let caption = format!("One point for each request: {text}");
        let series = vec![Series { name: "requests".to_owned(), points, n }];
        return chart(id, title, &caption, ChartForm::Points, axes, series);
    }
    let caption = format!("How many of {n} requests lie where, the darkest most: {text}");
    chart(id, title, &caption, ChartForm::Density, axes, density(&points))
}
