//! When cells do equal work: the same model file, load, context and requests.

use std::collections::BTreeSet;

use dyno_model::load::LoadModel;
use dyno_model::plan::{Cell, ModelOrigin, Plan, PlannedRequest};
use dyno_model::start::StartState;
use dyno_store::JournalEntry;
use dyno_view::comparison::{WorkPart, WorkView};

use crate::cell::CellRecord;
use crate::record::Record;
use crate::start::start_name;

/// The work of a cell. Device, runtime and threads are what carries it out, not the work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Work<'a> {
    model: Model,
    load: &'a LoadModel,
    context_tokens: u32,
    prompts: BTreeSet<&'a str>,
    answers: BTreeSet<Answer>,
    /// What launches start from.
    start: StartState,
    /// Which prompt is answered how.
    asked: BTreeSet<(&'a str, Answer)>,
}

/// What the weights are.
#[derive(Debug, PartialEq, Eq)]
enum Model {
    /// A file of that SHA-256.
    File(String),
    /// A file that no device has had yet, by its name in the plan.
    Unseen(String),
    /// None: scripted answers.
    None,
}

/// How one answer is drawn and bounded, but for the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Answer {
    max_tokens: u32,
    ignore_eos: bool,
    temperature_milli: u32,
    top_p_milli: u32,
    limit_ms: u64,
    due_ns: Option<u64>,
}

impl Answer {
    fn of(request: &PlannedRequest) -> Self {
        let sampling = &request.sampling;
        Self {
            max_tokens: sampling.max_tokens,
            ignore_eos: sampling.ignore_eos,
            temperature_milli: sampling.temperature_milli,
            top_p_milli: sampling.top_p_milli,
            limit_ms: request.limit_ms,
            due_ns: request.due_ns,
        }
    }
}

impl<'a> Work<'a> {
    pub(crate) fn of(cell: &CellRecord<'a>) -> Self {
        let (plan, cell, record) = (cell.record.plan, cell.cell, cell.record);
        let requests = || requests(plan, cell);
        Self {
            model: model(record, cell),
            load: &cell.load,
            context_tokens: cell.context_tokens,
            start: cell.start,
            prompts: requests().map(|request| request.prompt.0.as_str()).collect(),
            answers: requests().map(Answer::of).collect(),
            asked: requests().map(|request| (request.prompt.0.as_str(), Answer::of(request))).collect(),
        }
    }

    /// In what it differs from another one.
    pub(crate) fn differs(&self, other: &Self) -> BTreeSet<WorkPart> {
        let same_prompts = self.prompts == other.prompts;
        let same_answers = self.answers == other.answers && (!same_prompts || self.asked == other.asked);
        let parts = [
            (WorkPart::Model, self.model == other.model),
            (WorkPart::Load, self.load == other.load),
            (WorkPart::Context, self.context_tokens == other.context_tokens),
            (WorkPart::Prompts, same_prompts),
            (WorkPart::Answers, same_answers),
            (WorkPart::Start, self.start == other.start),
        ];
        parts.into_iter().filter(|part| !part.1).map(|part| part.0).collect()
    }
}

fn requests<'a>(plan: &'a Plan, cell: &'a Cell) -> impl Iterator<Item = &'a PlannedRequest> {
    plan.runs.iter().filter(|run| run.cell == cell.id).flat_map(|run| &run.requests)
}

/// By the digest that the device itself verified, else by the one that another device had, else by the plan's.
fn model(record: &Record<'_>, cell: &Cell) -> Model {
    let planned = record.plan.models.get(&cell.model).map(|model| &model.origin);
    let on_device = |entry: &JournalEntry| match entry {
        JournalEntry::Session { device, model_digests, .. } => {
            Some((device == &cell.device, model_digests.get(&cell.model)?.to_string()))
        }
        _ => None,
    };
    let seen: Vec<(bool, String)> = record.entries.iter().filter_map(on_device).collect();
    let own = seen.iter().find(|(is_own, _)| *is_own).or_else(|| seen.first());
    let by_plan = || match planned? {
        ModelOrigin::Published { digest, .. } => Some(digest.to_string()),
        ModelOrigin::Derived { digest, .. } => digest.as_ref().map(ToString::to_string),
        ModelOrigin::Synthetic { .. } | ModelOrigin::None => None,
    };
    match planned {
        Some(ModelOrigin::None) => Model::None,
        _ => own
            .map(|(_, digest)| digest.clone())
            .or_else(by_plan)
            .map_or_else(|| Model::Unseen(cell.model.clone()), Model::File),
    }
}

/// In what the works of several groups differ.
pub(super) fn differences<'a, 'b: 'a>(works: impl Iterator<Item = &'a Work<'b>>) -> Vec<WorkPart> {
    let works: Vec<&Work<'b>> = works.collect();
    let mut parts = BTreeSet::new();
    for pair in works.windows(2) {
        parts.extend(pair[0].differs(pair[1]));
    }
    parts.into_iter().collect()
}

pub(crate) fn work_view(work: &Work<'_>) -> WorkView {
    WorkView {
        model_digest: match &work.model {
            Model::File(digest) => Some(digest.clone()),
            Model::Unseen(_) | Model::None => None,
        },
        load: work.load.label(),
        context_tokens: work.context_tokens,
        n_prompts: work.prompts.len() as u64,
        max_tokens: work.answers.iter().map(|answer| answer.max_tokens).max(),
        start: start_name(work.start),
    }
}
