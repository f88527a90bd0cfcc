//! macOS.

use std::io;
use std::process::Command;

/// The unit of `ru_maxrss` (getrusage(2)).
pub(super) const MAXRSS_UNIT_BYTES: u64 = 1;

/// There is no such wish here; the engine ends when its stdin does, which the agent holds.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn die_with(_parent: libc::pid_t) -> io::Result<()> {
    Ok(())
}

/// A process cannot be bound to CPUs here.
pub(crate) fn pin(_command: &mut Command, _cpus: &[u32]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nobody says.
pub(crate) fn allowed_cpus(_pid: u32) -> io::Result<Vec<u32>> {
    Err(io::ErrorKind::Unsupported.into())
}
