//! Answers of the judged cells against those of baselines, prompt by prompt.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::ids::PromptId;
use dyno_model::slo::{Demand, Objective, Slo};
use dyno_store::Campaign;
use dyno_view::compare::FlippedPrompts;

use super::CheckAsk;
use super::baselines::Against;
use super::error::{ClaimProblem, ComplianceError};
use super::population::{Attempt, Fate, Population};
use super::select::{is_of_kind, is_of_length};
use super::view::Bench;
use crate::cell::CellRecord;
use crate::compare::{
    ByPrompt, PairCounts, cells_of, counterpart, flipped, is_graded, prompt_pairs, prompts_of, runs_of,
    unlike_answers,
};
use crate::record::Record;

const ELSEWHERE: &str = "it is held against another campaign, and this was judged from one alone, as an evidence pack is: \
                         `edgedyno check` judges it where both are";

/// What each cell shows of each drop, by the objective's name and the cell's place.
#[derive(Debug, Default)]
pub(super) struct Drops(BTreeMap<(String, usize), Found>);

/// What there is to hold a cell against.
#[derive(Debug)]
pub(super) enum Found {
    Pairs(Box<Pairs>),
    /// Nothing, and why.
    Nothing(String),
}

/// Answers to the same prompts.
#[derive(Debug)]
pub(super) struct Pairs {
    pub(super) baseline: String,
    pub(super) plan_digest: String,
    pub(super) journal_digest: String,
    pub(super) baseline_cell: String,
    pub(super) counts: PairCounts,
    pub(super) lost: FlippedPrompts,
    pub(super) gained: FlippedPrompts,
    pub(super) n_unpaired: u64,
    pub(super) n_unstable: [u64; 2],
}

impl Drops {
    pub(super) fn of(&self, objective: &Objective, place: usize) -> Option<&Found> {
        self.0.get(&(objective.name.clone(), place))
    }
}

