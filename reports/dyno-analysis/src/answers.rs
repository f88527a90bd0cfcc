//! A few answers to look at.

use std::collections::{BTreeMap, VecDeque};

use dyno_view::report::AnswerView;

use crate::cell::CellRecord;
use crate::error::AnalysisError;

/// How many answers a report shows.
const N_ANSWERS: usize = 6;

/// Answers spread over the categories, those that went well first.
pub(crate) fn answers(cell: &CellRecord<'_>) -> Result<Vec<AnswerView>, AnalysisError> {
    let record = cell.record;
    let requests = &record.requests;
    let chosen = spread(cell);
    let mut views = Vec::with_capacity(chosen.len());
    for row in chosen {
        let id = &requests.prompt_id[row];
        let prompt = record.plan.prompts.get(&id.as_str().into());
        let asked = prompt.and_then(|prompt| prompt.messages.iter().rfind(|message| message.role == "user"));
        views.push(AnswerView {
            prompt_id: id.to_string(),
            category: requests.category[row].to_string(),
            prompt: asked.map(|message| message.content.clone()).unwrap_or_default(),
            text: record.tables.text(row)?,
            finish: requests.finish[row].as_deref().map(str::to_owned),
        });
    }
    Ok(views)
}

/// Rows in turn from each category, each prompt once.
fn spread(cell: &CellRecord<'_>) -> Vec<usize> {
    let requests = &cell.record.requests;
    let mut rows: Vec<usize> = cell.all_rows().collect();
    rows.sort_by_key(|row| (requests.outcome[*row] != "ok", *row));
    let mut by_category: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
    for row in rows {
        by_category.entry(&requests.category[row]).or_default().push_back(row);
    }
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < N_ANSWERS && by_category.values().any(|rows| !rows.is_empty()) {
        for rows in by_category.values_mut().filter(|rows| !rows.is_empty()) {
            let is_new =
                |row: &usize| chosen.iter().all(|old| requests.prompt_id[*old] != requests.prompt_id[*row]);
            let next = std::iter::from_fn(|| rows.pop_front()).find(is_new);
            if let Some(row) = next.filter(|_| chosen.len() < N_ANSWERS) {
                chosen.push(row);
            }
        }
    }
    chosen.sort_by_key(|row| requests.outcome[*row] != "ok");
    chosen
}
