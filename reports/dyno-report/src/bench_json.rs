//! Figures for services that keep them from commit to commit: github-action-benchmark and Bencher.
//!
//! Only figures with an interval, and highest ones, go there: a service draws a line through whatever it is given.
//! Neither format can say that there is no figure, so what is missing is left out.

use std::collections::{BTreeMap, BTreeSet};

use dyno_view::compare::CompareView;
use dyno_view::report::{CellView, FigureView, MetricView, QuantileFigure, Report, UnitView};
use serde::Serialize;

use crate::cell::{cell_name, cell_settings};
use crate::untrusted::one_line;
use crate::words;

/// Longest name that Bencher takes, in characters.
const BENCHMARK_CHARS: usize = 1024;
/// Longest measure that Bencher takes.
const MEASURE_CHARS: usize = 64;

/// Which of github-action-benchmark's two custom tools a file is for: one file holds figures of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// `customSmallerIsBetter`: latencies, memory, energy.
    SmallerIsBetter,
    /// `customBiggerIsBetter`: rates.
    BiggerIsBetter,
}

/// A campaign's figures for github-action-benchmark: an array of `{name, unit, value, range, extra}`, as its README's
/// section on custom benchmarks has it.
pub fn benchmark_action(report: &Report, tool: Tool) -> String {
    action(&points(report), tool)
}

/// A campaign's figures as Bencher Metric Format: `{benchmark: {measure: {value, lower_value, upper_value}}}`, by
/// <https://bencher.dev/docs/reference/bencher-metric-format>. Values are in base units: ns, bytes, J, per second.
pub fn bencher(report: &Report) -> String {
    metric_format(&points(report))
}

/// The sides' medians of a comparison, as [`benchmark_action`] has those of a campaign. Ratios to a baseline are left
/// out: the service takes ratios itself.
pub fn benchmark_action_of_comparison(view: &CompareView, tool: Tool) -> String {
    let points: Vec<Point> =
        crate::compare::points(view).into_iter().filter(|point| !point.is_relative).collect();
    action(&points, tool)
}

/// The sides' medians of a comparison, and their ratios to the baseline with intervals, as Bencher Metric Format.
pub fn bencher_of_comparison(view: &CompareView) -> String {
    metric_format(&crate::compare::points(view))
}

/// One figure for a service.
pub(crate) struct Point {
    /// What was measured: the same for the same cell of every campaign.
    pub(crate) benchmark: String,
    /// `TTFT p50`.
    pub(crate) label: String,
    /// `ttft-ns-p50`.
    pub(crate) measure: String,
    pub(crate) unit: UnitView,
    /// Which way is better.
    pub(crate) tool: Tool,
    pub(crate) value: f64,
    pub(crate) bounds: Option<[f64; 2]>,
    /// Whether it is a quotient of two campaigns.
    pub(crate) is_relative: bool,
    /// What else to show beside it.
    pub(crate) extra: String,
}

/// Which way a unit is better; `None` for what describes the work.
fn direction(unit: UnitView) -> Option<Tool> {
    match unit {
        UnitView::Ns
        | UnitView::Bytes
        | UnitView::Joules
        | UnitView::Watts
        | UnitView::WattHours
        | UnitView::JouleSeconds => Some(Tool::SmallerIsBetter),
        UnitView::TokensPerSecond
        | UnitView::RequestsPerSecond
        | UnitView::BytesPerSecond
        | UnitView::TokensPerJoule
        | UnitView::OperationsPerSecond => Some(Tool::BiggerIsBetter),
        UnitView::Tokens | UnitView::Count | UnitView::Ratio | UnitView::Hours => None,
    }
}

fn points(report: &Report) -> Vec<Point> {
    let names = benchmark_names(report);
    let of_cell = |(cell, name): (&CellView, &String)| {
        let about = format!("campaign {}, cell {}", report.campaign.id, cell.id);
        let of_metric = cell.metrics.iter().flat_map(|metric| of_metric(metric, name, &about));
        let of_rates = cell.throughput.iter().filter_map(|figure| of_rate(figure, name, &about));
        of_metric.chain(of_rates).collect::<Vec<_>>()
    };
    report.cells.iter().zip(&names).flat_map(of_cell).collect()
}

/// One name for each cell: all its settings, and its id where even these are shared.
fn benchmark_names(report: &Report) -> Vec<String> {
    let names = || report.cells.iter().map(|cell| format!("{}, {}", cell_name(cell), cell_settings(cell)));
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<String> = names().filter(|name| !seen.insert(name.clone())).collect();
    let distinct = |(name, cell): (String, &CellView)| {
        if twice.contains(&name) { format!("{name}, cell {}", cell.id) } else { name }
    };
    names().zip(&report.cells).map(distinct).collect()
}

