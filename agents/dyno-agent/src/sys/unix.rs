//! What Linux, Android and macOS share.
#![expect(unsafe_code, reason = "signals, poll and getrusage have no equivalents in std")]

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use super::Signal;

/// Signals with a meaning: a polite kill, a session that was hung up, and another agent's word that the link is gone.
const SIGNALS: [libc::c_int; 3] = [libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1];

/// Keeps signals for [`wait_for_signal`], and ignores the terminal's interrupt key: it is the controller
/// that decides what a Ctrl-C means.
///
/// Must be called before any thread is started.
pub(crate) fn catch_signals() -> io::Result<()> {
    let set = signals();
    // SAFETY: the first pointer is to an initialised set; a null second one asks for nothing back.
    let rc = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    if rc != 0 {
        return Err(io::Error::from_raw_os_error(rc));
    }
    // SAFETY: ignoring a signal installs no code.
    let before = unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sleeps until a signal comes.
pub(crate) fn wait_for_signal() -> Signal {
    let set = signals();
    let mut signal = 0;
    // SAFETY: both pointers are to live values of the right types.
    while unsafe { libc::sigwait(&raw const set, &raw mut signal) } != 0 {}
    if signal == libc::SIGTERM { Signal::Stop } else { Signal::Detach }
}

/// Says something to the agent that is process `pid`; whether that process is there and ours to speak to.
pub(crate) fn signal(pid: u32, signal: Signal) -> bool {
    let Some(pid) = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 1) else { return false };
    let number = match signal {
        Signal::Stop => libc::SIGTERM,
        Signal::Detach => libc::SIGUSR1,
    };
    // SAFETY: kill takes plain numbers.
    unsafe { libc::kill(pid, number) == 0 }
}

/// Leaves the session of the login that started this process, so that its end does not take the agent along.
///
/// Best effort: the leader of a session cannot leave it, and need not.
pub(crate) fn leave_session() {
    // SAFETY: the call takes nothing.
    unsafe { libc::setsid() };
}

fn signals() -> libc::sigset_t {
    // SAFETY: all-zero bytes are a valid `sigset_t`, which is plain numbers.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live, writable set.
    unsafe { libc::sigemptyset(&raw mut set) };
    for signal in SIGNALS {
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

/// Makes the names in a folder survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
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

/// What changes whenever a file does: nobody can set a file's change time.
#[expect(clippy::unnecessary_wraps, reason = "not every system has such a time")]
pub(crate) fn stamp(about: &std::fs::Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let (seconds, ns) = (about.ctime(), about.ctime_nsec());
    Some(format!("{} {} {} {seconds}.{ns:09}", about.dev(), about.ino(), about.size()))
}

/// Which file system a file is on.
#[expect(clippy::unnecessary_wraps, reason = "not every system says")]
pub(crate) fn file_system_id(about: &std::fs::Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::dev(about))
}

/// A raised limit of files that this process may have open at once; dropping it takes it back.
pub(crate) struct FileLimit(Option<libc::rlimit>);

impl FileLimit {
    /// Allows `n`, as far as the system does; what is allowed already stays.
    pub(crate) fn raise(n: usize) -> Self {
        let n = n as libc::rlim_t;
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the pointer is to a live, writable limit.
        let rc = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
        if rc != 0 || limit.rlim_cur >= n {
            return Self(None);
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max.min(n), ..limit };
        // SAFETY: the pointer is to an initialised limit.
        let rc = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) };
        Self((rc == 0).then_some(limit))
    }
}

impl Drop for FileLimit {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // SAFETY: the pointer is to an initialised limit.
            unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, std::ptr::from_ref(before)) };
        }
    }
}
