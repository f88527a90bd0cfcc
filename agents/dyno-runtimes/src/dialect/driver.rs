//! Many requests on one thread, for load of any shape.

use std::collections::HashMap;
use std::sync::Arc;

use dyno_model::clock::MonoNs;
use dyno_model::outcome::Outcome;
use dyno_model::request::{Chunk, Finish, Request, Usage};

use super::Api;
use super::answer::{AnswerFacts, AnswerReader};
use super::request::Ask;
use crate::adapter::Carry;
use crate::error::RuntimeError;
use crate::http::{
    ApiKey, Connections, Ending, Endpoint, Exchanges, Facts, Flow, Happening, Health, HttpError, Outgoing,
    Polled, Reply, Ticket,
};
use crate::interrupt::Interrupt;

/// The most bytes of one answer: a million tokens with all their wrapping fit in.
const MAX_BODY_BYTES: u64 = 512 << 20;

/// A server and how it is asked.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where.
    pub endpoint: Endpoint,
    /// How.
    pub api: Api,
    /// What all requests have in common.
    pub ask: Ask,
    /// Its key, if it wants one.
    pub key: Option<ApiKey>,
    /// How connections are made.
    pub connections: Connections,
}

/// Something happened to a request.
#[derive(Debug)]
pub enum Step<'a> {
    /// Its first byte is handed to the system.
    Sent {
        /// Just before.
        at: MonoNs,
    },
    /// A chunk of its answer.
    Chunk(Chunk<'a>),
    /// It is over; nothing more is told of it.
    Ended(Box<Answered>),
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// For the record.
    pub finish: Finish,
    /// Of the answer.
    pub answer: AnswerFacts,
    /// Of the exchange; `None` where no network is between.
    pub exchange: Option<Facts>,
    /// How long it waited on this side after it was sent; `None` where nothing queues here.
    pub queue_ns: Option<u64>,
}

/// Carries requests to one server, with any number under way at once.
///
/// Everything happens within [`Driver::poll`], on the calling thread; a chunk costs no allocation of its own unless
/// its text has escapes.
pub struct Driver {
    server: Server,
    exchanges: Exchanges,
    readers: HashMap<Ticket, AnswerReader>,
    spare: Vec<AnswerReader>,
    /// Requests that could not be said, and how they ended.
    unsaid: Vec<(Ticket, Answered)>,
    n_unsaid: u64,
}

impl Driver {
    /// Gets ready; connects to nothing yet.
    ///
    /// # Errors
    /// When the process has no file descriptors left.
    pub fn new(server: Server, interrupt: Option<Arc<Interrupt>>) -> Result<Self, HttpError> {
        let exchanges = Exchanges::new(server.connections.clone(), interrupt)?;
        let (readers, spare, unsaid) = (HashMap::new(), Vec::new(), Vec::new());
        Ok(Self { server, exchanges, readers, spare, unsaid, n_unsaid: 0 })
    }

    /// Takes a request, to be sent at `due` or at once; the body is written here, not when it is due.
    ///
    /// # Errors
    /// [`HttpError::Full`]: offer less, for nothing is queued in silence.
    pub fn submit(&mut self, request: &Request, due: Option<MonoNs>) -> Result<Ticket, HttpError> {
        let body = match self.server.api.body(&self.server.ask, request) {
            Ok(body) => body,
            Err(error) => return Ok(self.refuse(Outcome::Unsupported { detail: error.to_string() }, due)),
        };
        let Server { endpoint, api, key, .. } = &self.server;
        let ticket = self.exchanges.submit(Outgoing {
            bytes: endpoint.request(api.path(), key.as_ref(), Some(&body)),
            due,
            limit_ms: request.limit_ms,
            max_body_bytes: MAX_BODY_BYTES,
        })?;
        let mut reader = self.spare.pop().unwrap_or_else(|| AnswerReader::new(self.server.api));
        reader.expect_logprobs(request.sampling.top_logprobs);
        self.readers.insert(ticket, reader);
        Ok(ticket)
    }

