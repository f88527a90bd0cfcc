//! One cell's answers, as they are in a record.

use std::collections::{BTreeMap, BTreeSet};

use dyno_grade::Judge;
use dyno_model::ids::PromptId;
use dyno_model::plan::{Cell, Plan, PlannedRun};
use dyno_model::request::FinishReason;
use dyno_store::{JournalEntry, LogprobColumns};

use super::baseline::{BaselineAnswer, BaselineModel, BaselineRuntime, BaselineSampling, is_redacted};
use super::error::CanaryError;
use crate::cell::CellRecord;
use crate::error::AnalysisError;
use crate::record::Record;

/// One cell with its answers.
pub(super) struct Subject<'a> {
    pub(super) cell: &'a Cell,
    pub(super) sampling: BaselineSampling,
    pub(super) runtime: BaselineRuntime,
    pub(super) model: BaselineModel,
    pub(super) answers: BTreeMap<PromptId, Answered>,
}

/// What came of a prompt.
pub(super) enum Answered {
    /// An answer: the first launch's that has one.
    Answer(BaselineAnswer),
    /// No launch has one; the outcome in a word.
    Failed(String),
}

/// All texts and token probabilities of a record.
pub(super) struct Words {
    texts: Vec<String>,
    logprobs: LogprobColumns,
}

impl Words {
    pub(super) fn read(record: &Record<'_>) -> Result<Self, AnalysisError> {
        let words = Self { texts: record.tables.texts()?, logprobs: record.tables.logprobs()? };
        Ok(words)
    }

    /// Whether the texts were left out.
    pub(super) fn are_left_out(&self) -> bool {
        is_redacted(self.texts.iter().map(String::as_str))
    }
}

impl<'a> Subject<'a> {
    /// What a cell answered.
    ///
    /// # Errors
    /// Its requests are not drawn alike, a grader does not compile, or there is no answer.
    pub(super) fn read(record: &'a Record<'a>, cell: &'a Cell, words: &Words) -> Result<Self, CanaryError> {
        let sampling = sampling_of(record.plan, cell, &named(record))?;
        let of = CellRecord::of(record, cell);
        let mut answers: BTreeMap<PromptId, Answered> = BTreeMap::new();
        for row in of.all_rows() {
            let id = PromptId::from(record.requests.prompt_id[row].as_str());
            let outcome = record.requests.outcome[row].as_str();
            match (outcome, answers.get_mut(&id)) {
                ("ok", Some(Answered::Answer(first))) => {
                    first.n_others += u32::from(first.text != words.texts[row]);
                }
                ("ok", _) => drop(answers.insert(id, Answered::Answer(answer(record, words, row)))),
                // What we cut off ourselves was not asked.
                ("cancelled", None) | (_, Some(_)) => {}
                (failed, None) => drop(answers.insert(id, Answered::Failed(failed.to_owned()))),
            }
        }
        if !answers.values().any(|of| matches!(of, Answered::Answer(_))) {
            return Err(CanaryError::NoAnswer { what: named(record), cell: cell.id.0.clone() });
        }
        Ok(Self { cell, sampling, runtime: runtime(&of), model: model(&of), answers })
    }

    /// `local · embedded · smollm2-135m-instruct`.
    pub(super) fn name(&self) -> String {
        cell_name(self.cell)
    }
}

/// `campaign 20261121-043000-canary`.
pub(super) fn named(record: &Record<'_>) -> String {
    format!("campaign {}", record.id)
}

/// `local · embedded · smollm2-135m-instruct`, with its arm where it has one.
pub(super) fn cell_name(cell: &Cell) -> String {
    let parts = [Some(&cell.device.0), Some(&cell.runtime), Some(&cell.model), cell.arm.as_ref()];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" · ")
}

fn answer(record: &Record<'_>, words: &Words, row: usize) -> BaselineAnswer {
    let requests = &record.requests;
    let finish = requests.finish[row].as_ref().and_then(|word| match word.as_str() {
        "stop" => Some(FinishReason::Stop),
        "length" => Some(FinishReason::Length),
        _ => None,
    });
    BaselineAnswer {
        category: requests.category[row].as_str().to_owned(),
        text: words.texts[row].clone(),
        finish,
        n_tokens: requests.completion_tokens[row],
        passed: None,
        n_others: 0,
        tokens: words.logprobs.of(requests.run[row], requests.launch[row], requests.idx[row]),
    }
}

/// How all requests of a cell are drawn; `what` names the campaign or suite.
pub(super) fn sampling_of(plan: &Plan, cell: &Cell, what: &str) -> Result<BaselineSampling, CanaryError> {
    let is_own = |run: &&PlannedRun| run.cell == cell.id;
    let requests = plan.runs.iter().filter(is_own).flat_map(|run| &run.requests);
    let all: BTreeSet<_> = requests.map(|request| BaselineSampling::of(&request.sampling)).collect();
    let mut all = all.into_iter();
    let what = what.to_owned();
    match (all.next(), all.next()) {
        (Some(one), None) if one.temperature_milli > 0 => {
            Err(CanaryError::NotGreedy { what, sampling: one.words() })
        }
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(CanaryError::Unlike { what }),
        (None, _) => Err(CanaryError::NoAnswer { what, cell: cell.id.0.clone() }),
    }
}

fn runtime(cell: &CellRecord<'_>) -> BaselineRuntime {
    let facts = cell.launches.iter().find_map(|launch| launch.row.facts.as_ref());
    let planned = cell.record.plan.runtimes.get(&cell.cell.runtime);
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    BaselineRuntime {
        name: cell.cell.runtime.clone(),
        version: facts.and_then(|facts| said(&facts.version)),
        backend: facts.and_then(|facts| said(&facts.backend)),
        threads: facts.and_then(|facts| facts.threads),
        binary_digest: facts.and_then(|facts| facts.binary_digest.clone()),
        settings: planned.map(|planned| planned.settings.clone()).unwrap_or_default(),
    }
}

fn model(cell: &CellRecord<'_>) -> BaselineModel {
    let facts = cell.launches.iter().find_map(|launch| launch.row.facts.as_ref());
    let file_digest = match cell.record.session_with(&cell.cell.device) {
        Some(JournalEntry::Session { model_digests, .. }) => model_digests.get(&cell.cell.model).cloned(),
        _ => None,
    };
    BaselineModel {
        name: cell.cell.model.clone(),
        file_digest,
        facts: facts.and_then(|facts| facts.model.clone()),
    }
}

/// The judges of a plan's prompts; each grader is compiled once.
pub(super) struct Judges(BTreeMap<PromptId, Judge>);

impl Judges {
    pub(super) fn of(plan: &Plan) -> Result<Self, CanaryError> {
        let compiled = plan.prompts.iter().filter_map(|(id, prompt)| Some((id, prompt.grader.as_ref()?)));
        let judge = |(id, grader): (&PromptId, _)| match Judge::new(grader) {
            Ok(judge) => Ok((id.clone(), judge)),
            Err(source) => Err(CanaryError::Grader { prompt: id.0.clone(), source }),
        };
        Ok(Self(compiled.map(judge).collect::<Result<_, _>>()?))
    }

    /// Whether an answer passes; `None` where only a person can judge it.
    pub(super) fn passed(&self, prompt: &PromptId, text: &str) -> Option<bool> {
        self.0.get(prompt)?.judge(text)
    }
}
