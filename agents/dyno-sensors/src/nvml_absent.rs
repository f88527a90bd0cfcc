//! What a machine with NVIDIA's driver is told by an agent that cannot load libraries.
//!
//! A static program has no loader, and NVIDIA's management library exists only as a file to be loaded.

use crate::driver::{Found, ProbeContext, SensorDriver};
use crate::error::SensorError;
use crate::root::SysRoot;

const DRIVER: &str = "proc/driver/nvidia/version";

/// The driver that reads nothing.
pub(crate) static NVML: Nvml = Nvml;

/// Finds that there is an NVIDIA GPU, and says how it could be read.
pub(crate) struct Nvml;

impl SensorDriver for Nvml {
    fn name(&self) -> &'static str {
        "nvml"
    }

    fn probe(&self, root: &SysRoot, _context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        if root.path(DRIVER).is_ok_and(|path| path.exists()) {
            found.leave_out(self.name(), "NVIDIA GPUs", &reason());
        }
        Ok(found)
    }
}

/// Never: says why, and what helps.
///
/// # Errors
/// Always.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn tells_energy(_root: &SysRoot) -> Result<(), String> {
    Err(reason())
}

fn reason() -> String {
    "this agent is static and cannot load NVIDIA's library; those for x86_64-unknown-linux-gnu and \
     aarch64-unknown-linux-gnu can: `cargo xtask dist` builds them"
        .to_owned()
}
