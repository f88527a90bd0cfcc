//! What std does not have, with one interface for all systems.

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "cpus_any.rs"]
pub(crate) mod cpus;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "cpus_linux.rs"]
pub(crate) mod cpus;
pub(crate) mod pages;
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

#[cfg(windows)]
pub(crate) use system::{
    FileLimit, catch_signals, file_system_id, leave_session, own_cpu_ns, raw_stdio, signal, stamp,
    stdout_has_room, sync_folder, wait_for_signal,
};
pub(crate) use system::{command_line, suspended_ns, uptime_s};
#[cfg(unix)]
pub(crate) use unix::{
    FileLimit, catch_signals, file_system_id, leave_session, own_cpu_ns, raw_stdio, signal, stamp,
    stdout_has_room, sync_folder, wait_for_signal,
};

/// What a signal says to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Stop: a polite kill.
    Stop,
    /// The link is gone: the controller speaks to another agent now, or the session was hung up.
    Detach,
}
