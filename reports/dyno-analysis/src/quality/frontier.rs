//! Cells by speed, quality and energy: what is fast and right, and for how much.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::load::LoadModel;
use dyno_model::plan::PlannedPrompt;
use dyno_view::energy::EnergyFigure;
use dyno_view::quality::{FrontierFigureView, FrontierRowView, FrontierView, PassRateView, QualityTableView};
use dyno_view::report::{CellView, QuantileFigure, UnitView};

use super::cell::is_gradable;
use super::charts::charts;
use super::front::beaten_by;
use crate::cell::CellRecord;
use crate::energy::unlike_energy;
use crate::facts::threads_words;

/// What pass rates and speeds of several cells must share to be put side by side.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'r> {
    load: &'r LoadModel,
    /// With their texts and graders: another version of a corpus is another question.
    prompts: BTreeMap<&'r str, &'r PlannedPrompt>,
    /// The most tokens of an answer, and whether it is made as long.
    lengths: BTreeSet<(u32, bool)>,
}

impl<'r> Asked<'r> {
    fn of(cell: &CellRecord<'r>) -> Self {
        let plan = cell.record.plan;
        let (mut prompts, mut lengths) = (BTreeMap::new(), BTreeSet::new());
        let runs = plan.runs.iter().filter(|run| run.cell == cell.cell.id);
        for request in runs.flat_map(|run| &run.requests) {
            let Some(prompt) = plan.prompts.get(&request.prompt) else { continue };
            if is_gradable(prompt.grader.as_ref()) {
                prompts.insert(request.prompt.0.as_str(), prompt);
                lengths.insert((request.sampling.max_tokens, request.sampling.ignore_eos));
            }
        }
        Self { load: &cell.cell.load, prompts, lengths }
    }

    fn words(&self) -> String {
        let n = self.prompts.len();
        let prompts = if n == 1 { "1 prompt".to_owned() } else { format!("{n} prompts") };
        let lengths: Vec<String> = self.lengths.iter().map(|(most, _)| most.to_string()).collect();
        let load = self.load.label();
        format!("{prompts} with a grader, {load}, answers of at most {} tokens", lengths.join(" or "))
    }
}

/// A cell whose answers were graded.
struct Member<'m, 'r> {
    cell: &'m CellRecord<'r>,
    view: &'m CellView,
    quality: PassRateView,
}

