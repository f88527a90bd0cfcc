//! What a device is, as it says itself.
//!
//! A fact that was added after the first version has `#[serde(default)]`: journals of every version stay readable.

mod parts;
mod power;

use serde::{Deserialize, Serialize};

pub use parts::{
    Accelerator, AcceleratorKind, AndroidFacts, BusyProcess, CoolingDevice, DiskFacts, DiskKind, LoadFacts,
    RuntimeFound, ThermalZone, TripPoint, Unread,
};
pub use power::{BatteryFacts, EnergySource, NvpModel, PowerFacts};

/// Facts of a device, read by the agent on it. `None` is "could not be read", never a guess.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// System on chip: `Google Tensor G3`, `brcm,bcm2712`, `Tegra234`. On x86 the CPU's name says it all.
    #[serde(default)]
    pub soc: Option<String>,
    /// Names that the device tree gives the board, the most specific first: `raspberrypi,5-model-b`, `brcm,bcm2712`.
    #[serde(default)]
    pub compatible: Vec<String>,
    /// Width of a pointer in the system's own programs, in bits; a 64-bit kernel may carry 32-bit ones.
    #[serde(default)]
    pub userland_bits: Option<u32>,
    /// Swap in use.
    #[serde(default)]
    pub swap_used_bytes: Option<u64>,
    /// Time since boot, in seconds.
    #[serde(default)]
    pub uptime_s: Option<u64>,
    /// What else the device does; `None` where nothing of it can be read.
    #[serde(default)]
    pub load: Option<LoadFacts>,
    /// What only Android has.
    #[serde(default)]
    pub android: Option<AndroidFacts>,
    /// The disk that the agent's folder lies on.
    #[serde(default)]
    pub work_disk: Option<DiskFacts>,
    /// The battery that feeds the device; `None` where none is seen.
    #[serde(default)]
    pub battery: Option<BatteryFacts>,
    /// Thermal zones, in the order of their numbers, at most 128.
    #[serde(default)]
    pub thermal_zones: Vec<ThermalZone>,
    /// Cooling devices that are at work now, at most 128; a fan or a throttled CPU.
    #[serde(default)]
    pub cooling: Vec<CoolingDevice>,
    /// Sources of power and energy figures that are seen, whether they can be read or not.
    #[serde(default)]
    pub energy_sources: Vec<EnergySource>,
    /// GPUs, NPUs and signal processors that are seen.
    #[serde(default)]
    pub accelerators: Vec<Accelerator>,
    /// LLM runtimes that are installed.
    #[serde(default)]
    pub runtimes: Vec<RuntimeFound>,
    /// Power modes and limits.
    #[serde(default)]
    pub power: PowerFacts,
    /// What was looked for and is there, but could not be read, and why.
    #[serde(default)]
    pub unread: Vec<Unread>,
}

/// CPUs of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CpuCluster {
    /// CPU numbers, sorted.
    pub cpus: Vec<u32>,
    /// What the cores are: `Arm Cortex-A76`; `None` where only the whole CPU has a name.
    #[serde(default)]
    pub core: Option<String>,
    /// cpufreq governor.
    pub governor: Option<String>,
    /// cpufreq driver: `intel_pstate`, `cpufreq-dt`.
    #[serde(default)]
    pub driver: Option<String>,
    /// Lowest clock.
    pub min_freq_khz: Option<u64>,
    /// Highest clock.
    pub max_freq_khz: Option<u64>,
    /// Highest clock that is allowed now (`scaling_max_freq`); below `max_freq_khz` it is a cap.
    #[serde(default)]
    pub limit_freq_khz: Option<u64>,
    /// Clock now: cpufreq, or the `cpu MHz` line where cpufreq is absent.
    pub now_freq_khz: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of the first version, with a fact of each type that it had.
    const FIRST_VERSION: &str = r#"{"model":"Board","cpu":null,"arch":"aarch64","cpu_features":["neon"],"n_cpus":4,
        "n_cores":null,"clusters":[{"cpus":[0,1,2,3],"governor":"ondemand","min_freq_khz":1000,"max_freq_khz":2000,
        "now_freq_khz":null}],"ram_bytes":8,"ram_available_bytes":7,"swap_bytes":0,"os":"linux","os_version":null,
        "kernel":"6.6","host":"pi","boot_id":"x","hypervisor":null,"free_bytes":9,"battery_status":"Charging",
        "battery_percent":83}"#;

    #[test]
    fn facts_of_the_first_version_are_still_read() {
        let facts: DeviceFacts = serde_json::from_str(FIRST_VERSION).expect("journals stay readable");
        assert_eq!((facts.model.as_deref(), facts.battery_percent), (Some("Board"), Some(83)));
        assert_eq!(facts.clusters[0].max_freq_khz, Some(2000));
        assert_eq!(
            (facts.clusters[0].limit_freq_khz, &facts.load, &facts.power),
            (None, &None, &PowerFacts::default())
        );
        assert!(facts.thermal_zones.is_empty() && facts.energy_sources.is_empty());
    }

    #[test]
    fn facts_of_a_later_version_are_read_without_what_is_not_known() {
        let later = FIRST_VERSION.replacen('{', r#"{"of_tomorrow":[1],"#, 1);
        assert!(serde_json::from_str::<DeviceFacts>(&later).is_ok());
    }

    #[test]
    fn all_facts_survive_the_wire() {
        let facts = DeviceFacts {
            arch: "aarch64".to_owned(),
            load: Some(LoadFacts { load1_milli: Some(1500), ..LoadFacts::default() }),
            android: Some(AndroidFacts { sdk: Some(34), ..AndroidFacts::default() }),
            battery: Some(BatteryFacts { temp_mdegc: Some(-5000), ..BatteryFacts::default() }),
            work_disk: Some(DiskFacts { kind: Some(DiskKind::Sd), ..DiskFacts::default() }),
            ..DeviceFacts::default()
        };
        let json = serde_json::to_string(&facts).expect("facts have only string keys");
        assert_eq!(serde_json::from_str::<DeviceFacts>(&json).expect("our own words"), facts);
    }
}
