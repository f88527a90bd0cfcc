//! Reach one device: move bytes and run programs, without knowing what they mean.
//!
//! Commands are argv, never a shell string; quoting for transports that need a shell lives in [`command`] only.

pub mod adb;
pub mod artifact;
pub mod command;
mod error;
mod local;
pub mod memory;
mod output;
mod path;
mod place;
mod process;
mod shell;
pub mod ssh;
mod sys;
pub mod tls;
mod transport;

pub use adb::AdbTransport;
pub use artifact::Artifact;
pub use command::RemoteCommand;
pub use error::TransportError;
pub use local::LocalTransport;
pub use path::RemotePath;
pub use ssh::{Ask, NoAsk, SshCarrier, SshError, SshSettings, SshTransport};
pub use transport::{Ended, OnBytes, Output, Platform, PushOutcome, RemoteProcess, Streams, Transport};
