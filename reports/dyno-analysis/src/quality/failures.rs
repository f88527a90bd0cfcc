//! A few answers that do not pass, to look at.

use std::collections::BTreeMap;

use dyno_view::quality::FailedAnswerView;

use super::cell::Prompts;
use super::grader::{accepts, beginning, kind};
use super::rate::Asked;
use crate::cell::CellRecord;
use crate::error::AnalysisError;

/// How many are shown.
const N_SHOWN: usize = 8;
/// Longest beginnings of a question and of an answer.
const PROMPT_CHARS: usize = 240;
const ANSWER_CHARS: usize = 480;

/// Prompts in turn from each category, those that pass the least often first.
pub(super) fn failures(
    cell: &CellRecord<'_>,
    prompts: &Prompts<'_>,
) -> Result<Vec<FailedAnswerView>, AnalysisError> {
    chosen(prompts).into_iter().map(|(id, asked, row)| view(cell, id, asked, row)).collect()
}

/// Id, answers, and the request of the answer to show.
fn chosen<'r, 'p>(prompts: &'p Prompts<'r>) -> Vec<(&'r str, &'p Asked, usize)> {
    let mut by_category: BTreeMap<&str, Vec<(&'r str, &'p Asked, usize)>> = BTreeMap::new();
    for ((category, id), asked) in prompts {
        if let Some(row) = asked.first_miss {
            by_category.entry(category).or_default().push((*id, asked, row));
        }
    }
    let worst = |asked: &Asked| asked.share().unwrap_or(0.0);
    for of in by_category.values_mut() {
        of.sort_by(|a, b| worst(a.1).total_cmp(&worst(b.1)));
    }
    let longest = by_category.values().map(Vec::len).max().unwrap_or(0);
    let turns = (0..longest).flat_map(|turn| by_category.values().filter_map(move |of| of.get(turn)));
    turns.take(N_SHOWN).copied().collect()
}

fn view(
    cell: &CellRecord<'_>,
    id: &str,
    asked: &Asked,
    row: usize,
) -> Result<FailedAnswerView, AnalysisError> {
    let (record, requests) = (cell.record, &cell.record.requests);
    let prompt = record.plan.prompts.get(&id.into());
    let question = prompt.and_then(|prompt| prompt.messages.iter().rfind(|message| message.role == "user"));
    let grader = prompt.and_then(|prompt| prompt.grader.as_ref());
    Ok(FailedAnswerView {
        prompt_id: id.to_owned(),
        category: requests.category[row].to_string(),
        grader: grader.map(kind).unwrap_or_default().to_owned(),
        accepts: grader.map(accepts).unwrap_or_default(),
        prompt: question.map(|message| beginning(&message.content, PROMPT_CHARS)).unwrap_or_default(),
        answer: beginning(&record.tables.text(row)?, ANSWER_CHARS),
        finish: requests.finish[row].as_deref().map(str::to_owned),
        n_answers: asked.n,
        n_passed: asked.n_passed,
    })
}
