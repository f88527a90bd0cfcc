//! Parts of a device: disk, heat, accelerators, runtimes, load, Android.

use serde::{Deserialize, Serialize};

/// Something that is there but could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unread {
    /// What was looked for.
    pub what: String,
    /// Why it could not be read.
    pub reason: String,
}

/// What else a device does while nothing is measured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct LoadFacts {
    /// Load average over the last minute, in thousandths of a task.
    pub load1_milli: Option<u64>,
    /// Share of all CPUs that were busy in the window, in thousandths, the agent itself left out.
    pub busy_milli: Option<u32>,
    /// Share of all CPU time that the hypervisor took in the window, in thousandths.
    pub steal_milli: Option<u32>,
    /// Length of the window that the shares are of.
    pub window_ms: Option<u32>,
    /// Processes that used most CPU in the window, the busiest first, at most 5, the agent itself left out.
    pub busiest: Vec<BusyProcess>,
}

/// A process that used CPU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BusyProcess {
    /// Its name, as the kernel keeps it: at most 15 characters.
    pub name: String,
    /// How much of one CPU it used in the window, in thousandths.
    pub cpu_milli: u32,
}

/// What only Android has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct AndroidFacts {
    /// Version that people know: `14`.
    pub release: Option<String>,
    /// API level: 34.
    pub sdk: Option<u32>,
    /// Date of the security patch: `2024-08-05`.
    pub security_patch: Option<String>,
    /// Fingerprint of the build; it names no single device.
    pub fingerprint: Option<String>,
    /// ABIs, the best first.
    pub abis: Vec<String>,
    /// Whether the display is on.
    pub screen_on: Option<bool>,
    /// Wakefulness of the system: `Awake`, `Asleep`, `Dozing`.
    pub wakefulness: Option<String>,
    /// State of deep doze: `ACTIVE`, `IDLE`.
    pub doze: Option<String>,
    /// Status of the thermal service: 0 none, 1 light, 2 moderate, 3 severe, 4 critical, 5 emergency, 6 shutdown.
    pub thermal_status: Option<u32>,
}

/// The disk that a folder lies on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct DiskFacts {
    /// File system: `ext4`, `f2fs`, `tmpfs`.
    pub file_system: Option<String>,
    /// The disk as the kernel calls it: `mmcblk0`, `nvme0n1`.
    pub device: Option<String>,
    /// What kind of disk it is.
    pub kind: Option<DiskKind>,
}

/// Kind of a disk, as far as it decides on its speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DiskKind {
    /// An SD card.
    Sd,
    /// Soldered flash on the MMC bus.
    Emmc,
    /// An NVMe drive.
    Nvme,
    /// Another disk without moving parts; UFS is one.
    Solid,
    /// A disk on USB.
    Usb,
    /// A disk with platters.
    Rotating,
    /// RAM.
    Memory,
    /// Another machine's disk.
    Network,
    /// A hypervisor's.
    Virtual,
}

/// A thermal zone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ThermalZone {
    /// Its folder: `thermal_zone0`.
    pub name: String,
    /// Its type: `cpu-thermal`.
    pub kind: Option<String>,
    /// Temperature now, in m°C.
    pub temp_mdegc: Option<i64>,
    /// Why there is no temperature.
    pub unread: Option<String>,
    /// Trip points, at most 16.
    pub trips: Vec<TripPoint>,
}

/// A temperature at which the kernel does something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TripPoint {
    /// `active`, `passive`, `hot` or `critical`.
    pub kind: String,
    /// Where it is, in m°C.
    pub temp_mdegc: i64,
}

/// A cooling device that is at work.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CoolingDevice {
    /// Its folder: `cooling_device0`.
    pub name: String,
    /// Its type: `Processor`, `pwm-fan`, `cpufreq-cpu0`.
    pub kind: String,
    /// How far it cools now.
    pub state: u64,
    /// How far it can.
    pub max_state: u64,
}

/// A processor beside the CPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Accelerator {
    /// What it is for.
    pub kind: AcceleratorKind,
    /// What it is: `Adreno 740`, `NVIDIA`, `Hailo-8`, `v3d`.
    pub name: String,
    /// Where it was seen.
    pub node: String,
}

/// What a processor beside the CPU is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AcceleratorKind {
    /// Graphics.
    Gpu,
    /// Neural networks.
    Npu,
    /// Signals.
    Dsp,
}

/// An LLM runtime that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuntimeFound {
    /// Its program: `llama-server`.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// Its version, where its package says it; programs are not started to be asked.
    pub version: Option<String>,
}
