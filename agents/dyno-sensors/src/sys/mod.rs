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

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use system::machine;
pub(crate) use system::{NO_SENSORS, ROOT, free_bytes};
#[cfg(windows)]
pub(crate) use system::{battery, ram_bytes, registry_text};
#[cfg(windows)]
pub(crate) use system::{
    ns_per_clock_tick, open_without_waiting, page_bytes, process_cpu_ns, read_at, thread_cpu_ns,
};
#[cfg(target_os = "macos")]
pub(crate) use system::{sysctl_number, sysctl_text};
#[cfg(unix)]
pub(crate) use unix::{
    ns_per_clock_tick, open_without_waiting, page_bytes, process_cpu_ns, read_at, thread_cpu_ns,
};
