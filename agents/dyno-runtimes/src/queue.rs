//! A queue before a runtime that takes one request at a time.
//!
//! A request is sent when it is due, whether the runtime is busy or not; then it waits here in the order of arrival.
//! That wait is the runtime's: it counts into latency, as it would in a server with one slot.
//!
//! On a scripted clock everything happens on the calling thread: service begins at the later of due and free, to the
//! nanosecond. On the machine's clock a thread of its own owns the client as soon as a request may become due while
//! another is served; until then the calling thread serves, which spares each request two changes of threads.

mod worker;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use dyno_model::clock::{Clock, MonoNs};
use dyno_model::outcome::Outcome;
use dyno_model::request::{Chunk, Finish, Request, Usage};

use crate::adapter::{Carry, Generate};
use crate::dialect::{AnswerFacts, Answered, Step};
use crate::error::RuntimeError;
use crate::http::{Health, HttpError, Polled, Ticket};
use crate::interrupt::Interrupt;
use crate::logprobs::Logprobs;
use crate::process::left_until;
use crate::queue::worker::Worker;

/// The most requests that a queue holds, those that are not yet due included: more than a launch has.
const MAX_REQUESTS: usize = 1 << 17;
/// A wait that an interrupt can end may be late by a millisecond (poll(2)); the rest is slept through.
const EXACT_NS: u64 = 3_000_000;
/// How long requests at the worker may take to end once all are broken off: longer than an engine's own grace.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// `until` of a poll that is to come back only when a request ended.
pub const NO_LIMIT: MonoNs = MonoNs(u64::MAX);

/// Carries requests to a runtime that takes one at a time, first come, first served.
pub struct Queue {
    clock: Clock,
    interrupt: Arc<Interrupt>,
    place: Place,
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// Due, and at nobody yet.
    entered: VecDeque<Job>,
    n_submitted: u64,
}

/// Where the client is.
enum Place {
    Here(Box<dyn Generate>),
    Worker(Worker),
    /// It can be asked no more; why is told once.
    Broken(Option<RuntimeError>),
}

/// A request that is not yet due.
struct Waiting {
    at: MonoNs,
    ticket: Ticket,
    request: Request,
}

/// A request in the queue.
struct Job {
    ticket: Ticket,
    request: Request,
    entered_at: MonoNs,
}

/// What came of a request.
struct Served {
    finish: Finish,
    queue_ns: u64,
    /// What the runtime said of its tokens.
    logprobs: Option<Logprobs>,
}

impl Queue {
    /// Before `client`, whose instants are of `clock`.
    pub fn new(client: Box<dyn Generate>, clock: Clock, interrupt: Arc<Interrupt>) -> Self {
        let (waiting, entered) = (BinaryHeap::new(), VecDeque::new());
        Self { clock, interrupt, place: Place::Here(client), waiting, entered, n_submitted: 0 }
    }

    fn n_inside(&self) -> usize {
        match &self.place {
            Place::Worker(worker) => worker.n_inside(),
            Place::Here(_) | Place::Broken(_) => 0,
        }
    }

