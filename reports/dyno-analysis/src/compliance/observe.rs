//! What one observation is worth: whether it meets the conditions of an objective, and why not.

use std::cell::RefCell;
use std::collections::BTreeMap;

use dyno_model::metric::{Direction, Metric, Population, metric};
use dyno_model::slo::Condition;

use super::population::{Attempt, Fate, Rule, Start};
use crate::cell::{CellRecord, LaunchRecord};
use crate::compare::is_graded;
use crate::measure::{launch_value, request_value};

/// The metric of answers that a grader accepts.
pub(super) const PASSED: &str = "passed";

/// A condition as it is judged in one cell.
pub(super) enum Test {
    /// It ended well.
    Answered,
    /// Its prompt's grader accepts the answer.
    Passed,
    /// A value keeps a limit.
    Limit(Limit),
}

pub(super) struct Limit {
    /// What is judged: in open loops, latencies count from the due.
    pub(super) metric: &'static Metric,
    pub(super) limit: f64,
}

impl Limit {
    fn keeps(&self, value: f64) -> bool {
        match self.metric.direction {
            Direction::HigherIsBetter => value >= self.limit,
            Direction::LowerIsBetter | Direction::Neutral => value <= self.limit,
        }
    }

    /// A number that is larger the worse a value is.
    pub(super) fn badness(&self, value: f64) -> f64 {
        match self.metric.direction {
            Direction::HigherIsBetter => -value,
            Direction::LowerIsBetter | Direction::Neutral => value,
        }
    }
}

/// The conditions of an objective in a cell. A metric that the catalogue does not have is no condition that anything
/// could meet: dyno-plan lets none through.
pub(super) fn tests(cell: &CellRecord<'_>, conditions: &[Condition]) -> Vec<Test> {
    let test = |condition: &Condition| match condition {
        Condition::Answered => Some(Test::Answered),
        Condition::Passed => Some(Test::Passed),
        // Launches are held against it as a whole.
        Condition::NoEgress => None,
        Condition::Limit { metric: id, limit } => {
            let judged = metric(judged_id(id, cell.cell.load.is_open()))?;
            Some(Test::Limit(Limit { metric: judged, limit: *limit }))
        }
    };
    conditions.iter().filter_map(test).collect()
}

/// The metric that is judged: users of an open loop wait from when they ask.
fn judged_id(id: &str, is_open: bool) -> &str {
    match (id, is_open) {
        ("ttft_ns", true) => "ttft_sched_ns",
        ("e2e_ns", true) => "e2e_sched_ns",
        _ => id,
    }
}

/// Why an observation does not meet the conditions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// Its value is beyond a limit.
    Beyond(&'static str),
    /// It has no value of a metric.
    NoValue(&'static str),
    /// The grader does not accept the answer.
    Rejected,
    /// It ended so.
    Ended(String),
    /// No token came.
    NoToken,
    /// It was never sent.
    Unsent,
    /// The device restarted.
    Restarted,
    /// A socket led beyond the machine, in a sentence.
    Egress(String),
}

/// What an observation shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    /// It is not judged.
    Excluded(Rule),
    /// It is: why it violates (nothing where it does not), and its value of the only limit.
    Judged { causes: Vec<Cause>, value: Value },
}

/// An observation's value of the only limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Known(f64),
    /// Better than any: an answer of one token has no gap that could be too long.
    Best,
    /// It has none, and counts as worse than any.
    Worst,
    /// There is not one limit but none, or several.
    NotOne,
}

