//! The loop that carries all exchanges.

mod carry;
mod rest;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::Arc;

use dyno_model::clock::MonoNs;

use super::connection::{Connection, Job};
use super::error::HttpError;
use super::head::Head;
use super::stamp::Stamps;
use super::sys::{self, Poller, Ready};
use crate::interrupt::Interrupt;
use rest::Rest;

/// The interrupt's key with the poller.
const INTERRUPT: u64 = u64::MAX - 1;
/// One read has room for so much.
const ROOM_BYTES: usize = 64 << 10;
/// Nothing waits longer than this for nothing (an hour).
const FAR_NS: u64 = 3_600_000_000_000;

/// Names one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What is never exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a connection to stand.
    pub connect_ms: u64,
    /// From the request to the first byte of the body; `None` is the exchange's whole limit.
    pub first_byte_ms: Option<u64>,
    /// Between two reads of the body; `None` is the exchange's whole limit.
    pub next_byte_ms: Option<u64>,
    /// From complete content to the end of the body.
    pub end_ms: u64,
    /// Exchanges at once, those that are not yet due included; more are refused, never queued in silence.
    pub max_exchanges: usize,
}

impl Default for Limits {
    /// Connecting 5 s, the end of a complete body 250 ms, 65,536 exchanges (house rules).
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            first_byte_ms: None,
            next_byte_ms: None,
            end_ms: 250,
            max_exchanges: 1 << 16,
        }
    }
}

/// Whether a connection is used for more than one exchange: a factor of the experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reuse {
    /// An idle connection is taken, the one used last first.
    #[default]
    Pooled,
    /// Every exchange makes its own.
    Fresh,
}

/// A request to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Head and body.
    pub bytes: Vec<u8>,
    /// When; `None` is at once.
    pub due: Option<MonoNs>,
    /// Deadline for the whole answer, from when it was due to be sent and its connection begun.
    pub limit_ms: u64,
    /// The most bytes of body.
    pub max_body_bytes: u64,
}

/// Something happened to an exchange.
#[derive(Debug)]
pub enum Happening<'a> {
    /// Its first byte is handed to the system.
    Sent {
        /// Just before.
        at: MonoNs,
    },
    /// The head of the answer is complete.
    Head(&'a Head),
    /// A piece of the body.
    Body {
        /// When the read's last byte arrived.
        at: MonoNs,
        /// The piece, without HTTP's own framing.
        bytes: &'a [u8],
        /// The number of the exchange's read that it came with: pieces of one read have one stamp.
        read: u64,
    },
    /// It is over; nothing more is told of it.
    Ended(Ending),
}

/// What is to become of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Its content is complete: wait for the body's end, but not long.
    Drain,
    /// Break it off and close its connection: it ends with [`HttpError::Abandoned`].
    Abandon,
}

/// How an exchange ended.
#[derive(Debug)]
pub struct Ending {
    /// When its last byte arrived, or when it failed.
    pub at: MonoNs,
    /// How.
    pub result: Result<(), HttpError>,
    /// What is known of it.
    pub facts: Facts,
}

/// What is known of an exchange.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// When it was to be sent.
    pub due: Option<MonoNs>,
    /// When it was taken up: before connecting, where that is needed.
    pub started_at: Option<MonoNs>,
    /// When its first byte was handed to the system.
    pub sent_at: Option<MonoNs>,
    /// When the first byte of the body arrived.
    pub first_byte_at: Option<MonoNs>,
    /// The answer's status.
    pub status: Option<u16>,
    /// From `Retry-After`.
    pub retry_after_ms: Option<u64>,
    /// Bytes of body.
    pub body_bytes: u64,
    /// Reads with bytes in them.
    pub n_reads: u64,
    /// The connection had carried another exchange before.
    pub is_reused: bool,
    /// A kept connection turned out to be closed, and a fresh one was taken.
    pub is_retried: bool,
}

/// What the loop says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// Reads with bytes in them.
    pub n_reads: u64,
    /// Of these, without a receive timestamp of the kernel.
    pub n_unstamped: u64,
    /// Of these, with one that cannot be true.
    pub n_implausible: u64,
    /// Times that the wall clock was set.
    pub n_clock_steps: u64,
    /// The longest time from the kernel's stamp to the read's return: what a stamp made here would have been late.
    pub max_read_delay_ns: u64,
    /// The longest time from a due instant to the first byte sent, connecting included.
    pub max_send_lag_ns: u64,
    /// Connections made.
    pub n_connections: u64,
    /// Exchanges that found their kept connection closed.
    pub n_retries: u64,
    /// Times that the loop woke.
    pub n_wakes: u64,
}