/// All cells that may be put side by side; `None` with fewer than two that differ in more than their load.
pub(crate) fn quality_table(cells: &[CellRecord<'_>], views: &[CellView]) -> Option<QualityTableView> {
    let mut groups: Vec<(Asked<'_>, Vec<Member<'_, '_>>)> = Vec::new();
    for (cell, view) in cells.iter().zip(views) {
        let Some(quality) = view.quality.as_ref().map(|of| of.overall).filter(|of| of.rate.is_some()) else {
            continue;
        };
        let (asked, member) = (Asked::of(cell), Member { cell, view, quality });
        match groups.iter_mut().find(|(of, _)| *of == asked) {
            Some((_, members)) => members.push(member),
            None => groups.push((asked, vec![member])),
        }
    }
    let groups: Vec<FrontierView> = groups
        .iter()
        .filter(|(_, members)| !differ_in(members).is_empty())
        .map(|(asked, members)| group_view(asked, members))
        .collect();
    (!groups.is_empty()).then_some(QualityTableView { groups })
}

/// The words of one part of a cell's name.
type Part = fn(&CellView) -> String;

/// The parts by which cells may differ.
const PARTS: [Part; 7] = [
    |view| view.campaign.clone().unwrap_or_default(),
    |view| view.model.clone(),
    |view| view.runtime.clone(),
    |view| view.device.clone(),
    |view| threads_words(view.threads),
    |view| format!("context {}", view.context_tokens),
    |view| view.arm.clone().unwrap_or_default(),
];

/// The parts that tell the members from each other; the same cell in several campaigns differs in nothing.
fn differ_in(members: &[Member<'_, '_>]) -> Vec<Part> {
    let differs = |part: &&Part| members.windows(2).any(|pair| part(pair[0].view) != part(pair[1].view));
    let (campaign, others) = (&PARTS[..1], &PARTS[1..]);
    let found: Vec<Part> = others.iter().filter(differs).copied().collect();
    if found.is_empty() {
        return found;
    }
    campaign.iter().filter(differs).copied().chain(found).collect()
}

fn group_view(asked: &Asked<'_>, members: &[Member<'_, '_>]) -> FrontierView {
    let parts = differ_in(members);
    let mut metered = members.iter().filter(|member| energy(member.view).is_some());
    let first = metered.next();
    let unlike = first.and_then(|first| metered.find_map(|other| unlike_energy(first.cell, other.cell)));
    let row = |member: &Member<'_, '_>| {
        let view = member.view;
        let words: Vec<String> =
            parts.iter().map(|part| part(view)).filter(|words| !words.is_empty()).collect();
        let e2e = if member.cell.cell.load.is_open() { "e2e_sched_ns" } else { "e2e_ns" };
        FrontierRowView {
            cell: view.id.clone(),
            name: words.join(" · "),
            quality: member.quality,
            speed: percentile(view, "decode_tokens_per_s", 500),
            latency: percentile(view, e2e, 950),
            energy: energy(view).filter(|_| unlike.is_none()),
            beaten_by: Vec::new(),
        }
    };
    let mut rows: Vec<FrontierRowView> = members.iter().map(row).collect();
    let judged_by = judge(&mut rows);
    FrontierView {
        work: asked.words(),
        charts: charts(&rows),
        rows,
        judged_by: judged_by.into_iter().map(str::to_owned).collect(),
        notes: unlike.into_iter().collect(),
    }
}

fn percentile(view: &CellView, id: &str, permille: u32) -> Option<FrontierFigureView> {
    let metric = view.metrics.iter().find(|metric| metric.metric == id)?;
    let found = metric.quantiles.iter().find(|quantile| quantile.permille == permille)?;
    match found.figure {
        QuantileFigure::Estimate { value, low, high, .. } => {
            Some(FrontierFigureView { unit: metric.unit, value, interval: Some([low, high]) })
        }
        QuantileFigure::TooFew { .. } => None,
    }
}

fn energy(view: &CellView) -> Option<FrontierFigureView> {
    let of = view.energy.as_ref()?.figures.iter().find(|figure| figure.id == "j_per_token")?;
    let (value, interval) = match of.figure {
        EnergyFigure::Uncertain { value, u } => (value, [value - u, value + u]),
        EnergyFigure::Interval { value, low, high, .. } => (value, [low, high]),
        EnergyFigure::Missing { .. } => return None,
    };
    Some(FrontierFigureView { unit: UnitView::Joules, value, interval: Some(interval) })
}

/// A figure that counts: its name, and its value of which more is better.
type Good = (&'static str, fn(&FrontierRowView) -> Option<f64>);

/// Says of each row which ones beat it, by what all of them have; gives what that is.
fn judge(rows: &mut [FrontierRowView]) -> Vec<&'static str> {
    let fast: [Good; 2] = [
        ("decode rate", |row| row.speed.map(|of| of.value)),
        ("E2E latency p95", |row| row.latency.map(|of| -of.value)),
    ];
    let frugal: Good = ("energy per output token", |row| row.energy.map(|of| -of.value));
    let right: Good = ("pass rate", |row| row.quality.rate);
    let all_have = |good: &Good| rows.iter().all(|row| good.1(row).is_some());
    let speed = fast.into_iter().find(all_have);
    let goods: Vec<Good> = [right].into_iter().chain(speed).chain(Some(frugal).filter(all_have)).collect();
    if goods.len() < 2 {
        return goods.into_iter().map(|good| good.0).collect();
    }
    let things: Vec<Vec<f64>> =
        rows.iter().map(|row| goods.iter().filter_map(|good| good.1(row)).collect()).collect();
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    for (row, by) in rows.iter_mut().zip(beaten_by(&things)) {
        row.beaten_by = by.into_iter().map(|place| names[place].clone()).collect();
    }
    goods.into_iter().map(|good| good.0).collect()
}
