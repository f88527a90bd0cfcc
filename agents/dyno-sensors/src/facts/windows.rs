//! Facts on Windows: what the crate `sysinfo` says, and beyond it the registry and the system's calls.

use std::path::Path;
use std::thread::available_parallelism;

use dyno_model::device::DeviceFacts;

use crate::host;
use crate::root::SysRoot;
use crate::sys;

const BIOS: &str = r"HARDWARE\DESCRIPTION\System\BIOS";

/// `BatteryFlag` of SYSTEM_POWER_STATUS: charging, no battery, unknown.
const CHARGING: u8 = 8;
const NO_BATTERY: u8 = 128;
const UNKNOWN: u8 = 255;

/// Windows has no id of a boot.
pub(crate) fn boot_id(_root: &SysRoot) -> Option<String> {
    None
}

/// All facts but the free room. Clusters, clocks and the boot's id are not to be had.
pub(crate) fn facts(_root: &SysRoot, _work_dir: &Path) -> DeviceFacts {
    let known = host::inventory();
    let (battery_status, battery_percent) = sys::battery().map_or((None, None), battery);
    DeviceFacts {
        model: sys::registry_text(BIOS, "SystemProductName"),
        cpu: known.cpu,
        arch: std::env::consts::ARCH.to_owned(),
        // Best effort: a fact that cannot be read is unknown.
        n_cpus: available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()),
        n_cores: known.n_cores,
        ram_bytes: known.ram_bytes,
        ram_available_bytes: known.ram_available_bytes,
        os: std::env::consts::OS.to_owned(),
        os_version: known.os_version,
        kernel: known.kernel.map(|build| format!("build {build}")),
        host: known.host,
        battery_status,
        battery_percent,
        ..DeviceFacts::default()
    }
}

/// State and charge, in the words that Linux uses.
fn battery((flag, percent): (u8, u8)) -> (Option<String>, Option<u32>) {
    if flag == UNKNOWN || flag & NO_BATTERY != 0 {
        return (None, None);
    }
    let status = if flag & CHARGING != 0 { "Charging" } else { "Discharging" };
    (Some(status.to_owned()), Some(u32::from(percent)).filter(|percent| *percent <= 100))
}
