//! Facts on macOS: what the kernel keeps under names (sysctl(3)).

use std::path::Path;
use std::thread::available_parallelism;

use dyno_model::device::DeviceFacts;

use crate::facts::runtimes;
use crate::host;
use crate::root::SysRoot;
use crate::sys;

/// The random id of this boot.
pub(crate) fn boot_id(_root: &SysRoot) -> Option<String> {
    sys::sysctl_text(c"kern.bootsessionuuid")
}

/// All facts but the free room. Clusters, clocks and the battery are not asked for here.
pub(crate) fn facts(root: &SysRoot, _work_dir: &Path) -> DeviceFacts {
    let known = host::inventory();
    DeviceFacts {
        model: sys::sysctl_text(c"hw.model"),
        cpu: known.cpu,
        arch: std::env::consts::ARCH.to_owned(),
        // Best effort: a fact that cannot be read is unknown.
        n_cpus: available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()),
        n_cores: known.n_cores,
        ram_bytes: known.ram_bytes,
        ram_available_bytes: known.ram_available_bytes,
        os: std::env::consts::OS.to_owned(),
        os_version: known.os_version,
        kernel: known.kernel,
        host: known.host,
        boot_id: boot_id(root),
        runtimes: runtimes::runtimes(root),
        ..DeviceFacts::default()
    }
}
