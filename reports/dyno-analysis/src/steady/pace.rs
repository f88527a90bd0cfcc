//! The time for each token, request after request.

use std::ops::Range;

use dyno_stats::{SteadyRule, SteadyState, steady_state};
use dyno_view::steady::SteadyWord;

use super::evened::{Evening, evening};
use super::word;
use crate::cell::{CellRecord, LaunchRecord};

/// Requests that it takes to tell two levels from each other: those that are never counted, and two levels.
pub(crate) const NEEDED: u64 = (SteadyRule::HOUSE.n_discarded + 2 * SteadyRule::HOUSE.min_segment) as u64;

/// The pace of a cell's launches.
pub(crate) struct Pace {
    /// Launches whose numbers may be used.
    pub(crate) launches: Vec<LaunchPace>,
    evening: Evening,
}

/// The pace of one launch.
pub(crate) struct LaunchPace {
    pub(crate) run: u32,
    pub(crate) launch: u32,
    pub(crate) name: String,
    /// Rows of requests with a TPOT, in the order in which they were sent.
    pub(crate) rows: Vec<usize>,
    /// Their place among all requests of the launch, from 1.
    pub(crate) numbers: Vec<u64>,
    /// Their TPOT in ns, with prompts evened out where that can be done.
    pub(crate) times: Vec<f64>,
    /// `None` when there are too few.
    pub(crate) state: Option<SteadyState>,
}

impl Pace {
    /// Of a cell, worked out once.
    pub(crate) fn of<'c>(cell: &'c CellRecord<'_>) -> &'c Self {
        cell.pace.get_or_init(|| Self::new(cell))
    }

    fn new(cell: &CellRecord<'_>) -> Self {
        let requests = &cell.record.requests;
        let mut launches: Vec<LaunchPace> =
            cell.valid_launches().map(|launch| LaunchPace::new(cell, launch)).collect();
        let prompts: Vec<Vec<(&str, f64)>> = launches
            .iter()
            .map(|launch| {
                let prompts = launch.rows.iter().map(|row| requests.prompt_id[*row].as_str());
                prompts.zip(launch.times.iter().copied()).collect()
            })
            .collect();
        let evening = evening(&prompts);
        for (launch, prompts) in launches.iter_mut().zip(&prompts) {
            launch.times = prompts.iter().map(|(prompt, time)| time * evening.factor(prompt)).collect();
            let is_enough = launch.times.len() as u64 >= NEEDED;
            launch.state = is_enough.then(|| steady_state(&launch.times, &SteadyRule::HOUSE)).flatten();
        }
        Self { launches, evening }
    }

    /// What is looked at.
    pub(crate) fn signal(&self) -> &'static str {
        match self.evening {
            Evening::OnePrompt => "TPOT",
            Evening::ByPrompt(_) => "TPOT, prompts evened out",
            Evening::NotPossible => "TPOT, prompts as they came",
        }
    }

    /// What that means, for a chart's caption.
    pub(crate) fn meaning(&self) -> &'static str {
        match self.evening {
            Evening::OnePrompt => "",
            Evening::ByPrompt(_) => {
                " Each request is scaled by the median of its prompt over all launches, so that a prompt's own pace \
                 is no change of level."
            }
            Evening::NotPossible => {
                " Prompts differ and could not be evened out, which takes three launches in three orders: a change \
                 may be one of the prompts."
            }
        }
    }
}

impl LaunchPace {
    fn new(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Self {
        let (requests, derived) = (&cell.record.requests, &cell.record.derived);
        let mut of = Self {
            run: launch.row.run,
            launch: launch.row.launch,
            name: launch.name(),
            rows: Vec::new(),
            numbers: Vec::new(),
            times: Vec::new(),
            state: None,
        };
        for (number, row) in (1..).zip(launch.sent(cell.record)) {
            let time = derived[row].tpot_ns.filter(|ns| *ns > 0 && requests.outcome[row] == "ok");
            if let Some(time) = time {
                of.rows.push(row);
                of.numbers.push(number);
                of.times.push(time as f64);
            }
        }
        of
    }

    pub(crate) fn word(&self) -> SteadyWord {
        self.state.as_ref().map_or(SteadyWord::TooFew { needed: NEEDED }, |state| word(state.class))
    }

    /// The places of the steady state.
    pub(crate) fn steady(&self) -> Option<Range<usize>> {
        self.state.as_ref()?.steady.clone()
    }

    /// Rows of the requests of the steady state.
    pub(crate) fn steady_rows(&self) -> &[usize] {
        self.steady().and_then(|range| self.rows.get(range)).unwrap_or_default()
    }

    /// The first and the last request of a stretch, counted from 1 among all requests of the launch.
    pub(crate) fn numbers_of(&self, range: &Range<usize>) -> Option<[u64; 2]> {
        Some([*self.numbers.get(range.start)?, *self.numbers.get(range.end.checked_sub(1)?)?])
    }
}
