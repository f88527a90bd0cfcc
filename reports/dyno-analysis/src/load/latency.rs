//! Percentiles of latencies under load.

use dyno_model::metric::metric;
use dyno_stats::{finite_ranks, min_observations};
use dyno_view::load::{LatencyFigure, LatencyFigureView, LatencyView, OriginView};
use dyno_view::report::QuantileFigure;

use super::attempts::Attempts;
use crate::cell::CellRecord;
use crate::derive::Derived;
use crate::independence::n_effective;
use crate::observations::{CONFIDENCE, LEVELS, Observations};

/// What of a request a latency is.
type Value = fn(&Derived) -> Option<u64>;

/// Latencies from the due, where there is one, each followed by its service time; then the pace of tokens.
pub(super) fn latencies(
    cell: &CellRecord<'_>,
    attempts: &Attempts,
    no_interval: Option<&String>,
) -> Vec<LatencyView> {
    let due: [(&str, OriginView, Value); 2] = [
        ("ttft_sched_ns", OriginView::Due, |of| of.ttft_sched_ns),
        ("e2e_sched_ns", OriginView::Due, |of| of.e2e_sched_ns),
    ];
    let sent: [(&str, OriginView, Value); 2] =
        [("ttft_ns", OriginView::Sent, |of| of.ttft_ns), ("e2e_ns", OriginView::Sent, |of| of.e2e_ns)];
    let served: [(&str, OriginView, Value); 2] = [
        ("ttft_served_ns", OriginView::Served, |of| of.ttft_served_ns),
        ("e2e_served_ns", OriginView::Served, |of| of.e2e_served_ns),
    ];
    let token: (&str, OriginView, Value) = ("tpot_ns", OriginView::Token, |of| of.tpot_ns);
    let is_open = cell.cell.load.is_open();
    let queues = attempts.rows.iter().any(|row| cell.record.requests.queue_ns[*row].is_some());
    let service = if is_open && queues { served } else { sent };
    let mut all = Vec::new();
    for (due, sent) in due.into_iter().zip(service) {
        all.extend(is_open.then_some(due));
        all.push(sent);
    }
    all.push(token);
    all.into_iter().map(|of| latency(cell, attempts, of, no_interval)).collect()
}

fn latency(
    cell: &CellRecord<'_>,
    attempts: &Attempts,
    (id, origin, value): (&str, OriginView, Value),
    no_interval: Option<&String>,
) -> LatencyView {
    let derived = &cell.record.derived;
    let values = cell.ok_rows().into_iter().filter_map(|row| value(&derived[row]));
    let observations = Observations::whole(values.collect());
    let n_effective = n_effective(id, cell);
    // The pace of tokens does not grow with a queue, nor does service time where one request is served at a time.
    let no_interval = no_interval.filter(|_| origin == OriginView::Due).cloned();
    let figures = LEVELS.iter().map(|level| LatencyFigureView {
        permille: level.permille(),
        figure: match (&no_interval, observations.quantile(*level)) {
            (Some(_), Some(value)) => LatencyFigure::Observed { value },
            _ => match observations.figure(*level, n_effective) {
                QuantileFigure::Estimate { value, low, high, .. } => {
                    LatencyFigure::Estimate { value, low, high }
                }
                QuantileFigure::TooFew { n, needed } => {
                    too_few(&observations, *level, n_effective, (n, needed))
                }
            },
        },
    });
    LatencyView {
        metric: id.to_owned(),
        label: label(id),
        origin,
        n: observations.len() as u64,
        of: attempts.n(),
        median_ns: observations.quantile(dyno_stats::Level::P50),
        max_ns: observations.max(),
        figures: figures.collect(),
        no_interval,
    }
}

/// `TTFT`, `E2E latency`: from where it counts stands beside it.
fn label(id: &str) -> String {
    let label = metric(id).map_or(id, |metric| metric.label);
    label.trim_end_matches(" from due").trim_end_matches(" without queue").to_owned()
}

/// The lower bound, where one is finite; of dependent observations none is claimed.
fn too_few(
    observations: &Observations,
    level: dyno_stats::Level,
    n_effective: Option<u64>,
    (n, needed): (u64, u64),
) -> LatencyFigure {
    let ranks = finite_ranks(observations.len() as u64, level, CONFIDENCE);
    let low =
        ranks.low.filter(|_| n_effective.is_none()).and_then(|rank| observations.at_rank(rank as usize));
    match low {
        Some(low) => LatencyFigure::AtLeast { low, n, needed },
        None => LatencyFigure::TooFew { n, needed: needed.max(min_observations(level, CONFIDENCE)) },
    }
}
