//! What the store uses of the machine, so that a test can put something else in its place.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::sys;

/// How the store reaches out.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The Python whose pip fetches packages.
    pub python: OsString,
    /// Schemes of addresses that are allowed.
    pub schemes: Schemes,
    /// How long a connection may take.
    pub connect_limit: Duration,
    /// How long an open connection may be silent.
    pub silence_limit: Duration,
    /// Free bytes of the disk that a folder lies on; `None` where the system does not say.
    pub free_bytes: fn(&Path) -> io::Result<Option<u64>>,
}

/// Schemes of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schemes {
    /// `https` only.
    Https,
    /// `http` too: for a server on this machine.
    HttpToo,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            python: "python3".into(),
            schemes: Schemes::Https,
            // House rules: a host that is there answers much sooner.
            connect_limit: Duration::from_secs(10),
            silence_limit: Duration::from_secs(30),
            free_bytes: sys::free_bytes,
        }
    }
}