/// A run, a launch of it, and a metric.
type OfLaunch = (u32, u32, &'static str);

/// Looks at the observations of one cell.
pub(super) struct Observer<'c, 'a> {
    cell: &'c CellRecord<'a>,
    /// Values of launches, which many requests ask for.
    of_launches: RefCell<BTreeMap<OfLaunch, Option<f64>>>,
}

impl<'c, 'a> Observer<'c, 'a> {
    pub(super) fn of(cell: &'c CellRecord<'a>) -> Self {
        Self { cell, of_launches: RefCell::default() }
    }

    /// A request against the conditions.
    pub(super) fn request(&self, attempt: &Attempt<'_>, tests: &[Test]) -> Seen {
        let is_about_grades = tests.iter().any(|test| matches!(test, Test::Passed));
        if is_about_grades && !is_graded(self.cell.record.plan, attempt.prompt) {
            return Seen::Excluded(Rule::Ungraded);
        }
        let row = match (attempt.fate, attempt.row) {
            (Fate::Excluded(rule), _) => return Seen::Excluded(rule),
            (Fate::Ended("ok"), Some(row)) => row,
            (fate, _) => return failed(fate),
        };
        if self.cell.record.derived[row].ttft_ns.is_none() {
            return Seen::Judged { causes: vec![Cause::NoToken], value: Value::Worst };
        }
        let passes = if is_about_grades { self.cell.record.passed(row) } else { None };
        if is_about_grades && passes.is_none() {
            return Seen::Excluded(Rule::Ungraded);
        }
        against(tests, passes, |metric| self.of_request(metric, attempt, row))
    }

    /// A launch against the conditions. One that was killed or never became ready meets none, whatever its figures.
    pub(super) fn launch(&self, start: &Start<'_, '_>, tests: &[Test]) -> Seen {
        match start.fate {
            Fate::Excluded(rule) => Seen::Excluded(rule),
            Fate::Ended("ok" | "at_limit") if start.launch.row.ready_at_ns.is_some() => {
                against(tests, None, |metric| match self.of_launch(metric, start.launch) {
                    Some(value) => Value::Known(value),
                    None => Value::Worst,
                })
            }
            fate => failed(fate),
        }
    }

    fn of_request(&self, metric: &'static Metric, attempt: &Attempt<'_>, row: usize) -> Value {
        let known = |value: Option<f64>| value.map_or(Value::Worst, Value::Known);
        match metric.population {
            Population::Gap => {
                let longest = self.cell.record.tokens(row).gaps().max();
                longest.map_or(Value::Best, |ns| Value::Known(ns as f64))
            }
            Population::Launch => {
                let of = |launch: &&LaunchRecord<'_>| {
                    (launch.row.run, launch.row.launch) == (attempt.run, attempt.launch)
                };
                known(self.cell.launches.iter().find(of).and_then(|launch| self.of_launch(metric, launch)))
            }
            Population::Request => match request_value(self.cell, metric.id, row) {
                Some(value) => Value::Known(value),
                // vLLM counts it as 0, too.
                None if is_of_gaps(metric.id) && self.is_single_token(row) => Value::Best,
                None => Value::Worst,
            },
        }
    }

    fn is_single_token(&self, row: usize) -> bool {
        self.cell.record.requests.completion_tokens[row] == Some(1)
    }

    fn of_launch(&self, metric: &'static Metric, launch: &LaunchRecord<'_>) -> Option<f64> {
        let key = (launch.row.run, launch.row.launch, metric.id);
        *self
            .of_launches
            .borrow_mut()
            .entry(key)
            .or_insert_with(|| launch_value(self.cell, metric.id, launch))
    }
}

/// Metrics of what lies between tokens.
fn is_of_gaps(id: &str) -> bool {
    matches!(id, "tpot_ns" | "tpot_k1_ns" | "ttst_ns" | "decode_tokens_per_s")
}

fn failed(fate: Fate<'_>) -> Seen {
    let cause = match fate {
        Fate::Unsent => Cause::Unsent,
        Fate::Restarted => Cause::Restarted,
        Fate::Ended(word) => Cause::Ended(word.to_owned()),
        Fate::Excluded(rule) => return Seen::Excluded(rule),
    };
    Seen::Judged { causes: vec![cause], value: Value::Worst }
}

/// What ended well against the conditions; `passes` is what the grader says.
fn against(tests: &[Test], passes: Option<bool>, value_of: impl Fn(&'static Metric) -> Value) -> Seen {
    let mut causes = Vec::new();
    let mut only = Value::NotOne;
    for test in tests {
        let limit = match test {
            Test::Answered => continue,
            Test::Passed => {
                match passes {
                    Some(true) => {}
                    Some(false) => causes.push(Cause::Rejected),
                    None => causes.push(Cause::NoValue(PASSED)),
                }
                continue;
            }
            Test::Limit(limit) => limit,
        };
        let value = value_of(limit.metric);
        match value {
            Value::Known(value) if !limit.keeps(value) => causes.push(Cause::Beyond(limit.metric.id)),
            Value::Worst => causes.push(Cause::NoValue(limit.metric.id)),
            Value::Known(_) | Value::Best | Value::NotOne => {}
        }
        only = value;
    }
    Seen::Judged { causes, value: if tests.len() == 1 { only } else { Value::NotOne } }
}