/// Why [`Exchanges::poll`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// Exchanges ended.
    Ended,
    /// The instant has come.
    Until,
    /// Nothing is under way.
    Idle,
    /// The interrupt is raised.
    Interrupted,
}

/// How connections are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// Where to; tried in this order until one answers, which is then the first.
    pub addresses: Vec<SocketAddr>,
    /// Whether they are kept.
    pub reuse: Reuse,
    /// What is never exceeded.
    pub limits: Limits,
}

/// Told of each happening; says how to go on.
pub(super) type OnHappening<'a> = dyn FnMut(Ticket, Happening<'_>) -> Flow + 'a;

/// Carries exchanges with one server on the calling thread.
pub struct Exchanges {
    wanted: Connections,
    poller: Poller,
    stamps: Stamps,
    rest: Rest,
    interrupt: Option<Arc<Interrupt>>,
    /// A wait is cut into such slices where the interrupt cannot be watched.
    slice_ns: Option<u64>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    idle: Vec<usize>,
    waiting: BinaryHeap<Reverse<Due>>,
    n_active: usize,
    n_submitted: u64,
    n_ended: u64,
    /// No deadline passes before.
    next_check: MonoNs,
    room: Vec<u8>,
    ready: Vec<Ready>,
    health: Health,
}

/// A place for a connection.
#[derive(Default)]
struct Slot {
    generation: u32,
    connection: Option<Connection>,
}

/// An exchange that is not yet due.
struct Due {
    at: MonoNs,
    job: Box<Job>,
}

impl Exchanges {
    /// Gets ready, the kernel's timestamps included (at most 20 ms); connects to nothing yet.
    ///
    /// # Errors
    /// When the process has no file descriptors left.
    pub fn new(wanted: Connections, interrupt: Option<Arc<Interrupt>>) -> Result<Self, HttpError> {
        let wants = |what| move |source| HttpError::Loop { what, source };
        let mut poller = Poller::new().map_err(wants("watch connections"))?;
        let slice_ns = match &interrupt {
            None => None,
            Some(interrupt) => sys::watch_interrupt(&mut poller, interrupt, INTERRUPT)
                .map_err(wants("watch for an interrupt"))?,
        };
        Ok(Self {
            wanted,
            poller,
            stamps: Stamps::new(),
            rest: Rest::default(),
            interrupt,
            slice_ns,
            slots: Vec::new(),
            free: Vec::new(),
            idle: Vec::new(),
            waiting: BinaryHeap::new(),
            n_active: 0,
            n_submitted: 0,
            n_ended: 0,
            next_check: MonoNs(u64::MAX),
            room: vec![0; ROOM_BYTES],
            ready: Vec::new(),
            health: Health::default(),
        })
    }

    /// Takes a request, to be sent by [`Exchanges::poll`] when it is due.
    ///
    /// # Errors
    /// [`HttpError::Full`].
    pub fn submit(&mut self, out: Outgoing) -> Result<Ticket, HttpError> {
        if self.n_in_flight() >= self.wanted.limits.max_exchanges {
            return Err(HttpError::Full { limit: self.wanted.limits.max_exchanges });
        }
        let ticket = Ticket(self.n_submitted);
        self.n_submitted += 1;
        let at = out.due.unwrap_or_default();
        self.waiting.push(Reverse(Due { at, job: Box::new(Job::new(ticket, out)) }));
        Ok(ticket)
    }

    /// Exchanges that are not over, those that are not yet due included.
    pub fn n_in_flight(&self) -> usize {
        self.n_active + self.waiting.len()
    }

    /// Exchanges that have been begun and are not over.
    pub fn n_active(&self) -> usize {
        self.n_active
    }

    /// What the loop says of itself since it began.
    pub fn health(&self) -> Health {
        let counts = self.stamps.counts;
        Health {
            n_reads: counts.n_reads,
            n_unstamped: counts.n_unstamped,
            n_implausible: counts.n_implausible,
            n_clock_steps: counts.n_steps,
            max_read_delay_ns: counts.max_delay_ns,
            ..self.health
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.as_ref().is_some_and(|interrupt| interrupt.is_raised())
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl Due {
    fn order(&self) -> (MonoNs, Ticket) {
        (self.at, self.job.ticket)
    }
}
