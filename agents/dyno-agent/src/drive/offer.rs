//! The load: sends each request when its turn comes, and records it when it is over.
//!
//! One loop for all load models. What is due soon is handed to the carrier ahead of time, so that sending it needs
//! nothing but the instant; the record is written between sends, and only where there is time for it.

use dyno_model::clock::{Clock, MonoNs};
use dyno_model::event::{EventKind, SinkError};
use dyno_model::outcome::Outcome;
use dyno_model::proof::LoadFacts;
use dyno_model::start::StartPoint;
use dyno_protocol::message::Phase;
use dyno_runtimes::adapter::{Carry, RuntimeAdapter};
use dyno_runtimes::http::{Polled, Urgent};
use dyno_runtimes::queue::NO_LIMIT;

use super::Launch;
use super::cpu::{CpuWatch, Had};
use super::flights::{Breaking, Flights, Over};
use super::turns::Turns;
use crate::recorder::MAX_TEXT_BYTES;
use crate::sys;

/// Requests that are due within this time are handed over ahead of it.
const AHEAD_NS: u64 = 250_000_000;
/// At most so many, for each has room made for its answer.
const MAX_AHEAD: usize = 1024;
/// An open loop begins so long after it was made ready: its first requests are handed over ahead, too.
const LEAD_NS: u64 = 10_000_000;
/// Lines are made of records while the next send is so far away (a line takes some 20 µs).
const ROOM_FOR_LINES_NS: u64 = 2_000_000;
/// Lines are handed to the kernel while the next send is so far away.
const ROOM_FOR_WRITE_NS: u64 = 5_000_000;
/// Lines are forced to the disk while nothing is under way and the next send is so far away.
const ROOM_FOR_SYNC_NS: u64 = 1_000_000_000;
/// No more records wait, whatever is due.
const MAX_UNWRITTEN: usize = 4096;
/// While nothing is under way, the loop comes round so often.
const COME_ROUND_NS: u64 = 5_000_000_000;
/// A carrier that is full is asked again after this.
const AGAIN_NS: u64 = 1_000_000;
/// Files that the agent has open beside the connections of its requests.
const OWN_FILES: usize = 256;
/// A note names at most so many requests.
const MAX_NAMED: usize = 20;

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
enum Left {
    /// All requests are over.
    Done,
    /// Stopped from outside.
    Cancelled,
    /// The runtime can answer no more.
    Died(Outcome),
    /// We could not go on offering.
    Stuck(Outcome),
}

/// A load in progress.
struct Load<'a> {
    turns: Turns<'a>,
    flights: Flights,
    carrier: Box<dyn Carry>,
    is_open: bool,
}

