//! Facts on macOS: what the kernel keeps under names (sysctl(3)).

use std::thread::available_parallelism;

use dyno_model::device::DeviceFacts;

use crate::root::SysRoot;
use crate::sys;

/// All facts but the free room. Clusters, clocks and the battery are not asked for here.
pub(crate) fn facts(_root: &SysRoot) -> DeviceFacts {
    DeviceFacts {
        model: sys::sysctl_text(c"hw.model"),
        cpu: sys::sysctl_text(c"machdep.cpu.brand_string"),
        arch: sys::machine().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        // Best effort: a fact that cannot be read is unknown.
        n_cpus: available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()),
        n_cores: sys::sysctl_number(c"hw.physicalcpu").and_then(|n| u32::try_from(n).ok()),
        ram_bytes: sys::sysctl_number(c"hw.memsize"),
        os: std::env::consts::OS.to_owned(),
        os_version: sys::sysctl_text(c"kern.osproductversion").map(|version| format!("macOS {version}")),
        kernel: sys::sysctl_text(c"kern.osrelease"),
        host: sys::sysctl_text(c"kern.hostname"),
        boot_id: sys::sysctl_text(c"kern.bootsessionuuid"),
        ..DeviceFacts::default()
    }
}
