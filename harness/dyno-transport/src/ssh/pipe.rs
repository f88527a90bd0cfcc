//! What the thread of a session and the users of one channel share.
//!
//! Both directions are bounded: a program that reads slowly holds its writer back, and one that prints endlessly is
//! held back by its reader.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::output::{Keep, Kept};
use crate::transport::Ended;

/// Input that may wait to be sent.
const MAX_INPUT_BYTES: usize = 1 << 20;
/// Output that may wait to be read.
const MAX_OUTPUT_BYTES: usize = 1 << 20;
/// Pieces of output are joined up to this size.
const JOINED_BYTES: usize = 4096;
/// The size of a piece of input.
pub(super) const CHUNK_BYTES: usize = 256 << 10;

/// Why a channel ended without an exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// The link is gone.
    Link(io::ErrorKind, String),
    /// The server refuses this channel; the link is fine.
    Refused(&'static str, String),
}

impl Broken {
    /// The same as an error of a stream.
    pub(super) fn to_io(&self) -> io::Error {
        match self {
            Self::Link(kind, words) => io::Error::new(*kind, words.clone()),
            Self::Refused(_, words) => io::Error::new(io::ErrorKind::ConnectionRefused, words.clone()),
        }
    }
}

/// Wakes the thread of a session.
#[derive(Debug)]
pub(super) struct Waker(pub(super) UnixStream);

impl Waker {
    pub(super) fn wake(&self) {
        // Best effort: a pipe that is full wakes as well, and without a thread nobody is to be woken.
        (&self.0).write_all(&[1]).ok();
    }
}

/// One channel.
#[derive(Debug)]
pub(super) struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
    waker: Arc<Waker>,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is said by another side at another time")]
struct State {
    input: VecDeque<Vec<u8>>,
    input_bytes: usize,
    is_input_closed: bool,
    sent_bytes: u64,
    output: VecDeque<Vec<u8>>,
    /// How much of the first piece has been read.
    output_at: usize,
    output_bytes: usize,
    is_output_wanted: bool,
    is_output_over: bool,
    errors: Kept,
    has_started: bool,
    is_abandoned: bool,
    end: Option<Result<Ended, Broken>>,
}

/// What is to be sent next.
pub(super) enum Next {
    Chunk(Vec<u8>),
    Nothing,
    End,
}

