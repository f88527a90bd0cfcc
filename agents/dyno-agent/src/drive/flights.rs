//! The requests that are under way, and what came of those that were.

use std::collections::{BTreeSet, HashMap, VecDeque};

use dyno_model::clock::MonoNs;
use dyno_model::outcome::Outcome;
use dyno_model::proof::{LoadFacts, Spread};
use dyno_model::request::RequestRecord;
use dyno_runtimes::dialect::{Answered, Step};
use dyno_runtimes::http::Ticket;

use super::turns::Turn;
use crate::recorder::{Lacks, Recorder};

/// All requests that were handed to the carrier.
#[derive(Debug, Default)]
pub(super) struct Flights {
    open: HashMap<Ticket, Flight>,
    /// Not yet sent, in the order of their turns.
    waiting: BTreeSet<(MonoNs, Ticket)>,
    /// Over, and not yet in the record.
    over: VecDeque<Over>,
    /// Ends since somebody asked.
    ends: Vec<End>,
    /// Cut off by us: they are not recorded.
    cancelled: Vec<u32>,
    tally: Tally,
}

/// A request under way.
#[derive(Debug)]
struct Flight {
    idx: u32,
    at: MonoNs,
    /// When it was due, where lateness would be ours: not held back by the load's own limit.
    due_at: Option<MonoNs>,
    is_held_back: bool,
    sent_at: Option<MonoNs>,
    recorder: Recorder,
}

/// A request that is over.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) record: RequestRecord,
    pub(super) lacks: Lacks,
}

/// How a request ended, for the loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) at: MonoNs,
    pub(super) outcome: Outcome,
}

/// Why requests are broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breaking<'a> {
    /// They go on by themselves.
    No,
    /// The launch was stopped from outside.
    Cancelled,
    /// The runtime can answer no more, and this is how it ended.
    Died(&'a Outcome),
}

/// Numbers over all requests.
#[derive(Debug, Default)]
struct Tally {
    sent: Vec<MonoNs>,
    ended: Vec<MonoNs>,
    lags: Vec<i64>,
    /// From due, or from sent in closed loops, of answers as asked.
    e2e_ns: Vec<u64>,
    n_held_back: u32,
    n_token_events: u64,
}

impl Flights {
    /// A request was handed over.
    pub(super) fn begin(&mut self, ticket: Ticket, turn: &Turn<'_>) {
        self.waiting.insert((turn.at, ticket));
        let flight = Flight {
            idx: turn.request.idx,
            at: turn.at,
            due_at: turn.due_at.filter(|_| !turn.is_held_back),
            is_held_back: turn.is_held_back,
            sent_at: None,
            recorder: Recorder::new(&turn.request, turn.due_at),
        };
        self.open.insert(ticket, flight);
    }

    /// Something happened to a request.
    pub(super) fn on(&mut self, ticket: Ticket, step: Step<'_>, breaking: Breaking<'_>) {
        match step {
            Step::Sent { at } => {
                if let Some(flight) = self.open.get_mut(&ticket) {
                    self.waiting.remove(&(flight.at, ticket));
                    flight.sent_at = Some(at);
                    flight.recorder.sent(at);
                }
            }
            Step::Chunk(chunk) => {
                if let Some(flight) = self.open.get_mut(&ticket) {
                    flight.recorder.chunk(&chunk);
                }
            }
            Step::Ended(answered) => {
                if let Some(flight) = self.open.remove(&ticket) {
                    self.waiting.remove(&(flight.at, ticket));
                    self.end(flight, *answered, breaking);
                }
            }
        }
    }

    fn end(&mut self, mut flight: Flight, mut answered: Answered, breaking: Breaking<'_>) {
        let is_broken_off = answered.finish.outcome == Outcome::Cancelled;
        if breaking != Breaking::No && flight.sent_at.is_none() {
            // Its turn had not come.
            return;
        }
        if let (Breaking::Died(outcome), true) = (breaking, is_broken_off) {
            answered.finish.outcome = outcome.clone();
        } else if is_broken_off {
            self.ends.push(End { at: answered.finish.at, outcome: Outcome::Cancelled });
            self.tally.begin(&flight, flight.sent_at.unwrap_or(flight.at), None);
            self.cancelled.push(flight.idx);
            return;
        }
        let started_at = answered.exchange.as_ref().and_then(|exchange| exchange.started_at);
        let sent_at = flight.sent_at.or(started_at).unwrap_or(answered.finish.at);
        if flight.sent_at.is_none() {
            // It failed before it could be sent.
            flight.recorder.sent(sent_at);
        }
        self.tally.begin(&flight, sent_at, started_at);
        self.ends.push(End { at: answered.finish.at, outcome: answered.finish.outcome.clone() });
        let (record, lacks) = flight.recorder.end(answered);
        self.tally.end(&record);
        self.over.push_back(Over { record, lacks });
    }

