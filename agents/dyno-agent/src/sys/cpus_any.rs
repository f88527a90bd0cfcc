//! Which CPUs a thread runs on, where the system decides that alone.

use std::io;

/// Nobody says.
pub(crate) fn allowed() -> Option<Vec<u32>> {
    None
}

/// Threads are not pinned here.
///
/// # Errors
/// Always.
pub(crate) fn pin(_cpu: u32) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this agent does not pin threads on this system"))
}
