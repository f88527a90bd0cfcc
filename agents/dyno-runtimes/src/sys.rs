//! The few calls to the system that std does not have.
#![expect(unsafe_code, reason = "wait4, kill, poll and prctl have no equivalents in std")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// A process that was waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reaped {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// User and system time.
    pub(crate) cpu_ns: u64,
    /// Highest resident bytes.
    pub(crate) peak_rss_bytes: u64,
}

/// How long to wait for a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Only look.
    None,
    /// Until it ends.
    Endless,
}

/// Waits for a child of ours and takes its resource usage; `None` while it runs.
pub(crate) fn reap(pid: u32, patience: Patience) -> io::Result<Option<Reaped>> {
    let flags = if patience == Patience::None { libc::WNOHANG } else { 0 };
    let mut status = 0;
    // SAFETY: all-zero bytes are a valid `rusage`, which is plain numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live, writable values of the right types.
        let got = unsafe { libc::wait4(pid.cast_signed(), &raw mut status, flags, &raw mut usage) };
        match got {
            0 => return Ok(None),
            -1 => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            _ => break,
        }
    }
    Ok(Some(Reaped {
        status: ExitStatus::from_raw(status),
        cpu_ns: timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime),
        peak_rss_bytes: usage.ru_maxrss as u64 * MAXRSS_UNIT_BYTES,
    }))
}

/// `ru_maxrss` is in KiB on Linux and in bytes on macOS (getrusage(2) of each).
#[cfg(target_vendor = "apple")]
const MAXRSS_UNIT_BYTES: u64 = 1;
#[cfg(not(target_vendor = "apple"))]
const MAXRSS_UNIT_BYTES: u64 = 1024;

fn timeval_ns(time: libc::timeval) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000
}

/// Kills a child of ours and its process group; it has not been waited for, so its number cannot be another's.
pub(crate) fn kill_group(pid: u32) -> io::Result<()> {
    // SAFETY: `kill` takes plain numbers; a negative one names the group that the child leads.
    let rc = unsafe { libc::kill(-pid.cast_signed(), libc::SIGKILL) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Waits until one of the descriptors can be read or is at its end, at most for `limit`; says which.
pub(crate) fn wait_readable(
    fds: [Option<BorrowedFd<'_>>; 2],
    limit: Option<Duration>,
) -> io::Result<[bool; 2]> {
    // A negative descriptor is passed over by the kernel (poll(2)).
    let mut polled = fds.map(|fd| libc::pollfd {
        fd: fd.map_or(-1, |fd| fd.as_raw_fd()),
        events: libc::POLLIN,
        revents: 0,
    });
    let limit_ms = limit.map_or(-1, |limit| {
        let rounded_up = limit.as_nanos().div_ceil(1_000_000);
        i32::try_from(rounded_up).unwrap_or(i32::MAX)
    });
    // SAFETY: the pointer is to two live `pollfd`s.
    let rc = unsafe { libc::poll(polled.as_mut_ptr(), 2, limit_ms) };
    if rc < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok([false; 2]) } else { Err(error) };
    }
    Ok(polled.map(|one| one.revents != 0))
}

/// Makes the child ready for a life of its own: it leads a process group, so that a terminal's interrupt key does not
/// reach it, takes all signals again, and dies when this thread does.
pub(crate) fn prepare_child(command: &mut Command) {
    command.process_group(0);
    let parent = std::process::id().cast_signed();
    let prepare = move || {
        take_all_signals()?;
        die_with(parent)
    };
    // SAFETY: the closure only makes calls that are safe between fork and exec, and allocates nothing.
    unsafe { command.pre_exec(prepare) };
}

/// A blocked signal would stay blocked across exec.
fn take_all_signals() -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid `sigset_t`, which is plain numbers.
    let mut none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live, writable set.
    unsafe { libc::sigemptyset(&raw mut none) };
    // SAFETY: the first pointer is to an initialised set; a null second one asks for nothing back.
    let rc = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()) };
    if rc == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(rc)) }
}

/// No engine outlives its agent.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn die_with(parent: libc::pid_t) -> io::Result<()> {
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

/// Elsewhere the child ends when its stdin does.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn die_with(_parent: libc::pid_t) -> io::Result<()> {
    Ok(())
}
