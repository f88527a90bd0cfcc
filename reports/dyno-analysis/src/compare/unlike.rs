//! When two cells did not do the same work: which metrics are not compared for it, and why.

use std::collections::BTreeSet;

use dyno_model::ids::PromptId;
use dyno_model::load::LoadModel;
use dyno_model::plan::{PlannedRequest, PlannedRun};
use dyno_view::comparison::{Better, ColumnFigure, ColumnView};
use dyno_view::report::UnitView;

use crate::cell::CellRecord;
use crate::comparison::{unlike as unlike_done, work_done};
use crate::energy::unlike_energy;
use crate::start::start_name;

/// Why a metric is not compared; `None` where it is.
pub(super) struct Unlike {
    /// What the plans asked for.
    planned: Vec<(String, Reach)>,
    /// What was done: reasons with the metrics.
    done: Vec<(String, Vec<String>)>,
    energy: Option<String>,
}

/// What a difference of plans makes incomparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// All but the time to load.
    Work,
    /// What comes after the first token, and what is shared out to requests.
    Answers,
    /// What a start takes.
    Start,
}

impl Reach {
    fn holds(self, metric: &str) -> bool {
        match self {
            Self::Work => metric != "load_ns",
            Self::Answers => {
                !matches!(metric, "load_ns" | "first_inference_ns" | "ttft_ns" | "ttft_sched_ns" | "ttfo_ns")
            }
            Self::Start => matches!(metric, "load_ns" | "first_inference_ns"),
        }
    }
}

impl Unlike {
    pub(super) fn of(
        baseline: &CellRecord<'_>,
        candidate: &CellRecord<'_>,
        names: [&str; 2],
        metrics: &[&str],
    ) -> Self {
        let work = [work_done(baseline), work_done(candidate)];
        let done = match &work {
            [Some(a), Some(b)] => unlike_done(&columns(metrics), &[(names[0], a), (names[1], b)]),
            _ => Vec::new(),
        };
        let of_places = |places: &[u32]| {
            places
                .iter()
                .filter_map(|place| metrics.get(*place as usize))
                .map(|id| (*id).to_owned())
                .collect()
        };
        Self {
            planned: planned(baseline, candidate),
            done: done.into_iter().map(|of| (of.reason, of_places(&of.columns))).collect(),
            energy: unlike_energy(baseline, candidate),
        }
    }

    /// Why a metric is not compared.
    pub(super) fn reason(&self, metric: &str) -> Option<String> {
        let planned = self.planned.iter().find(|(_, reach)| reach.holds(metric));
        let done = || self.done.iter().find(|(_, metrics)| metrics.iter().any(|of| of == metric));
        let energy = || self.energy.clone().filter(|_| metric.starts_with("j_per_"));
        let words = planned.map(|(reason, _)| reason.clone());
        words.or_else(|| done().map(|(reason, _)| reason.clone())).or_else(energy)
    }
}

/// The columns that the metrics would be, for what knows columns.
fn columns(metrics: &[&str]) -> Vec<ColumnView> {
    let column = |id: &&str| ColumnView {
        metric: (*id).to_owned(),
        label: (*id).to_owned(),
        unit: UnitView::Count,
        figure: ColumnFigure::Quantile { permille: 500 },
        better: Better::Lower,
    };
    metrics.iter().map(column).collect()
}

/// What one plan asks for and the other does not.
fn planned(a: &CellRecord<'_>, b: &CellRecord<'_>) -> Vec<(String, Reach)> {
    let mut found = Vec::new();
    if !is_one_load(&a.cell.load, &b.cell.load) {
        let (one, two) = (a.cell.load.label(), b.cell.load.label());
        found.push((format!("the loads differ ({one}, and {two})"), Reach::Work));
    }
    if a.cell.hold != b.cell.hold {
        found.push(("the loads are not held for the same time".to_owned(), Reach::Work));
    }
    let (of_a, of_b) = (Requests::of(a), Requests::of(b));
    let is_other = |id: &&str| {
        let id = PromptId::from(*id);
        a.record.plan.prompts.get(&id) != b.record.plan.prompts.get(&id)
    };
    if of_a.prompts != of_b.prompts || of_a.prompts.iter().any(is_other) {
        found.push(("the sides were not asked the same prompts".to_owned(), Reach::Work));
    } else if of_a.answers != of_b.answers {
        found.push((
            "answers are not drawn and bounded alike (sampling, length or time limit)".to_owned(),
            Reach::Answers,
        ));
    }
    if a.cell.start != b.cell.start {
        let words = |cell: &CellRecord<'_>| {
            start_name(cell.cell.start).unwrap_or_else(|| "as it happens to be".to_owned())
        };
        found.push((
            format!("launches start from different states ({}, and {})", words(a), words(b)),
            Reach::Start,
        ));
    }
    found
}

