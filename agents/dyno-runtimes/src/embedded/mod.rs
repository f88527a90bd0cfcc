//! The engine that the agent carries, in a process of its own, so that every launch is a fresh one.
//!
//! [`parent`] starts this very program again with the subcommand `engine` and speaks to it over its stdin and stdout
//! in the small language of [`wire`]; `child` is the other half. `paced` plays a schedule over the same pipes.
//! Stamps are the engine's own: `CLOCK_MONOTONIC` is one clock for all processes of a machine, so a token's instant
//! is true however late the parent wakes.

#[cfg(feature = "engine-embedded")]
mod child;
mod link;
#[cfg(feature = "engine-embedded")]
mod paced;
mod parent;
mod wire;

#[cfg(feature = "engine-embedded")]
pub use child::{EngineMainError, engine_main};
#[cfg(feature = "engine-embedded")]
pub use paced::{PacedEngine, PacedToken, paced_engine_main};
pub use parent::EmbeddedAdapter;

use std::sync::Arc;

use dyno_model::launch::LaunchSpec;

use crate::adapter::RuntimeAdapter;
use crate::error::RuntimeError;
use crate::interrupt::Interrupt;

/// The adapter for this agent's own engine.
#[cfg(feature = "engine-embedded")]
pub(crate) fn adapter(
    spec: &LaunchSpec,
    interrupt: Arc<Interrupt>,
) -> Result<Box<dyn RuntimeAdapter>, RuntimeError> {
    let program = std::env::current_exe();
    let program = program.map_err(|source| RuntimeError::Spawn { program: "this program".into(), source })?;
    Ok(Box::new(EmbeddedAdapter::new(program, spec, interrupt)?))
}

/// Without the engine there is nothing to adapt.
#[cfg(not(feature = "engine-embedded"))]
pub(crate) fn adapter(_: &LaunchSpec, _: Arc<Interrupt>) -> Result<Box<dyn RuntimeAdapter>, RuntimeError> {
    Err(RuntimeError::NotBuilt { missing: "the embedded engine (cargo feature `engine-embedded`)" })
}
