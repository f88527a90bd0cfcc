//! What a device delivered: rates, times and energy of its cells.

use dyno_model::metric::metric;
use dyno_stats::{Level, sum_ratio};
use dyno_view::energy::{EnergyFigure, EnergyView, IdleKind};
use dyno_view::heat::{HeatFigureView, HeatLaunchView};
use dyno_view::recommend::{AmountUnit, AmountView, OptionEnergyView, PublishedView};

use super::bounded::{Bounded, missing, view_of};
use super::judge::quantile;
use crate::cell::{CellRecord, LaunchRecord};
use crate::energy::energy_of;
use crate::heat::{heat, last_quarter_from};
use crate::independence::{n_effective, worth};
use crate::measure::{launch_value, request_value};
use crate::observations::CONFIDENCE;

/// From so many launches on, each is one observation (house rule, MEASUREMENT §9.2).
const ENOUGH_RUNS: usize = 5;
/// What there is without a long load.
pub(super) const NOT_SHOWN: &str = "sustained not shown: no load went on";

/// What a device does with its requests.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    /// Output tokens by time at work.
    pub(super) tokens_per_s: Result<Bounded, String>,
    /// Mean seconds of a request.
    pub(super) service_s: Result<Bounded, String>,
    /// Mean tokens of a prompt and of an answer.
    pub(super) isl: Option<f64>,
    pub(super) osl: Option<f64>,
    /// Requests and launches behind it.
    pub(super) n: u64,
    pub(super) n_runs: usize,
}

impl Pace {
    /// Of some requests of each launch, in the order in which they were sent.
    fn of(cell: &CellRecord<'_>, launches: &[Vec<usize>], why_none: &str) -> Self {
        let (requests, derived) = (&cell.record.requests, &cell.record.derived);
        let seconds = |row: usize| derived[row].e2e_ns.map(|ns| ns as f64 / 1e9);
        let osl = |row: usize| requests.completion_tokens[row].map(f64::from);
        let rows: Vec<usize> = launches.iter().flatten().copied().collect();
        let n = rows.len() as u64;
        let mean = |column: &[Option<u32>]| {
            let known: Option<Vec<f64>> = rows.iter().map(|row| column[*row].map(f64::from)).collect();
            known
                .filter(|known| !known.is_empty())
                .map(|known| known.iter().sum::<f64>() / known.len() as f64)
        };
        let ratio = |pair: &dyn Fn(usize) -> Option<(f64, f64)>, why: &str| {
            let known: Option<Vec<Vec<(f64, f64)>>> =
                launches.iter().map(|rows| rows.iter().map(|row| pair(*row)).collect()).collect();
            known.and_then(|known| over_launches(&known)).ok_or_else(|| why.to_owned())
        };
        let why = |other: &'static str| if rows.is_empty() { why_none.to_owned() } else { other.to_owned() };
        Self {
            tokens_per_s: ratio(
                &|row| Some((osl(row)?, seconds(row)?)),
                &why("the runtime does not count tokens"),
            ),
            service_s: ratio(&|row| Some((seconds(row)?, 1.0)), &why("an answer has no end")),
            isl: mean(&requests.prompt_tokens),
            osl: mean(&requests.completion_tokens),
            n,
            n_runs: launches.iter().filter(|rows| !rows.is_empty()).count(),
        }
    }

    /// Of the last quarter of all launches that sustained a pace.
    pub(super) fn at_end(cell: &CellRecord<'_>) -> Self {
        let sustained =
            |launch: &&LaunchRecord<'_>| heat_of(cell, launch).is_some_and(|of| of.sustained.value.is_some());
        let launches: Vec<Vec<usize>> =
            cell.valid_launches().filter(sustained).map(|launch| ok_at_end(cell, launch)).collect();
        Self::of(cell, &launches, &why_not_sustained(cell))
    }

    /// Of all requests that went well.
    pub(super) fn of_all(cell: &CellRecord<'_>) -> Self {
        let sent = |launch: &LaunchRecord<'_>| {
            let rows = launch.sent(cell.record).into_iter();
            rows.filter(|row| cell.record.requests.outcome[*row] == "ok").collect()
        };
        let launches: Vec<Vec<usize>> = cell.valid_launches().map(sent).collect();
        Self::of(cell, &launches, "no request went well")
    }
}

