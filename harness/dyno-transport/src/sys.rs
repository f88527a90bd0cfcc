//! The few system calls that std does not have.
#![expect(unsafe_code, reason = "statvfs and kill have no safe equivalent in std")]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

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
