//! LLM runtimes on this device: how each is started, asked and stopped, behind one pair of traits.
//!
//! [`adapter`] has the traits and the way from a launch spec to an adapter. [`embedded`] runs the engine that the
//! agent carries, in a process of its own; [`fake`] is a scripted token clock that never waits. [`dialect`] asks servers
//! over [`http`], and [`paced`] is a server whose every token has a known instant.

pub mod adapter;
pub mod dialect;
pub mod embedded;
#[cfg(feature = "engine-embedded")]
pub mod engine;
pub mod error;
pub mod fake;
pub mod http;
pub mod interrupt;
pub mod logprobs;
pub mod paced;
pub mod process;
pub mod queue;
mod server;
mod sys;
