//! A device over ssh, by libssh2 or by the ssh program.
//!
//! The user's own OpenSSH configuration decides how a host is reached.
//!
//! | concern | file |
//! |---|---|
//! | what the configuration says of a host | `config`, `plain_config` without OpenSSH, `aliases` |
//! | which carrier | `shell` |
//! | connecting by libssh2: address, greeting, keys of hosts, log-in | `connect`, `host_key`, `known_hosts`, `auth`, `key_file` |
//! | hosts on the way | `jump` |
//! | limits while that goes on | `watch` |
//! | one connection with many channels | `mux` (the thread), `line` (a channel there), `pipe` (what its user sees) |
//! | commands and copies by libssh2 | `library` |
//! | the same by the ssh program | `program`, `master`, `transfer` |

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
