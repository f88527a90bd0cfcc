//! What std does not have, with one interface for all systems.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::process::ExitStatus;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{allowed_cpus, pin};
#[cfg(target_os = "macos")]
pub(crate) use macos::{allowed_cpus, pin};
#[cfg(unix)]
pub(crate) use unix::{Spawned, Waitable, is_own_end, prepare_child, wait_readable, waitable, worded};
#[cfg(all(unix, feature = "engine-embedded"))]
pub(crate) use unix::{raw_stdio, read_exact_at};
#[cfg(windows)]
pub(crate) use windows::{
    Spawned, Waitable, allowed_cpus, is_own_end, pin, prepare_child, wait_readable, waitable, worded,
};
#[cfg(all(windows, feature = "engine-embedded"))]
pub(crate) use windows::{raw_stdio, read_exact_at};

/// A process that was waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reaped {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// User and system time.
    pub(crate) cpu_ns: u64,
    /// Highest resident bytes; `None` where the system forgets them with the process.
    pub(crate) peak_rss_bytes: Option<u64>,
}

/// How long to wait for a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Only look.
    None,
    /// Until it ends.
    Endless,
}
