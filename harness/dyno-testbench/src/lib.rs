//! Real parts for tests, started and ended by the test that needs them.
//!
//! Every part is a guard: it starts when it is made, and ends, by process id, when it is dropped, also in a panic.
//! What a killed test run leaves behind is undone by a keeper process, or at the latest by the next run.
//! A missing package is an error that names the command which installs it, never a skipped test.
//! Only tests and `cargo xtask lab` use this crate; nothing of it is in the product.
//! **Invariant:** parts that emulate a processor say nothing about speed; their timings are never quoted.

mod adb;
mod authority;
mod cache;
mod client;
mod container;
mod daemon;
mod debian;
mod error;
mod fake_adb;
mod image;
mod laptop;
mod llama;
mod machine;
mod netns;
mod phone;
mod program;
mod proxy;
mod qmp;
mod sshd;
mod sshkey;
mod sys;
mod undo;
mod userland;
mod volume;

pub use adb::AdbServer;
pub use authority::{Authority, Certified};
pub use client::{KnownHosts, SshHost, combined_config, path_with_ssh};
pub use error::BenchError;
pub use fake_adb::{FakeAdb, FakePhone, FakeState};
pub use laptop::LaptopValue;
pub use llama::{LlamaCpp, smollm2};
pub use machine::{Machine, MachineKind};
pub use netns::Namespace;
pub use phone::{AdbDevice, PhoneOptions};
pub use program::Output;
pub use proxy::Proxy;
pub use sshd::{Sshd, SshdOptions, TestUser};
pub use sshkey::{KeyKind, PASSPHRASE, SshAgent};
pub use userland::{Userland, UserlandOptions};
pub use volume::Volume;
