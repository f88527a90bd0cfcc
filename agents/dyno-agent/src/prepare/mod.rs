//! Brings this device into the state that a campaign asks for, and puts it back.
//!
//! [`apply()`] reads each present value, writes it into a restore note in the agent's folder, sets the asked one and
//! reads it back. [`restore()`] goes through the note backwards. A crash in between leaves the note, and the next agent
//! in this folder begins with [`recover`].
//!
//! **Invariant:** nothing is set before the note that undoes it is on the disk. A note is never trusted: a setting is
//! put back only if the driver itself finds it on this device, its value is one that it can have, and it still has
//! the value that we gave it. Commands are not in the note; it only knows the digest of those that are still to run.

mod android;
mod apply;
mod commands;
mod error;
mod host;
mod jetson;
mod knob;
mod note;
mod restore;
mod sysfs;
#[cfg(test)]
mod tests;
mod wish;

pub(crate) use apply::apply;
pub(crate) use error::PrepareError;
pub(crate) use host::SystemHost;
pub(crate) use restore::{After, recover, restore};
