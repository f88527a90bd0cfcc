//! The verdict of the plan's graders on each answer of a record.

use std::collections::BTreeMap;

use dyno_grade::Judge;
use dyno_model::grader::Grader;
use dyno_model::plan::Plan;
use dyno_store::{TableError, Tables};
use dyno_view::report::Finding;

use super::grader::{beginning, kind};
use crate::findings::warning;
use crate::record::Record;

/// Longest part of a grader's or a table's error in a finding.
const MAX_WHY_CHARS: usize = 160;
/// So many graders are named in a finding.
const MAX_NAMED: usize = 4;

/// The verdict on each answer.
#[derive(Debug, Default)]
pub(crate) struct Grades {
    /// One for each request, in the order of the table; empty where no prompt has a grader.
    verdicts: Vec<Option<bool>>,
    /// Graders that cannot be used, each with the prompt and the reason.
    unusable: Vec<String>,
    /// Why the answers could not be read.
    unread: Option<String>,
}

impl Grades {
    /// Reads and judges all answers, so many at a time as their table was written with.
    pub(crate) fn of(record: &Record<'_>) -> Self {
        let (judges, unusable) = judges(record.plan);
        if judges.is_empty() {
            return Self { unusable, ..Self::default() };
        }
        match judged(record, &judges) {
            Ok(verdicts) => Self { verdicts, unusable, unread: None },
            // Some verdicts without the others would be a rate of nobody knows what.
            Err(error) => Self { verdicts: Vec::new(), unusable, unread: Some(error.to_string()) },
        }
    }

    /// As [`Record::passed`].
    pub(crate) fn passed(&self, row: usize) -> Option<bool> {
        self.verdicts.get(row).copied().flatten()
    }
}

/// Graders that a program can apply, by prompt, and those that it cannot though it should.
fn judges(plan: &Plan) -> (BTreeMap<&str, Judge>, Vec<String>) {
    let (mut judges, mut unusable) = (BTreeMap::new(), Vec::new());
    for (id, prompt) in &plan.prompts {
        let Some(grader) = prompt.grader.as_ref().filter(|grader| **grader != Grader::None) else { continue };
        match Judge::new(grader) {
            Ok(judge) => {
                judges.insert(id.0.as_str(), judge);
            }
            Err(error) => {
                let why = beginning(&error.to_string(), MAX_WHY_CHARS);
                unusable.push(format!("{id} ({}): {why}", kind(grader)));
            }
        }
    }
    (judges, unusable)
}

fn judged(record: &Record<'_>, judges: &BTreeMap<&str, Judge>) -> Result<Vec<Option<bool>>, TableError> {
    let requests = &record.requests;
    let judge = |row: usize| {
        let of = judges.get(requests.prompt_id[row].as_str());
        of.filter(|_| requests.outcome[row] == "ok")
    };
    let mut verdicts = Vec::with_capacity(requests.len());
    while verdicts.len() < requests.len() {
        let first = verdicts.len();
        let end = requests.len().min(first + Tables::ANSWERS_AT_ONCE);
        if (first..end).any(|row| judge(row).is_some()) {
            let texts = record.tables.texts_of(first, end - first)?;
            verdicts.extend((first..end).zip(texts).map(|(row, text)| judge(row)?.judge(&text)));
        }
        verdicts.resize(end, None);
    }
    Ok(verdicts)
}

/// Graders of another version's plan may not be what this one understands.
pub(crate) fn findings(record: &Record<'_>) -> Vec<Finding> {
    let grades = record.grades();
    let unread = grades.unread.as_ref().map(|why| {
        let why = beginning(why, MAX_WHY_CHARS);
        warning(format!("the answers could not be read ({why}), so none of them is graded"))
    });
    unread.into_iter().chain(unusable(&grades.unusable)).collect()
}

fn unusable(names: &[String]) -> Option<Finding> {
    if names.is_empty() {
        return None;
    }
    let first = names.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = match names.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        n => format!("; and {n} more"),
    };
    let graders = if names.len() == 1 { "1 grader".to_owned() } else { format!("{} graders", names.len()) };
    Some(warning(format!(
        "{graders} of the plan cannot be used, so the answers count as ungraded: {first}{more}"
    )))
}
