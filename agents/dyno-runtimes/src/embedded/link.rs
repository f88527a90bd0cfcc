//! The talk with an engine's process, from the agent's side.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dyno_model::clock::{Clock, MonoNs};
use dyno_model::outcome::Outcome;
use dyno_model::request::{Chunk, ChunkKind, Finish, Request, TokenLogprob, Usage};

use super::wire::{self, Ask, Inbox, Parcel, Ready};
use crate::adapter::Generate;
use crate::error::RuntimeError;
use crate::interrupt::Interrupt;
use crate::logprobs::Logprobs;
use crate::process::{Pipes, Process, left_until};
use crate::sys;

/// How long after its own deadline, or after a cancel, an engine may go on before it is killed.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// One read has room for so much: many tokens.
const READ_BYTES: usize = 16 << 10;

/// The running process and what has come from it.
pub(super) struct Link {
    pub(super) process: Process,
    pub(super) pipes: Option<Pipes>,
    inbox: Inbox,
    outbox: Vec<u8>,
    interrupt: Arc<Interrupt>,
    /// What the engine said of the last answer's tokens; `None` where it was not asked.
    logprobs: Option<Logprobs>,
    /// Why we killed it, where we did.
    pub(super) killed_for: Option<Outcome>,
    /// It ended or was killed; told to those who do not hold the link.
    is_dead: Arc<AtomicBool>,
}

/// What waiting for the engine came to.
enum Arrival {
    Parcel(Parcel),
    /// The engine closed its end.
    End,
    /// The deadline has passed.
    TooLate,
    /// The interrupt was raised; told once.
    Interrupted,
}

/// Until when to wait, and whether an interrupt is news.
struct Wait {
    due: MonoNs,
    is_interrupted: bool,
}

/// Asks the engine.
pub(super) struct EmbeddedClient(pub(super) Arc<Mutex<Link>>);

impl Generate for EmbeddedClient {
    fn generate(
        &mut self,
        request: &Request,
        on_chunk: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<Finish, RuntimeError> {
        lock(&self.0).generate(request, on_chunk)
    }

    fn take_logprobs(&mut self) -> Option<Logprobs> {
        lock(&self.0).logprobs.take()
    }
}

pub(super) fn lock(link: &Mutex<Link>) -> MutexGuard<'_, Link> {
    link.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// To a process that was started just now.
    pub(super) fn over(
        (process, pipes): (Process, Pipes),
        interrupt: &Arc<Interrupt>,
        is_dead: &Arc<AtomicBool>,
    ) -> Self {
        Self {
            process,
            pipes: Some(pipes),
            inbox: Inbox::default(),
            outbox: Vec::new(),
            interrupt: Arc::clone(interrupt),
            logprobs: None,
            killed_for: None,
            is_dead: Arc::clone(is_dead),
        }
    }

    pub(super) fn wait_until_ready(&mut self, limit_ms: u64) -> Result<Ready, RuntimeError> {
        let due = Clock::Monotonic.now().plus(limit_ms.saturating_mul(1_000_000));
        let mut wait = Wait { due, is_interrupted: false };
        let outcome = match self.arrival(&mut wait)? {
            Arrival::Parcel(parcel) if parcel.tag == wire::TAG_READY => return self.json(&parcel),
            Arrival::Parcel(parcel) if parcel.tag == wire::TAG_FAILED => self.json(&parcel)?,
            Arrival::Parcel(parcel) => return Err(self.nonsense(parcel.tag)),
            Arrival::End => self.death()?,
            Arrival::TooLate => self.kill_for(Outcome::Timeout { limit_ms }),
            Arrival::Interrupted => self.kill_for(Outcome::Cancelled),
        };
        Err(RuntimeError::Launch { outcome })
    }

