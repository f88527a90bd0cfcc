//! What the loop does when it wakes.

use std::cmp::Reverse;
use std::io;
use std::net::TcpStream;
use std::time::Duration;

use dyno_model::clock::{MonoNs, monotonic_now};

use super::super::begun;
use super::super::connection::{Connection, Fed, Job};
use super::super::error::{HttpError, Phase};
use super::super::sys::{self, Interest};
use super::{Ending, Exchanges, FAR_NS, Happening, INTERRUPT, OnHappening, Polled, Reuse, Ticket};

/// A connection is read at most so often before the others have their turn.
const MAX_READS_IN_TURN: usize = 4;

impl Exchanges {
    /// Sends what is due and hands over what happens, until exchanges ended, `until` has come, nothing is left, or
    /// the interrupt is raised (then [`Exchanges::stop_all`] is the way on).
    ///
    /// # Errors
    /// When the loop itself fails; an exchange that fails is an [`Ending`].
    pub fn poll(&mut self, until: MonoNs, on: &mut OnHappening<'_>) -> Result<Polled, HttpError> {
        let n_before = self.n_ended;
        loop {
            let now = monotonic_now();
            self.stamps.refresh(now);
            self.start_due(now, on);
            if now >= self.next_check {
                self.check_deadlines(now, on);
            }
            if self.n_ended > n_before {
                return Ok(Polled::Ended);
            }
            if self.n_in_flight() == 0 {
                return Ok(Polled::Idle);
            }
            if self.slice_ns.is_some() && self.is_interrupted() {
                return Ok(Polled::Interrupted);
            }
            if now >= until {
                return Ok(Polled::Until);
            }
            if self.wait_and_serve(until.min(now.plus(FAR_NS)), now, on)? {
                return Ok(Polled::Interrupted);
            }
        }
    }

    /// Breaks all exchanges off; each ends with `Interrupted`.
    pub fn stop_all(&mut self, on: &mut OnHappening<'_>) {
        while let Some(Reverse(due)) = self.waiting.pop() {
            let progress = due.job.progress();
            self.end(due.job, Err(HttpError::Interrupted { progress }), on);
        }
        for idx in 0..self.slots.len() {
            if let Some(job) = self.close(idx) {
                let progress = job.progress();
                self.n_active -= 1;
                self.end(job, Err(HttpError::Interrupted { progress }), on);
            }
        }
    }

