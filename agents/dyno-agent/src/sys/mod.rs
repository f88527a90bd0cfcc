//! What std does not have, with one interface for all systems.

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;
#[cfg(unix)]
mod unix;

pub(crate) use system::suspended_ns;
#[cfg(windows)]
pub(crate) use system::{catch_stop_signals, own_cpu_ns, raw_stdio, stdout_has_room, wait_for_stop_signal};
#[cfg(unix)]
pub(crate) use unix::{catch_stop_signals, own_cpu_ns, raw_stdio, stdout_has_room, wait_for_stop_signal};
