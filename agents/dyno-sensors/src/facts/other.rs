//! Facts on a system without procfs: what std knows.

use std::thread::available_parallelism;

use dyno_model::device::DeviceFacts;

use crate::root::SysRoot;

/// Architecture, system and number of CPUs; the rest is unknown here.
pub(crate) fn facts(_root: &SysRoot) -> DeviceFacts {
    DeviceFacts {
        arch: std::env::consts::ARCH.to_owned(),
        os: std::env::consts::OS.to_owned(),
        // Best effort: a fact that cannot be read is unknown.
        n_cpus: available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()),
        ..DeviceFacts::default()
    }
}
