//! Real parts for tests, started and ended by the test that needs them.
//!
//! Every part is a guard: it starts when it is made, and ends, by process id, when it is dropped, also in a panic.
//! What a killed test run leaves behind is undone by a keeper process, or at the latest by the next run.
//! A missing package is an error that names the command which installs it, never a skipped test.
//! Only tests and `cargo xtask lab` use this crate; nothing of it is in the product.
//! **Invariant:** parts that emulate a processor say nothing about speed; their timings are never quoted.

mod daemon;
mod error;
mod program;
mod sshd;
mod sshkey;
mod sys;
mod undo;

pub use error::BenchError;
pub use sshd::{KnownHosts, Sshd, SshdOptions, TestUser, combined_config};
pub use sshkey::{KeyKind, PASSPHRASE, SshAgent};
