//! What std does not have, with one interface for all systems.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod sockets;
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
pub(crate) use sockets::{diag_socket, link, numbers_in, socket_protocol};
pub(crate) use system::{HAS_PROCFS, ROOT, free_bytes};
#[cfg(target_os = "macos")]
pub(crate) use system::{ThermalPressure, footprint_bytes, is_root, sysctl_text};
#[cfg(windows)]
pub(crate) use system::{battery, registry_text};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use system::{exchange_property, machine};
#[cfg(windows)]
pub(crate) use system::{
    ns_per_clock_tick, open_without_waiting, page_bytes, process_cpu_ns, read_at, thread_cpu_ns,
};
#[cfg(unix)]
pub(crate) use unix::{
    ns_per_clock_tick, open_without_waiting, page_bytes, process_cpu_ns, read_at, thread_cpu_ns,
};
