//! One metric of one device and scenario over the campaigns.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use dyno_model::digest::Digest;
use dyno_model::metric::Metric;
use dyno_stats::{ReleaseRule, release_changes};
use dyno_view::compare::ChangeVerdictView;
use dyno_view::comparison::Better;
use dyno_view::history::{HistoryCampaign, HistoryChange, HistoryPoint, HistorySeries};

use super::chart::chart;
use super::{Read, scenario};
use crate::cell::CellRecord;
use crate::compare::{Asked, better, delta_of, metrics_of, middle, primary_of, release, run_value, runs_of};
use crate::metrics::unit_view;

/// Fewer points have no level on both sides of a change (the least window of the search).
const MIN_POINTS: usize = 4;

/// The level of a metric in one cell of one campaign.
pub(super) struct Level {
    key: Key,
    metric: &'static Metric,
    is_primary: bool,
    value: f64,
    range: [f64; 2],
    n_launches: u64,
    release: Option<String>,
}

/// What makes points of one series; equal work is a part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    device: String,
    model: String,
    runtime: String,
    scenario: String,
    /// Digest of what was asked.
    work: String,
}

/// The levels of a cell's metrics; those without a value have none.
pub(super) fn levels(cell: &CellRecord<'_>, asked: &Asked) -> Vec<Level> {
    let runs = runs_of(cell);
    let release = release(cell);
    let key = Key {
        device: cell.cell.device.0.clone(),
        model: cell.cell.model.clone(),
        runtime: cell.cell.runtime.clone(),
        scenario: scenario(cell.cell),
        work: work(cell),
    };
    let level = |metric: &'static Metric| {
        let values: Vec<f64> = runs.iter().filter_map(|run| run_value(cell, metric.id, run)).collect();
        let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        let low = values.iter().copied().min_by(f64::total_cmp)?;
        let high = values.iter().copied().max_by(f64::total_cmp)?;
        let n_launches = values.len() as u64;
        Some(Level {
            key: key.clone(),
            metric,
            is_primary: false,
            value: middle(values)?,
            range: [low, high],
            n_launches,
            release: release.clone(),
        })
    };
    let mut levels: Vec<Level> = metrics_of(cell.cell, asked).into_iter().filter_map(level).collect();
    let measured: Vec<&str> = levels.iter().map(|level| level.metric.id).collect();
    let primary = primary_of(cell.cell, asked, &measured);
    for level in &mut levels {
        level.is_primary = primary.as_deref() == Some(level.metric.id);
    }
    levels
}

/// Digest of the prompts and of how answers are drawn and bounded, whatever their order.
fn work(cell: &CellRecord<'_>) -> String {
    let plan = cell.record.plan;
    let runs = plan.runs.iter().filter(|run| run.cell == cell.cell.id);
    let asked: BTreeSet<_> = runs
        .flat_map(|run| &run.requests)
        .map(|request| {
            let of = &request.sampling;
            let bounds =
                (of.max_tokens, of.ignore_eos, of.temperature_milli, of.top_p_milli, request.limit_ms);
            (&request.prompt, bounds)
        })
        .collect();
    let mut words = String::new();
    for (prompt, bounds) in asked {
        let messages = plan.prompts.get(prompt).map(|prompt| &prompt.messages);
        writeln!(words, "{prompt} {bounds:?} {messages:?}").expect("memory takes it");
    }
    Digest::of(words.as_bytes()).as_str().to_owned()
}

/// Series that grow by one campaign after the other.
#[derive(Default)]
pub(super) struct Growing {
    series: BTreeMap<(Key, usize), One>,
}

struct One {
    metric: &'static Metric,
    is_primary: bool,
    points: Vec<HistoryPoint>,
}

impl Growing {
    pub(super) fn add(&mut self, campaign: u32, of: &Read) {
        for level in &of.levels {
            let place = dyno_model::metric::METRICS.iter().position(|of| of.id == level.metric.id);
            let key = (level.key.clone(), place.unwrap_or(usize::MAX));
            let new = || One { metric: level.metric, is_primary: level.is_primary, points: Vec::new() };
            let one = self.series.entry(key).or_insert_with(new);
            one.is_primary = level.is_primary;
            one.points.push(HistoryPoint {
                campaign,
                value: level.value,
                range: level.range,
                n_launches: level.n_launches,
                release: level.release.clone(),
            });
        }
    }

    pub(super) fn settle(self, campaigns: &[HistoryCampaign], delta: Option<f64>) -> Vec<HistorySeries> {
        self.series.into_iter().map(|((key, _), one)| one.view(key, campaigns, delta)).collect()
    }
}

impl One {
    fn view(self, key: Key, campaigns: &[HistoryCampaign], delta: Option<f64>) -> HistorySeries {
        let delta = delta.unwrap_or_else(|| delta_of(self.metric));
        let better = better(self.metric);
        let values: Vec<f64> = self.points.iter().map(|point| point.value).collect();
        let unsearched = if values.len() < MIN_POINTS {
            Some(format!("{} campaigns measured it, it takes {MIN_POINTS}", values.len()))
        } else if values.iter().any(|value| *value <= 0.0) {
            Some("a value is not above 0".to_owned())
        } else {
            None
        };
        let found = match unsearched {
            None => release_changes(&values, &ReleaseRule::otava(delta)),
            Some(_) => Vec::new(),
        };
        let changes = found.into_iter().map(|change| {
            let ratio = change.after / change.before;
            HistoryChange {
                at: change.at as u32,
                before: change.before,
                after: change.after,
                ratio,
                p: change.p,
                verdict: verdict(ratio, better),
                with: with(&self.points, change.at, campaigns),
            }
        });
        let mut series = HistorySeries {
            device: key.device,
            runtime: key.runtime,
            model: key.model,
            scenario: key.scenario,
            metric: self.metric.id.to_owned(),
            label: self.metric.label.to_owned(),
            unit: unit_view(self.metric.unit),
            better,
            is_primary: self.is_primary,
            delta,
            changes: changes.collect(),
            points: self.points,
            unsearched,
            chart: None,
        };
        series.chart = chart(&series, campaigns);
        series
    }
}

fn verdict(ratio: f64, better: Better) -> ChangeVerdictView {
    if (ratio > 1.0) == (better == Better::Lower) {
        ChangeVerdictView::Regression
    } else {
        ChangeVerdictView::Improvement
    }
}

/// In what the first campaign of a new level differs from the last one before it.
fn with(points: &[HistoryPoint], at: usize, campaigns: &[HistoryCampaign]) -> Vec<String> {
    let Some((before, after)) = at.checked_sub(1).and_then(|place| points.get(place)).zip(points.get(at))
    else {
        return Vec::new();
    };
    let mut words = Vec::new();
    if before.release != after.release {
        let word = |of: &Option<String>| of.clone().unwrap_or_else(|| "unknown".to_owned());
        words.push(format!("release {} → {}", word(&before.release), word(&after.release)));
    }
    let version = |point: &HistoryPoint| campaigns.get(point.campaign as usize).map(|of| &of.tool_version);
    if let Some((one, two)) = version(before).zip(version(after))
        && one != two
    {
        words.push(format!("edgedyno {one} → {two}"));
    }
    words
}