    pub(super) fn generate(
        &mut self,
        request: &Request,
        on_chunk: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<Finish, RuntimeError> {
        let limit_ms = request.limit_ms;
        let ask = Ask { messages: request.messages.clone(), sampling: request.sampling.clone(), limit_ms };
        self.logprobs = (ask.sampling.top_logprobs > 0).then(|| Logprobs::new(ask.sampling.top_logprobs));
        self.outbox.clear();
        wire::pack_json(&mut self.outbox, wire::TAG_ASK, &ask);
        let Some(pipes) = &mut self.pipes else { return Err(RuntimeError::NotStarted) };
        if pipes.stdin.write_all(&self.outbox).is_err() {
            // A closed pipe means a dead engine; its status says more than the pipe.
            let outcome = self.death()?;
            return Ok(ended(outcome));
        }
        // The engine gives up by itself at its limit; ours is for one that hangs.
        let limit = Duration::from_millis(limit_ms).saturating_add(GRACE);
        let due = Clock::Monotonic.now().plus(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
        let mut wait = Wait { due, is_interrupted: false };
        loop {
            match self.arrival(&mut wait)? {
                Arrival::Parcel(parcel) if parcel.tag == wire::TAG_TOKEN => on_chunk(self.token(&parcel)?),
                Arrival::Parcel(parcel) if parcel.tag == wire::TAG_LOGPROBS => self.keep_logprobs(&parcel)?,
                Arrival::Parcel(parcel) if parcel.tag == wire::TAG_DONE => return self.done(&parcel),
                Arrival::Parcel(parcel) => return Err(self.nonsense(parcel.tag)),
                Arrival::End => return Ok(ended(self.death()?)),
                Arrival::Interrupted => {
                    wait.due = wait.due.min(Clock::Monotonic.now().plus(GRACE.as_nanos() as u64));
                }
                Arrival::TooLate if wait.is_interrupted => {
                    return Ok(ended(self.kill_for(Outcome::Cancelled)));
                }
                Arrival::TooLate => return Ok(ended(self.kill_for(Outcome::Timeout { limit_ms }))),
            }
        }
    }

    /// Waits for a message; a few tokens cost one `poll` and one `read`.
    fn arrival(&mut self, wait: &mut Wait) -> Result<Arrival, RuntimeError> {
        let pid = self.process.pid();
        let talk = |source| RuntimeError::Talk { pid, source };
        loop {
            if let Some(parcel) = self.inbox.take().map_err(|what| RuntimeError::Nonsense { pid, what })? {
                return Ok(Arrival::Parcel(parcel));
            }
            let Some(pipes) = &mut self.pipes else { return Err(RuntimeError::NotStarted) };
            let left = left_until(wait.due);
            let interrupt = (!wait.is_interrupted).then(|| self.interrupt.waitable());
            let fds = [Some(sys::waitable(&pipes.stdout)), interrupt];
            let [is_readable, is_interrupted] = sys::wait_readable(fds, Some(left)).map_err(talk)?;
            if is_readable {
                let n = self.inbox.fill(READ_BYTES, |room| pipes.stdout.read(room)).map_err(talk)?;
                if n == 0 {
                    return Ok(Arrival::End);
                }
            } else if is_interrupted {
                wait.is_interrupted = true;
                return Ok(Arrival::Interrupted);
            } else if left.is_zero() {
                return Ok(Arrival::TooLate);
            }
        }
    }

    fn token(&self, parcel: &Parcel) -> Result<Chunk<'_>, RuntimeError> {
        let Some((at, text)) = wire::unpack_token(self.inbox.payload(parcel)) else {
            return Err(self.nonsense(parcel.tag));
        };
        Ok(Chunk { at, kind: ChunkKind::Content, text, n_tokens: Some(1) })
    }

    /// What the engine says of tokens is kept within the bounds of any runtime's.
    fn keep_logprobs(&mut self, parcel: &Parcel) -> Result<(), RuntimeError> {
        let told: Vec<TokenLogprob> = self.json(parcel)?;
        let Some(logprobs) = &mut self.logprobs else { return Err(self.nonsense(parcel.tag)) };
        for one in told {
            logprobs.push(one);
        }
        Ok(())
    }

    /// The end of an answer. The engine tells of each token that it counts, within the same bounds as here: what is
    /// missing was too much.
    fn done(&mut self, parcel: &Parcel) -> Result<Finish, RuntimeError> {
        let finish: Finish = self.json(parcel)?;
        if let Some(logprobs) = &mut self.logprobs {
            let n_tokens = finish.usage.completion_tokens.unwrap_or(0) as usize;
            for _ in logprobs.tokens().len()..n_tokens {
                logprobs.lose();
            }
        }
        Ok(finish)
    }

    fn json<T: serde::de::DeserializeOwned>(&self, parcel: &Parcel) -> Result<T, RuntimeError> {
        let what = |error: serde_json::Error| format!("message `{}`: {error}", char::from(parcel.tag));
        serde_json::from_slice(self.inbox.payload(parcel))
            .map_err(|error| RuntimeError::Nonsense { pid: self.process.pid(), what: what(error) })
    }

    fn nonsense(&self, tag: u8) -> RuntimeError {
        let what = format!("a message `{}` is not expected here", char::from(tag).escape_default());
        RuntimeError::Nonsense { pid: self.process.pid(), what }
    }

    fn kill_for(&mut self, outcome: Outcome) -> Outcome {
        self.is_dead.store(true, Ordering::SeqCst);
        self.process.kill();
        self.killed_for.insert(outcome).clone()
    }

    /// How the engine died, once its pipe is closed; one that ended well all the same did not do its work.
    fn death(&mut self) -> Result<Outcome, RuntimeError> {
        self.is_dead.store(true, Ordering::SeqCst);
        let report = self.process.end(GRACE)?;
        let outcome = match report.outcome {
            Outcome::Ok => {
                let exit = report.exit.unwrap_or_default();
                Outcome::Crashed {
                    exit,
                    stderr_tail: "the engine closed its pipe in the middle of its work".to_owned(),
                }
            }
            other => other,
        };
        Ok(self.killed_for.insert(outcome).clone())
    }
}

/// The end of a request that the engine did not answer.
fn ended(outcome: Outcome) -> Finish {
    Finish { at: Clock::Monotonic.now(), outcome, reason: None, usage: Usage::default(), timings: None }
}