    /// What is due goes into the queue: that is its sending.
    fn enter_due(&mut self, on: &mut dyn FnMut(Ticket, Step<'_>)) {
        while let Some(Reverse(next)) = self.waiting.peek() {
            let now = self.clock.now();
            if next.at > now {
                return;
            }
            let Some(Reverse(Waiting { at, ticket, request })) = self.waiting.pop() else { return };
            let entered_at = match &self.clock {
                // A script's clock jumps over instants; nothing of it is ever late.
                Clock::Scripted(_) => at,
                Clock::Monotonic => now,
            };
            on(ticket, Step::Sent { at: entered_at });
            self.entered.push_back(Job { ticket, request, entered_at });
        }
    }

    /// Whether nothing can become due or be asked for while the only request is served.
    fn may_serve_here(&self, until: MonoNs) -> bool {
        match &self.clock {
            Clock::Scripted(_) => true,
            Clock::Monotonic => until == NO_LIMIT && self.waiting.is_empty() && self.entered.len() == 1,
        }
    }

    /// Does what can be done now; whether requests ended.
    fn go_on(&mut self, until: MonoNs, on: &mut dyn FnMut(Ticket, Step<'_>)) -> Result<bool, RuntimeError> {
        let may_serve_here = self.may_serve_here(until);
        match &mut self.place {
            Place::Broken(error) => Err(error.take().unwrap_or(RuntimeError::NotStarted)),
            Place::Here(_) if self.entered.is_empty() || self.interrupt.is_raised() => Ok(false),
            Place::Here(client) if may_serve_here => {
                let Some(job) = self.entered.pop_front() else { return Ok(false) };
                let ticket = job.ticket;
                let served =
                    serve(client.as_mut(), &self.clock, job, &mut |chunk| on(ticket, Step::Chunk(chunk)));
                self.ended(ticket, served, on);
                Ok(true)
            }
            Place::Here(_) => {
                if let Place::Here(client) = std::mem::replace(&mut self.place, Place::Broken(None)) {
                    self.place = Place::Worker(Worker::start(client, self.clock.clone())?);
                }
                self.go_on(until, on)
            }
            Place::Worker(worker) => {
                for job in self.entered.drain(..) {
                    worker.give(job);
                }
                let done = worker.take_done();
                Ok(self.hand_over(done, on))
            }
        }
    }

    /// Tells of requests that the worker is done with; whether there were any.
    fn hand_over(&mut self, done: Vec<worker::Done>, on: &mut dyn FnMut(Ticket, Step<'_>)) -> bool {
        let is_any = !done.is_empty();
        for one in done {
            one.chunks.tell(&mut |chunk| on(one.ticket, Step::Chunk(chunk)));
            self.ended(one.ticket, one.served, on);
        }
        is_any
    }

    fn ended(
        &mut self,
        ticket: Ticket,
        served: Result<Served, RuntimeError>,
        on: &mut dyn FnMut(Ticket, Step<'_>),
    ) {
        let served = served.unwrap_or_else(|error| {
            let finish = ended(self.clock.now(), error.outcome());
            let before = std::mem::replace(&mut self.place, Place::Broken(Some(error)));
            if let Place::Worker(mut worker) = before {
                self.entered.extend(worker.take_back());
            }
            Served { finish, queue_ns: 0, logprobs: None }
        });
        on(ticket, Step::Ended(Box::new(answered(served))));
    }

    /// Waits until `wake`, a request's end, or the interrupt.
    fn wait(&mut self, wake: MonoNs) {
        if let Place::Worker(worker) = &mut self.place
            && worker.n_inside() > 0
        {
            if !worker.wait(left_until(wake)) {
                // Its thread is gone and owes ends.
                self.place = Place::Broken(None);
            }
            return;
        }
        if let Clock::Monotonic = self.clock {
            let left_ns = wake.since(self.clock.now());
            if left_ns > EXACT_NS {
                self.interrupt.wait(Some(Duration::from_nanos(left_ns - EXACT_NS)));
                return;
            }
        }
        self.clock.sleep_until(wake);
    }
}

impl Carry for Queue {
    fn submit(&mut self, request: &Request, due: Option<MonoNs>) -> Result<Ticket, RuntimeError> {
        if self.waiting.len() + self.entered.len() + self.n_inside() >= MAX_REQUESTS {
            return Err(HttpError::Full { limit: MAX_REQUESTS }.into());
        }
        let ticket = Ticket(self.n_submitted);
        self.n_submitted += 1;
        let at = due.unwrap_or_else(|| self.clock.now());
        self.waiting.push(Reverse(Waiting { at, ticket, request: request.clone() }));
        Ok(ticket)
    }

    fn poll(&mut self, until: MonoNs, on: &mut dyn FnMut(Ticket, Step<'_>)) -> Result<Polled, RuntimeError> {
        loop {
            self.enter_due(on);
            if self.go_on(until, on)? {
                return Ok(Polled::Ended);
            }
            if self.waiting.is_empty() && self.entered.is_empty() && self.n_inside() == 0 {
                return Ok(Polled::Idle);
            }
            if self.interrupt.is_raised() {
                return Ok(Polled::Interrupted);
            }
            if self.clock.now() >= until {
                return Ok(Polled::Until);
            }
            let next = self.waiting.peek().map_or(NO_LIMIT, |Reverse(next)| next.at);
            self.wait(until.min(next));
        }
    }

    fn stop_all(&mut self, on: &mut dyn FnMut(Ticket, Step<'_>)) {
        if let Clock::Scripted(_) = &self.clock {
            // What was due before the script jumped to here was sent.
            self.enter_due(on);
        }
        if let Place::Worker(worker) = &mut self.place {
            self.entered.extend(worker.take_back());
            let done = worker.drain(STOP_LIMIT);
            self.hand_over(done, on);
        }
        let at = self.clock.now();
        let mut cancelled: Vec<(Ticket, u64)> =
            self.waiting.drain().map(|Reverse(one)| (one.ticket, 0)).collect();
        cancelled.extend(self.entered.drain(..).map(|job| (job.ticket, at.since(job.entered_at))));
        if let Place::Worker(worker) = &mut self.place {
            // It does not answer: nothing more is heard of it.
            cancelled.extend(worker.abandon().into_iter().map(|ticket| (ticket, 0)));
        }
        cancelled.sort_unstable();
        for (ticket, queue_ns) in cancelled {
            let finish = ended(at, Outcome::Cancelled);
            on(ticket, Step::Ended(Box::new(answered(Served { finish, queue_ns, logprobs: None }))));
        }
    }

    fn health(&self) -> Health {
        Health::default()
    }
}

impl Waiting {
    fn order(&self) -> (MonoNs, Ticket) {
        (self.at, self.ticket)
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

/// Asks for one answer. A request's deadline counts from its sending, the wait in the queue included.
fn serve(
    client: &mut dyn Generate,
    clock: &Clock,
    job: Job,
    on_chunk: &mut dyn FnMut(Chunk<'_>),
) -> Result<Served, RuntimeError> {
    let Job { mut request, entered_at, .. } = job;
    let queue_ns = clock.now().since(entered_at);
    let limit_ms = request.limit_ms;
    let left_ms = limit_ms.saturating_sub(queue_ns / 1_000_000);
    if left_ms == 0 {
        let queue_ns = limit_ms.saturating_mul(1_000_000);
        let finish = ended(entered_at.plus(queue_ns), Outcome::Timeout { limit_ms });
        return Ok(Served { finish, queue_ns, logprobs: None });
    }
    request.limit_ms = left_ms;
    let mut finish = client.generate(&request, on_chunk)?;
    if let Outcome::Timeout { limit_ms: told_ms } = &mut finish.outcome {
        *told_ms = limit_ms;
    }
    Ok(Served { finish, queue_ns, logprobs: client.take_logprobs() })
}

/// The end of a request that nobody answered.
fn ended(at: MonoNs, outcome: Outcome) -> Finish {
    Finish { at, outcome, reason: None, usage: Usage::default(), timings: None }
}

fn answered(served: Served) -> Answered {
    let Served { finish, queue_ns, logprobs } = served;
    let (logprobs, n_lost_logprobs) = logprobs.unwrap_or_default().finish();
    let answer = AnswerFacts { logprobs, n_lost_logprobs, ..AnswerFacts::default() };
    Answered { finish, answer, exchange: None, queue_ns: Some(queue_ns) }
}
