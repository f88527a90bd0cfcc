//! The few system calls that std does not have.
#![expect(unsafe_code, reason = "statvfs, kill and poll have no safe equivalent in std")]

use std::ffi::CString;
use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

/// What the system says of the disk where a path lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disk {
    /// Bytes that an ordinary user can still write.
    pub(crate) free_bytes: u64,
    /// Whether no program may run from it.
    pub(crate) is_noexec: bool,
}

/// The disk where `path` lies; `None` if the system does not say.
pub(crate) fn disk(path: &Path) -> Option<Disk> {
    // A path with a NUL in it is on no disk.
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` is a C string and `stat` has room for the result.
    let rc = unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) };
    if rc != 0 {
        return None;
    }
    // SAFETY: statvfs returned 0, so it filled `stat`.
    let stat = unsafe { stat.assume_init() };
    let free_bytes = wide(stat.f_bavail)?.checked_mul(wide(stat.f_frsize)?)?;
    Some(Disk { free_bytes, is_noexec: wide(stat.f_flag)? & NOEXEC != 0 })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const NOEXEC: u64 = libc::ST_NOEXEC;
/// Other systems do not tell this way.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const NOEXEC: u64 = 0;

/// The platform's own number types differ in width.
fn wide(number: impl TryInto<u64>) -> Option<u64> {
    number.try_into().ok()
}

/// Whether a process of that number exists, whoever owns it.
pub(crate) fn is_running(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: kill takes plain numbers; signal 0 only asks.
    let rc = unsafe { libc::kill(pid, 0) };
    rc == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

/// Kills every process of the group that `leader` leads.
pub(crate) fn kill_group(leader: u32) {
    let Some(group) = libc::pid_t::try_from(leader).ok().filter(|group| *group > 1) else { return };
    // SAFETY: kill takes plain numbers; the group is one that this process made.
    unsafe {
        libc::kill(-group, libc::SIGKILL);
    }
}

/// What a connection is waited for, or what it is ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Readiness {
    /// Bytes, or its end.
    pub(crate) read: bool,
    /// Room for bytes.
    pub(crate) write: bool,
}

/// Waits until one of two connections is ready for what is wanted of it, at most for `limit`.
///
/// A connection that broke is ready for all that was wanted: the next call on it says how.
pub(crate) fn wait_for_either(
    a: (&TcpStream, Readiness),
    b: (&TcpStream, Readiness),
    limit: Duration,
) -> io::Result<(Readiness, Readiness)> {
    let mut polled = [a, b].map(|(socket, wanted)| {
        let read = if wanted.read { libc::POLLIN } else { 0 };
        let write = if wanted.write { libc::POLLOUT } else { 0 };
        // A negative descriptor is passed over by the kernel (poll(2)): nothing is wanted of it.
        let fd = if read | write == 0 { -1 } else { socket.as_raw_fd() };
        libc::pollfd { fd, events: read | write, revents: 0 }
    });
    let limit_ms = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the pointer is to two live `pollfd`s.
    let rc = unsafe { libc::poll(polled.as_mut_ptr(), 2, limit_ms) };
    if rc < 0 {
        let error = io::Error::last_os_error();
        let is_signal = error.kind() == io::ErrorKind::Interrupted;
        return if is_signal { Ok(Default::default()) } else { Err(error) };
    }
    let broken = libc::POLLERR | libc::POLLHUP | libc::POLLNVAL;
    let [a, b] = polled.map(|one| Readiness {
        read: one.events & libc::POLLIN != 0 && one.revents & (libc::POLLIN | broken) != 0,
        write: one.events & libc::POLLOUT != 0 && one.revents & (libc::POLLOUT | broken) != 0,
    });
    Ok((a, b))
}
