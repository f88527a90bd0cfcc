//! What Linux, Android and macOS share.
#![expect(unsafe_code, reason = "wait4, kill and poll have no equivalents in std")]

#[cfg(feature = "engine-embedded")]
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
#[cfg(feature = "engine-embedded")]
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

#[cfg(any(target_os = "linux", target_os = "android"))]
use super::linux::{MAXRSS_UNIT_BYTES, die_with};
#[cfg(target_os = "macos")]
use super::macos::{MAXRSS_UNIT_BYTES, die_with};
use super::{Patience, Reaped};

/// A child of ours that is waited for here and nowhere else.
#[derive(Debug)]
pub(crate) struct Spawned {
    pid: u32,
}

impl Spawned {
    /// Takes a child that leads a process group of its own.
    #[expect(clippy::unnecessary_wraps, clippy::needless_pass_by_value, reason = "elsewhere both are needed")]
    pub(crate) fn new(child: Child) -> io::Result<Self> {
        Ok(Self { pid: child.id() })
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for it and takes its resource usage; `None` while it runs. Must not be called again after its end.
    pub(crate) fn reap(&mut self, patience: Patience) -> io::Result<Option<Reaped>> {
        let flags = if patience == Patience::None { libc::WNOHANG } else { 0 };
        let mut status = 0;
        // SAFETY: all-zero bytes are a valid `rusage`, which is plain numbers.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        loop {
            // SAFETY: both pointers are to live, writable values of the right types.
            let got = unsafe { libc::wait4(self.pid.cast_signed(), &raw mut status, flags, &raw mut usage) };
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
            peak_rss_bytes: Some(usage.ru_maxrss as u64 * MAXRSS_UNIT_BYTES),
        }))
    }

    /// Asks it and its process group to end.
    pub(crate) fn ask_to_end(&mut self) -> io::Result<()> {
        // SAFETY: as in `kill`.
        let rc = unsafe { libc::kill(-self.pid.cast_signed(), libc::SIGTERM) };
        if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Kills it and its process group; it has not been waited for, so its number cannot be another's.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        // SAFETY: `kill` takes plain numbers; a negative one names the group that the child leads.
        let rc = unsafe { libc::kill(-self.pid.cast_signed(), libc::SIGKILL) };
        if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

fn timeval_ns(time: libc::timeval) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000
}

/// What [`wait_readable`] waits for.
pub(crate) type Waitable<'a> = BorrowedFd<'a>;

/// A pipe as something to wait for.
pub(crate) fn waitable(pipe: &impl AsFd) -> Waitable<'_> {
    pipe.as_fd()
}

/// Waits until one of the pipes can be read or is at its end, at most for `limit`; says which.
pub(crate) fn wait_readable(
    fds: [Option<Waitable<'_>>; 2],
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

/// Whether a process that was asked to end did so, and did not die of another signal just then.
pub(crate) fn is_own_end(status: ExitStatus) -> bool {
    status.signal().is_none_or(|signal| signal == libc::SIGTERM)
}

/// `exit status 3`, `killed by signal 9 (SIGKILL)`.
pub(crate) fn worded(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}{}", signal_name(signal)),
        (None, None) => status.to_string(),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGKILL => " (SIGKILL)",
        libc::SIGTERM => " (SIGTERM)",
        libc::SIGSEGV => " (SIGSEGV)",
        libc::SIGABRT => " (SIGABRT)",
        libc::SIGILL => " (SIGILL)",
        libc::SIGBUS => " (SIGBUS)",
        libc::SIGFPE => " (SIGFPE)",
        _ => "",
    }
}

/// This process's stdin and stdout without std's buffers, which would look for newlines in every token.
#[cfg(feature = "engine-embedded")]
pub(crate) fn raw_stdio() -> io::Result<(File, File)> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    Ok((File::from(input), File::from(output)))
}

/// Fills `out` from `offset` on; threads may do so at the same time.
#[cfg(feature = "engine-embedded")]
pub(crate) fn read_exact_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(out, offset)
}
