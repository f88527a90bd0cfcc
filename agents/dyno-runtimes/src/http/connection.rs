//! One connection, and the exchange that it carries.

use std::io::{self, Write as _};
use std::net::TcpStream;

use dyno_model::clock::{MonoNs, monotonic_now};

use super::body::Body;
use super::error::{Deadline, HttpError, Phase, Progress};
use super::exchange::{Facts, Flow, Happening, Limits, OnHappening, Outgoing, Ticket};
use super::head::{self, Head, MAX_HEAD_BYTES, Parsed};

const MS: u64 = 1_000_000;

/// A connection and what it is used for.
pub(super) struct Connection {
    pub(super) socket: TcpStream,
    /// Its key with the poller: place and generation.
    pub(super) key: u64,
    /// `None` while it is idle.
    pub(super) job: Option<Box<Job>>,
}

/// An exchange under way.
pub(super) struct Job {
    pub(super) ticket: Ticket,
    pub(super) out: Outgoing,
    pub(super) facts: Facts,
    pub(super) phase: Phase,
    /// Which of the addresses is tried, counted from the preferred one.
    pub(super) n_addresses_tried: usize,
    /// Pieces of body in the last read.
    pub(super) n_pieces: u32,
    n_written: usize,
    /// The beginning of a head that came in pieces.
    head: Vec<u8>,
    body: Option<Body>,
    is_kept: bool,
    /// The content is complete; only the body's end is awaited.
    draining_since: Option<MonoNs>,
    /// When bytes came last.
    last_at: MonoNs,
}

/// What a read came to.
pub(super) enum Fed {
    /// More is to come.
    More,
    /// The body is complete; whether the connection can carry another exchange.
    Complete { is_kept: bool },
    /// The caller has lost interest.
    Abandoned,
}

impl Job {
    pub(super) fn new(ticket: Ticket, out: Outgoing) -> Self {
        let facts = Facts { due: out.due, ..Facts::default() };
        Self {
            ticket,
            out,
            facts,
            phase: Phase::Waiting,
            n_addresses_tried: 0,
            n_pieces: 0,
            n_written: 0,
            head: Vec::new(),
            body: None,
            is_kept: false,
            draining_since: None,
            last_at: MonoNs(0),
        }
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { phase: self.phase, body_bytes: self.facts.body_bytes }
    }

    /// Back to before the first byte was written: the connection was stale.
    pub(super) fn rewind(&mut self) {
        self.n_written = 0;
        self.facts.sent_at = None;
        self.facts.is_reused = false;
        self.facts.is_retried = true;
    }

    /// Whether another connection may be tried: nothing has come back over this one, which lay idle before.
    pub(super) fn may_retry(&self) -> bool {
        self.facts.is_reused
            && !self.facts.is_retried
            && matches!(self.phase, Phase::Sending | Phase::Head)
            && self.head.is_empty()
    }

