//! The engine's pipes with a schedule in the place of a model: what the way of a token from engine to record costs.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use dyno_model::clock::{Clock, MonoNs};
use dyno_model::launch::ModelFacts;
use dyno_model::outcome::Outcome;
use dyno_model::request::{Finish, FinishReason, Usage, UsageSource};

use super::child::{Child, EngineMainError};
use super::link::{EmbeddedClient, GRACE, Link, lock};
use super::wire::{self, Ask, Ready};
use crate::adapter::Carry;
use crate::error::RuntimeError;
use crate::interrupt::Interrupt;
use crate::paced::Script;
use crate::process::Process;
use crate::queue::Queue;

/// It loads nothing: longer than this and something is wrong.
const READY_LIMIT_MS: u64 = 1_000;

/// A process that plays schedules as the engine would; it ends with this value.
///
/// A request's message is the script ([`crate::paced`]: `ttft_us`, `gap_us`, `batch`), and each token's text is the
/// truth about it, a [`PacedToken`].
pub struct PacedEngine {
    link: Arc<Mutex<Link>>,
    interrupt: Arc<Interrupt>,
}

/// What really happened to one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacedToken {
    /// When its request arrived at the process.
    pub received_at: MonoNs,
    /// When it was made.
    pub made_at: MonoNs,
}

impl PacedEngine {
    /// Starts `program paced-engine`.
    ///
    /// # Errors
    /// When it cannot be started, or is not ready within a second.
    pub fn start(program: &Path, interrupt: Arc<Interrupt>) -> Result<Self, RuntimeError> {
        let started = Process::spawn(Command::new(program).arg("paced-engine"))?;
        let is_dead = Arc::new(AtomicBool::new(false));
        let mut link = Link::over(started, &interrupt, &is_dead);
        link.wait_until_ready(READY_LIMIT_MS)?;
        Ok(Self { link: Arc::new(Mutex::new(link)), interrupt })
    }

    /// The client that the engine itself is asked with.
    pub fn carrier(&self) -> Box<dyn Carry> {
        let client = Box::new(EmbeddedClient(Arc::clone(&self.link)));
        Box::new(Queue::new(client, Clock::Monotonic, Arc::clone(&self.interrupt)))
    }
}

impl Drop for PacedEngine {
    fn drop(&mut self) {
        let mut link = lock(&self.link);
        link.pipes = None;
        // Best effort: one that does not end by itself is killed, and its status is of no use.
        drop(link.process.end(GRACE));
    }
}

impl PacedToken {
    /// Out of a token's text.
    pub fn read(text: &str) -> Option<Self> {
        let (received, made) = text.split_once(' ')?;
        Some(Self { received_at: MonoNs(received.parse().ok()?), made_at: MonoNs(made.parse().ok()?) })
    }
}

/// Plays schedules over stdin and stdout until stdin ends.
///
/// # Errors
/// [`EngineMainError`].
pub fn paced_engine_main() -> Result<(), EngineMainError> {
    let mut child = Child::over_stdio()?;
    let at = Clock::Monotonic.now();
    let ready = Ready { at, threads: 1, backend: "paced".to_owned(), model: ModelFacts::default() };
    child.tell(wire::TAG_READY, &ready)?;
    while let Some(ask) = child.next_ask()? {
        play(&mut child, &ask)?;
    }
    Ok(())
}

fn play(child: &mut Child, ask: &Ask) -> Result<(), EngineMainError> {
    let received_at = Clock::Monotonic.now();
    let words = ask.messages.first().map(|message| message.content.as_str()).unwrap_or_default();
    let script =
        Script::parse(words).map_err(|error| EngineMainError::Nonsense { what: error.to_string() })?;
    let n_tokens = ask.sampling.max_tokens;
    for k in 0..n_tokens {
        Clock::Monotonic.sleep_until(received_at.plus(script.due_ns(u64::from(k))));
        let at = Clock::Monotonic.now();
        child.token(at, &format!("{} {}", received_at.0, at.0))?;
    }
    let usage = Usage { completion_tokens: Some(n_tokens), source: UsageSource::Engine, ..Usage::default() };
    let (outcome, reason) = (Outcome::Ok, Some(FinishReason::Length));
    child.done(&Finish { at: Clock::Monotonic.now(), outcome, reason, usage, timings: None })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tokens_text_is_its_truth() {
        let expected = PacedToken { received_at: MonoNs(12), made_at: MonoNs(34) };
        assert_eq!(PacedToken::read("12 34"), Some(expected));
        assert_eq!((PacedToken::read("12"), PacedToken::read("a 1")), (None, None));
    }
}
