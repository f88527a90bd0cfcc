//! A baseline made of a campaign.

use std::collections::BTreeMap;

use dyno_model::ids::PromptId;
use dyno_store::Campaign;

use super::answers::{Answered, Judges, Subject, Words, named};
use super::baseline::{Baseline, BaselineCorpus};
use super::check::{cells_words, chosen};
use super::error::CanaryError;
use crate::present::{started_at, tool_version};
use crate::record::Record;

/// A baseline, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedBaseline {
    /// The answers.
    pub baseline: Baseline,
    /// Prompts that were asked and not answered, each with the outcome's word.
    pub failed: Vec<(PromptId, String)>,
}

/// The answers of a campaign's cell as a baseline; of several cells `cell` names one, by how its id begins.
///
/// # Errors
/// The record cannot be read or has no texts, has several cells, no answer, or answers that are drawn by chance.
pub fn canary_baseline(
    campaign: &Campaign,
    name: &str,
    cell: Option<&str>,
) -> Result<RecordedBaseline, CanaryError> {
    let record = Record::read(campaign)?;
    let cells = chosen(&record, cell)?;
    let [cell] = cells[..] else {
        return Err(CanaryError::ManyCells { what: named(&record), cells: cells_words(record.plan) });
    };
    let words = Words::read(&record)?;
    if words.are_left_out() {
        return Err(CanaryError::Redacted { what: named(&record) });
    }
    let judges = Judges::of(record.plan)?;
    let subject = Subject::read(&record, cell, &words)?;
    let (mut answers, mut failed) = (BTreeMap::new(), Vec::new());
    for (id, answered) in subject.answers {
        match answered {
            Answered::Answer(mut answer) => {
                answer.passed = judges.passed(&id, &answer.text);
                answers.insert(id, answer);
            }
            Answered::Failed(outcome) => failed.push((id, outcome)),
        }
    }
    let plan = record.plan;
    let of_cell = plan.runs.iter().filter(|run| run.cell == cell.id);
    let baseline = Baseline {
        name: name.to_owned(),
        tool_version: tool_version(&record),
        recorded_at: started_at(&record),
        campaign: record.id.0.clone(),
        plan_digest: campaign.plan_digest().clone(),
        suite: plan.suite.name.clone(),
        seed: plan.seed,
        requests: of_cell.map(|run| run.requests.len()).max().unwrap_or(0) as u32,
        corpus: BaselineCorpus {
            name: plan.corpus.name.clone(),
            digest: plan.corpus.digest.clone(),
            slice: plan.corpus.slice.clone(),
        },
        sampling: subject.sampling,
        device: cell.device.0.clone(),
        runtime: subject.runtime,
        model: subject.model,
        answers,
    };
    Ok(RecordedBaseline { baseline, failed })
}
