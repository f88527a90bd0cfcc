//! What Linux, Android and macOS share.
#![expect(unsafe_code, reason = "CPU clocks and sysconf have no safe equivalent in std")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
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
    u64::try_from(per_s)
        .ok()
        .filter(|per_s| *per_s > 0)
        .map_or(10_000_000, |per_s| 1_000_000_000 / per_s.cast_signed())
}

/// The unit of memory: 4 KiB on most systems, 16 KiB on a Raspberry Pi 5 and on new phones.
pub(crate) fn page_bytes() -> i64 {
    // SAFETY: sysconf takes a plain number.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    wide(bytes).filter(|bytes| *bytes > 0).unwrap_or(4096)
}

/// A `long` is narrower on some platforms.
fn wide(number: impl TryInto<i64>) -> Option<i64> {
    number.try_into().ok()
}

/// Opens for reading, whatever lies there: a pipe without a writer is no reason to wait.
pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// Reads from `offset` on, wherever the file stands.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}
