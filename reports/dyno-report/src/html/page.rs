//! What the template shows, in words.

use dyno_view::report::{
    AnswerView, CategoryView, CellView, FigureView, FindingLevel, LaunchView, MethodView, MetricView, Report,
    UnitView,
};
use serde::Serialize;

use super::compare::{Verdicts, verdicts};
use super::comparison::{Comparison, cell_anchor, comparison};
use super::energy::{Energies, Energy, energies, energy};
use super::fact::{Fact, campaign_facts, facts, provenance};
use super::heat::{Heat, HeatTable, heat, heat_table};
use super::imported::{Imported, imported};
use super::load::{Load, cell_load, load, sentences};
use super::memory::{Section, memory};
use super::network::{Network, network};
use super::picture::{PanelPicture, Picture, picture};
use super::proof::{Proof, Starts, Steady, proof, reasons, starts, steady};
use super::quality::{Frontiers, Quality, frontiers, quality};
use super::tile::{Tile, tiles};
use super::timeline::timelines;
use crate::cell::{Headline, State, cell_settings, extremes, is_valid, permilles};
use crate::comparison::cell_label;
use crate::load::{http_words, share_words, unsaid};
use crate::words;

/// The whole page.
#[derive(Serialize)]
pub(super) struct Page {
    title: String,
    kind: &'static str,
    description: String,
    facts: Vec<Fact>,
    verdicts: Option<Verdicts>,
    load: Option<Load>,
    comparison: Option<Comparison>,
    findings: Vec<Finding>,
    starts: Option<Starts>,
    heat: Option<HeatTable>,
    quality: Option<Frontiers>,
    energies: Option<Energies>,
    imported: Option<Imported>,
    cells: Vec<Cell>,
    devices: Vec<Device>,
    methods: Vec<MethodView>,
    provenance: Vec<Fact>,
    regenerate: String,
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
    /// Its load or its campaign, where that tells it from others.
    load: Option<String>,
    /// What is to be said of load and chunks below the metrics.
    sentences: Vec<String>,
    errors: Option<Errors>,
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
    /// Figures that may not be used, when none may.
    unusable: Vec<Metric>,
    unusable_reasons: Vec<String>,
    quality: Option<Quality>,
    proof: Option<Proof>,
    network: Option<Network>,
    steady: Option<Steady>,
    heat: Option<Heat>,
    energy: Option<Energy>,
    memory: Vec<Section>,
    rates: Vec<Rate>,
    launches: Vec<Launch>,
    outcomes: Vec<Outcome>,
    categories: Vec<Category>,
    charts: Vec<Picture>,
    timelines: Vec<PanelPicture>,
    own_cost: Vec<Fact>,
    facts: Vec<Fact>,
    answers: Vec<AnswerView>,
}

#[derive(Serialize)]
struct Metric {
    label: String,
    id: String,
    n: Sorted,
    /// How many independent observations they are worth, where fewer.
    worth: String,
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
    http: Vec<String>,
}

/// The share of requests that did not go well.
#[derive(Serialize)]
struct Errors {
    n: String,
    any: bool,
    share: String,
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
            title: campaign.id.clone(),
            kind: "report",
            description: campaign.description.clone(),
            facts: campaign_facts(report),
            verdicts: report.verdicts.as_ref().map(verdicts),
            load: load(report),
            comparison: comparison(report),
            findings: unsaid(report).map(finding).collect(),
            starts: report.starts.as_ref().map(starts),
            heat: report.heat.as_ref().map(heat_table),
            quality: report.quality.as_ref().map(|view| frontiers(view, |cell| cell_anchor(report, cell))),
            energies: report.energy.as_ref().and_then(energies),
            imported: imported(report),
            cells: report
                .cells
                .iter()
                .enumerate()
                .map(|(i, view)| cell(view, (cell_label(report, i), cell_load(report, view)), i + 1))
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

fn finding(finding: &dyno_view::report::Finding) -> Finding {
    let (class, word) = match finding.level {
        FindingLevel::Invalid => ("bad", "Invalid"),
        FindingLevel::Warning => ("warn", "Warning"),
        FindingLevel::Note => ("note", "Note"),
    };
    Finding { class, word, text: finding.text.clone() }
}

fn cell(view: &CellView, (label, load): (String, Option<String>), number: usize) -> Cell {
    let headline = Headline::of(view);
    let anchor = format!("cell-{number}");
    let permilles = permilles(view);
    Cell {
        label,
        load,
        sentences: sentences(view),
        errors: view.errors.filter(|errors| errors.of > 0).map(|errors| Errors {
            n: words::count(errors.n),
            any: errors.n > 0,
            share: share_words(errors),
        }),
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
        unusable: view.invalid_metrics.iter().map(|view| metric(view, &permilles)).collect(),
        unusable_reasons: reasons(view),
        quality: view.quality.as_ref().map(quality),
        proof: view.proof.as_ref().map(proof),
        network: view.network.as_ref().map(network),
        steady: view.steady.as_ref().map(steady),
        heat: view.heat.as_ref().map(|view| heat(view, &anchor)),
        energy: view.energy.as_ref().map(energy),
        memory: memory(view),
        rates: view.throughput.iter().map(rate).collect(),
        launches: view.launches.iter().map(launch).collect(),
        outcomes: outcomes(view),
        categories: view.categories.iter().map(category).collect(),
        charts: view.charts.iter().enumerate().map(|(i, chart)| picture(chart, &anchor, i + 1)).collect(),
        timelines: timelines(view, &anchor),
        own_cost: facts(&view.own_cost),
        facts: facts(&view.facts),
        answers: view.answers.clone(),
        anchor,
    }
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
        worth: view.n_effective.map(|worth| format!("worth {}", words::count(worth))).unwrap_or_default(),
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
            http: http_words(outcome),
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