/// Holds every cell that a drop is about against its baseline.
///
/// # Errors
/// A baseline cannot be read, is the campaign itself, was not asked the same, or nobody said which it is.
pub(super) fn drops(bench: &Bench<'_, '_>, ask: &CheckAsk<'_>) -> Result<Drops, ComplianceError> {
    let mut found = Drops::default();
    let mut problems = Vec::new();
    let is_drop = |of: &&Objective| matches!(of.demand, Demand::Drop { .. });
    let mut of_campaign: Vec<(&Campaign, Vec<&Objective>)> = Vec::new();
    for objective in ask.slo.objectives.iter().filter(is_drop) {
        match ask.baselines.of(objective) {
            Against::Elsewhere => {
                let nothing = || Found::Nothing(ELSEWHERE.to_owned());
                let places = bench.places(objective).into_iter();
                found.0.extend(places.map(|place| ((objective.name.clone(), place), nothing())));
            }
            Against::Unnamed => problems.push(unnamed(ask.slo, objective)),
            Against::Campaign(campaign) => {
                match of_campaign.iter_mut().find(|(of, _)| of.dir() == campaign.dir()) {
                    Some((_, objectives)) => objectives.push(objective),
                    None => of_campaign.push((campaign, vec![objective])),
                }
            }
        }
    }
    for (campaign, objectives) in of_campaign {
        let record = Record::read(campaign)?;
        let baseline = cells_of(&record);
        for objective in objectives {
            against(bench, &baseline, (ask.slo, objective), &mut found, &mut problems);
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(ComplianceError::Claims { problems }) }
}

fn problem(slo: &Slo, objective: &Objective, message: &str, hint: &str) -> ClaimProblem {
    ClaimProblem {
        file: slo.file.clone(),
        line: objective.line,
        message: format!("`{}`: {message}", objective.name),
        hint: hint.to_owned(),
    }
}

fn unnamed(slo: &Slo, objective: &Objective) -> ClaimProblem {
    let message = "`max_drop` is held against a baseline, and none is named";
    let hint = "name it in the file, baseline = \"NAME\", or with --baseline CAMPAIGN; `edgedyno baseline set NAME \
                CAMPAIGN` gives a campaign a name";
    problem(slo, objective, message, hint)
}

/// Holds the cells of an objective against those of its baseline.
fn against(
    bench: &Bench<'_, '_>,
    baseline: &[CellRecord<'_>],
    (slo, objective): (&Slo, &Objective),
    found: &mut Drops,
    problems: &mut Vec<ClaimProblem>,
) {
    let Some(record) = baseline.first().map(|cell| cell.record) else { return };
    for place in bench.places(objective) {
        let (cell, population) = (&bench.cells[place], &bench.populations[place]);
        if (cell.record.id, &cell.record.plan_digest) == (record.id, &record.plan_digest) {
            let hint = "name the campaign that it is to be held against";
            problems.push(problem(slo, objective, "the baseline is the campaign itself", hint));
            return;
        }
        let of = match counterpart(baseline, bench.cells, place) {
            None => Found::Nothing(format!("no cell of {} did what this one did", record.id)),
            Some(theirs) => match pairs(theirs, cell, population, objective) {
                Ok(pairs) => Found::Pairs(Box::new(pairs)),
                Err(why) => {
                    let message = format!("it cannot be held against {}: {why}", record.id);
                    let hint = "measure both with the same corpus, slice and suite";
                    problems.push(problem(slo, objective, &message, hint));
                    return;
                }
            },
        };
        found.0.insert((objective.name.clone(), place), of);
    }
}

fn pairs(
    theirs: &CellRecord<'_>,
    own: &CellRecord<'_>,
    population: &Population<'_, '_>,
    objective: &Objective,
) -> Result<Pairs, String> {
    let (plan, other) = (own.record.plan, theirs.record.plan);
    if plan.corpus.name != other.corpus.name {
        return Err(format!(
            "its prompts are of another corpus ({}, and {})",
            other.corpus.name, plan.corpus.name
        ));
    }
    let selection = &objective.selection;
    let is_meant = |prompt: &str| {
        let prompt = PromptId::from(prompt);
        let by_length = selection.isl_from.is_some() || selection.isl_to.is_some();
        let is_of_length = || population.isl_of(&prompt).is_some_and(|isl| is_of_length(selection, isl));
        (is_graded(plan, &prompt) || is_graded(other, &prompt))
            && (is_of_kind(plan, selection, &prompt) || is_of_kind(other, selection, &prompt))
            && (!by_length || is_of_length())
    };
    if let Some(why) = unlike_answers(theirs, own, &is_meant) {
        return Err(why);
    }
    let asked: BTreeSet<&str> = prompts_of(own, &is_meant);
    let runs = runs_of(theirs);
    let before = ByPrompt::of_runs(theirs, &runs.iter().collect::<Vec<_>>()).only(is_meant);
    let now = answers(own, population, &is_meant);
    let pairs = prompt_pairs(&before, &now);
    let manifest = theirs.record.manifest();
    Ok(Pairs {
        baseline: theirs.record.id.0.clone(),
        plan_digest: theirs.record.plan_digest.clone(),
        journal_digest: manifest.journal_digest.as_str().to_owned(),
        baseline_cell: theirs.cell.id.0.clone(),
        counts: PairCounts::of(&pairs),
        lost: flipped(&pairs, |pair| pair.baseline && !pair.candidate),
        gained: flipped(&pairs, |pair| !pair.baseline && pair.candidate),
        n_unpaired: (asked.len() as u64).saturating_sub(pairs.len() as u64),
        n_unstable: [before.n_unstable(), now.n_unstable()],
    })
}

/// What the judged cell's requests came to: one that failed is an answer that does not pass, as in every objective.
fn answers<'c>(
    cell: &CellRecord<'_>,
    population: &Population<'c, '_>,
    is_meant: &dyn Fn(&str) -> bool,
) -> ByPrompt<'c> {
    let mut all = ByPrompt::default();
    for attempt in population.attempts.iter().filter(|attempt| is_meant(&attempt.prompt.0)) {
        if let Some(passes) = passes(cell, attempt) {
            all.take(attempt.prompt.0.as_str(), passes);
        }
    }
    all
}

/// `None` where it is not judged.
fn passes(cell: &CellRecord<'_>, attempt: &Attempt<'_>) -> Option<bool> {
    match (attempt.fate, attempt.row) {
        (Fate::Excluded(_), _) => None,
        (Fate::Ended("ok"), Some(row)) if cell.record.derived[row].ttft_ns.is_some() => {
            cell.record.passed(row)
        }
        (Fate::Ended(_) | Fate::Unsent | Fate::Restarted, _) => Some(false),
    }
}
