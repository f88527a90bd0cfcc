//! What every format says of a cell.

use dyno_view::report::{CellView, LaunchView, MetricView, QuantileFigure, UnitView};

use crate::load::short_load;
use crate::quality::rate;
use crate::untrusted::one_line;
use crate::words::{Worded, latency, plural, quantile, range, value};

/// A cell in one row.
pub(crate) struct Headline {
    /// Name of the first figure: in open loops it counts from the due.
    pub(crate) ttft_name: &'static str,
    /// Median TTFT.
    pub(crate) ttft: Worded,
    /// Median TPOT.
    pub(crate) tpot: Worded,
    /// Median decode rate.
    pub(crate) decode: Worded,
    /// Highest peak memory of all launches.
    pub(crate) memory: Worded,
    /// Pass rate; `None` where nothing was graded.
    pub(crate) quality: Option<Worded>,
    /// Whether the figures may be used.
    pub(crate) validity: Validity,
}

/// Whether a cell's figures may be used, and why not.
pub(crate) struct Validity {
    /// How it stands.
    pub(crate) state: State,
    /// `3 of 3 launches, 120 of 120 requests ok`.
    pub(crate) detail: String,
}

/// How a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Every launch is valid and every request went well.
    Valid,
    /// Every launch is valid, some requests failed.
    Failures,
    /// Some launches may not be used.
    Partly,
    /// No launch may be used.
    Invalid,
    /// No launch took place.
    NotMeasured,
}

impl State {
    /// In words.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Failures => "valid, with failures",
            Self::Partly => "partly invalid",
            Self::Invalid => "invalid",
            Self::NotMeasured => "not measured",
        }
    }
}

impl Headline {
    /// Of one cell.
    pub(crate) fn of(cell: &CellView) -> Self {
        let is_invalid = !cell.invalid_metrics.is_empty();
        let missing = |reason: &str| Worded::Missing { reason: reason.to_owned() };
        let p50 = |id: &str| match metric(cell, id) {
            _ if is_invalid => missing("INVALID"),
            Some(metric) => quantile(metric, 500),
            None => missing("not measured"),
        };
        Self {
            ttft_name: if is_open(cell) { "TTFT from due p50" } else { "TTFT p50" },
            ttft: from_due(cell).filter(|_| !is_invalid).unwrap_or_else(|| p50(ttft_id(cell))),
            tpot: p50("tpot_ns"),
            decode: p50("decode_tokens_per_s"),
            memory: if is_invalid { missing("INVALID") } else { memory(cell) },
            quality: cell.quality.as_ref().map(|view| rate(&view.overall)),
            validity: Validity::of(cell),
        }
    }

    /// The figures with their names, in the order to show.
    pub(crate) fn figures(&self) -> [(&'static str, &Worded); 4] {
        [
            (self.ttft_name, &self.ttft),
            ("TPOT p50", &self.tpot),
            ("Decode rate p50", &self.decode),
            ("Peak memory", &self.memory),
        ]
    }
}

impl Validity {
    fn of(cell: &CellView) -> Self {
        let n_launches = cell.launches.len() as u64;
        let n_valid = cell.launches.iter().filter(|launch| is_valid(launch)).count() as u64;
        let n_requests: u64 = cell.outcomes.iter().map(|outcome| outcome.n).sum();
        let n_ok: u64 =
            cell.outcomes.iter().filter(|outcome| outcome.outcome == "ok").map(|outcome| outcome.n).sum();
        let state = match (n_valid, n_ok == n_requests) {
            _ if n_launches == 0 => State::NotMeasured,
            (0, _) => State::Invalid,
            (n, _) if n < n_launches => State::Partly,
            (_, false) => State::Failures,
            (_, true) => State::Valid,
        };
        let launches = plural(n_launches, "launch", "launches");
        let requests = plural(n_requests, "request", "requests");
        Self { state, detail: format!("{n_valid} of {launches} valid, {n_ok} of {requests} ok") }
    }
}

/// The median wait for the first token from the due, as the first table has it; `None` in closed loops.
fn from_due(cell: &CellView) -> Option<Worded> {
    let load = cell.offered.as_ref()?;
    let view = load.latencies.iter().find(|view| view.metric == "ttft_sched_ns")?;
    let p50 = latency(view).into_iter().next().filter(|entry| !entry.is_missing)?;
    Some(Worded::Estimate { value: p50.value, interval: p50.note })
}

/// Whether requests are due at instants of their own.
fn is_open(cell: &CellView) -> bool {
    cell.offered.as_ref().is_some_and(|load| load.offered_per_s.is_some())
}

/// The metric of a user's wait for the first token.
pub(crate) fn ttft_id(cell: &CellView) -> &'static str {
    if is_open(cell) { "ttft_sched_ns" } else { "ttft_ns" }
}

