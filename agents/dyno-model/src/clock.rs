//! Where time comes from.
//!
//! All latencies are differences of [`MonoNs`] of one clock on one machine: `CLOCK_MONOTONIC` on Linux and Android,
//! `CLOCK_UPTIME_RAW` on macOS, the performance counter on Windows. [`WallNs`] is for people only.

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "clock/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "clock/macos.rs"]
mod system;
#[cfg(windows)]
#[path = "clock/windows.rs"]
mod system;

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

/// How far a device's monotonic clock was from the controller's, as the best of a burst of probes gives it (NTP's offset, RFC 5905).
///
/// For merging timelines of two machines only: no latency is ever a difference of two machines' clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSample {
    /// When, on the controller's clock.
    pub at: MonoNs,
    /// Device minus controller, of the monotonic clocks; their origins are arbitrary, so that it may be large.
    pub offset_ns: i64,
    /// The true offset lies within this of it.
    pub err_ns: u64,
    /// Device minus controller, of the wall clocks, to within `err_ns`.
    pub wall_offset_ns: i64,
    /// Probes that it is the best of.
    pub n_probes: u32,
}

/// A monotonic clock: the machine's, or one that a test or the scripted runtime moves by hand.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's: shared by all its processes, does not count suspend (but on Windows).
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

/// The machine's monotonic clock.
pub fn monotonic_now() -> MonoNs {
    system::monotonic_now()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub use system::boottime_now;