impl Launch<'_> {
    /// Offers the launch's requests until all are over, or the runtime can take no more.
    pub(super) fn offer(&mut self, adapter: &mut dyn RuntimeAdapter) -> Result<Outcome, SinkError> {
        let carrier = match adapter.carrier() {
            Ok(carrier) => carrier,
            Err(error) => return Ok(error.outcome()),
        };
        let order = self.order;
        let is_open = order.load.is_open();
        let is_real = matches!(self.clock, Clock::Monotonic);
        let cpu = is_real.then(|| CpuWatch::start(self.runtime_pid));
        let began_at = self.clock.now().plus(if is_real && is_open { LEAD_NS } else { 0 });
        let turns = Turns::new(&order.load, &order.requests, began_at);
        let mut load = Load { turns, flights: Flights::default(), carrier, is_open };
        // The runtime is started already: it has the limit that a user's would have.
        let files = sys::FileLimit::raise(order.requests.len() + OWN_FILES);
        // Who waits for his turn beside a busy model loses the stamps of what waits with him. The embedded engine stamps
        // its tokens itself.
        let urgent = order.launch_spec.dialect.is_http().then(Urgent::take);
        let is_urgent = urgent.as_ref().is_some_and(Urgent::is_granted);
        let left = self.serve(&mut load, adapter)?;
        drop((urgent, files));
        load.leave(&left);
        let mut facts = LoadFacts { began_at, is_urgent, ..LoadFacts::default() };
        let had = cpu.map(|cpu| cpu.end(&mut facts));
        let health = load.carrier.health();
        facts.n_reads = health.n_reads;
        facts.n_unstamped = health.n_unstamped + health.n_implausible;
        facts.max_read_delay_ns = health.max_read_delay_ns;
        while let Some(over) = load.flights.take_over() {
            self.record(over)?;
        }
        self.note_cancelled(&load.flights.take_cancelled())?;
        let median_e2e_ns = load.flights.sum_up(&mut facts);
        let n_requests = u32::try_from(order.requests.len()).unwrap_or(u32::MAX);
        facts.n_unsent = n_requests.saturating_sub(facts.n_sent);
        self.event(EventKind::LoadEnded(Box::new(facts.clone())))?;
        self.spool.flush()?;
        let n_failed_to_send = if matches!(left, Left::Stuck(_)) { facts.n_unsent } else { 0 };
        self.evidence.load = Some(LoadProof { facts, median_e2e_ns, had, n_failed_to_send });
        Ok(match left {
            Left::Done => Outcome::Ok,
            Left::Cancelled => Outcome::Cancelled,
            Left::Died(outcome) | Left::Stuck(outcome) => outcome,
        })
    }

    /// The loop itself.
    fn serve(&mut self, load: &mut Load<'_>, adapter: &mut dyn RuntimeAdapter) -> Result<Left, SinkError> {
        loop {
            let n_over = load.flights.n_over();
            (self.on_progress)(Phase::Serving, u32::try_from(n_over).unwrap_or(u32::MAX));
            if self.interrupt.is_raised() {
                return Ok(Left::Cancelled);
            }
            if load.flights.is_empty() {
                self.keep(load)?;
            }
            if let Err(outcome) = load.hand_over(self.clock.now()) {
                return Ok(Left::Stuck(outcome));
            }
            if load.flights.is_empty() {
                return Ok(Left::Done);
            }
            self.keep(load)?;
            let until = load.until(self.clock.now());
            let Load { carrier, flights, .. } = load;
            let polled = carrier.poll(until, &mut |ticket, step| flights.on(ticket, step, Breaking::No));
            let polled = match polled {
                Ok(polled) => polled,
                Err(error) => return Ok(Left::Died(error.outcome())),
            };
            if n_over == 0 && load.flights.n_over() > 0 {
                self.start_cost(StartPoint::FirstRequest)?;
            }
            if let Some(left) = load.take_ends(adapter) {
                return Ok(left);
            }
            if polled == Polled::Idle && !load.flights.is_empty() {
                let exit = "the carrier lost requests that were handed to it".to_owned();
                return Ok(Left::Stuck(Outcome::Crashed { exit, stderr_tail: String::new() }));
            }
        }
    }

    /// Brings what is over into the record, as far as no send is delayed by it.
    fn keep(&mut self, load: &mut Load<'_>) -> Result<(), SinkError> {
        let next_at = match &self.clock {
            Clock::Scripted(_) => None,
            Clock::Monotonic => load.next_at().filter(|_| load.is_open),
        };
        let clock = self.clock.clone();
        let has_room = |ns: u64| next_at.is_none_or(|at| at.since(clock.now()) >= ns);
        while has_room(ROOM_FOR_LINES_NS) || load.flights.n_unwritten() > MAX_UNWRITTEN {
            let Some(over) = load.flights.take_over() else { break };
            self.record(over)?;
        }
        if load.flights.n_under_way() == 0 && has_room(ROOM_FOR_SYNC_NS) {
            self.spool.flush()
        } else if has_room(ROOM_FOR_WRITE_NS) {
            self.spool.write()
        } else {
            Ok(())
        }
    }

    fn record(&mut self, over: Over) -> Result<(), SinkError> {
        let Over { record, n_lost_bytes } = over;
        let (at, idx) = (record.ended_at, record.idx);
        self.event_at(at, EventKind::Request(Box::new(record)))?;
        let Some(n_lost) = n_lost_bytes else { return Ok(()) };
        self.note(format!(
            "the text of request {idx} was cut at {MAX_TEXT_BYTES} bytes; {n_lost} are missing"
        ))
    }

    fn note_cancelled(&mut self, cancelled: &[u32]) -> Result<(), SinkError> {
        match cancelled {
            [] => Ok(()),
            [idx] => self.note(format!("request {idx} was cancelled and is not recorded")),
            all => {
                let named: Vec<String> = all.iter().take(MAX_NAMED).map(ToString::to_string).collect();
                let more = if all.len() > MAX_NAMED { ", …" } else { "" };
                let named = named.join(", ");
                self.note(format!(
                    "{} requests were cancelled and are not recorded: {named}{more}",
                    all.len()
                ))
            }
        }
    }
}

impl Load<'_> {
    /// Hands over what is due soon; at least one, so that there is something to wait for.
    fn hand_over(&mut self, now: MonoNs) -> Result<(), Outcome> {
        while let Some(at) = self.turns.peek() {
            let is_soon = at <= now.plus(AHEAD_NS) && self.flights.n_waiting() < MAX_AHEAD;
            if !is_soon && !self.flights.is_empty() {
                break;
            }
            let Some(turn) = self.turns.take() else { break };
            let ticket = self.carrier.submit(turn.request, Some(turn.at)).map_err(|error| error.outcome())?;
            self.flights.begin(ticket, &turn);
        }
        Ok(())
    }

    /// When there is something to do that the carrier does not know of.
    fn until(&mut self, now: MonoNs) -> MonoNs {
        let hand_over = self
            .turns
            .peek()
            .map_or(NO_LIMIT, |at| MonoNs(at.0.saturating_sub(AHEAD_NS / 2)).max(now.plus(AGAIN_NS)));
        let is_quiet = self.flights.n_under_way() == 0
            && self.flights.next_at().is_some_and(|at| at > now.plus(COME_ROUND_NS));
        if is_quiet { hand_over.min(now.plus(COME_ROUND_NS)) } else { hand_over }
    }

    /// When the next request is to be sent, as far as that is known.
    fn next_at(&mut self) -> Option<MonoNs> {
        let next = [self.flights.next_at(), self.turns.peek()];
        next.into_iter().flatten().min()
    }

    /// Frees the places of those that ended; why the loop must be left, if it must.
    fn take_ends(&mut self, adapter: &mut dyn RuntimeAdapter) -> Option<Left> {
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
    fn leave(&mut self, left: &Left) {
        let breaking = match left {
            Left::Done => return,
            Left::Cancelled | Left::Stuck(_) => Breaking::Cancelled,
            Left::Died(outcome) => Breaking::Died(outcome),
        };
        let Self { carrier, flights, .. } = self;
        carrier.stop_all(&mut |ticket, step| flights.on(ticket, step, breaking));
    }
}