    /// Nothing is under way, and nothing waits to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Those that are not yet sent.
    pub(super) fn n_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Those that are sent and not over.
    pub(super) fn n_under_way(&self) -> usize {
        self.open.len() - self.waiting.len()
    }

    /// When the next one is to be sent.
    pub(super) fn next_at(&self) -> Option<MonoNs> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// Requests that are over, recorded or not.
    pub(super) fn n_over(&self) -> usize {
        self.tally.ended.len()
    }

    /// Ends since the last time.
    pub(super) fn take_ends(&mut self) -> Vec<End> {
        std::mem::take(&mut self.ends)
    }

    /// The next one for the record.
    pub(super) fn take_over(&mut self) -> Option<Over> {
        self.over.pop_front()
    }

    /// How many wait for the record.
    pub(super) fn n_unwritten(&self) -> usize {
        self.over.len()
    }

    /// Those that were cut off, in order.
    pub(super) fn take_cancelled(&mut self) -> Vec<u32> {
        let mut cancelled = std::mem::take(&mut self.cancelled);
        cancelled.sort_unstable();
        cancelled
    }

    /// What is known of the load from its requests, and the median E2E latency of answers as asked.
    pub(super) fn sum_up(self, facts: &mut LoadFacts) -> Option<u64> {
        let Tally { mut sent, mut ended, lags, mut e2e_ns, n_held_back, n_token_events } = self.tally;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        facts.n_sent = count(sent.len());
        facts.max_in_flight = count(most_at_once(&mut sent, &mut ended));
        facts.ended_at = ended.last().copied().unwrap_or(facts.began_at);
        facts.n_held_back = n_held_back;
        facts.send_lag = Spread::of(lags);
        facts.n_token_events = n_token_events;
        e2e_ns.sort_unstable();
        e2e_ns.get(e2e_ns.len().saturating_sub(1) / 2).copied()
    }
}

impl Tally {
    /// Our own lateness ends where a request is taken up; making its connection is the network's.
    fn begin(&mut self, flight: &Flight, sent_at: MonoNs, started_at: Option<MonoNs>) {
        self.sent.push(sent_at);
        self.n_held_back += u32::from(flight.is_held_back);
        if let Some(due_at) = flight.due_at {
            let lag_ns = started_at.unwrap_or(sent_at).since(due_at);
            self.lags.push(i64::try_from(lag_ns).unwrap_or(i64::MAX));
        }
    }

    fn end(&mut self, record: &RequestRecord) {
        self.ended.push(record.ended_at);
        self.n_token_events += record.chunk_bytes.iter().filter(|n| **n > 0).count() as u64;
        if record.outcome.is_ok() {
            self.e2e_ns.push(record.ended_at.since(record.due_at.unwrap_or(record.sent_at)));
        }
    }
}

/// The most intervals that overlap; one that ends where another begins does not. Sorts both.
fn most_at_once(sent: &mut [MonoNs], ended: &mut [MonoNs]) -> usize {
    sent.sort_unstable();
    ended.sort_unstable();
    let mut n_ended = 0;
    let mut most = 0;
    for (n_sent, at) in (1..).zip(sent.iter()) {
        while ended.get(n_ended).is_some_and(|ended_at| ended_at <= at) {
            n_ended += 1;
        }
        most = most.max(n_sent - n_ended);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_where_another_begins_does_not_overlap() {
        let most = |sent: &[u64], ended: &[u64]| {
            let of = |values: &[u64]| values.iter().map(|at| MonoNs(*at)).collect::<Vec<_>>();
            most_at_once(&mut of(sent), &mut of(ended))
        };
        assert_eq!(most(&[], &[]), 0);
        assert_eq!(most(&[0, 10, 20], &[10, 20, 30]), 1);
        assert_eq!(most(&[20, 0, 10], &[25, 30, 15]), 2);
        // One that never ended is under way to the end.
        assert_eq!(most(&[0, 10, 20], &[15]), 2);
    }
}
