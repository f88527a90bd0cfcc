//! Names of signals, as a server sends them (RFC 4254, 6.10), and their numbers on Linux.

/// The number of `SIGKILL`.
pub(super) const KILL: i32 = libc::SIGKILL;

/// The number of a signal; 0 for a name that no standard has.
pub(super) fn number(name: &str) -> i32 {
    match name {
        "ABRT" => libc::SIGABRT,
        "ALRM" => libc::SIGALRM,
        "BUS" => libc::SIGBUS,
        "FPE" => libc::SIGFPE,
        "HUP" => libc::SIGHUP,
        "ILL" => libc::SIGILL,
        "INT" => libc::SIGINT,
        "KILL" => libc::SIGKILL,
        "PIPE" => libc::SIGPIPE,
        "QUIT" => libc::SIGQUIT,
        "SEGV" => libc::SIGSEGV,
        "TERM" => libc::SIGTERM,
        "USR1" => libc::SIGUSR1,
        "USR2" => libc::SIGUSR2,
        _ => 0,
    }
}
