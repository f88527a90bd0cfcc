//! All observations of one objective in one cell, counted.

use std::collections::BTreeMap;

use dyno_model::slo::{Judged, Objective};

use super::observe::{Cause, Observer, Seen, Test, Value};
use super::population::{Attempt, Population, Rule};
use super::runs::Runs;
use super::select::{is_of_kind, is_of_length};
use crate::cell::CellRecord;

/// What became of one observation, for those who list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The objective is not about it.
    Unselected,
    Excluded(Rule),
    Kept,
    Violated,
}

/// Counts, causes and values.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) n: u64,
    pub(super) n_violations: u64,
    pub(super) causes: BTreeMap<Cause, u64>,
    pub(super) excluded: BTreeMap<Rule, u64>,
    /// Observations that it would be about, if their prompts had a grader.
    pub(super) n_ungraded: u64,
    pub(super) runs: Runs,
    /// Observations that ended well.
    n_ended_well: u64,
    /// Values of the only limit, as numbers that are larger the worse; worse than any is infinite.
    pub(super) badness: Vec<f64>,
    /// Whether any observation had a value of the only limit.
    has_value: bool,
    /// For each observation, in the order of the population.
    pub(super) marks: Vec<Mark>,
}

impl Tally {
    pub(super) fn of(
        cell: &CellRecord<'_>,
        population: &Population<'_, '_>,
        observer: &Observer<'_, '_>,
        objective: &Objective,
        tests: &[Test],
    ) -> Self {
        let mut tally = Self::default();
        match objective.judges {
            Judged::Requests => {
                for attempt in &population.attempts {
                    let seen = match selected(cell, population, objective, attempt) {
                        Selected::No => None,
                        Selected::Unknown => Some(Seen::Excluded(Rule::LengthUnknown)),
                        Selected::Yes => Some(observer.request(attempt, tests)),
                    };
                    tally.take(attempt.run, seen, tests);
                }
            }
            Judged::Launches => {
                for start in &population.starts {
                    tally.take(start.launch.row.run, Some(observer.launch(start, tests)), tests);
                }
            }
        }
        tally.badness.sort_unstable_by(f64::total_cmp);
        tally
    }

    fn take(&mut self, run: u32, seen: Option<Seen>, tests: &[Test]) {
        let mark = match seen {
            None => Mark::Unselected,
            Some(Seen::Excluded(Rule::Ungraded)) => {
                self.n_ungraded += 1;
                Mark::Excluded(Rule::Ungraded)
            }
            Some(Seen::Excluded(rule)) => {
                *self.excluded.entry(rule).or_default() += 1;
                Mark::Excluded(rule)
            }
            Some(Seen::Judged { causes, value }) => {
                self.judged(run, &causes, value, tests);
                if causes.is_empty() { Mark::Kept } else { Mark::Violated }
            }
        };
        self.marks.push(mark);
    }

    fn judged(&mut self, run: u32, causes: &[Cause], value: Value, tests: &[Test]) {
        self.n += 1;
        self.n_violations += u64::from(!causes.is_empty());
        self.runs.take(run, !causes.is_empty());
        let ended_well = causes
            .iter()
            .all(|cause| matches!(cause, Cause::Beyond(_) | Cause::NoValue(_) | Cause::Rejected));
        self.n_ended_well += u64::from(ended_well);
        for cause in causes {
            *self.causes.entry(cause.clone()).or_default() += 1;
        }
        let badness = match (value, tests) {
            (Value::Known(value), [Test::Limit(limit)]) => {
                self.has_value = true;
                limit.badness(value)
            }
            (Value::Best, _) => f64::NEG_INFINITY,
            (Value::Worst, _) => f64::INFINITY,
            (Value::NotOne | Value::Known(_), _) => return,
        };
        self.badness.push(badness);
    }

    /// A metric of which no observation that ended well has a value: then nothing is known of it, and nothing failed.
    pub(super) fn unmeasured(&self) -> Option<&'static str> {
        let is_all = |n: u64| n == self.n_ended_well && n > 0;
        self.causes.iter().find_map(|(cause, n)| match cause {
            Cause::NoValue(metric) if is_all(*n) => Some(*metric),
            _ => None,
        })
    }

    /// Observations that did not end well.
    pub(super) fn n_failed(&self) -> u64 {
        self.n - self.n_ended_well
    }

    pub(super) fn n_excluded(&self) -> u64 {
        self.excluded.values().sum()
    }

    /// Of all selected observations, the share that is not judged.
    pub(super) fn excluded_ratio(&self) -> f64 {
        let n_excluded = self.n_excluded();
        if n_excluded == 0 { 0.0 } else { n_excluded as f64 / (n_excluded + self.n) as f64 }
    }
}

/// Whether an objective is about a request.
enum Selected {
    Yes,
    No,
    /// Nothing ever counted its prompt.
    Unknown,
}

fn selected(
    cell: &CellRecord<'_>,
    population: &Population<'_, '_>,
    objective: &Objective,
    attempt: &Attempt<'_>,
) -> Selected {
    let selection = &objective.selection;
    if !is_of_kind(cell.record.plan, selection, attempt.prompt) {
        return Selected::No;
    }
    if selection.isl_from.is_none() && selection.isl_to.is_none() {
        return Selected::Yes;
    }
    match population.isl(cell, attempt) {
        None => Selected::Unknown,
        Some(isl) if is_of_length(selection, isl) => Selected::Yes,
        Some(_) => Selected::No,
    }
}
