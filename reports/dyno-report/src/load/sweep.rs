//! Cells that differ by their load only.

use dyno_view::load::{
    CapacityView, CellLoadView, GoodView, KneeView, LatencyFigure, LatencyView, LoadReportView,
    SaturationView, SweepView, VerdictView,
};
use dyno_view::report::{CellView, Report, UnitView};

use super::words::{share_words, verdict_words};
use crate::words::{self, count, plural, value};

/// Cells that differ by their load only, in words.
pub(crate) struct Sweep<'r> {
    pub(crate) view: &'r SweepView,
    /// `smollm2-135m · embedded on local`; foreign text.
    pub(crate) name: String,
    /// What was found, as a label, a figure and what stands behind it.
    pub(crate) found: Vec<Found>,
    /// Headings of the columns after the load, and their units.
    pub(crate) columns: Vec<(&'static str, &'static str)>,
    pub(crate) rows: Vec<SweepRow>,
}

/// A figure of a whole sweep.
pub(crate) struct Found {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) note: String,
}

/// One load of a sweep.
pub(crate) struct SweepRow {
    /// Its place in the report.
    pub(crate) place: usize,
    /// `closed(4)`; foreign text, for a trace's name is.
    pub(crate) load: String,
    pub(crate) is_saturated: bool,
    pub(crate) verdict: Option<VerdictView>,
    /// One for each column.
    pub(crate) figures: Vec<String>,
}

/// All sweeps of a report.
pub(crate) fn sweeps<'r>(report: &'r Report, view: &'r LoadReportView) -> Vec<Sweep<'r>> {
    view.sweeps.iter().map(|sweep| sweep_words(report, sweep)).collect()
}

fn sweep_words<'r>(report: &'r Report, view: &'r SweepView) -> Sweep<'r> {
    let cells: Vec<(usize, &CellView)> = view
        .cells
        .iter()
        .filter_map(|id| report.cells.iter().enumerate().find(|(_, cell)| &cell.id == id))
        .collect();
    let loads = || cells.iter().filter_map(|(place, cell)| Some((*place, *cell, cell.offered.as_ref()?)));
    let has_good = loads().any(|(.., load)| load.good.is_some());
    let found = view.capacities.iter().map(|of| capacity_words(of, view.capacities.len()));
    let found = found.chain(view.saturations.iter().map(|of| saturation_words(of, view.saturations.len())));
    Sweep {
        name: format!("{} · {} on {}", view.model, view.runtime, view.device),
        found: found.chain(view.knees.iter().map(knee_words)).collect(),
        columns: columns(has_good),
        rows: loads().map(|(place, _, load)| sweep_row(place, load, has_good)).collect(),
        view,
    }
}

fn columns(has_good: bool) -> Vec<(&'static str, &'static str)> {
    let mut columns =
        vec![("Offered", "req/s"), ("Answered", "req/s"), ("Under way", ""), ("Output", "tok/s")];
    if has_good {
        columns.extend([("Good", "%"), ("Goodput", "req/s"), ("SLO", "")]);
    }
    columns.extend(
        ["TTFT p50", "TTFT p95", "TTFT p99", "TPOT p50", "TPOT p95", "TPOT p99"].map(|name| (name, "")),
    );
    columns
}

fn sweep_row(place: usize, load: &CellLoadView, has_good: bool) -> SweepRow {
    // The heading has the unit.
    let alone = |figure: String| figure.split(' ').next().unwrap_or_default().to_owned();
    let of = |unit: UnitView, rate: Option<f64>| {
        rate.map_or_else(|| "–".to_owned(), |rate| alone(value(unit, rate)))
    };
    let rate = |of_rate: Option<f64>| of(UnitView::RequestsPerSecond, of_rate);
    let mut figures = vec![
        rate(load.offered_per_s),
        rate(load.answered_per_s),
        load.max_in_flight.map_or_else(|| "–".to_owned(), count),
        of(UnitView::TokensPerSecond, load.output_tokens_per_s),
    ];
    if has_good {
        let good = load.good.as_ref();
        figures.push(
            good.and_then(|good| good.share)
                .map_or_else(|| "–".to_owned(), |share| share_words(share).replacen(" %", "", 1)),
        );
        figures.push(rate(good.and_then(|good| good.rate_per_s)));
        let verdict = |good: &GoodView| verdict_words(&good.verdict).replace(" requests needed", " needed");
        figures.push(good.map_or_else(|| "–".to_owned(), verdict));
    }
    for ids in [["ttft_sched_ns", "ttft_ns"], ["tpot_ns", "tpot_ns"]] {
        let latency = ids.iter().find_map(|id| load.latencies.iter().find(|of| &of.metric == id));
        for permille in [500, 950, 990] {
            figures.push(latency.map_or_else(|| "–".to_owned(), |latency| figure_words(latency, permille)));
        }
    }
    SweepRow {
        place,
        load: load.label.trim_start_matches("open loop, ").to_owned(),
        is_saturated: !load.saturation.is_empty(),
        verdict: load.good.as_ref().map(|good| good.verdict),
        figures,
    }
}

fn figure_words(latency: &LatencyView, permille: u32) -> String {
    let found = latency.figures.iter().find(|of| of.permille == permille);
    words::latency_value(found.map_or(&LatencyFigure::TooFew { n: 0, needed: 0 }, |of| &of.figure))
}

fn capacity_words(of: &CapacityView, n_kinds: usize) -> Found {
    let rate = |rate: f64| value(UnitView::RequestsPerSecond, rate);
    let mut parts = Vec::new();
    parts.push(match of.fails_per_s {
        Some(fails) => format!("fails at {}", rate(fails)),
        None => "no rate fails".to_owned(),
    });
    parts.extend(of.inconclusive.iter().map(|step| {
        format!(
            "{} is inconclusive: {} needed",
            rate(step.rate_per_s),
            plural(step.more_needed, "more request", "more requests")
        )
    }));
    Found {
        label: format!("SLA capacity, SLO {}{}", of.slo, among(&of.arrivals, n_kinds)),
        value: of.passes_per_s.map_or_else(|| "not shown".to_owned(), rate),
        note: parts.join("; "),
    }
}

fn among(arrivals: &str, n_kinds: usize) -> String {
    if n_kinds > 1 { format!(", {arrivals} arrivals") } else { String::new() }
}

fn saturation_words(of: &SaturationView, n_kinds: usize) -> Found {
    let rate = |rate: f64| value(UnitView::RequestsPerSecond, rate);
    let (value, note) = match of.from_per_s {
        Some(from) => (
            rate(from),
            "the lowest rate from which on requests came faster than they were served".to_owned(),
        ),
        None => ("not reached".to_owned(), format!("{} were kept up with", rate(of.highest_per_s))),
    };
    Found { label: format!("Saturated from{}", among(&of.arrivals, n_kinds)), value, note }
}

fn knee_words(of: &KneeView) -> Found {
    let end = if of.is_at_an_end { "; it is at the end of what was tried and may lie beyond" } else { "" };
    Found {
        label: if of.among == "users" {
            "Knee, users".to_owned()
        } else {
            format!("Knee, {} arrivals", of.among)
        },
        value: match (of.users, of.rate_per_s) {
            (Some(users), _) => format!("closed({users})"),
            (None, Some(rate)) => value(UnitView::RequestsPerSecond, rate),
            (None, None) => "n/a".to_owned(),
        },
        note: format!("where throughput over median latency is highest{end}"),
    }
}