/// A sum over a sum. Each launch is one observation where there are enough of them, else each request, worth fewer
/// where it resembles the one before.
fn over_launches(launches: &[Vec<(f64, f64)>]) -> Option<Bounded> {
    let pairs: Vec<(f64, f64)> = launches.iter().flatten().copied().collect();
    let n = pairs.len() as u64;
    let sums: Vec<(f64, f64)> = launches
        .iter()
        .filter(|of| !of.is_empty())
        .map(|of| of.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1)))
        .collect();
    let found = if sums.len() >= ENOUGH_RUNS {
        sum_ratio(&sums, sums.len() as u64, CONFIDENCE)?
    } else {
        let each = |of: &Vec<(f64, f64)>| of.iter().map(|pair| pair.0 / pair.1).collect::<Vec<_>>();
        let worth = worth(&launches.iter().map(each).collect::<Vec<_>>()).1.unwrap_or(n);
        sum_ratio(&pairs, worth, CONFIDENCE)?
    };
    (found.ratio.is_finite() && found.ratio > 0.0).then(|| Bounded::within(found.ratio, found.interval, n))
}

/// Why no pace was sustained, in the words of the first launch whose load went on.
pub(super) fn why_not_sustained(cell: &CellRecord<'_>) -> String {
    let launches = heat(cell).map(|view| view.launches.as_slice()).unwrap_or_default();
    let why = launches.iter().find_map(|of| of.sustained.why.as_deref());
    why.map_or_else(|| NOT_SHOWN.to_owned(), |why| format!("sustained not shown: {why}"))
}

fn heat_of<'c>(cell: &'c CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<&'c HeatLaunchView> {
    let of_launch =
        |of: &&HeatLaunchView| (of.run, u32::from(of.launch)) == (launch.row.run, launch.row.launch);
    heat(cell)?.launches.iter().find(of_launch)
}

/// A launch's requests that went well, in the last quarter of its load.
fn ok_at_end(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Vec<usize> {
    let rows = rows_at_end(cell, launch).into_iter();
    rows.filter(|row| cell.record.requests.outcome[*row] == "ok").collect()
}

/// The same, whatever became of them.
fn rows_at_end(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Vec<usize> {
    let Some(from) = last_quarter_from(cell, launch) else { return Vec::new() };
    let requests = &cell.record.requests;
    let middle = |row: usize| u64::midpoint(requests.sent_at_ns[row], requests.ended_at_ns[row]);
    let rows = launch.sent(cell.record).into_iter();
    rows.filter(|row| requests.outcome[*row] != "cancelled" && middle(*row) >= from).collect()
}

/// Rows of the requests of the last quarter of all loads that went on, to be judged.
pub(super) fn asked_at_end(cell: &CellRecord<'_>) -> Vec<usize> {
    let long = cell.valid_launches().filter(|launch| heat_of(cell, launch).is_some());
    long.flat_map(|launch| rows_at_end(cell, launch)).collect()
}

/// Whether a pace was sustained in a launch that may be used.
pub(super) fn is_sustained(cell: &CellRecord<'_>) -> bool {
    figures(cell, |of| &of.sustained).iter().any(|of| of.value.is_some())
}

/// A figure of each launch whose load went on and whose numbers may be used.
fn figures<'c>(
    cell: &'c CellRecord<'_>,
    figure: fn(&HeatLaunchView) -> &HeatFigureView,
) -> Vec<&'c HeatFigureView> {
    let launches = heat(cell).map(|view| view.launches.as_slice()).unwrap_or_default();
    launches.iter().filter(|of| of.invalid.is_empty()).map(figure).collect()
}

/// One figure of all launches: the median of theirs, between the outermost of their bounds.
pub(super) fn heat_amount(
    cell: &CellRecord<'_>,
    unit: AmountUnit,
    figure: fn(&HeatLaunchView) -> &HeatFigureView,
) -> AmountView {
    let all = figures(cell, figure);
    let values: Vec<f64> = all.iter().filter_map(|of| of.value).collect();
    let Some(value) = dyno_stats::median(&values) else {
        let why = all.iter().find_map(|of| of.why.clone());
        return missing(unit, why.unwrap_or_else(|| NOT_SHOWN.to_owned()));
    };
    let with_value = || all.iter().filter(|of| of.value.is_some());
    let bounds: Option<Vec<[f64; 2]>> = with_value().map(|of| of.interval).collect();
    let hull = |bounds: Vec<[f64; 2]>| {
        let low = bounds.iter().map(|of| of[0]).fold(f64::INFINITY, f64::min);
        [low, bounds.iter().map(|of| of[1]).fold(f64::NEG_INFINITY, f64::max)]
    };
    let interval = bounds.map(hull);
    let why = interval.is_none().then(|| "too few observations for an interval".to_owned());
    AmountView { unit, value: Some(value), interval, n: with_value().map(|of| of.n).sum(), why }
}

