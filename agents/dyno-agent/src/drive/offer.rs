//! The load: sends each request when its turn comes, and records it when it is over.
//!
//! One loop for all load models. What is due soon is handed to the carrier ahead of time, so that sending it needs
//! nothing but the instant; the record is written between sends, and only where there is time for it.

use dyno_model::care::{Span, SpanKind};
use dyno_model::clock::{Clock, MonoNs};
use dyno_model::event::{EventKind, SinkError};
use dyno_model::outcome::Outcome;
use dyno_model::proof::LoadFacts;
use dyno_model::start::StartPoint;
use dyno_protocol::message::Phase;
use dyno_runtimes::adapter::RuntimeAdapter;
use dyno_runtimes::http::{Polled, Urgent};
use dyno_sensors::played::Doing;

use super::Launch;
use super::cpu::CpuWatch;
use super::flights::{Breaking, Over};
use super::load::{Left, Load, LoadProof};
use crate::recorder::{Lacks, MAX_TEXT_BYTES};
use crate::sys;

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
/// Files that the agent has open beside the connections of its requests.
const OWN_FILES: usize = 256;
/// A note names at most so many requests.
const MAX_NAMED: usize = 20;
/// Where limits are watched, the loop comes round so often: a temperature has a new row each second.
const LOOK_EVERY_NS: u64 = 500_000_000;
/// Rows of a held load go into the record so often.
const SPILL_EVERY_NS: u64 = 600_000_000_000;
/// Those of any load do after so many periods: half of the room that a sampler has.
const SPILL_PERIODS: u64 = 36_000;

