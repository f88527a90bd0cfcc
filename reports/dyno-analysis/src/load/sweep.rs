//! Cells that differ by their load only.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::load::{Arrivals, LoadModel};
use dyno_model::plan::Cell;
use dyno_stats::{OfferedRate, knee};
use dyno_view::chart::Mark;
use dyno_view::load::{CapacityView, CellLoadView, KneeView, LatencyFigure, SaturationView, SweepView};
use dyno_view::report::CellView;

use super::by_rate::{Along, Drawn, Points, charts};
use super::capacity::{Step, capacity_of};
use super::cell::users;
use super::saturation::KEEPS_UP;
use super::{load_of, rate_words, time_words};
use crate::cell::CellRecord;

/// House rule (MEASUREMENT §9.2): requests of fewer launches may resemble each other more than a verdict assumes.
const ENOUGH_RUNS: usize = 5;

/// All sweeps, in the order of the plan.
pub(super) fn sweeps(cells: &[CellRecord<'_>], views: &[CellView]) -> Vec<SweepView> {
    let mut groups: Vec<Vec<&CellRecord<'_>>> = Vec::new();
    for cell in cells {
        match groups.iter_mut().find(|group| is_alike(group[0].cell, cell.cell)) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    groups.retain(|group| group.windows(2).any(|pair| pair[0].cell.load != pair[1].cell.load));
    groups.into_iter().map(|group| sweep(group, views)).collect()
}

fn is_alike(a: &Cell, b: &Cell) -> bool {
    let key = |of: &Cell| (of.threads, of.context_tokens, of.start);
    a.device == b.device && a.runtime == b.runtime && a.model == b.model && key(a) == key(b)
}

fn sweep(mut group: Vec<&CellRecord<'_>>, views: &[CellView]) -> SweepView {
    group.sort_by_key(|cell| order(&cell.cell.load));
    let closed = line(&group, views, |load| Some(f64::from(users(load)?)));
    let limited = Drawn { marks: Vec::new(), limits: limits(&closed) };
    let mut charts = charts(Along::Users, "", &points(&closed), &limited);
    let mut knees: Vec<KneeView> = knee_of("users", &closed).into_iter().collect();
    let (mut saturations, mut capacities) = (Vec::new(), Vec::new());
    let kinds = kinds(&group);
    for (key, label) in &kinds {
        let open =
            line(&group, views, |load| constant_rate(load).filter(|_| arrivals_key(load) == Some(*key)));
        let saturation = saturation_of(label, &open);
        let capacity = capacity_along(label, &open);
        let name = if kinds.len() > 1 { label } else { "" };
        let drawn = Drawn { marks: marks(saturation.as_ref(), capacity.as_ref()), limits: limits(&open) };
        charts.extend(super::by_rate::charts(Along::Rate, name, &points(&open), &drawn));
        knees.extend(knee_of(label, &open));
        saturations.extend(saturation);
        capacities.extend(capacity);
    }
    let of = group[0].cell;
    SweepView {
        device: of.device.0.clone(),
        runtime: of.runtime.clone(),
        model: of.model.clone(),
        threads: of.threads,
        cells: group.iter().map(|cell| cell.cell.id.0.clone()).collect(),
        saturations,
        knees,
        notes: notes(&group, views, &capacities),
        capacities,
        charts,
    }
}

/// Closed loops by their users, then open loops by their rate, then the others.
fn order(load: &LoadModel) -> (u8, u64, u64) {
    match load {
        LoadModel::Single { think_ms } => (0, 1, *think_ms),
        LoadModel::Closed { workers, think_ms } => (0, u64::from(*workers), *think_ms),
        LoadModel::Open { ramp_to_milli_per_s: None, rate_milli_per_s, .. } => {
            (1, arrivals_key(load).unwrap_or(0), *rate_milli_per_s)
        }
        LoadModel::Open { rate_milli_per_s, .. } => (2, *rate_milli_per_s, 0),
        LoadModel::Trace { speed_milli, .. } => (3, u64::from(*speed_milli), 0),
    }
}

/// Kinds of arrivals in the order of their evenness, as a key and in words.
fn kinds(group: &[&CellRecord<'_>]) -> BTreeMap<u64, String> {
    let kind = |cell: &&CellRecord<'_>| {
        constant_rate(&cell.cell.load)?;
        Some((arrivals_key(&cell.cell.load)?, arrivals_label(&cell.cell.load)?))
    };
    group.iter().filter_map(kind).collect()
}

fn arrivals_key(load: &LoadModel) -> Option<u64> {
    match load {
        LoadModel::Open { arrivals: Arrivals::Constant, .. } => Some(0),
        LoadModel::Open { arrivals: Arrivals::Poisson, .. } => Some(1),
        LoadModel::Open { arrivals: Arrivals::Gamma { burstiness_milli }, .. } => {
            Some(2 + u64::from(*burstiness_milli))
        }
        LoadModel::Single { .. } | LoadModel::Closed { .. } | LoadModel::Trace { .. } => None,
    }
}

fn arrivals_label(load: &LoadModel) -> Option<String> {
    match load {
        LoadModel::Open { arrivals: Arrivals::Constant, .. } => Some("constant".to_owned()),
        LoadModel::Open { arrivals: Arrivals::Poisson, .. } => Some("Poisson".to_owned()),
        LoadModel::Open { arrivals: Arrivals::Gamma { burstiness_milli }, .. } => {
            Some(format!("gamma({})", f64::from(*burstiness_milli) / 1000.0))
        }
        LoadModel::Single { .. } | LoadModel::Closed { .. } | LoadModel::Trace { .. } => None,
    }
}

/// Requests per second of an open loop that is no ramp.
fn constant_rate(load: &LoadModel) -> Option<f64> {
    match load {
        LoadModel::Open { ramp_to_milli_per_s: None, rate_milli_per_s, .. } => {
            Some(*rate_milli_per_s as f64 / 1000.0)
        }
        LoadModel::Open { .. }
        | LoadModel::Single { .. }
        | LoadModel::Closed { .. }
        | LoadModel::Trace { .. } => None,
    }
}

/// One load of a line: its place on the axis, its cell, and what it showed.
type Placed<'c, 'a, 'v> = (f64, &'c CellRecord<'a>, &'v CellLoadView);

/// The cells of a group that have a place, in its order, as far as something was measured.
fn line<'c, 'a, 'v>(
    group: &[&'c CellRecord<'a>],
    views: &'v [CellView],
    place: impl Fn(&LoadModel) -> Option<f64>,
) -> Vec<Placed<'c, 'a, 'v>> {
    let placed = group.iter().filter_map(|cell| {
        let load = load_of(views, &cell.cell.id.0).filter(|load| load.n_wanted > 0)?;
        Some((place(&cell.cell.load)?, *cell, load))
    });
    placed.collect()
}