/// The energy of a cell, in the figures of a buyer.
pub(super) struct Joules {
    pub(super) class: String,
    pub(super) scope: dyno_view::energy::EnergyScopeView,
    pub(super) source: String,
    pub(super) per_token: Result<Bounded, String>,
    pub(super) idle_w: Result<Bounded, String>,
    tokens_per_charge: Option<Result<Bounded, String>>,
}

impl Joules {
    /// `None` where nothing measures power.
    pub(super) fn of(cell: &CellRecord<'_>) -> Option<Self> {
        let view = &energy_of(cell)?.view;
        let source = view.source.as_ref()?;
        let loaded = view.idle.iter().find(|of| of.kind == IdleKind::Loaded);
        let idle = loaded.or_else(|| view.idle.first());
        let idle_w = idle.map(|of| {
            let bounds = [(of.power_w - of.u_w).max(0.0), of.power_w + of.u_w];
            Bounded::within(of.power_w, Some(bounds), of.n_launches)
        });
        Some(Self {
            class: source.class.clone(),
            scope: source.scope,
            source: source.name.clone(),
            per_token: energy_figure(view, "j_per_token").unwrap_or_else(|| Err("not measured".to_owned())),
            idle_w: idle_w.ok_or_else(|| "no rest was measured".to_owned()),
            tokens_per_charge: energy_figure(view, "tokens_per_charge"),
        })
    }

    pub(super) fn view(&self) -> OptionEnergyView {
        OptionEnergyView {
            class: self.class.clone(),
            scope: self.scope,
            source: self.source.clone(),
            j_per_token: view_of(&self.per_token, AmountUnit::JoulesPerToken),
            idle: view_of(&self.idle_w, AmountUnit::Watts),
            tokens_per_charge: self.tokens_per_charge.as_ref().map(|of| view_of(of, AmountUnit::Tokens)),
        }
    }
}

fn energy_figure(view: &EnergyView, id: &str) -> Option<Result<Bounded, String>> {
    let found = view.figures.iter().find(|figure| figure.id == id)?;
    Some(match &found.figure {
        EnergyFigure::Uncertain { value, u } => {
            Ok(Bounded::within(*value, Some([(value - u).max(0.0), value + u]), found.n))
        }
        EnergyFigure::Interval { value, low, high, .. } => {
            Ok(Bounded::within(*value, Some([*low, *high]), found.n))
        }
        EnergyFigure::Missing { reason } => Err(reason.clone()),
    })
}

/// The columns of tables that are usually published; `judged` is the cell that latencies are of.
pub(super) fn published(judged: &CellRecord<'_>, long: Option<&CellRecord<'_>>) -> PublishedView {
    let heat = |figure: fn(&HeatLaunchView) -> &HeatFigureView, unit| match long {
        Some(long) => heat_amount(long, unit, figure),
        None => missing(unit, NOT_SHOWN),
    };
    PublishedView {
        first: heat(|of| &of.first, AmountUnit::TokensPerSecond),
        sustained: heat(|of| &of.sustained, AmountUnit::TokensPerSecond),
        throttle: heat(|of| &of.throttle, AmountUnit::Ratio),
        decode: median_of(judged, "decode_tokens_per_s", AmountUnit::TokensPerSecond),
        ttft: median_of(judged, "ttft_ns", AmountUnit::Ns),
        memory: memory(judged),
    }
}

/// The median of a metric of requests.
pub(super) fn median_of(cell: &CellRecord<'_>, id: &str, unit: AmountUnit) -> AmountView {
    let values: Vec<f64> =
        cell.ok_rows().into_iter().filter_map(|row| request_value(cell, id, row)).collect();
    if values.is_empty() {
        let undefined = metric(id).map_or("not measured", |metric| metric.undefined);
        return missing(unit, undefined);
    }
    quantile(unit, values, Level::P50, n_effective(id, cell))
}

fn memory(cell: &CellRecord<'_>) -> AmountView {
    let all: Vec<f64> =
        cell.valid_launches().filter_map(|launch| launch_value(cell, "peak_rss_bytes", launch)).collect();
    let unit = AmountUnit::Bytes;
    let highest = all.iter().copied().max_by(f64::total_cmp);
    match highest {
        None => missing(unit, "the system does not say"),
        Some(value) => AmountView {
            unit,
            value: Some(value),
            interval: None,
            n: all.len() as u64,
            why: Some("the highest of its launches".to_owned()),
        },
    }
}
