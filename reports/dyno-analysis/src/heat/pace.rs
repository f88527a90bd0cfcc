//! The pace of a launch's requests over time.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::ids::RunId;
use dyno_stats::median;

use super::window::Window;
use crate::cell::{CellRecord, LaunchRecord};

/// Rounds of the prompts that it takes to tell a prompt's own pace (house rule).
const MIN_ROUNDS: usize = 3;

/// The pace of one launch.
pub(super) struct Pace<'c, 'a> {
    pub(super) launch: &'c LaunchRecord<'a>,
    pub(super) window: Window,
    /// Requests with a pace, in the order in which they were sent.
    pub(super) points: Vec<Point>,
    /// Requests in one round of the prompts.
    n_round: usize,
    even: Even,
    is_decode: bool,
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// Its place among all requests of the launch, from 0.
    pub(super) number: usize,
    pub(super) row: usize,
    pub(super) sent_at: u64,
    pub(super) ended_at: u64,
    /// Tokens per second, with its prompt evened out where that can be done.
    pub(super) rate: f64,
}

impl Point {
    /// The middle of its answer.
    pub(super) fn middle_at(&self) -> u64 {
        u64::midpoint(self.sent_at, self.ended_at)
    }
}

/// Whether requests of unlike prompts are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Even {
    OnePrompt,
    ByRound,
    Not,
}

impl<'c, 'a> Pace<'c, 'a> {
    pub(super) fn of(cell: &CellRecord<'a>, launch: &'c LaunchRecord<'a>, window: Window) -> Self {
        let plan = cell.record.plan;
        let n_round = plan.run(RunId(launch.row.run)).map_or(1, |run| run.requests.len().max(1));
        let (is_decode, mut points) = points(cell, launch);
        let even = evened(cell, &mut points, n_round);
        Self { launch, window, points, n_round, even, is_decode }
    }

    /// Whether a change of pace is none of the prompts.
    pub(super) fn is_even(&self) -> bool {
        self.even != Even::Not
    }

    /// What is looked at.
    pub(super) fn signal(&self) -> &'static str {
        match (self.is_decode, self.even) {
            (true, Even::OnePrompt) => "decode rate",
            (true, Even::ByRound) => "decode rate, prompts evened out",
            (true, Even::Not) => "decode rate, prompts as they came",
            (false, Even::OnePrompt) => "tokens of a request over its time",
            (false, Even::ByRound) => "tokens of a request over its time, prompts evened out",
            (false, Even::Not) => "tokens of a request over its time, prompts as they came",
        }
    }

    /// What an iteration is.
    pub(super) fn iteration(&self) -> String {
        match self.n_round {
            1 => "one request".to_owned(),
            n => format!("one pass of {n} prompts"),
        }
    }

    /// Rates of an iteration, counted from 0.
    pub(super) fn iteration_rates(&self, place: usize) -> Vec<f64> {
        let of = self.points.iter().filter(|point| point.number / self.n_round == place);
        of.map(|point| point.rate).collect()
    }

    /// Iterations that were begun.
    pub(super) fn n_iterations(&self) -> usize {
        self.points.last().map_or(0, |point| point.number / self.n_round + 1)
    }
}

/// Whether the rates are those of decoding, and the requests that have one.
fn points(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> (bool, Vec<Point>) {
    let record = cell.record;
    let requests = &record.requests;
    let point = |(number, row): (usize, usize), rate: Option<f64>| {
        let rate = rate.filter(|rate| rate.is_finite() && *rate > 0.0)?;
        let sent_at = requests.sent_at_ns[row];
        Some(Point { number, row, sent_at, ended_at: requests.ended_at_ns[row].max(sent_at), rate })
    };
    let sent: Vec<(usize, usize)> = launch.sent(record).into_iter().enumerate().collect();
    let went_well = || sent.iter().copied().filter(|(_, row)| requests.outcome[*row] == "ok");
    let decode: Vec<Point> =
        went_well().filter_map(|of| point(of, record.derived[of.1].decode_tokens_per_s)).collect();
    if decode.len() * 2 >= went_well().count() {
        return (true, decode);
    }
    let answer = |row: usize| {
        let seconds = record.derived[row].e2e_ns? as f64 / 1e9;
        Some(f64::from(requests.completion_tokens[row]?) / seconds)
    };
    (false, went_well().filter_map(|of| point(of, answer(of.1))).collect())
}

/// Divides each rate by what its prompt does within a round: the median, over rounds in which all went well, of the
/// prompt's rate over the median of its round. A slowdown is in all prompts of a round, and stays.
fn evened(cell: &CellRecord<'_>, points: &mut [Point], n_round: usize) -> Even {
    let prompts = &cell.record.requests.prompt_id;
    let distinct: BTreeSet<&str> = points.iter().map(|point| prompts[point.row].as_str()).collect();
    if distinct.len() < 2 {
        return Even::OnePrompt;
    }
    let mut own: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut n_whole = 0;
    for round in points.chunk_by(|a, b| a.number / n_round == b.number / n_round) {
        let rates: Vec<f64> = round.iter().map(|point| point.rate).collect();
        let Some(middle) = median(&rates).filter(|_| round.len() == n_round) else { continue };
        n_whole += 1;
        for point in round {
            own.entry(&prompts[point.row]).or_default().push(point.rate / middle);
        }
    }
    if n_whole < MIN_ROUNDS {
        return Even::Not;
    }
    let factors: BTreeMap<&str, f64> =
        own.into_iter().filter_map(|(prompt, of)| Some((prompt, median(&of)?))).collect();
    for point in points {
        point.rate /= factors.get(prompts[point.row].as_str()).copied().unwrap_or(1.0);
    }
    Even::ByRound
}
