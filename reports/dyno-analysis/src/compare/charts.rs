//! Distributions of both sides' requests.

use dyno_view::chart::{Axis, AxisUnit, Chart, ChartForm, Scale, Series};

use super::beside::{Pooled, PooledMetric};
use crate::charts::steps;

/// Metrics whose distributions are drawn.
const DRAWN: [&str; 5] = ["ttft_sched_ns", "e2e_sched_ns", "ttft_ns", "tpot_ns", "e2e_ns"];

pub(super) fn charts(pooled: &Pooled, names: [&str; 2], side: usize) -> Vec<Chart> {
    let is_drawn = |of: &&PooledMetric| DRAWN.contains(&of.metric.id);
    pooled.of.iter().filter(is_drawn).filter_map(|of| chart(of, names, side)).collect()
}

fn chart(of: &PooledMetric, names: [&str; 2], side: usize) -> Option<Chart> {
    let series = |name: &str, sorted: &[f64]| {
        // All of them are whole ns.
        let values: Vec<u64> = sorted.iter().map(|ns| *ns as u64).collect();
        Series { name: name.to_owned(), points: steps(&values), n: values.len() as u64 }
    };
    let both = vec![series(names[0], &of.sorted[0]), series(names[1], &of.sorted[1])];
    if both.iter().any(|series| series.points.is_empty()) {
        return None;
    }
    let axis = |label: &str, unit| Axis { label: label.to_owned(), unit, scale: Scale::Linear };
    Some(Chart {
        id: format!("compare-{side}-{}-cdf", of.metric.id.replace('_', "-")),
        title: format!("{} of all requests", of.metric.label),
        caption: format!(
            "A point says for which share of the requests {} was no more than that. It is no test: requests of one \
             launch resemble each other.",
            of.metric.label
        ),
        form: ChartForm::Step,
        x: axis(of.metric.label, AxisUnit::Ns),
        y: axis("share of requests", AxisUnit::Ratio),
        series: both,
        marks: Vec::new(),
    })
}