/// How users see it.
impl Pipe {
    pub(super) fn new(waker: &Arc<Waker>, keep_errors: Keep) -> Arc<Self> {
        let state = State {
            input: VecDeque::new(),
            input_bytes: 0,
            is_input_closed: false,
            sent_bytes: 0,
            output: VecDeque::new(),
            output_at: 0,
            output_bytes: 0,
            is_output_wanted: true,
            is_output_over: false,
            errors: Kept::new(keep_errors),
            has_started: false,
            is_abandoned: false,
            end: None,
        };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new(), waker: Arc::clone(waker) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `is_ready` or `until`; whether it is ready.
    fn wait_for<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        until: Option<Instant>,
        is_ready: impl Fn(&State) -> bool,
    ) -> (MutexGuard<'a, State>, bool) {
        while !is_ready(&state) {
            state = match until {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return (state, false);
                    }
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        (state, true)
    }

    /// Queues a piece of input, waiting for room as long as some is sent every `silence`.
    pub(super) fn give(&self, chunk: Vec<u8>, silence: Option<Duration>) -> io::Result<()> {
        let mut state = self.lock();
        while state.input_bytes >= MAX_INPUT_BYTES && state.end.is_none() && !state.is_abandoned {
            let before = state.sent_bytes;
            let until = silence.map(|silence| Instant::now() + silence);
            let moved =
                |state: &State| state.sent_bytes != before || state.end.is_some() || state.is_abandoned;
            let (now, has_moved) = self.wait_for(state, until, moved);
            state = now;
            if !has_moved {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        match &state.end {
            Some(Err(broken)) => return Err(broken.to_io()),
            Some(Ok(_)) => return Err(io::ErrorKind::BrokenPipe.into()),
            None if state.is_abandoned => return Err(io::ErrorKind::BrokenPipe.into()),
            None => {}
        }
        state.input_bytes += chunk.len();
        state.input.push_back(chunk);
        drop(state);
        self.waker.wake();
        Ok(())
    }

    /// No more input will come.
    pub(super) fn close_input(&self) {
        self.lock().is_input_closed = true;
        self.waker.wake();
    }

    /// Bytes of input that have been sent.
    pub(super) fn sent_bytes(&self) -> u64 {
        self.lock().sent_bytes
    }

    /// Reads output; 0 at its end.
    pub(super) fn read(&self, bytes: &mut [u8], until: Option<Instant>) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let ready = |state: &State| {
            !state.output.is_empty() || state.is_output_over || state.end.is_some() || state.is_abandoned
        };
        let (mut state, is_ready) = self.wait_for(self.lock(), until, ready);
        if !is_ready {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let was_full = state.output_bytes >= MAX_OUTPUT_BYTES;
        let n_bytes = state.take_output(bytes);
        if n_bytes == 0
            && !state.is_abandoned
            && let Some(Err(broken)) = &state.end
        {
            return Err(broken.to_io());
        }
        let has_room = was_full && state.output_bytes < MAX_OUTPUT_BYTES;
        drop(state);
        if has_room {
            self.waker.wake();
        }
        Ok(n_bytes)
    }

    /// Nobody reads the output any more: it is thrown away.
    fn forget_output(&self) {
        let mut state = self.lock();
        state.is_output_wanted = false;
        state.output.clear();
        state.output_bytes = 0;
        drop(state);
        self.waker.wake();
    }

    /// Waits for the program's start; `None` if it does not come within `limit`.
    pub(super) fn wait_started(&self, limit: Duration) -> Option<Result<(), Broken>> {
        let until = Instant::now() + limit;
        let ready = |state: &State| state.has_started || state.end.is_some();
        let (state, is_ready) = self.wait_for(self.lock(), Some(until), ready);
        match &state.end {
            Some(Err(broken)) if !state.has_started => Some(Err(broken.clone())),
            _ => is_ready.then_some(Ok(())),
        }
    }

    /// How the program ended, if it has within `limit`.
    pub(super) fn wait_ended(&self, limit: Duration) -> Option<Result<Ended, Broken>> {
        // A limit beyond what the clock can say is none.
        let until = Instant::now().checked_add(limit);
        self.wait_for(self.lock(), until, |state| state.end.is_some()).0.end.clone()
    }

    /// The channel is given up: it is closed, and nobody waits for the program.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.is_abandoned = true;
        state.input.clear();
        state.input_bytes = 0;
        drop(state);
        self.changed.notify_all();
        self.waker.wake();
    }

    /// What is kept of stderr.
    pub(super) fn errors(&self) -> Vec<u8> {
        self.lock().errors.bytes()
    }
}

impl State {
    fn take_output(&mut self, bytes: &mut [u8]) -> usize {
        let mut n_taken = 0;
        while n_taken < bytes.len() {
            let Some(first) = self.output.front() else { break };
            let rest = &first[self.output_at..];
            let n_bytes = rest.len().min(bytes.len() - n_taken);
            bytes[n_taken..n_taken + n_bytes].copy_from_slice(&rest[..n_bytes]);
            n_taken += n_bytes;
            self.output_at += n_bytes;
            if self.output_at == first.len() {
                self.output.pop_front();
                self.output_at = 0;
            }
        }
        self.output_bytes -= n_taken;
        n_taken
    }
}

/// How the thread of the session sees it.
impl Pipe {
    pub(super) fn next_input(&self) -> Next {
        let mut state = self.lock();
        match state.input.pop_front() {
            Some(chunk) => Next::Chunk(chunk),
            None if state.is_input_closed => Next::End,
            None => Next::Nothing,
        }
    }

    /// A piece of input of `n_bytes` is with the other side's connection.
    pub(super) fn input_sent(&self, n_bytes: usize) {
        let mut state = self.lock();
        state.input_bytes = state.input_bytes.saturating_sub(n_bytes);
        state.sent_bytes += n_bytes as u64;
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn has_room(&self) -> bool {
        self.lock().output_bytes < MAX_OUTPUT_BYTES
    }

    pub(super) fn put_output(&self, bytes: &[u8]) {
        let mut state = self.lock();
        if !state.is_output_wanted || state.is_abandoned {
            return;
        }
        state.output_bytes += bytes.len();
        match state.output.back_mut() {
            // Small pieces are joined: kept one by one they would take many times their size.
            Some(last) if last.len() + bytes.len() <= JOINED_BYTES => last.extend_from_slice(bytes),
            _ => state.output.push_back(bytes.to_vec()),
        }
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn put_errors(&self, bytes: &[u8]) {
        self.lock().errors.push(bytes);
    }

    pub(super) fn output_over(&self) {
        self.lock().is_output_over = true;
        self.changed.notify_all();
    }

    pub(super) fn started(&self) {
        self.lock().has_started = true;
        self.changed.notify_all();
    }

    /// How it ended; only the first word counts.
    pub(super) fn finish(&self, end: Result<Ended, Broken>) {
        self.lock().end.get_or_insert(end);
        self.changed.notify_all();
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.lock().is_abandoned
    }
}

/// The stdin of a program; dropping it is end of file.
pub(super) struct Input(pub(super) Arc<Pipe>);

impl Write for Input {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_bytes = bytes.len().min(CHUNK_BYTES);
        if n_bytes > 0 {
            self.0.give(bytes[..n_bytes].to_vec(), None)?;
        }
        Ok(n_bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.0.close_input();
    }
}

/// The stdout of a program; what comes after it is dropped is thrown away.
pub(super) struct Output {
    pub(super) pipe: Arc<Pipe>,
    /// How long to wait for more; the link's own limits hold in any case.
    pub(super) silence: Option<Duration>,
}

impl Read for Output {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.pipe.read(bytes, self.silence.map(|silence| Instant::now() + silence))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.pipe.forget_output();
    }
}
