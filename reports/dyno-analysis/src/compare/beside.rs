//! High percentiles and the shape of distributions: beside the tests, and in no verdict.

use dyno_model::metric::{Metric, Population};
use dyno_stats::{Level, ks_distance, min_observations, run_quantile_ratio, type1};
use dyno_view::compare::{ShapeRow, TailFigure, TailRow};

use super::change::MIN_LAUNCHES;
use super::draft::{Both, Data, Draft};
use super::pairing::Pairing;
use super::runs::RunOf;
use super::scenario::better;
use crate::cell::CellRecord;
use crate::measure::request_value;
use crate::metrics::unit_view;
use crate::observations::CONFIDENCE;

/// Percentiles that are compared (MEASUREMENT §3.5, rule 7).
const LEVELS: [Level; 2] = [Level::P95, Level::P99];

/// Values of the requests of both sides, run by run.
pub(super) struct Pooled {
    pub(super) of: Vec<PooledMetric>,
}

/// One metric.
pub(super) struct PooledMetric {
    pub(super) metric: &'static Metric,
    /// Of the baseline, and of the side.
    runs: [Vec<Vec<f64>>; 2],
    /// The same pooled and sorted.
    pub(super) sorted: [Vec<f64>; 2],
    /// Why it is not compared.
    unlike: Option<String>,
}

impl Pooled {
    /// The metrics of requests among the rows.
    pub(super) fn of(both: &Both<'_, '_>, pairing: &Pairing<'_, '_>, drafts: &[Draft]) -> Self {
        let [baseline, candidate] = runs(pairing);
        let of_requests = drafts.iter().filter(|draft| draft.metric.population == Population::Request);
        let of = of_requests.map(|draft| {
            let runs = [
                values(both.baseline, &baseline, draft.metric),
                values(both.candidate, &candidate, draft.metric),
            ];
            PooledMetric {
                metric: draft.metric,
                sorted: [sorted(&runs[0]), sorted(&runs[1])],
                runs,
                unlike: match &draft.data {
                    Data::Unlike(reason) => Some(reason.clone()),
                    Data::Blocks(_) | Data::Launches { .. } | Data::Missing(_) => None,
                },
            }
        });
        Self { of: of.collect() }
    }
}

impl PooledMetric {
    /// Requests of a side.
    fn n(&self, side: usize) -> u64 {
        self.sorted[side].len() as u64
    }

    /// Runs of a side with a request that has a value.
    fn n_runs(&self, side: usize) -> usize {
        self.runs[side].iter().filter(|run| !run.is_empty()).count()
    }
}

/// The runs of both sides that count.
pub(super) fn runs<'p, 'r, 'a>(pairing: &'p Pairing<'r, 'a>) -> [Vec<&'p RunOf<'r, 'a>>; 2] {
    match pairing {
        Pairing::Paired(blocks) => {
            let counting = || blocks.iter().filter(|block| block.left_out.is_none());
            [
                counting().map(|block| &block.baseline).collect(),
                counting().map(|block| &block.candidate).collect(),
            ]
        }
        Pairing::Unpaired { baseline, candidate, .. } => {
            [baseline, candidate].map(|runs| runs.iter().filter(|run| run.left_out.is_none()).collect())
        }
    }
}

fn values(cell: &CellRecord<'_>, runs: &[&RunOf<'_, '_>], metric: &Metric) -> Vec<Vec<f64>> {
    let of = |run: &&RunOf<'_, '_>| {
        let rows = run.launches.iter().flat_map(|launch| launch.rows.iter().copied());
        rows.filter_map(|row| request_value(cell, metric.id, row)).collect()
    };
    runs.iter().map(of).collect()
}

fn sorted(runs: &[Vec<f64>]) -> Vec<f64> {
    let mut all: Vec<f64> = runs.concat();
    all.sort_unstable_by(f64::total_cmp);
    all
}

pub(super) fn tails(pooled: &Pooled, seed: u64) -> Vec<TailRow> {
    let row = |of: &PooledMetric, level: Level| TailRow {
        metric: of.metric.id.to_owned(),
        label: of.metric.label.to_owned(),
        unit: unit_view(of.metric.unit),
        better: better(of.metric),
        permille: level.permille(),
        n_baseline: of.n(0),
        n_candidate: of.n(1),
        figure: figure(of, level, seed),
    };
    let is_there = |of: &&PooledMetric| of.n(0) > 0 && of.n(1) > 0;
    pooled.of.iter().filter(is_there).flat_map(|of| LEVELS.map(|level| row(of, level))).collect()
}

fn figure(of: &PooledMetric, level: Level, seed: u64) -> TailFigure {
    let missing = |reason: String| TailFigure::Missing { reason };
    if let Some(reason) = &of.unlike {
        return missing(reason.clone());
    }
    let needed = min_observations(level, CONFIDENCE);
    let n = of.n(0).min(of.n(1));
    if n < needed {
        return missing(format!("{n} requests of a side, it takes {needed}"));
    }
    let n_runs = of.n_runs(0).min(of.n_runs(1));
    if n_runs < MIN_LAUNCHES {
        return missing(format!("{n_runs} launches of a side, it takes {MIN_LAUNCHES}"));
    }
    let drawn = run_quantile_ratio(&of.runs[0], &of.runs[1], level, seed);
    match (drawn, type1(&of.sorted[0], level), type1(&of.sorted[1], level)) {
        (Some(ratio), Some(baseline), Some(candidate)) => {
            TailFigure::Ratio { baseline, candidate, ratio: ratio.ratio, low: ratio.low, high: ratio.high }
        }
        _ => missing("a value is not above 0".to_owned()),
    }
}

pub(super) fn shapes(pooled: &Pooled) -> Vec<ShapeRow> {
    let row = |of: &PooledMetric| {
        Some(ShapeRow {
            metric: of.metric.id.to_owned(),
            label: of.metric.label.to_owned(),
            distance: ks_distance(&of.sorted[0], &of.sorted[1])?,
            n_baseline: of.n(0),
            n_candidate: of.n(1),
        })
    };
    pooled.of.iter().filter(|of| of.unlike.is_none()).filter_map(row).collect()
}
