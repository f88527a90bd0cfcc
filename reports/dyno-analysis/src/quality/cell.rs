//! The quality of one cell's answers.

use std::collections::BTreeMap;

use dyno_model::grader::Grader;
use dyno_view::quality::{CategoryPassRateView, QualityView};

use super::failures::failures;
use super::rate::{Asked, pass_rate};
use crate::cell::CellRecord;
use crate::error::AnalysisError;

/// Prompts by category and id, with the answers to each.
pub(super) type Prompts<'r> = BTreeMap<(&'r str, &'r str), Asked>;

/// What the graders say of the launches whose numbers may be used; `None` where no prompt that was asked has a grader.
pub(crate) fn quality(cell: &CellRecord<'_>) -> Result<Option<QualityView>, AnalysisError> {
    if cell.record.plan.prompts.values().all(|prompt| !is_gradable(prompt.grader.as_ref())) {
        return Ok(None);
    }
    let prompts = prompts(cell);
    let overall = pass_rate(prompts.values());
    if overall.n == 0 && overall.n_failed == 0 {
        return Ok(None);
    }
    let n_not_passed = prompts.values().filter(|asked| asked.first_miss.is_some()).count() as u64;
    let failures = failures(cell, &prompts)?;
    let notes = is_forced(cell).then(|| {
        "answers were made as long as they may be, whatever the model wanted: graders see what it wrote beyond its own end"
            .to_owned()
    });
    let categories = categories(&prompts);
    Ok(Some(QualityView { overall, categories, n_not_passed, failures, notes: notes.into_iter().collect() }))
}

/// Whether a program can judge the answers.
pub(super) fn is_gradable(grader: Option<&Grader>) -> bool {
    grader.is_some_and(|grader| *grader != Grader::None)
}

/// Requests that were cut off by us were not measured, and are in no count.
fn prompts<'r>(cell: &CellRecord<'r>) -> Prompts<'r> {
    let (record, requests) = (cell.record, &cell.record.requests);
    let mut prompts: Prompts<'r> = BTreeMap::new();
    for row in cell.valid_launches().flat_map(|launch| launch.rows.iter().copied()) {
        let id = requests.prompt_id[row].as_str();
        let asked = prompts.entry((requests.category[row].as_str(), id)).or_default();
        match requests.outcome[row].as_str() {
            "ok" => {
                let is_cut = requests.finish[row].as_deref() == Some("length");
                asked.add(row, record.passed(row), is_cut);
            }
            "cancelled" => {}
            _ => {
                let prompt = record.plan.prompts.get(&id.into());
                let is_gradable = prompt.is_some_and(|prompt| is_gradable(prompt.grader.as_ref()));
                asked.n_failed += u64::from(is_gradable);
            }
        }
    }
    prompts
}

fn categories(prompts: &Prompts<'_>) -> Vec<CategoryPassRateView> {
    let mut by_category: BTreeMap<&str, Vec<&Asked>> = BTreeMap::new();
    for ((category, _), asked) in prompts {
        by_category.entry(category).or_default().push(asked);
    }
    let view = |(category, asked): (&str, Vec<&Asked>)| CategoryPassRateView {
        category: category.to_owned(),
        rate: pass_rate(asked.into_iter()),
    };
    by_category.into_iter().map(view).collect()
}

fn is_forced(cell: &CellRecord<'_>) -> bool {
    let runs = cell.record.plan.runs.iter().filter(|run| run.cell == cell.cell.id);
    runs.flat_map(|run| &run.requests).any(|request| request.sampling.ignore_eos)
}
