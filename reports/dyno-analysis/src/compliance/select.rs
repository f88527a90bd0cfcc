//! Which cells and prompts an objective is about.

use std::collections::BTreeSet;

use dyno_model::ids::PromptId;
use dyno_model::load::LoadModel;
use dyno_model::plan::{Cell, Plan};
use dyno_model::slo::{Condition, Objective, Selection, Slo};

use super::error::ClaimProblem;
use crate::compare::is_graded;

/// Places of the cells that an objective is about.
pub(super) fn cells(plan: &Plan, selection: &Selection) -> Vec<usize> {
    let is_one_of = |list: &[String], value: &str| list.is_empty() || list.iter().any(|of| of == value);
    let is_selected = |cell: &Cell| {
        is_one_of(&selection.devices, &cell.device.0)
            && is_one_of(&selection.models, &cell.model)
            && is_one_of(&selection.runtimes, &cell.runtime)
            && (selection.loads.is_empty() || selection.loads.iter().any(|word| is_load(&cell.load, word)))
    };
    plan.cells.iter().enumerate().filter(|(_, cell)| is_selected(cell)).map(|(place, _)| place).collect()
}

/// Whether a prompt is of a selected category and language; its length is another matter.
pub(super) fn is_of_kind(plan: &Plan, selection: &Selection, prompt: &PromptId) -> bool {
    // A prompt that the plan does not know is of no kind, so only an objective about all has it.
    let Some(planned) = plan.prompts.get(prompt) else {
        return selection.categories.is_empty() && selection.languages.is_empty();
    };
    (selection.categories.is_empty() || selection.categories.contains(&planned.category))
        && (selection.languages.is_empty()
            || selection.languages.iter().any(|of| speaks(&planned.language, of)))
}

/// Whether a prompt of so many tokens is selected.
pub(super) fn is_of_length(selection: &Selection, isl: u32) -> bool {
    selection.isl_from.is_none_or(|from| isl >= from) && selection.isl_to.is_none_or(|to| isl <= to)
}

/// Everything that the objectives name and the campaign does not have.
pub(super) fn problems(plan: &Plan, slo: &Slo) -> Vec<ClaimProblem> {
    slo.objectives.iter().flat_map(|objective| of_objective(plan, slo, objective)).collect()
}

fn of_objective(plan: &Plan, slo: &Slo, objective: &Objective) -> Vec<ClaimProblem> {
    let selection = &objective.selection;
    let problem = |message: String, hint: String| ClaimProblem {
        file: slo.file.clone(),
        line: objective.line,
        message: format!("`{}`: {message}", objective.name),
        hint,
    };
    let mut problems = Vec::new();
    let mut check =
        |what: &str, asked: &[String], known: &BTreeSet<String>, fits: &dyn Fn(&str, &str) -> bool| {
            for word in asked.iter().filter(|word| !known.iter().any(|known| fits(known, word))) {
                let message = format!("the campaign has no {what} `{word}`");
                problems.push(problem(message, format!("it has {}", listed(known))));
            }
        };
    let equal = |known: &str, word: &str| known == word;
    let cells = |of: fn(&Cell) -> &str| plan.cells.iter().map(|cell| of(cell).to_owned()).collect();
    let prompts = |of: fn(&dyno_model::plan::PlannedPrompt) -> &str| {
        plan.prompts.values().map(|prompt| of(prompt).to_owned()).collect()
    };
    check("device", &selection.devices, &cells(|cell| &cell.device.0), &equal);
    check("model", &selection.models, &cells(|cell| &cell.model), &equal);
    check("runtime", &selection.runtimes, &cells(|cell| &cell.runtime), &equal);
    check("prompt of category", &selection.categories, &prompts(|prompt| &prompt.category), &equal);
    check("prompt in the language", &selection.languages, &prompts(|prompt| &prompt.language), &speaks);
    let loads = plan.cells.iter().flat_map(|cell| [kind(&cell.load).to_owned(), cell.load.label()]).collect();
    check("load", &selection.loads, &loads, &equal);
    if problems.is_empty() && self::cells(plan, selection).is_empty() {
        let message = "each of its words is there, but no cell has all of them".to_owned();
        problems.push(problem(message, format!("the cells are {}", listed(&names(plan)))));
    }
    let is_passed = objective.conditions.contains(&Condition::Passed);
    let is_judged = |prompt: &PromptId| is_of_kind(plan, selection, prompt) && is_graded(plan, prompt);
    if problems.is_empty() && is_passed && !plan.prompts.keys().any(is_judged) {
        let message = "no prompt that it is about has a grader that a program can apply".to_owned();
        let hint = "measure prompts that have graders, such as --suite quality; a redacted record has none";
        problems.push(problem(message, hint.to_owned()));
    }
    let kinds: BTreeSet<String> =
        plan.prompts.values().map(|prompt| format!("{} in {}", prompt.category, prompt.language)).collect();
    if problems.is_empty() && !plan.prompts.keys().any(|prompt| is_of_kind(plan, selection, prompt)) {
        let message = "no prompt is of that category and in that language".to_owned();
        problems.push(problem(message, format!("there are {}", listed(&kinds))));
    }
    problems
}

fn names(plan: &Plan) -> BTreeSet<String> {
    let name =
        |cell: &Cell| format!("{} · {} · {} · {}", cell.device, cell.runtime, cell.model, cell.load.label());
    plan.cells.iter().map(name).collect()
}

/// The first few, and how many more there are.
fn listed(known: &BTreeSet<String>) -> String {
    const MAX_NAMED: usize = 12;
    let named: Vec<String> = known.iter().take(MAX_NAMED).map(|word| format!("`{word}`")).collect();
    match known.len().saturating_sub(MAX_NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Whether text of the language `known` is of `word`: `de-CH` is of `de` (BCP 47, the basic filtering of RFC 4647).
fn speaks(known: &str, word: &str) -> bool {
    let (known, word) = (known.to_lowercase(), word.to_lowercase());
    known.strip_prefix(&word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn is_load(load: &LoadModel, word: &str) -> bool {
    kind(load) == word || load.label() == word
}

fn kind(load: &LoadModel) -> &'static str {
    match load {
        LoadModel::Single { .. } => "single",
        LoadModel::Closed { .. } => "closed",
        LoadModel::Open { .. } => "open",
        LoadModel::Trace { .. } => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_also_its_regions() {
        let check = |known, word, expected| assert_eq!(speaks(known, word), expected, "{known} {word}");
        check("de", "de", true);
        check("de-CH", "de", true);
        check("DE-ch", "De", true);
        check("de", "de-CH", false);
        check("den", "de", false);
    }

    #[test]
    fn lengths_have_both_ends_in_them() {
        let of = |from, to| Selection { isl_from: from, isl_to: to, ..Selection::default() };
        let check = |from, to, isl, expected| assert_eq!(is_of_length(&of(from, to), isl), expected, "{isl}");
        check(Some(10), Some(20), 10, true);
        check(Some(10), Some(20), 20, true);
        check(Some(10), Some(20), 9, false);
        check(Some(10), Some(20), 21, false);
        check(None, Some(20), 0, true);
        check(Some(10), None, u32::MAX, true);
    }
}
