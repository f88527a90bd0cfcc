//! The system calls that the standard library lacks.
#![expect(unsafe_code, reason = "signals")]

/// Sends SIGKILL to one process; a process that is gone already is no error.
pub(crate) fn kill(pid: u32) {
    signal(pid, libc::SIGKILL);
}

/// Sends a signal to one process; a process that is gone already is no error.
pub(crate) fn signal(pid: u32, number: i32) {
    let Ok(pid) = i32::try_from(pid) else { return };
    if pid <= 1 {
        return;
    }
    // SAFETY: `kill` takes plain numbers; `pid` is positive, so that exactly one process is meant.
    let _gone_is_fine = unsafe { libc::kill(pid, number) };
}