    /// Sends what is due and hands over what happens, until requests ended, `until` has come, nothing is left, or the
    /// interrupt is raised (then [`Driver::stop_all`] is the way on).
    ///
    /// # Errors
    /// When the loop itself fails.
    pub fn poll(&mut self, until: MonoNs, on: &mut dyn FnMut(Ticket, Step<'_>)) -> Result<Polled, HttpError> {
        if !self.unsaid.is_empty() {
            for (ticket, answered) in self.unsaid.drain(..) {
                on(ticket, Step::Ended(Box::new(answered)));
            }
            return Ok(Polled::Ended);
        }
        let Self { exchanges, readers, spare, server, .. } = self;
        let on = &mut without_key(server.key.as_ref(), on);
        exchanges.poll(until, &mut |ticket, happening| hand_on(readers, spare, ticket, happening, on))
    }

    /// Breaks all requests off; each ends as cancelled.
    pub fn stop_all(&mut self, on: &mut dyn FnMut(Ticket, Step<'_>)) {
        let Self { exchanges, readers, spare, server, .. } = self;
        let on = &mut without_key(server.key.as_ref(), on);
        exchanges.stop_all(&mut |ticket, happening| hand_on(readers, spare, ticket, happening, on));
    }

    /// Asks the server something else; no request may be under way.
    ///
    /// # Errors
    /// Whatever ends an exchange; an answer of any status is none.
    pub fn get(&mut self, path: &str, limit_ms: u64, max_body_bytes: u64) -> Result<Reply, HttpError> {
        let bytes = self.server.endpoint.request(path, self.server.key.as_ref(), None);
        self.exchanges.fetch(Outgoing { bytes, due: None, limit_ms, max_body_bytes })
    }

    /// Makes `n` connections ahead and keeps them.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn connect_ahead(&mut self, n: usize) -> Result<(), HttpError> {
        self.exchanges.connect_ahead(n)
    }

    /// Requests that are not over, those that are not yet due included.
    pub fn n_in_flight(&self) -> usize {
        self.exchanges.n_in_flight() + self.unsaid.len()
    }

    /// Requests that have been begun and are not over.
    pub fn n_active(&self) -> usize {
        self.exchanges.n_active()
    }

    /// What the loop says of itself.
    pub fn health(&self) -> Health {
        self.exchanges.health()
    }

    fn refuse(&mut self, outcome: Outcome, due: Option<MonoNs>) -> Ticket {
        // Far from the numbers that exchanges have.
        let ticket = Ticket(u64::MAX - self.n_unsaid);
        self.n_unsaid += 1;
        let at = dyno_model::clock::monotonic_now();
        let finish = Finish { at, outcome, reason: None, usage: Usage::default(), timings: None };
        let exchange = Some(Facts { due, ..Facts::default() });
        self.unsaid
            .push((ticket, Answered { finish, answer: AnswerFacts::default(), exchange, queue_ns: None }));
        ticket
    }
}

impl Carry for Driver {
    fn submit(&mut self, request: &Request, due: Option<MonoNs>) -> Result<Ticket, RuntimeError> {
        Ok(Driver::submit(self, request, due)?)
    }

    fn poll(&mut self, until: MonoNs, on: &mut dyn FnMut(Ticket, Step<'_>)) -> Result<Polled, RuntimeError> {
        Ok(Driver::poll(self, until, on)?)
    }

    fn stop_all(&mut self, on: &mut dyn FnMut(Ticket, Step<'_>)) {
        Driver::stop_all(self, on);
    }

    fn health(&self) -> Health {
        Driver::health(self)
    }
}

/// Hands on what happens, and takes the key out of a server's words.
fn without_key<'a>(
    key: Option<&'a ApiKey>,
    on: &'a mut dyn FnMut(Ticket, Step<'_>),
) -> impl FnMut(Ticket, Step<'_>) + 'a {
    move |ticket, mut step| {
        if let (Some(key), Step::Ended(answered)) = (key, &mut step) {
            let outcome = std::mem::replace(&mut answered.finish.outcome, Outcome::Ok);
            answered.finish.outcome = key.hide(outcome);
        }
        on(ticket, step);
    }
}

/// From what happens to an exchange to what happens to a request.
fn hand_on(
    readers: &mut HashMap<Ticket, AnswerReader>,
    spare: &mut Vec<AnswerReader>,
    ticket: Ticket,
    happening: Happening<'_>,
    on: &mut dyn FnMut(Ticket, Step<'_>),
) -> Flow {
    if let Happening::Ended(ending) = happening {
        if let Some(mut reader) = readers.remove(&ticket) {
            on_end(&mut reader, ticket, ending, on);
            reader.reset();
            spare.push(reader);
        }
        return Flow::Continue;
    }
    let Some(reader) = readers.get_mut(&ticket) else { return Flow::Abandon };
    match happening {
        Happening::Sent { at } => on(ticket, Step::Sent { at }),
        Happening::Head(head) => reader.head(head),
        Happening::Body { at, bytes, read } => {
            return reader.feed(bytes, at, read, &mut |chunk| on(ticket, Step::Chunk(chunk)));
        }
        Happening::Ended(_) => {}
    }
    Flow::Continue
}

fn on_end(reader: &mut AnswerReader, ticket: Ticket, ending: Ending, on: &mut dyn FnMut(Ticket, Step<'_>)) {
    let (finish, answer) = reader.finish(&ending, &mut |chunk| on(ticket, Step::Chunk(chunk)));
    let exchange = Some(ending.facts);
    on(ticket, Step::Ended(Box::new(Answered { finish, answer, exchange, queue_ns: None })));
}