fn points<'v>(line: &[Placed<'_, '_, 'v>]) -> Points<'v> {
    line.iter().map(|(x, _, load)| (*x, *load)).collect()
}

/// The lowest rate from which on nothing was kept up with. A rate that was kept up with counts as answered in full: the
/// end of a short run is no loss.
fn saturation_of(arrivals: &str, line: &[Placed<'_, '_, '_>]) -> Option<SaturationView> {
    let milli = |rate: f64| (rate * 1000.0).round() as u64;
    let rates: Vec<OfferedRate> = line
        .iter()
        .map(|(rate, _, load)| OfferedRate {
            offered_milli_per_s: milli(*rate),
            answered_milli_per_s: if load.saturation.is_empty() {
                milli(*rate)
            } else {
                milli(load.answered_per_s.unwrap_or(0.0).min(rate * KEEPS_UP * 0.999))
            },
        })
        .collect();
    let from = dyno_stats::saturation(&rates, KEEPS_UP);
    Some(SaturationView {
        arrivals: arrivals.to_owned(),
        from_per_s: from.map(|rate| rate as f64 / 1000.0),
        highest_per_s: line.iter().map(|(rate, ..)| *rate).max_by(f64::total_cmp)?,
    })
}

/// Where throughput over median latency is highest; of fewer than three points nothing is said.
fn knee_of(among: &str, line: &[Placed<'_, '_, '_>]) -> Option<KneeView> {
    let median = |load: &CellLoadView| {
        load.latencies.iter().find(|of| matches!(of.metric.as_str(), "e2e_sched_ns" | "e2e_ns"))?.median_ns
    };
    let points: Option<Vec<(f64, f64)>> =
        line.iter().map(|(_, _, load)| Some((load.answered_per_s?, median(load)?))).collect();
    let place = knee(&points.filter(|points| points.len() >= 3)?)?;
    let (x, cell, load) = &line[place];
    Some(KneeView {
        cell: cell.cell.id.0.clone(),
        users: load.users,
        rate_per_s: load.users.is_none().then_some(*x),
        among: among.to_owned(),
        is_at_an_end: place == 0 || place + 1 == line.len(),
    })
}

fn capacity_along(arrivals: &str, line: &[Placed<'_, '_, '_>]) -> Option<CapacityView> {
    let step = |(rate_per_s, _, load): &Placed<'_, '_, '_>| {
        Some(Step { rate_per_s: *rate_per_s, verdict: load.good.as_ref()?.verdict })
    };
    let steps: Vec<Step> = line.iter().filter_map(step).collect();
    let slo = line.iter().find_map(|(_, _, load)| Some(load.good.as_ref()?.slo.clone()))?;
    Some(capacity_of(&slo, arrivals, &steps))
}

fn marks(saturation: Option<&SaturationView>, capacity: Option<&CapacityView>) -> Vec<Mark> {
    let mark = |label: &str, x: f64| Mark { x, label: label.to_owned() };
    let capacity = capacity.and_then(|of| of.passes_per_s).map(|x| mark("SLA capacity", x));
    let saturated = saturation.and_then(|of| of.from_per_s).map(|x| mark("saturated", x));
    capacity.into_iter().chain(saturated).collect()
}

/// The limits of the service level, for the charts of their metrics.
fn limits(line: &[Placed<'_, '_, '_>]) -> Vec<(String, f64, String)> {
    let Some(good) = line.iter().find_map(|(_, _, load)| load.good.as_ref()) else { return Vec::new() };
    let limit = |of: &dyno_view::load::LimitView| {
        let ns = of.limit_ns as f64;
        let name = format!("limit of p{}: {}", f64::from(of.fraction_milli) / 10.0, time_words(ns));
        (of.metric.clone(), ns, name)
    };
    good.limits.iter().map(limit).collect()
}

fn notes(group: &[&CellRecord<'_>], views: &[CellView], capacities: &[CapacityView]) -> Vec<String> {
    let mut notes = Vec::new();
    let has_slo = group.iter().any(|cell| cell.record.plan.slo.is_some());
    if !has_slo {
        notes.push(
            "no goodput and no SLA capacity: the plan names no service level (`slo` in the suite)".to_owned(),
        );
    }
    for capacity in capacities.iter().filter(|of| !of.contradicting_per_s.is_empty()) {
        let rates: Vec<String> = capacity.contradicting_per_s.iter().map(|rate| rate_words(*rate)).collect();
        notes.push(format!(
            "{} passes although a lower rate does not: more load is never easier, so something else changed between \
             the runs; the capacity counts up to the lower one only",
            rates.join(", ")
        ));
    }
    let n_runs = |cell: &&CellRecord<'_>| {
        cell.valid_launches().map(|launch| launch.row.run).collect::<BTreeSet<_>>().len()
    };
    let fewest = group.iter().filter(|cell| cell.valid_launches().next().is_some()).map(n_runs).min();
    if let Some(n) = fewest.filter(|n| has_slo && *n < ENOUGH_RUNS) {
        notes.push(format!(
            "verdicts take requests as independent: some are of {n} run{} only, and {ENOUGH_RUNS} tell more than more \
             requests",
            if n == 1 { "" } else { "s" }
        ));
    }
    notes.extend(falling(group, views));
    notes
}

/// Latency that falls as the offered rate rises: what a queue cannot do.
fn falling(group: &[&CellRecord<'_>], views: &[CellView]) -> Vec<String> {
    let mut notes = Vec::new();
    for (key, _) in kinds(group) {
        let open = line(group, views, |load| constant_rate(load).filter(|_| arrivals_key(load) == Some(key)));
        let interval = |load: &CellLoadView| {
            let p50 = load.latencies.iter().find(|of| of.metric == "ttft_sched_ns")?.figures.first()?;
            match p50.figure {
                LatencyFigure::Estimate { value, low, high } => Some([low, value, high]),
                LatencyFigure::AtLeast { .. }
                | LatencyFigure::Observed { .. }
                | LatencyFigure::TooFew { .. } => None,
            }
        };
        for pair in open.windows(2) {
            let (Some(below), Some(above)) = (interval(pair[0].2), interval(pair[1].2)) else { continue };
            if above[2] < below[0] {
                notes.push(format!(
                    "the median TTFT from due falls from {} at {} to {} at {}, beyond their intervals: more load is \
                     never easier, so something else changed between the runs",
                    time_words(below[1]),
                    rate_words(pair[0].0),
                    time_words(above[1]),
                    rate_words(pair[1].0),
                ));
            }
        }
    }
    notes
}
