//! A load in progress: what is to be sent, what is under way, and why it is left.

use dyno_model::clock::MonoNs;
use dyno_model::outcome::Outcome;
use dyno_model::proof::LoadFacts;
use dyno_protocol::message::RunOrder;
use dyno_runtimes::adapter::{Carry, RuntimeAdapter};
use dyno_runtimes::queue::NO_LIMIT;

use super::cpu::Had;
use super::flights::{Breaking, Flights};
use super::steady::Steady;
use super::turns::Turns;
use super::watch::seconds;

/// Requests that are due within this time are handed over ahead of it.
const AHEAD_NS: u64 = 250_000_000;
/// At most so many, for each has room made for its answer.
const MAX_AHEAD: usize = 1024;
/// While nothing is under way, the loop comes round so often.
const COME_ROUND_NS: u64 = 5_000_000_000;
/// A carrier that is full is asked again after this.
const AGAIN_NS: u64 = 1_000_000;

/// How a load went, for the judgement of the launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoadProof {
    /// As it is recorded.
    pub(crate) facts: LoadFacts,
    /// The median E2E latency of answers as asked.
    pub(crate) median_e2e_ns: Option<u64>,
    /// What there was to have meanwhile; `None` on a scripted clock.
    pub(crate) had: Option<Had>,
    /// Requests that were not sent because of us.
    pub(crate) n_failed_to_send: u32,
}

/// Why the loop was left.
pub(super) enum Left {
    /// All requests are over.
    Done,
    /// Stopped from outside.
    Cancelled,
    /// A limit of the plan is reached: which, with its figures.
    AtLimit(String),
    /// The runtime can answer no more.
    Died(Outcome),
    /// We could not go on offering.
    Stuck(Outcome),
}

impl Left {
    /// How the launch's load ended.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Done => Outcome::Ok,
            Self::Cancelled => Outcome::Cancelled,
            Self::AtLimit(detail) => Outcome::AtLimit { detail },
            Self::Died(outcome) | Self::Stuck(outcome) => outcome,
        }
    }
}

/// A load in progress.
pub(super) struct Load<'a> {
    pub(super) turns: Turns<'a>,
    pub(super) flights: Flights,
    pub(super) carrier: Box<dyn Carry>,
    pub(super) is_open: bool,
    pub(super) began_at: MonoNs,
    pub(super) steady: Option<Steady>,
    /// Why a held load ended before its time, where it did.
    pub(super) steady_why: Option<String>,
}

impl<'a> Load<'a> {
    /// That of an order, from `began_at` on.
    pub(super) fn of(order: &'a RunOrder, carrier: Box<dyn Carry>, began_at: MonoNs) -> Self {
        Self {
            turns: Turns::new(&order.load, &order.requests, order.hold, began_at),
            flights: Flights::default(),
            carrier,
            is_open: order.load.is_open(),
            began_at,
            steady: Steady::of(order.hold.as_ref(), began_at),
            steady_why: None,
        }
    }
}

impl Load<'_> {
    /// Hands over what is due soon; at least one, so that there is something to wait for.
    pub(super) fn hand_over(&mut self, now: MonoNs) -> Result<(), Outcome> {
        while let Some(at) = self.turns.peek() {
            let is_soon = at <= now.plus(AHEAD_NS) && self.flights.n_waiting() < MAX_AHEAD;
            if !is_soon && !self.flights.is_empty() {
                break;
            }
            let Some(turn) = self.turns.take() else { break };
            let ticket =
                self.carrier.submit(&turn.request, Some(turn.at)).map_err(|error| error.outcome())?;
            self.flights.begin(ticket, &turn);
        }
        Ok(())
    }

    /// When there is something to do that the carrier does not know of.
    pub(super) fn until(&self, now: MonoNs) -> MonoNs {
        let hand_over = self
            .turns
            .peek()
            .map_or(NO_LIMIT, |at| MonoNs(at.0.saturating_sub(AHEAD_NS / 2)).max(now.plus(AGAIN_NS)));
        let is_quiet = self.flights.n_under_way() == 0
            && self.flights.next_at().is_some_and(|at| at > now.plus(COME_ROUND_NS));
        if is_quiet { hand_over.min(now.plus(COME_ROUND_NS)) } else { hand_over }
    }

    /// When the next request is to be sent, as far as that is known.
    pub(super) fn next_at(&self) -> Option<MonoNs> {
        let next = [self.flights.next_at(), self.turns.peek()];
        next.into_iter().flatten().min()
    }

    /// Frees the places of those that ended; why the loop must be left, if it must.
    pub(super) fn take_ends(&mut self, adapter: &mut dyn RuntimeAdapter) -> Option<Left> {
        let mut left = None;
        for end in self.flights.take_ends() {
            self.turns.give_back(end.at);
            if left.is_some() || end.outcome.is_ok() {
                continue;
            }
            if end.outcome == Outcome::Cancelled {
                left = Some(Left::Cancelled);
            } else if !adapter.is_running() {
                left = Some(Left::Died(end.outcome));
            }
        }
        left
    }

    /// Ends what is still under way, where the loop was left before its end.
    pub(super) fn leave(&mut self, left: &Left) {
        let breaking = match left {
            Left::Done => return,
            Left::Cancelled | Left::AtLimit(_) | Left::Stuck(_) => Breaking::Cancelled,
            Left::Died(outcome) => Breaking::Died(outcome),
        };
        let Self { carrier, flights, .. } = self;
        carrier.stop_all(&mut |ticket, step| flights.on(ticket, step, breaking));
    }

    /// Why the load ended, for its span; `None` where all requests of the plan were asked.
    pub(super) fn why(&mut self, order: &RunOrder, left: &Left) -> Option<String> {
        match (left, &order.hold) {
            (Left::Done, None) => None,
            (Left::Done, Some(hold)) => Some(match self.steady_why.take() {
                Some(why) => why,
                None if self.turns.is_out_of_requests() => {
                    format!("after {} requests", hold.max_requests.unwrap_or_default())
                }
                None => format!("after {}", seconds(hold.for_ms.saturating_mul(1_000_000))),
            }),
            (Left::Cancelled, _) => Some("stopped from outside".to_owned()),
            (Left::AtLimit(detail), _) => Some(detail.clone()),
            (Left::Died(outcome) | Left::Stuck(outcome), _) => {
                Some(outcome.detail().unwrap_or_else(|| outcome.word().to_owned()))
            }
        }
    }
}
