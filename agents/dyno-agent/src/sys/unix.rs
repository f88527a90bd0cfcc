//! What Linux, Android and macOS share.
#![expect(unsafe_code, reason = "signals, poll and getrusage have no equivalents in std")]

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

/// Signals that ask the agent to stop: a polite kill, and a terminal that went away.
const STOP_SIGNALS: [libc::c_int; 2] = [libc::SIGTERM, libc::SIGHUP];

/// Keeps stop signals for [`wait_for_stop_signal`], and ignores the terminal's interrupt key: it is the controller
/// that decides what a Ctrl-C means.
///
/// Must be called before any thread is started.
pub(crate) fn catch_stop_signals() -> io::Result<()> {
    let set = stop_signals();
    // SAFETY: the first pointer is to an initialised set; a null second one asks for nothing back.
    let rc = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    if rc != 0 {
        return Err(io::Error::from_raw_os_error(rc));
    }
    // SAFETY: ignoring a signal installs no code.
    let before = unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sleeps until a stop signal comes.
pub(crate) fn wait_for_stop_signal() {
    let set = stop_signals();
    let mut signal = 0;
    // SAFETY: both pointers are to live values of the right types.
    while unsafe { libc::sigwait(&raw const set, &raw mut signal) } != 0 {}
}

fn stop_signals() -> libc::sigset_t {
    // SAFETY: all-zero bytes are a valid `sigset_t`, which is plain numbers.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live, writable set.
    unsafe { libc::sigemptyset(&raw mut set) };
    for signal in STOP_SIGNALS {
        // SAFETY: the pointer is to an initialised set.
        unsafe { libc::sigaddset(&raw mut set, signal) };
    }
    set
}

/// Whether stdout takes a small message now, without waiting: nobody waits for a slow controller.
pub(crate) fn stdout_has_room() -> bool {
    let mut polled = libc::pollfd { fd: libc::STDOUT_FILENO, events: libc::POLLOUT, revents: 0 };
    // SAFETY: the pointer is to one live `pollfd`.
    let rc = unsafe { libc::poll(&raw mut polled, 1, 0) };
    rc == 1 && polled.revents & libc::POLLOUT != 0
}

/// Stdin and stdout without std's buffers, which would look for newlines in frames.
pub(crate) fn raw_stdio() -> io::Result<(File, File)> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    Ok((File::from(input), File::from(output)))
}

/// CPU time of this process so far, in ns.
pub(crate) fn own_cpu_ns() -> u64 {
    // SAFETY: all-zero bytes are a valid `rusage`, which is plain numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live, writable `rusage`.
    let rc = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    assert_eq!(rc, 0, "getrusage of oneself cannot fail");
    let ns = |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000;
    ns(usage.ru_utime) + ns(usage.ru_stime)
}
