//! What a device is, as it says itself.

use serde::{Deserialize, Serialize};

/// Facts of a device, read by the agent on it. `None` is "could not be read", never a guess.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeviceFacts {
    /// What the maker calls it: DMI product, device-tree model, `ro.product.model`.
    pub model: Option<String>,
    /// CPU name: `model name`, or implementer and part.
    pub cpu: Option<String>,
    /// Instruction set: `x86_64`, `aarch64`.
    pub arch: String,
    /// CPU features that matter to an engine, sorted: `avx2`, `avx512vnni`, `dotprod`, `i8mm`.
    pub cpu_features: Vec<String>,
    /// Logical CPUs online.
    pub n_cpus: Option<u32>,
    /// Physical cores.
    pub n_cores: Option<u32>,
    /// Clusters of equal CPUs, biggest first.
    pub clusters: Vec<CpuCluster>,
    /// Total RAM.
    pub ram_bytes: Option<u64>,
    /// RAM that was available when the facts were read.
    pub ram_available_bytes: Option<u64>,
    /// Swap in total.
    pub swap_bytes: Option<u64>,
    /// `linux`, `android`, `macos`, `windows`.
    pub os: String,
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub os_version: Option<String>,
    /// `uname -r`.
    pub kernel: Option<String>,
    /// Host name.
    pub host: Option<String>,
    /// Random id of this boot.
    pub boot_id: Option<String>,
    /// Hypervisor, where one is seen.
    pub hypervisor: Option<String>,
    /// Free bytes where the agent's folder lies.
    pub free_bytes: Option<u64>,
    /// Battery: `Charging`, `Discharging`, `Full`; `None` where there is none.
    pub battery_status: Option<String>,
    /// Battery charge in per cent of full.
    pub battery_percent: Option<u32>,
}

/// CPUs of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuCluster {
    /// CPU numbers, sorted.
    pub cpus: Vec<u32>,
    /// cpufreq governor.
    pub governor: Option<String>,
    /// Lowest clock.
    pub min_freq_khz: Option<u64>,
    /// Highest clock.
    pub max_freq_khz: Option<u64>,
    /// Clock now: cpufreq, or the `cpu MHz` line where cpufreq is absent.
    pub now_freq_khz: Option<u64>,
}