/// Prompts that a cell is asked and that are meant.
pub(crate) fn prompts_of<'a>(cell: &CellRecord<'a>, is_meant: &dyn Fn(&str) -> bool) -> BTreeSet<&'a str> {
    Requests::of(cell).prompts.into_iter().filter(|prompt| is_meant(prompt)).collect()
}

/// Why answers of two cells to the prompts that are meant are not held against each other; `None` where they are.
/// Loads and starts may differ: they make no other answer.
pub(crate) fn unlike_answers(
    a: &CellRecord<'_>,
    b: &CellRecord<'_>,
    is_meant: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let (of_a, of_b) = (Requests::of(a), Requests::of(b));
    let prompts = |of: &Requests<'_>| -> BTreeSet<String> {
        of.prompts.iter().filter(|prompt| is_meant(prompt)).map(|prompt| (*prompt).to_owned()).collect()
    };
    let (one, two) = (prompts(&of_a), prompts(&of_b));
    if one != two {
        let apart: Vec<&String> = one.symmetric_difference(&two).collect();
        let first = apart.first().map_or("", |prompt| prompt.as_str());
        return Some(format!(
            "the sides were not asked the same prompts ({} of {} only one of them, the first is {first})",
            apart.len(),
            one.union(&two).count()
        ));
    }
    for prompt in &one {
        let id = PromptId::from(prompt.as_str());
        let (one, two) = (a.record.plan.prompts.get(&id)?, b.record.plan.prompts.get(&id)?);
        if one.messages != two.messages {
            return Some(format!("prompt {prompt} is not the same text on both sides"));
        }
        if one.grader != two.grader {
            return Some(format!("prompt {prompt} is not graded alike on both sides"));
        }
    }
    let answers = |of: &Requests<'_>| -> BTreeSet<(String, u32, bool, u32, u32, u64)> {
        let meant = of.answers.iter().filter(|answer| is_meant(answer.0));
        meant.map(|of| (of.0.to_owned(), of.1, of.2, of.3, of.4, of.5)).collect()
    };
    (answers(&of_a) != answers(&of_b))
        .then(|| "answers are not drawn and bounded alike (sampling, length or time limit)".to_owned())
}

/// Loads of two campaigns may differ by how many requests a run has: that is no other work.
fn is_one_load(a: &LoadModel, b: &LoadModel) -> bool {
    let without_count = |load: &LoadModel| {
        let mut load = load.clone();
        if let LoadModel::Open { n_requests, .. } | LoadModel::Trace { n_requests, .. } = &mut load {
            *n_requests = 0;
        }
        load
    };
    without_count(a) == without_count(b)
}

/// What a cell is asked, each once.
#[derive(PartialEq)]
struct Requests<'a> {
    prompts: BTreeSet<&'a str>,
    /// Of each prompt: tokens, end of sequence, temperature, top-p, time limit.
    answers: BTreeSet<(&'a str, u32, bool, u32, u32, u64)>,
}

impl<'a> Requests<'a> {
    fn of(cell: &CellRecord<'a>) -> Self {
        let is_own = |run: &&PlannedRun| run.cell == cell.cell.id;
        let all = || cell.record.plan.runs.iter().filter(is_own).flat_map(|run| &run.requests);
        let answer = |of: &'a PlannedRequest| {
            let sampling = &of.sampling;
            let prompt = of.prompt.0.as_str();
            (
                prompt,
                sampling.max_tokens,
                sampling.ignore_eos,
                sampling.temperature_milli,
                sampling.top_p_milli,
                of.limit_ms,
            )
        };
        Self {
            prompts: all().map(|request| request.prompt.0.as_str()).collect(),
            answers: all().map(answer).collect(),
        }
    }
}