    /// Writes what the socket takes; `true` when all is written.
    pub(super) fn write(&mut self, mut socket: &TcpStream, on: &mut OnHappening<'_>) -> io::Result<bool> {
        self.phase = Phase::Sending;
        if self.facts.sent_at.is_none() {
            let at = monotonic_now();
            self.facts.sent_at = Some(at);
            self.last_at = at;
            // Nothing has been sent: a caller who gives up here is asked again at the head.
            on(self.ticket, Happening::Sent { at });
        }
        while self.n_written < self.out.bytes.len() {
            match socket.write(&self.out.bytes[self.n_written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.n_written += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.phase = Phase::Head;
        Ok(true)
    }

    /// No bytes can have come before.
    pub(super) fn earliest(&self) -> MonoNs {
        self.last_at
    }

    /// Takes the bytes of one read.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        at: MonoNs,
        on: &mut OnHappening<'_>,
    ) -> Result<Fed, HttpError> {
        self.facts.n_reads += 1;
        self.n_pieces = 0;
        self.last_at = at;
        if self.body.is_some() {
            return self.feed_body(bytes, at, on);
        }
        if self.head.is_empty() {
            return self.feed_head(bytes, at, on);
        }
        let mut all = std::mem::take(&mut self.head);
        all.extend_from_slice(bytes);
        self.feed_head(&all, at, on)
    }

    fn feed_head(
        &mut self,
        mut bytes: &[u8],
        at: MonoNs,
        on: &mut OnHappening<'_>,
    ) -> Result<Fed, HttpError> {
        loop {
            match head::parse(bytes).map_err(|what| self.malformed(what))? {
                Parsed::Interim(n) => bytes = &bytes[n..],
                Parsed::Partial if bytes.len() > MAX_HEAD_BYTES => {
                    return Err(self.too_large("its head", MAX_HEAD_BYTES as u64));
                }
                Parsed::Partial => {
                    self.head.extend_from_slice(bytes);
                    return Ok(Fed::More);
                }
                Parsed::Head(head, n) => {
                    self.begin_body(&head);
                    if on(self.ticket, Happening::Head(&head)) == Flow::Abandon {
                        return Ok(Fed::Abandoned);
                    }
                    return self.feed_body(&bytes[n..], at, on);
                }
            }
        }
    }

    fn begin_body(&mut self, head: &Head) {
        self.phase = Phase::Body;
        self.facts.status = Some(head.status);
        self.facts.retry_after_ms = head.retry_after_ms;
        self.is_kept = head.is_kept;
        self.body = Some(Body::new(head.framing));
    }

    fn feed_body(
        &mut self,
        mut bytes: &[u8],
        at: MonoNs,
        on: &mut OnHappening<'_>,
    ) -> Result<Fed, HttpError> {
        let mut body = self.body.expect("the head has been read");
        loop {
            let next = body.next(&mut bytes);
            self.body = Some(body);
            let Some(data) = next.map_err(|what| self.malformed(what))? else { break };
            self.facts.first_byte_at.get_or_insert(at);
            self.n_pieces += 1;
            self.facts.body_bytes += data.len() as u64;
            if self.facts.body_bytes > self.out.max_body_bytes {
                return Err(self.too_large("its body", self.out.max_body_bytes));
            }
            let read = self.facts.n_reads;
            match on(self.ticket, Happening::Body { at, bytes: data, read }) {
                Flow::Continue => {}
                Flow::Drain => {
                    self.draining_since.get_or_insert(at);
                }
                Flow::Abandon => return Ok(Fed::Abandoned),
            }
        }
        if !body.is_done() {
            return Ok(Fed::More);
        }
        // Bytes after the end belong to nothing that was asked for.
        Ok(Fed::Complete { is_kept: self.is_kept && bytes.is_empty() })
    }

    /// The server closed the connection: well, if that is how this body ends.
    pub(super) fn close(&mut self) -> Result<(), HttpError> {
        if self.body.is_some_and(Body::ends_with_connection) {
            return Ok(());
        }
        Err(HttpError::Closed { progress: self.progress() })
    }

    /// The next deadline: when, which, and how long it was.
    pub(super) fn deadline(&self, limits: &Limits) -> (MonoNs, Deadline, u64) {
        let started = self.facts.started_at.unwrap_or_default();
        let after = |from: MonoNs, ms: u64| from.plus(ms.saturating_mul(MS));
        let total = (after(started, self.out.limit_ms), Deadline::Total, self.out.limit_ms);
        let other = match (self.draining_since, self.phase) {
            (Some(since), _) => Some((since, Deadline::End, Some(limits.end_ms))),
            (None, Phase::Waiting) => None,
            (None, Phase::Connecting) => Some((started, Deadline::Connect, Some(limits.connect_ms))),
            (None, _) if self.facts.first_byte_at.is_none() => {
                let from = self.facts.sent_at.unwrap_or(started);
                Some((from, Deadline::FirstByte, limits.first_byte_ms))
            }
            (None, _) => Some((self.last_at, Deadline::NextByte, limits.next_byte_ms)),
        };
        match other {
            Some((from, which, Some(ms))) if after(from, ms) < total.0 => (after(from, ms), which, ms),
            _ => total,
        }
    }

    pub(super) fn too_late(&self, (_, deadline, limit_ms): (MonoNs, Deadline, u64)) -> HttpError {
        HttpError::TooLate { deadline, limit_ms, progress: self.progress() }
    }

    fn malformed(&self, what: &'static str) -> HttpError {
        HttpError::Malformed { what, progress: self.progress() }
    }

    fn too_large(&self, what: &'static str, limit_bytes: u64) -> HttpError {
        HttpError::TooLarge { what, limit_bytes, progress: self.progress() }
    }
}
