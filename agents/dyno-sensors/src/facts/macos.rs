//! Facts on macOS: what the kernel keeps under names (sysctl(3)).

use std::path::Path;
use std::thread::available_parallelism;

use dyno_model::device::DeviceFacts;

use crate::facts::runtimes;
use crate::root::SysRoot;
use crate::sys;

/// The random id of this boot.
pub(crate) fn boot_id(_root: &SysRoot) -> Option<String> {
    sys::sysctl_text(c"kern.bootsessionuuid")
}

/// All facts but the free room. Clusters, clocks and the battery are not asked for here.
pub(crate) fn facts(root: &SysRoot, _work_dir: &Path) -> DeviceFacts {
    DeviceFacts {
        model: sys::sysctl_text(c"hw.model"),
        cpu: sys::sysctl_text(c"machdep.cpu.brand_string"),
        arch: std::env::consts::ARCH.to_owned(),
        // Best effort: a fact that cannot be read is unknown.
        n_cpus: available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()),
        n_cores: sys::sysctl_number(c"hw.physicalcpu").and_then(|n| u32::try_from(n).ok()),
        ram_bytes: sys::sysctl_number(c"hw.memsize"),
        os: std::env::consts::OS.to_owned(),
        os_version: sys::sysctl_text(c"kern.osproductversion").map(|version| format!("macOS {version}")),
        kernel: sys::sysctl_text(c"kern.osrelease"),
        host: sys::sysctl_text(c"kern.hostname"),
        boot_id: boot_id(root),
        runtimes: runtimes::runtimes(root),
        ..DeviceFacts::default()
    }
}
