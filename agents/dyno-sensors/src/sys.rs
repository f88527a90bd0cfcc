//! The few system calls that std does not have.
#![expect(unsafe_code, reason = "CPU clocks, sysconf and statvfs have no safe equivalent in std")]

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// CPU time of this process, all threads.
pub(crate) fn process_cpu_ns() -> u64 {
    cpu_ns(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// CPU time of the calling thread.
pub(crate) fn thread_cpu_ns() -> u64 {
    cpu_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn cpu_ns(clock: libc::clockid_t) -> u64 {
    let mut spec = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `spec` is a valid, writable timespec, and the clock id is a constant of this platform.
    let rc = unsafe { libc::clock_gettime(clock, &raw mut spec) };
    assert_eq!(rc, 0, "clock_gettime cannot fail for a clock that the platform has");
    spec.tv_sec as u64 * 1_000_000_000 + spec.tv_nsec as u64
}

/// The unit of CPU times in procfs: `1 / sysconf(_SC_CLK_TCK)` s, which is 10 ms on every Linux of today.
pub(crate) fn ns_per_clock_tick() -> i64 {
    // SAFETY: sysconf takes a plain number.
    let per_s = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    wide(per_s).filter(|per_s| *per_s > 0).map_or(10_000_000, |per_s| 1_000_000_000 / per_s.cast_signed())
}

/// Bytes that an ordinary user can still write where `path` lies; `None` if the system does not say.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    // Best effort: a path with a NUL in it is on no disk.
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut stat = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` is a C string and `stat` has room for the result.
    let rc = unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) };
    if rc != 0 {
        return None;
    }
    // SAFETY: statvfs returned 0, so it filled `stat`.
    let stat = unsafe { stat.assume_init() };
    wide(stat.f_bavail)?.checked_mul(wide(stat.f_frsize)?)
}

/// The platform's own number types differ in width.
fn wide(number: impl TryInto<u64>) -> Option<u64> {
    number.try_into().ok()
}
