//! A device over ssh, by libssh2 or by the ssh program.
//!
//! The user's own OpenSSH configuration decides how a host is reached. [`library`] carries what libssh2 can do over
//! one connection; [`program`] carries the rest.

mod aliases;
mod ask;
mod auth;
mod config;
mod connect;
mod copy;
mod error;
mod here;
mod host_key;
mod jump;
mod key_file;
mod known_hosts;
mod library;
mod line;
mod master;
mod mux;
mod pattern;
mod pipe;
mod plain_config;
mod program;
mod settings;
mod shell;
mod signal;
mod sys;
mod transfer;
mod transport;
mod watch;

pub use aliases::aliases;
pub use ask::{Ask, NoAsk};
pub use error::SshError;
pub use settings::{SshCarrier, SshSettings};
pub use transport::SshTransport;
