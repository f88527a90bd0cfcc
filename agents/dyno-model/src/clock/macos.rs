//! The clock of macOS.
#![expect(unsafe_code, reason = "clock_gettime has no safe equivalent that gives the raw value")]

use super::MonoNs;

/// `CLOCK_UPTIME_RAW`: does not count suspend (macOS's `CLOCK_MONOTONIC` does).
pub(super) fn monotonic_now() -> MonoNs {
    let mut spec = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `spec` is a valid, writable timespec, and the clock id is a constant of this platform.
    let rc = unsafe { libc::clock_gettime(libc::CLOCK_UPTIME_RAW, &raw mut spec) };
    assert_eq!(rc, 0, "clock_gettime cannot fail for a clock that the platform has");
    MonoNs(spec.tv_sec as u64 * 1_000_000_000 + spec.tv_nsec as u64)
}
