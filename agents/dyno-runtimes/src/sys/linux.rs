//! Linux and Android.
#![expect(unsafe_code, reason = "prctl has no equivalent in std")]

use std::io;

/// The unit of `ru_maxrss` (getrusage(2)).
pub(super) const MAXRSS_UNIT_BYTES: u64 = 1024;

/// No engine outlives its agent: the calling process dies when the thread that started it does.
pub(super) fn die_with(parent: libc::pid_t) -> io::Result<()> {
    // SAFETY: this prctl takes a plain number; it is safe between fork and exec.
    let rc = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) };
    if rc != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `getppid` cannot fail and is safe between fork and exec.
    let now = unsafe { libc::getppid() };
    // The parent may have died before the wish was made.
    if now == parent { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
}
