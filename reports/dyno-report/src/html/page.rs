//! What the template shows, in words.

use dyno_view::report::{
    AnswerView, CategoryView, CellView, FactValue, FactView, FigureView, FindingLevel, LaunchView,
    MethodView, MetricView, QuantileFigure, Report, UnitView,
};
use serde::Serialize;

use super::comparison::{Comparison, comparison};
use super::picture::{Picture, picture};
use crate::cell::{Headline, State, cell_settings, extremes, is_valid, permilles};
use crate::comparison::cell_label;
use crate::words;

/// The whole page.
#[derive(Serialize)]
pub(super) struct Page {
    id: String,
    description: String,
    facts: Vec<Fact>,
    comparison: Option<Comparison>,
    findings: Vec<Finding>,
    cells: Vec<Cell>,
    devices: Vec<Device>,
    methods: Vec<MethodView>,
    provenance: Vec<Fact>,
    regenerate: String,
}

/// A label and its value.
#[derive(Serialize)]
struct Fact {
    label: String,
    value: String,
    /// `text`, `digest` or `missing`.
    kind: &'static str,
}

#[derive(Serialize)]
struct Finding {
    class: &'static str,
    word: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Device {
    id: String,
    transport: String,
    clock: Option<String>,
    facts: Vec<Fact>,
}

#[derive(Serialize)]
struct Cell {
    anchor: String,
    label: String,
    model: String,
    runtime: String,
    device: String,
    settings: String,
    marks: Vec<String>,
    tiles: Vec<Tile>,
    measured: bool,
    state: &'static str,
    state_word: &'static str,
    state_detail: String,
    permille_names: Vec<String>,
    metrics: Vec<Metric>,
    rates: Vec<Rate>,
    launches: Vec<Launch>,
    outcomes: Vec<Outcome>,
    categories: Vec<Category>,
    charts: Vec<Picture>,
    own_cost: Vec<Fact>,
    facts: Vec<Fact>,
    answers: Vec<AnswerView>,
}

/// A headline figure.
#[derive(Serialize)]
struct Tile {
    label: &'static str,
    value: String,
    unit: String,
    note: String,
    sort: Option<f64>,
}

#[derive(Serialize)]
struct Metric {
    label: String,
    id: String,
    n: Sorted,
    undefined: String,
    quantiles: Vec<Quantile>,
    extremes: String,
}

#[derive(Serialize)]
struct Quantile {
    value: String,
    note: String,
    missing: bool,
}

/// A table cell with what to sort it by.
#[derive(Serialize)]
struct Sorted {
    text: String,
    by: Option<f64>,
}

#[derive(Serialize)]
struct Rate {
    label: String,
    value: String,
    note: String,
}

#[derive(Serialize)]
struct Launch {
    run: u32,
    number: u16,
    figures: Vec<Sorted>,
    outcome: String,
    valid: bool,
    invalid: Vec<String>,
}

#[derive(Serialize)]
struct Outcome {
    word: String,
    ok: bool,
    n: String,
    share: String,
    example: Option<String>,
}

#[derive(Serialize)]
struct Category {
    name: String,
    figures: Vec<Sorted>,
}

impl Page {
    /// Everything in words.
    pub(super) fn of(report: &Report) -> Self {
        let campaign = &report.campaign;
        Self {
            id: campaign.id.clone(),
            description: campaign.description.clone(),
            facts: campaign_facts(report),
            comparison: comparison(report),
            findings: report.findings.iter().map(finding).collect(),
            cells: report
                .cells
                .iter()
                .enumerate()
                .map(|(i, view)| cell(view, cell_label(report, i), i + 1))
                .collect(),
            devices: report
                .devices
                .iter()
                .map(|device| Device {
                    id: device.id.clone(),
                    transport: device.transport.clone(),
                    clock: device.clock.as_ref().map(words::clock),
                    facts: facts(&device.facts),
                })
                .collect(),
            methods: report.methods.clone(),
            provenance: provenance(report),
            regenerate: campaign.regenerate.clone(),
        }
    }
}

fn campaign_facts(report: &Report) -> Vec<Fact> {
    let campaign = &report.campaign;
    let recorded = words::count(campaign.n_requests_recorded);
    let planned = words::count(campaign.n_requests_planned);
    let mut facts = vec![text("Suite", &campaign.suite)];
    if let Some(started) = &campaign.started_at {
        facts.push(text("Started", &words::instant(started)));
        let took = campaign.ended_at.as_ref().and_then(|ended| words::span_ns(started, ended));
        facts.extend(took.map(|ns| text("Took", &words::duration(ns))));
    }
    let complete = if campaign.complete { "" } else { ", incomplete" };
    facts.push(text("Requests", &format!("{recorded} of {planned}{complete}")));
    facts.push(text("edgedyno", &campaign.tool_version));
    facts
}

fn provenance(report: &Report) -> Vec<Fact> {
    let campaign = &report.campaign;
    vec![
        text("Campaign", &campaign.id),
        text("edgedyno", &campaign.tool_version),
        digest("Plan (SHA-256)", &campaign.plan_digest),
        text("Corpus", &campaign.corpus),
        digest("Corpus (SHA-256)", &campaign.corpus_digest),
        text("Seed", &campaign.seed.to_string()),
        text("Report schema", &report.schema_version.to_string()),
    ]
}

fn text(label: &str, value: &str) -> Fact {
    Fact { label: label.to_owned(), value: value.to_owned(), kind: "text" }
}

fn digest(label: &str, value: &str) -> Fact {
    Fact { label: label.to_owned(), value: value.to_owned(), kind: "digest" }
}

fn facts(views: &[FactView]) -> Vec<Fact> {
    views
        .iter()
        .map(|view| match &view.value {
            None => {
                Fact { label: view.label.clone(), value: "could not be read".to_owned(), kind: "missing" }
            }
            Some(FactValue::Digest(value)) => digest(&view.label, value),
            Some(value) => text(&view.label, &words::fact(value)),
        })
        .collect()
}

fn finding(finding: &dyno_view::report::Finding) -> Finding {
    let (class, word) = match finding.level {
        FindingLevel::Invalid => ("bad", "Invalid"),
        FindingLevel::Warning => ("warn", "Warning"),
        FindingLevel::Note => ("note", "Note"),
    };
    Finding { class, word, text: finding.text.clone() }
}

fn cell(view: &CellView, label: String, number: usize) -> Cell {
    let headline = Headline::of(view);
    let anchor = format!("cell-{number}");
    let permilles = permilles(view);
    Cell {
        label,
        model: view.model.clone(),
        runtime: view.runtime.clone(),
        device: view.device.clone(),
        settings: cell_settings(view),
        marks: view.model_marks.clone(),
        tiles: tiles(view, &headline),
        measured: headline.validity.state != State::NotMeasured,
        state: match headline.validity.state {
            State::Valid => "good",
            State::Failures | State::Partly => "warn",
            State::Invalid | State::NotMeasured => "bad",
        },
        state_word: headline.validity.state.word(),
        state_detail: headline.validity.detail,
        permille_names: permilles.iter().map(|&permille| words::quantile_name(permille)).collect(),
        metrics: view.metrics.iter().map(|view| metric(view, &permilles)).collect(),
        rates: view.throughput.iter().map(rate).collect(),
        launches: view.launches.iter().map(launch).collect(),
        outcomes: outcomes(view),
        categories: view.categories.iter().map(category).collect(),
        charts: view.charts.iter().enumerate().map(|(i, chart)| picture(chart, &anchor, i + 1)).collect(),
        own_cost: facts(&view.own_cost),
        facts: facts(&view.facts),
        answers: view.answers.clone(),
        anchor,
    }
}

fn tiles(view: &CellView, headline: &Headline) -> Vec<Tile> {
    let ids = ["ttft_ns", "tpot_ns", "decode_tokens_per_s", "peak_rss_bytes"];
    let figures = headline.figures();
    let tile = |((label, worded), id): ((&'static str, &words::Worded), &str)| {
        let (value, note) = worded.parts();
        let (value, unit) = match value.split_once(' ') {
            Some((value, unit)) => (value.to_owned(), unit.to_owned()),
            None => (value, String::new()),
        };
        let note = note.trim_matches(['(', ')']).to_owned();
        Tile { label, value, unit, note, sort: sort_key(view, id) }
    };
    figures.into_iter().zip(ids).map(tile).collect()
}

/// The unrounded headline figure.
fn sort_key(view: &CellView, id: &str) -> Option<f64> {
    let metric = crate::cell::metric(view, id)?;
    if id == "peak_rss_bytes" {
        return metric.max;
    }
    metric.quantiles.iter().find(|quantile| quantile.permille == 500).and_then(|quantile| {
        match quantile.figure {
            QuantileFigure::Estimate { value, .. } => Some(value),
            QuantileFigure::TooFew { .. } => None,
        }
    })
}

fn metric(view: &MetricView, permilles: &[u32]) -> Metric {
    let quantile = |&permille: &u32| {
        let worded = words::quantile(view, permille);
        let (value, note) = worded.parts();
        Quantile { value, note, missing: matches!(worded, words::Worded::Missing { .. }) }
    };
    Metric {
        label: view.label.clone(),
        id: view.metric.clone(),
        n: Sorted { text: words::count(view.n), by: Some(view.n as f64) },
        undefined: match view.n_undefined {
            0 => String::new(),
            n => format!("+{} without", words::count(n)),
        },
        quantiles: permilles.iter().map(quantile).collect(),
        extremes: extremes(view),
    }
}

fn rate(view: &FigureView) -> Rate {
    let value = view.value.map_or_else(|| "n/a".to_owned(), |value| words::value(view.unit, value));
    Rate { label: view.label.clone(), value, note: view.note.clone() }
}

fn sorted(unit: UnitView, value: Option<f64>) -> Sorted {
    Sorted { text: value.map_or_else(|| "n/a".to_owned(), |value| words::value(unit, value)), by: value }
}

fn launch(view: &LaunchView) -> Launch {
    let float = |value: Option<u64>| value.map(|value| value as f64);
    Launch {
        run: view.run,
        number: view.launch,
        figures: vec![
            Sorted { text: words::count(view.n_requests), by: Some(view.n_requests as f64) },
            sorted(UnitView::Ns, float(view.load_ns)),
            sorted(UnitView::Ns, float(view.first_inference_ns)),
            sorted(UnitView::Ns, view.tpot_p50_ns),
            sorted(UnitView::Bytes, float(view.peak_rss_bytes)),
        ],
        outcome: view.outcome.clone(),
        valid: is_valid(view),
        invalid: view.invalid.clone(),
    }
}

fn outcomes(view: &CellView) -> Vec<Outcome> {
    let total: u64 = view.outcomes.iter().map(|outcome| outcome.n).sum();
    view.outcomes
        .iter()
        .map(|outcome| Outcome {
            word: outcome.outcome.clone(),
            ok: outcome.outcome == "ok",
            n: words::count(outcome.n),
            share: words::value(UnitView::Ratio, outcome.n as f64 / total.max(1) as f64),
            example: outcome.example.clone(),
        })
        .collect()
}

fn category(view: &CategoryView) -> Category {
    Category {
        name: view.category.clone(),
        figures: vec![
            Sorted { text: words::count(view.n), by: Some(view.n as f64) },
            sorted(UnitView::Tokens, view.isl_p50),
            sorted(UnitView::Ns, view.ttft_p50_ns),
            sorted(UnitView::Ns, view.tpot_p50_ns),
            sorted(UnitView::Ns, view.e2e_p50_ns),
        ],
    }
}
