//! The thread that owns a client while requests come whether it is busy or not.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dyno_model::clock::{Clock, MonoNs};
use dyno_model::request::{Chunk, ChunkKind};

use super::{Job, Served, serve};
use crate::adapter::Generate;
use crate::error::RuntimeError;
use crate::http::Ticket;

/// So many ends wait to be told; then the worker waits, too.
const MAX_DONE: usize = 1024;

/// A client at work on a thread of its own.
pub(super) struct Worker {
    shared: Arc<Shared>,
    done: Receiver<Done>,
    /// What came while nobody took it.
    arrived: Vec<Done>,
    /// The requests that it has, in order.
    inside: VecDeque<Ticket>,
}

/// A request that is over.
pub(super) struct Done {
    pub(super) ticket: Ticket,
    pub(super) chunks: Chunks,
    pub(super) served: Result<Served, RuntimeError>,
}

/// The chunks of one answer: they are told at its end, which costs no wake-up for each beside a busy runtime.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    at: MonoNs,
    kind: ChunkKind,
    n_bytes: usize,
    n_tokens: Option<u16>,
}

/// What the thread and its owner share.
#[derive(Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    changed: Condvar,
}

#[derive(Default)]
struct Inbox {
    jobs: VecDeque<Job>,
    is_closed: bool,
}

impl Worker {
    /// Takes the client along.
    pub(super) fn start(client: Box<dyn Generate>, clock: Clock) -> Result<Self, RuntimeError> {
        let shared = Arc::new(Shared::default());
        let (tell, done) = sync_channel(MAX_DONE);
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("runtime-queue".to_owned());
        thread
            .spawn(move || work(client, &clock, &theirs, &tell))
            .map_err(|source| RuntimeError::Talk { pid: std::process::id(), source })?;
        Ok(Self { shared, done, arrived: Vec::new(), inside: VecDeque::new() })
    }

    /// Requests that it has and whose end nobody has taken yet.
    pub(super) fn n_inside(&self) -> usize {
        self.inside.len()
    }

    pub(super) fn give(&mut self, job: Job) {
        self.inside.push_back(job.ticket);
        lock(&self.shared.inbox).jobs.push_back(job);
        self.shared.changed.notify_one();
    }

    /// Those that it is done with.
    pub(super) fn take_done(&mut self) -> Vec<Done> {
        let mut done = std::mem::take(&mut self.arrived);
        done.extend(self.done.try_iter());
        for one in &done {
            self.inside.retain(|ticket| *ticket != one.ticket);
        }
        done
    }

    /// Waits for an end, at most so long; `false` when the thread is gone.
    pub(super) fn wait(&mut self, limit: Duration) -> bool {
        match self.done.recv_timeout(limit) {
            Ok(done) => self.arrived.push(done),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    /// The requests that it has not begun.
    pub(super) fn take_back(&mut self) -> Vec<Job> {
        let jobs: Vec<Job> = lock(&self.shared.inbox).jobs.drain(..).collect();
        self.inside.retain(|ticket| jobs.iter().all(|job| job.ticket != *ticket));
        jobs
    }

    /// Waits until it has nothing more, at most for `limit`.
    pub(super) fn drain(&mut self, limit: Duration) -> Vec<Done> {
        let began = Instant::now();
        let mut done = self.take_done();
        while !self.inside.is_empty() && began.elapsed() < limit {
            let is_there = self.wait(limit.saturating_sub(began.elapsed()));
            done.extend(self.take_done());
            if !is_there {
                break;
            }
        }
        done
    }

    /// Forgets what it still has.
    pub(super) fn abandon(&mut self) -> Vec<Ticket> {
        self.inside.drain(..).collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends after the request that it serves; nobody waits for that.
        lock(&self.shared.inbox).is_closed = true;
        self.shared.changed.notify_one();
    }
}

impl Chunks {
    fn push(&mut self, chunk: &Chunk<'_>) {
        self.text.push_str(chunk.text);
        let Chunk { at, kind, n_tokens, .. } = *chunk;
        self.parts.push(Part { at, kind, n_bytes: chunk.text.len(), n_tokens });
    }

    /// Hands the chunks over, in order.
    pub(super) fn tell(&self, on: &mut dyn FnMut(Chunk<'_>)) {
        let mut rest = self.text.as_str();
        for Part { at, kind, n_bytes, n_tokens } in &self.parts {
            let (text, after) = rest.split_at(*n_bytes);
            on(Chunk { at: *at, kind: *kind, text, n_tokens: *n_tokens });
            rest = after;
        }
    }
}

/// Serves one request after the other, until the owner or the talk with the runtime ends.
fn work(mut client: Box<dyn Generate>, clock: &Clock, shared: &Shared, tell: &SyncSender<Done>) {
    while let Some(job) = shared.next() {
        let ticket = job.ticket;
        let mut chunks = Chunks::default();
        let served = serve(client.as_mut(), clock, job, &mut |chunk| chunks.push(&chunk));
        let is_broken = served.is_err();
        if tell.send(Done { ticket, chunks, served }).is_err() || is_broken {
            return;
        }
    }
}

impl Shared {
    /// Waits for a request; `None` when no more will come.
    fn next(&self) -> Option<Job> {
        let mut inbox = lock(&self.inbox);
        loop {
            if inbox.is_closed {
                return None;
            }
            if let Some(job) = inbox.jobs.pop_front() {
                return Some(job);
            }
            inbox = self.changed.wait(inbox).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn lock(inbox: &Mutex<Inbox>) -> MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}