    /// Makes `n` connections ahead, one after the other, and keeps them.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn connect_ahead(&mut self, n: usize) -> Result<(), HttpError> {
        for _ in 0..n {
            let mut last = None;
            for address in self.wanted.addresses.clone() {
                let limit = Duration::from_millis(self.wanted.limits.connect_ms.max(1));
                begun::one_more();
                match TcpStream::connect_timeout(&address, limit) {
                    Ok(socket) => {
                        last = None;
                        self.keep_fresh(socket)?;
                        break;
                    }
                    Err(source) => last = Some(HttpError::Connect { address, source }),
                }
            }
            if let Some(error) = last {
                return Err(error);
            }
        }
        Ok(())
    }

    fn keep_fresh(&mut self, socket: TcpStream) -> Result<(), HttpError> {
        let failed = |source| HttpError::Loop { what: "set a connection up", source };
        socket.set_nonblocking(true).map_err(failed)?;
        prepare(&socket);
        let idx = self.place(socket, None, Interest::Read).map_err(failed)?;
        self.idle.push(idx);
        Ok(())
    }

    /// One wait and what it brings; `true` when the interrupt is raised.
    fn wait_and_serve(
        &mut self,
        until: MonoNs,
        now: MonoNs,
        on: &mut OnHappening<'_>,
    ) -> Result<bool, HttpError> {
        let mut wake = until.min(self.next_check);
        if let Some(Reverse(due)) = self.waiting.peek() {
            wake = wake.min(due.at);
        }
        if let Some(slice_ns) = self.slice_ns {
            wake = wake.min(now.plus(slice_ns));
        }
        if let Some(end) = self.rest.before(now, wake, self.n_active).filter(|_| self.stamps.are_kernels()) {
            sys::rest_until(end);
            self.stamps.rested_until = end;
        }
        let mut ready = std::mem::take(&mut self.ready);
        let waited = self.poller.wait(wake, &mut ready);
        self.health.n_wakes += 1;
        self.rest.woke(monotonic_now());
        let mut is_interrupted = false;
        for one in &ready {
            if one.key == INTERRUPT {
                is_interrupted = true;
            } else {
                self.serve(one.key, on);
            }
        }
        self.ready = ready;
        waited.map_err(|source| HttpError::Loop { what: "wait for connections", source })?;
        Ok(is_interrupted)
    }

    fn start_due(&mut self, now: MonoNs, on: &mut OnHappening<'_>) {
        while self.waiting.peek().is_some_and(|Reverse(due)| due.at <= now) {
            let Some(Reverse(due)) = self.waiting.pop() else { return };
            let mut job = due.job;
            job.facts.started_at = Some(monotonic_now());
            self.n_active += 1;
            self.start(job, on);
        }
    }

    /// Gives a job a connection.
    fn start(&mut self, mut job: Box<Job>, on: &mut OnHappening<'_>) {
        let may_keep = self.wanted.reuse == Reuse::Pooled && !job.facts.is_retried;
        let kept = if may_keep { self.take_idle() } else { None };
        if let Some(idx) = kept {
            job.facts.is_reused = true;
            self.next_check = self.next_check.min(job.deadline(&self.wanted.limits).0);
            self.write(idx, job, on);
            return;
        }
        job.phase = Phase::Connecting;
        self.next_check = self.next_check.min(job.deadline(&self.wanted.limits).0);
        loop {
            let address = self.wanted.addresses[0];
            let limit = Duration::from_millis(self.wanted.limits.connect_ms.max(1));
            begun::one_more();
            match sys::connect(address, limit) {
                Ok(socket) => {
                    prepare(&socket);
                    self.health.n_connections += 1;
                    let progress = job.progress();
                    let ticket = job.ticket;
                    if let Err(source) = self.place(socket, Some(job), Interest::Write) {
                        self.lost(ticket, HttpError::Broken { progress, source }, on);
                    }
                    return;
                }
                Err(source) if !self.try_next_address(&mut job) => {
                    self.fail(job, HttpError::Connect { address, source }, on);
                    return;
                }
                Err(_) => {}
            }
        }
    }

    /// The idle connection used last that has not been closed by the server meanwhile.
    fn take_idle(&mut self) -> Option<usize> {
        while let Some(idx) = self.idle.pop() {
            let Some(connection) = &self.slots[idx].connection else { continue };
            let said = sys::receive(&connection.socket, &mut [0]);
            if said.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                return Some(idx);
            }
            self.close(idx);
        }
        None
    }

    /// Puts another address first; `false` when all have been tried.
    fn try_next_address(&mut self, job: &mut Job) -> bool {
        job.n_addresses_tried += 1;
        if job.n_addresses_tried >= self.wanted.addresses.len() {
            return false;
        }
        self.wanted.addresses.rotate_left(1);
        true
    }

    /// Finds a place for a connection and watches it.
    fn place(&mut self, socket: TcpStream, job: Option<Box<Job>>, interest: Interest) -> io::Result<usize> {
        let idx = self.free.pop().unwrap_or_else(|| {
            self.slots.push(super::Slot::default());
            self.slots.len() - 1
        });
        let slot = &mut self.slots[idx];
        slot.generation = slot.generation.wrapping_add(1) & 0x7fff_ffff;
        let key = u64::from(slot.generation) << 32 | idx as u64;
        if let Err(error) = self.poller.add(&socket, key, interest) {
            self.free.push(idx);
            return Err(error);
        }
        slot.connection = Some(Connection { socket, key, job });
        Ok(idx)
    }

    /// Takes a connection away, and gives its job back.
    fn close(&mut self, idx: usize) -> Option<Box<Job>> {
        let connection = self.slots[idx].connection.take()?;
        self.poller.remove(&connection.socket, connection.key);
        self.free.push(idx);
        if connection.job.is_none() {
            self.idle.retain(|one| *one != idx);
        }
        connection.job
    }

    fn serve(&mut self, key: u64, on: &mut OnHappening<'_>) {
        let idx = (key & 0xffff_ffff) as usize;
        let Some(connection) = self.slots.get_mut(idx).and_then(|slot| slot.connection.as_mut()) else {
            return;
        };
        if connection.key != key {
            return;
        }
        let Some(mut job) = connection.job.take() else {
            // An idle connection has nothing to say: it ended, or its server makes no sense.
            self.close(idx);
            return;
        };
        match job.phase {
            Phase::Waiting | Phase::Connecting => match connection.socket.take_error() {
                Ok(None) => self.write(idx, job, on),
                Ok(Some(source)) | Err(source) => {
                    self.close(idx);
                    let address = self.wanted.addresses[0];
                    if self.try_next_address(&mut job) {
                        self.start(job, on);
                    } else {
                        self.fail(job, HttpError::Connect { address, source }, on);
                    }
                }
            },
            Phase::Sending => self.write(idx, job, on),
            Phase::Head | Phase::Body => self.read(idx, job, on),
        }
    }

    fn write(&mut self, idx: usize, mut job: Box<Job>, on: &mut OnHappening<'_>) {
        let is_first = job.facts.sent_at.is_none();
        let was_watched_for = if job.facts.is_reused && is_first { Interest::Read } else { Interest::Write };
        let Some(connection) = &mut self.slots[idx].connection else { return };
        let written = job.write(&connection.socket, on);
        if let (true, Some(due), Some(sent)) = (is_first, job.facts.due, job.facts.sent_at) {
            self.health.max_send_lag_ns = self.health.max_send_lag_ns.max(sent.since(due));
        }
        let written = written.and_then(|is_all| {
            let interest = if is_all { Interest::Read } else { Interest::Write };
            if interest != was_watched_for {
                self.poller.change(&connection.socket, connection.key, interest)?;
            }
            Ok(())
        });
        match written {
            Ok(()) => {
                self.next_check = self.next_check.min(job.deadline(&self.wanted.limits).0);
                connection.job = Some(job);
            }
            Err(source) => {
                self.close(idx);
                let progress = job.progress();
                self.retry_or_fail(job, HttpError::Broken { progress, source }, on);
            }
        }
    }

    fn read(&mut self, idx: usize, mut job: Box<Job>, on: &mut OnHappening<'_>) {
        let mut room = std::mem::take(&mut self.room);
        let (phase, before) = (job.phase, job.earliest());
        let outcome = self.read_in_turn(idx, &mut job, &mut room, on);
        self.room = room;
        match outcome {
            Ok(Fed::More) => {
                if phase == Phase::Body {
                    self.rest.saw(job.earliest(), job.earliest().since(before), job.n_pieces);
                }
                self.next_check = self.next_check.min(job.deadline(&self.wanted.limits).0);
                if let Some(connection) = &mut self.slots[idx].connection {
                    connection.job = Some(job);
                }
            }
            Ok(Fed::Complete { is_kept }) => {
                if is_kept && self.wanted.reuse == Reuse::Pooled {
                    self.idle.push(idx);
                } else {
                    self.close(idx);
                }
                self.n_active -= 1;
                self.end(job, Ok(()), on);
            }
            Ok(Fed::Abandoned) => {
                self.close(idx);
                let progress = job.progress();
                self.fail(job, HttpError::Abandoned { progress }, on);
            }
            Err(error) => {
                self.close(idx);
                self.retry_or_fail(job, error, on);
            }
        }
    }

    fn read_in_turn(
        &mut self,
        idx: usize,
        job: &mut Job,
        room: &mut [u8],
        on: &mut OnHappening<'_>,
    ) -> Result<Fed, HttpError> {
        let Some(connection) = &self.slots[idx].connection else { return Ok(Fed::Abandoned) };
        for _ in 0..MAX_READS_IN_TURN {
            let received = match sys::receive(&connection.socket, room) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(HttpError::Broken { progress: job.progress(), source }),
            };
            if received.n == 0 {
                return job.close().map(|()| Fed::Complete { is_kept: false });
            }
            let at = self.stamps.instant(received.wall_ns, job.earliest());
            let fed = job.feed(&room[..received.n], at, on)?;
            if !matches!(fed, Fed::More) {
                return Ok(fed);
            }
            if received.n < room.len() {
                break;
            }
        }
        Ok(Fed::More)
    }

    /// Ends what is too late, and finds the next instant to look.
    fn check_deadlines(&mut self, now: MonoNs, on: &mut OnHappening<'_>) {
        let mut next = MonoNs(u64::MAX);
        for idx in 0..self.slots.len() {
            let Some(job) = self.slots[idx].connection.as_ref().and_then(|one| one.job.as_ref()) else {
                continue;
            };
            let deadline = job.deadline(&self.wanted.limits);
            if deadline.0 > now {
                next = next.min(deadline.0);
            } else if let Some(job) = self.close(idx) {
                let error = job.too_late(deadline);
                self.fail(job, error, on);
            }
        }
        self.next_check = next;
    }

    /// A kept connection may have been closed while nobody looked: that is no failure of the server.
    fn retry_or_fail(&mut self, mut job: Box<Job>, error: HttpError, on: &mut OnHappening<'_>) {
        if job.may_retry() && matches!(error, HttpError::Broken { .. } | HttpError::Closed { .. }) {
            self.health.n_retries += 1;
            job.rewind();
            self.start(job, on);
        } else {
            self.fail(job, error, on);
        }
    }

    fn fail(&mut self, job: Box<Job>, error: HttpError, on: &mut OnHappening<'_>) {
        self.n_active -= 1;
        self.end(job, Err(error), on);
    }

    /// A job that went down with its connection.
    fn lost(&mut self, ticket: Ticket, error: HttpError, on: &mut OnHappening<'_>) {
        self.n_active -= 1;
        self.n_ended += 1;
        let ending = Ending { at: monotonic_now(), result: Err(error), facts: super::Facts::default() };
        on(ticket, Happening::Ended(ending));
    }

    fn end(&mut self, job: Box<Job>, result: Result<(), HttpError>, on: &mut OnHappening<'_>) {
        self.n_ended += 1;
        let at = if result.is_ok() { job.earliest() } else { monotonic_now() };
        on(job.ticket, Happening::Ended(Ending { at, result, facts: job.facts }));
    }
}

/// Small writes leave at once, and what comes in is stamped.
fn prepare(socket: &TcpStream) {
    // Best effort: without them the numbers are a little worse, and reads without a stamp are counted.
    drop(socket.set_nodelay(true));
    // Best effort, as above.
    drop(sys::stamp_receives(socket));
}