fn of_metric(metric: &MetricView, benchmark: &str, about: &str) -> Vec<Point> {
    let Some(tool) = direction(metric.unit) else { return Vec::new() };
    let point = |name: &str, value: f64, bounds: Option<[f64; 2]>| Point {
        benchmark: benchmark.to_owned(),
        label: format!("{} {name}", metric.label),
        measure: slug(&format!("{} {name}", metric.metric)),
        unit: metric.unit,
        tool,
        value,
        bounds,
        is_relative: false,
        extra: format!("n = {}, {about}", words::count(metric.n)),
    };
    let estimate = |quantile: &dyno_view::report::QuantileView| match quantile.figure {
        QuantileFigure::Estimate { value, low, high, .. } => {
            Some(point(&words::quantile_name(quantile.permille), value, Some([low, high])))
        }
        QuantileFigure::TooFew { .. } => None,
    };
    if metric.metric == "peak_rss_bytes" {
        return metric.max.map(|max| point("highest", max, None)).into_iter().collect();
    }
    metric.quantiles.iter().filter_map(estimate).collect()
}

fn of_rate(figure: &FigureView, benchmark: &str, about: &str) -> Option<Point> {
    Some(Point {
        benchmark: benchmark.to_owned(),
        label: figure.label.clone(),
        measure: slug(&figure.label),
        unit: figure.unit,
        tool: direction(figure.unit)?,
        value: figure.value?,
        bounds: None,
        is_relative: false,
        extra: format!("{}, {about}", figure.note),
    })
}

/// The words that a service makes addresses of: small letters, digits and single hyphens.
pub(crate) fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let cut = out.get(..MEASURE_CHARS).unwrap_or(&out);
    cut.trim_end_matches('-').to_owned()
}

#[derive(Serialize)]
struct ActionEntry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

/// The array that github-action-benchmark reads.
fn action(points: &[Point], tool: Tool) -> String {
    let entry = |point: &Point| {
        let (factor, unit) = fixed(point.unit);
        let scaled = |value: f64| value / factor;
        let words = |[low, high]: [f64; 2]| format!("[{} – {}]", rounded(scaled(low)), rounded(scaled(high)));
        ActionEntry {
            name: one_line(&format!("{}: {}", point.benchmark, point.label)),
            unit,
            value: scaled(point.value),
            range: point.bounds.map(words),
            extra: one_line(&point.extra),
        }
    };
    let entries: Vec<ActionEntry> = usable(points).filter(|point| point.tool == tool).map(entry).collect();
    pretty(&entries)
}

/// One multiple for each unit, whatever the value: a chart of many commits has one axis.
fn fixed(unit: UnitView) -> (f64, &'static str) {
    match unit {
        UnitView::Ns => (1e6, "ms"),
        UnitView::Bytes => (1_048_576.0, "MiB"),
        UnitView::TokensPerSecond => (1.0, "tok/s"),
        UnitView::RequestsPerSecond => (1.0, "req/s"),
        UnitView::BytesPerSecond => (1e9, "GB/s"),
        UnitView::Tokens => (1.0, "tokens"),
        UnitView::Count => (1.0, "count"),
        UnitView::Ratio => (0.01, "%"),
        UnitView::Joules => (1.0, "J"),
        UnitView::Watts => (1.0, "W"),
        UnitView::TokensPerJoule => (1.0, "tok/J"),
        UnitView::JouleSeconds => (1.0, "J·s"),
        UnitView::WattHours => (1.0, "Wh"),
        UnitView::Hours => (1.0, "h"),
        UnitView::OperationsPerSecond => (1e9, "Gop/s"),
    }
}

/// Four significant digits, for people.
fn rounded(value: f64) -> String {
    words::grouped(value, words::decimals_for(value, 0.0))
}

#[derive(Serialize)]
struct BencherMetric {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// Bencher Metric Format.
fn metric_format(points: &[Point]) -> String {
    let mut all: BTreeMap<String, BTreeMap<&str, BencherMetric>> = BTreeMap::new();
    for point in usable(points) {
        let name: String = one_line(&point.benchmark).chars().take(BENCHMARK_CHARS).collect();
        let [low, high] = point.bounds.map_or([None; 2], |bounds| bounds.map(Some));
        let metric = BencherMetric { value: point.value, lower_value: low, upper_value: high };
        all.entry(name).or_default().insert(&point.measure, metric);
    }
    pretty(&all)
}

/// JSON has no infinity, and a bound without end is none.
fn usable(points: &[Point]) -> impl Iterator<Item = &Point> {
    let is_finite = |point: &&Point| {
        point.value.is_finite()
            && point.bounds.is_none_or(|bounds| bounds.iter().all(|bound| bound.is_finite()))
    };
    points.iter().filter(is_finite)
}

fn pretty(value: &impl Serialize) -> String {
    let mut json = serde_json::to_string_pretty(value).expect("names and finite numbers are JSON");
    json.push('\n');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_words_of_an_address() {
        let check = |text: &str, expected: &str| assert_eq!(slug(text), expected);
        check("ttft_ns p50", "ttft-ns-p50");
        check("Output rate (all users)", "output-rate-all-users");
        check("p99.9 …", "p99-9");
        check("", "");
        assert_eq!(slug(&"a-".repeat(64)).len(), 63, "64 characters, and no hyphen at the end");
    }
}
