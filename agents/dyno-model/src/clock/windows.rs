//! The clock of Windows.
#![expect(unsafe_code, reason = "the performance counter has no safe equivalent that gives the raw value")]

use std::sync::OnceLock;

use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};

use super::MonoNs;

/// The performance counter, which all processes share. It goes on while the machine sleeps.
pub(super) fn monotonic_now() -> MonoNs {
    static PER_S: OnceLock<u128> = OnceLock::new();
    let per_s = *PER_S.get_or_init(|| {
        number(|place| {
            // SAFETY: the pointer is to a live, writable number.
            unsafe { QueryPerformanceFrequency(place) };
        })
    });
    let ticks = number(|place| {
        // SAFETY: as above.
        unsafe { QueryPerformanceCounter(place) };
    });
    MonoNs(u64::try_from(ticks * 1_000_000_000 / per_s).unwrap_or(u64::MAX))
}

/// What the system writes; it cannot fail since Windows XP (QueryPerformanceCounter's page).
fn number(ask: impl FnOnce(*mut i64)) -> u128 {
    let mut number = 0;
    ask(&raw mut number);
    u128::from(number.unsigned_abs())
}
