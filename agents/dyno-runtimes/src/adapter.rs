//! One LLM runtime on this device, whatever it is.

use std::sync::Arc;

use dyno_model::clock::{Clock, MonoNs};
use dyno_model::launch::{Dialect, LaunchSpec, RuntimeFacts};
use dyno_model::outcome::Outcome;
use dyno_model::request::{Chunk, Finish, Request};

use crate::dialect::Step;
use crate::embedded;
use crate::error::RuntimeError;
use crate::fake::FakeAdapter;
use crate::http::{Health, Polled, Ticket};
use crate::interrupt::Interrupt;
use crate::logprobs::Logprobs;
use crate::server;

/// A step of a launch, with the instant at which it was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchStep {
    /// The process was started.
    Spawned {
        /// Just before it was.
        at: MonoNs,
        /// Its process; `None` where there is none of its own.
        pid: Option<u32>,
    },
    /// Requests can be taken.
    Ready {
        /// Since when.
        at: MonoNs,
        /// What the runtime says of itself, the model included.
        facts: Box<RuntimeFacts>,
    },
}

/// Starts and stops one runtime.
pub trait RuntimeAdapter: Send {
    /// What is known before a start: name, version, digest of the binary.
    ///
    /// # Errors
    /// When the runtime's binary cannot be read.
    fn facts(&mut self) -> Result<RuntimeFacts, RuntimeError>;

    /// Starts the runtime and waits until it is ready; each step is told as it is reached.
    ///
    /// # Errors
    /// [`RuntimeError`]; its [`RuntimeError::outcome`] goes to the record, and [`RuntimeAdapter::stop`] says how the
    /// process ended, if there was one.
    fn start(&mut self, spec: &LaunchSpec, on_step: &mut dyn FnMut(LaunchStep)) -> Result<(), RuntimeError>;

    /// A client of the started runtime, for many requests at once; a runtime that takes one at a time has a
    /// [`Queue`](crate::queue::Queue) before it.
    ///
    /// # Errors
    /// [`RuntimeError::NotStarted`].
    fn carrier(&self) -> Result<Box<dyn Carry>, RuntimeError>;

    /// Whether the runtime can take a further request.
    fn is_running(&mut self) -> bool;

    /// Stops the runtime, if it still runs, and says how it ended.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    fn stop(&mut self) -> Result<ExitReport, RuntimeError>;

    /// The clock that all of this runtime's instants are of.
    fn clock(&self) -> Clock;
}

/// Asks one runtime for one answer at a time.
pub trait Generate: Send {
    /// Sends one request and hands over each chunk as it arrives, on the calling thread.
    ///
    /// A request that fails is a [`Finish`] with its outcome.
    ///
    /// # Errors
    /// When the talk with the runtime broke in a way that is no outcome of the request.
    fn generate(
        &mut self,
        request: &Request,
        on_chunk: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<Finish, RuntimeError>;

    /// What the runtime said of the tokens of the last answer; `None` where it was not asked, or cannot say.
    fn take_logprobs(&mut self) -> Option<Logprobs> {
        None
    }
}

/// Carries any number of requests to one runtime at once, on the calling thread.
pub trait Carry: Send {
    /// Takes a request, to be sent at `due` or at once.
    ///
    /// # Errors
    /// When no more can be taken: nothing is queued in silence.
    fn submit(&mut self, request: &Request, due: Option<MonoNs>) -> Result<Ticket, RuntimeError>;

    /// Sends what is due and hands over what happens, until requests ended, `until` has come, nothing is left, or the
    /// interrupt is raised.
    ///
    /// # Errors
    /// When the talk with the runtime broke in a way that is no outcome of a request.
    fn poll(&mut self, until: MonoNs, on: &mut dyn FnMut(Ticket, Step<'_>)) -> Result<Polled, RuntimeError>;

    /// Breaks all requests off; each ends as cancelled.
    fn stop_all(&mut self, on: &mut dyn FnMut(Ticket, Step<'_>));

    /// What the client says of its own work.
    fn health(&self) -> Health;
}

/// How a runtime ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExitReport {
    /// `Ok` when it ended because it was asked to.
    pub outcome: Outcome,
    /// Exit status in words; `None` without a process.
    pub exit: Option<String>,
    /// CPU time over its life.
    pub cpu_ns: Option<u64>,
    /// Its highest resident bytes.
    pub peak_rss_bytes: Option<u64>,
}

/// The adapter for a launch; `key` is the endpoint's, if it wants one.
///
/// # Errors
/// A setting that the runtime does not know or cannot use, or a dialect that this agent was built without.
pub fn adapter_for(
    spec: &LaunchSpec,
    key: Option<&str>,
    interrupt: Arc<Interrupt>,
) -> Result<Box<dyn RuntimeAdapter>, RuntimeError> {
    match spec.dialect {
        Dialect::Embedded => embedded::adapter(spec, interrupt),
        Dialect::Fake => Ok(Box::new(FakeAdapter::new(spec, interrupt)?)),
        Dialect::OpenaiChat
        | Dialect::OpenaiCompletions
        | Dialect::LlamaServer
        | Dialect::OllamaGenerate
        | Dialect::OllamaChat => server::adapter(spec, key, interrupt),
    }
}