/// Whether a launch's numbers may be used.
pub(crate) fn is_valid(launch: &LaunchView) -> bool {
    launch.invalid.is_empty()
}

/// The metric of that id.
pub(crate) fn metric<'a>(cell: &'a CellView, id: &str) -> Option<&'a MetricView> {
    cell.metrics.iter().find(|metric| metric.metric == id)
}

/// A launch has one peak, and a few launches have no percentile: the highest of all is what a device must hold.
fn memory(cell: &CellView) -> Worded {
    let Some(metric) = metric(cell, "peak_rss_bytes") else {
        return Worded::Missing { reason: "not measured".to_owned() };
    };
    match metric.max {
        None => Worded::Missing { reason: "the system does not say".to_owned() },
        Some(max) => Worded::Estimate {
            value: value(UnitView::Bytes, max),
            interval: format!("(highest of {})", plural(metric.n, "launch", "launches")),
        },
    }
}

/// `SmolLM2-135M on local`, as foreign text.
pub(crate) fn cell_name(cell: &CellView) -> String {
    let load = short_load(cell).map(|load| format!(", {load}")).unwrap_or_default();
    format!("{} · {} on {}{load}{}", cell.model, cell.runtime, cell.device, campaign_words(cell))
}

/// `, campaign nightly`, where the report is of several; foreign text.
pub(crate) fn campaign_words(cell: &CellView) -> String {
    cell.campaign.as_ref().map(|id| format!(", campaign {id}")).unwrap_or_default()
}

/// `single user, 2 threads, context 2,048`.
pub(crate) fn cell_settings(cell: &CellView) -> String {
    let threads = match cell.threads {
        Some(n) => plural(u64::from(n), "thread", "threads"),
        None => "threads left to the runtime".to_owned(),
    };
    let context = plural(u64::from(cell.context_tokens), "token", "tokens");
    let start = cell.start.as_ref().map(|start| format!(", start {start}")).unwrap_or_default();
    let arm = cell.arm.as_ref().map(|arm| format!("arm {}, ", one_line(arm))).unwrap_or_default();
    format!("{arm}{}, {threads}, context {context}{start}", cell.load)
}

/// The percentiles of a cell's metrics, in thousandths, in order.
pub(crate) fn permilles(cell: &CellView) -> Vec<u32> {
    let mut all: Vec<u32> = cell
        .metrics
        .iter()
        .flat_map(|metric| metric.quantiles.iter().map(|quantile| quantile.permille))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The smallest and the largest observation.
pub(crate) fn extremes(metric: &MetricView) -> String {
    match (metric.min, metric.max) {
        (Some(min), Some(max)) => range(metric.unit, min, max),
        (None, _) | (_, None) => "n/a".to_owned(),
    }
}

/// Whether none of a metric's percentiles has enough observations.
pub(crate) fn has_no_estimate(metric: &MetricView) -> bool {
    metric.quantiles.iter().all(|quantile| matches!(quantile.figure, QuantileFigure::TooFew { .. }))
}
