//! The clocks of Linux and Android.
#![expect(unsafe_code, reason = "clock_gettime has no safe equivalent that gives the raw value")]

use super::MonoNs;

/// `CLOCK_MONOTONIC`.
pub(super) fn monotonic_now() -> MonoNs {
    now(libc::CLOCK_MONOTONIC)
}

/// `CLOCK_BOOTTIME` on Linux and Android: like the monotonic clock, but counts suspend.
pub fn boottime_now() -> MonoNs {
    now(libc::CLOCK_BOOTTIME)
}

fn now(id: libc::clockid_t) -> MonoNs {
    let mut spec = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `spec` is a valid, writable timespec, and the clock id is a constant of this platform.
    let rc = unsafe { libc::clock_gettime(id, &raw mut spec) };
    assert_eq!(rc, 0, "clock_gettime cannot fail for a clock that the platform has");
    MonoNs(spec.tv_sec as u64 * 1_000_000_000 + spec.tv_nsec as u64)
}
