//! Where time comes from.
//!
//! All latencies are differences of [`MonoNs`] of one clock on one machine (`CLOCK_MONOTONIC` on Linux and Android).
//! [`WallNs`] is for people only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// An instant of one machine's monotonic clock, in ns since an arbitrary origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MonoNs(pub u64);

impl MonoNs {
    /// The time since `earlier`, in ns; 0 if `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant moved on by `ns`.
    #[must_use]
    pub fn plus(self, ns: u64) -> Self {
        Self(self.0.saturating_add(ns))
    }
}

/// Wall-clock time in ns since 1970-01-01 UTC: for people and for names, never for a latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallNs(pub u64);

impl WallNs {
    /// Now, as the machine believes.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A monotonic clock: the machine's, or one that a test or the scripted runtime moves by hand.
#[derive(Debug, Clone)]
pub enum Clock {
    /// `CLOCK_MONOTONIC`: shared by all processes of one machine, does not count suspend.
    Monotonic,
    /// A clock that only [`Clock::sleep_until`] and [`Clock::set`] move; it never waits.
    Scripted(Arc<AtomicU64>),
}

impl Clock {
    /// A scripted clock that stands at `start_ns`.
    pub fn scripted(start_ns: u64) -> Self {
        Self::Scripted(Arc::new(AtomicU64::new(start_ns)))
    }

    /// Now.
    pub fn now(&self) -> MonoNs {
        match self {
            Self::Monotonic => monotonic_now(),
            Self::Scripted(now) => MonoNs(now.load(Ordering::SeqCst)),
        }
    }

    /// Waits until `due`; a scripted clock jumps there. Does nothing if `due` has passed.
    pub fn sleep_until(&self, due: MonoNs) {
        match self {
            Self::Monotonic => {
                let left = due.since(monotonic_now());
                if left > 0 {
                    std::thread::sleep(Duration::from_nanos(left));
                }
            }
            Self::Scripted(now) => {
                now.fetch_max(due.0, Ordering::SeqCst);
            }
        }
    }

    /// Puts a scripted clock to `at`; has no effect on the machine's clock.
    pub fn set(&self, at: MonoNs) {
        if let Self::Scripted(now) = self {
            now.store(at.0, Ordering::SeqCst);
        }
    }
}

/// `CLOCK_MONOTONIC`, in ns.
#[cfg(unix)]
pub fn monotonic_now() -> MonoNs {
    clock_now(libc::CLOCK_MONOTONIC)
}

/// `CLOCK_BOOTTIME` on Linux and Android: like the monotonic clock, but counts suspend.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn boottime_now() -> MonoNs {
    clock_now(libc::CLOCK_BOOTTIME)
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "clock_gettime has no safe equivalent that gives the raw value")]
fn clock_now(id: libc::clockid_t) -> MonoNs {
    let mut spec = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `spec` is a valid, writable timespec, and the clock id is a constant of this platform.
    let rc = unsafe { libc::clock_gettime(id, &raw mut spec) };
    assert_eq!(rc, 0, "clock_gettime cannot fail for a clock that the platform has");
    MonoNs(spec.tv_sec as u64 * 1_000_000_000 + spec.tv_nsec as u64)
}