impl Launch<'_> {
    /// Offers the launch's requests until all are over, or the runtime can take no more.
    pub(super) fn offer(&mut self, adapter: &mut dyn RuntimeAdapter) -> Result<Outcome, SinkError> {
        let carrier = match adapter.carrier() {
            Ok(carrier) => carrier,
            Err(error) => return Ok(error.outcome()),
        };
        let order = self.order;
        let is_real = matches!(self.clock, Clock::Monotonic);
        let cpu = is_real.then(|| CpuWatch::start(self.runtime_pid));
        let began_at = self.clock.now().plus(if is_real && order.load.is_open() { LEAD_NS } else { 0 });
        let mut load = Load::of(order, carrier, began_at);
        // The runtime is started already: it has the limit that a user's would have.
        let files = sys::FileLimit::raise(order.requests.len() + OWN_FILES);
        // Who waits for his turn beside a busy model loses the stamps of what waits with him. The embedded engine stamps
        // its tokens itself.
        let urgent = order.launch_spec.dialect.is_http().then(Urgent::take);
        let is_urgent = urgent.as_ref().is_some_and(Urgent::is_granted);
        let left = self.serve(&mut load, adapter)?;
        drop((urgent, files));
        load.leave(&left);
        let why = load.why(order, &left);
        let over_at = self.clock.now();
        if let Some(told) = &self.told {
            told.tell(over_at, Doing::Ready);
        }
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
        // A held load has no end of its own: nothing of it is missing.
        let n_wanted = if order.hold.is_some() { facts.n_sent } else { self.n_requests() };
        facts.n_unsent = n_wanted.saturating_sub(facts.n_sent);
        self.event(EventKind::LoadEnded(Box::new(facts.clone())))?;
        if order.care.is_some() || order.hold.is_some() {
            self.event_at(
                over_at,
                EventKind::Span(Span { kind: SpanKind::Load, began_at, ended_at: over_at, why }),
            )?;
        }
        self.spool.flush()?;
        let is_held = u32::from(order.hold.is_some());
        let n_failed_to_send = if matches!(left, Left::Stuck(_)) { facts.n_unsent.max(is_held) } else { 0 };
        self.evidence.load = Some(LoadProof { facts, median_e2e_ns, had, n_failed_to_send });
        Ok(left.outcome())
    }

    /// The loop itself.
    fn serve(&mut self, load: &mut Load<'_>, adapter: &mut dyn RuntimeAdapter) -> Result<Left, SinkError> {
        loop {
            let (now, n_over) = (self.clock.now(), load.flights.n_over());
            self.sense.catch_up(now);
            self.tell_serving(load, now);
            if self.interrupt.is_raised() {
                return Ok(Left::Cancelled);
            }
            if let Some(detail) = self.look_around()? {
                return Ok(Left::AtLimit(detail));
            }
            if load.flights.is_empty() {
                self.keep(load)?;
            }
            self.spill(now, load.flights.is_empty())?;
            if let Some(why) =
                load.steady.as_mut().and_then(|steady| steady.is_reached(now, self.watch.as_ref()))
            {
                load.turns.close();
                load.steady_why = Some(why);
            }
            if let Err(outcome) = load.hand_over(self.clock.now()) {
                return Ok(Left::Stuck(outcome));
            }
            if load.flights.is_empty() {
                return Ok(Left::Done);
            }
            self.keep(load)?;
            let until = self.until(load);
            let (Load { carrier, flights, .. }, told) = (&mut *load, &mut self.told);
            let polled = carrier.poll(until, &mut |ticket, step| {
                if let Some(told) = told {
                    told.on(ticket, &step);
                }
                flights.on(ticket, step, Breaking::No);
            });
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

    /// How far it is: by its requests, or, where it is held, by its time.
    fn tell_serving(&mut self, load: &Load<'_>, now: MonoNs) {
        if let Some(hold) = &self.order.hold {
            self.tell(Phase::Holding, now.since(load.began_at), hold.for_ms.saturating_mul(1_000_000));
        } else {
            let n_over = u32::try_from(load.flights.n_over()).unwrap_or(u32::MAX);
            let n_requests = self.n_requests();
            (self.on_progress)(Phase::Serving, n_over, n_requests);
        }
    }

    /// When the loop must come round.
    fn until(&self, load: &Load<'_>) -> MonoNs {
        let now = self.clock.now();
        let until = load.until(now);
        let is_watched = self.watch.is_some() && self.limits.is_any();
        if is_watched { until.min(now.plus(LOOK_EVERY_NS)) } else { until }
    }

    /// Puts rows into the record before there is no more room for them: while nothing is under way, and only where that
    /// does not come, beside requests.
    pub(super) fn spill(&mut self, now: MonoNs, is_quiet: bool) -> Result<(), SinkError> {
        let period_ns = u64::from(self.order.sampling_period_ms) * 1_000_000;
        let room_ns = SPILL_PERIODS * period_ns;
        let every_ns = if self.order.hold.is_some() { room_ns.min(SPILL_EVERY_NS) } else { room_ns };
        let due_ns = if is_quiet { every_ns } else { every_ns.saturating_mul(3) / 2 };
        if now.since(self.spilled_at) < due_ns {
            return Ok(());
        }
        self.spilled_at = now;
        for batch in self.sense.take_rows() {
            self.event(EventKind::Samples(batch))?;
        }
        self.spool.write()
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
            if let Some(steady) = &mut load.steady {
                steady.saw(&over.record);
            }
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
        let Over { record, lacks } = over;
        let (at, idx) = (record.ended_at, record.idx);
        self.event_at(at, EventKind::Request(Box::new(record)))?;
        self.note_lacks(idx, lacks)
    }

    /// Says what a record lacks; that a runtime tells no probabilities is said once a launch.
    fn note_lacks(&mut self, idx: u32, lacks: Lacks) -> Result<(), SinkError> {
        let Lacks { n_text_bytes, n_logprobs, is_without_logprobs } = lacks;
        if n_text_bytes > 0 {
            self.note(format!(
                "the text of request {idx} was cut at {MAX_TEXT_BYTES} bytes; {n_text_bytes} are missing"
            ))?;
        }
        if n_logprobs > 0 {
            self.note(format!(
                "the probabilities of {n_logprobs} tokens of request {idx} are missing: too much, or not understood"
            ))?;
        }
        if is_without_logprobs && !std::mem::replace(&mut self.is_silence_noted, true) {
            self.note(format!(
                "the runtime was asked how likely its tokens are and does not say it (first in request {idx})"
            ))?;
        }
        Ok(())
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
