//! macOS.

use std::io;

/// The unit of `ru_maxrss` (getrusage(2)).
pub(super) const MAXRSS_UNIT_BYTES: u64 = 1;

/// There is no such wish here; the engine ends when its stdin does, which the agent holds.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn die_with(_parent: libc::pid_t) -> io::Result<()> {
    Ok(())
}
