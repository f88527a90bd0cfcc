//! Sensor channels and their rows.

use serde::{Deserialize, Serialize};

use crate::clock::MonoNs;

/// What a channel measures; the unit is fixed by the quantity (STYLE 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Resident bytes.
    RssBytes,
    /// Highest resident bytes since the process began.
    PeakRssBytes,
    /// Resident anonymous bytes.
    AnonBytes,
    /// Resident file-backed bytes.
    FileBytes,
    /// Bytes that could be had without swapping.
    AvailableBytes,
    /// CPU time used, cumulative.
    CpuNs,
    /// CPU time stolen by a hypervisor over all CPUs, cumulative.
    StealNs,
    /// CPU time not idle over all CPUs, cumulative.
    BusyNs,
    /// Major faults, cumulative.
    MajorFaults,
    /// Bytes read from storage, cumulative.
    ReadBytes,
    /// Clock.
    FreqKhz,
    /// Temperature.
    TempMdegc,
    /// Time that some task waited for the resource, cumulative (PSI `some`).
    StallNs,
    /// Power.
    PowerUw,
    /// Energy, cumulative.
    EnergyUj,
    /// Time that all tasks waited for the resource at once, cumulative (PSI `full`).
    StallFullNs,
    /// Voltage.
    VoltageUv,
    /// Current; what its sign means differs between sources.
    CurrentUa,
    /// Charge left in a battery, as its gauge counts it.
    ChargeUah,
    /// Energy left in a battery, as its gauge counts it.
    StoredUwh,
    /// Charge left in a battery as a part of a full one.
    CapacityPermille,
    /// What a battery does, by the kernel's numbers: 1 charging, 2 discharging, 3 not charging, 4 full.
    ChargeState,
    /// Whether a supply is plugged in: 1 or 0.
    PluggedState,
    /// Speed of a fan.
    FanRpm,
    /// Times that the hardware slowed down, cumulative.
    ThrottleCount,
    /// Time for which the hardware slowed down, cumulative.
    ThrottleNs,
    /// Bits that say why the hardware slows down, by their source's numbers.
    ThrottleFlags,
    /// Whether the hardware warns: 1 or 0.
    AlarmState,
    /// How hard a cooling device works; 0 is off.
    CoolingState,
    /// The highest clock that may be asked for now.
    FreqCapKhz,
    /// Bytes that were moved out to swap space.
    SwapBytes,
    /// Bytes read from swap space, cumulative.
    SwapInBytes,
    /// Bytes written to swap space, cumulative.
    SwapOutBytes,
    /// Bytes of memory that the GPU's or NPU's driver holds.
    GpuBytes,
    /// Time for which a GPU or NPU was at work, cumulative.
    AcceleratorBusyNs,
    /// Resident bytes, those of shared pages divided by how many share them.
    PssBytes,
    /// The anonymous part of [`Quantity::PssBytes`].
    PssAnonBytes,
    /// The file-backed part of [`Quantity::PssBytes`].
    PssFileBytes,
    /// Bytes that no other process shares.
    UssBytes,
    /// Bytes charged to a control group: its page cache is among them.
    CgroupBytes,
    /// Most bytes charged to a control group since it was made.
    CgroupPeakBytes,
    /// Processes killed for want of memory, cumulative.
    OomKills,
    /// Bytes that the system charges to a process: compressed ones and those that its GPU work holds are among them.
    FootprintBytes,
    /// How much the system says that heat holds it back, by its own numbers; 0 is not at all.
    HeatState,
}

/// What of a device a power or energy figure covers; figures of unlike scopes are neither compared nor added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All that the supply or the battery feeds.
    Device,
    /// A module or a platform, without what hangs on its carrier board.
    Board,
    /// One chip: a package with its cores, or a graphics card's.
    Package,
    /// A part that a bigger figure may hold already: a rail, the cores.
    Part,
}

/// How far a source can be trusted (MEASUREMENT §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AccuracyClass {
    /// External calibrated meter, or an exact count by the kernel.
    A,
    /// Hardware counter.
    B,
    /// Sampled sensor.
    C,
    /// Estimate.
    D,
}

/// One column of a sensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// What it measures.
    pub quantity: Quantity,
    /// Where: `process`, `agent`, `cpu0`, `thermal_zone0 x86_pkg_temp`.
    pub site: String,
    /// How far it can be trusted.
    pub class: AccuracyClass,
    /// Nominal period of sampling; 0 is "at boundaries only", never within a measured window.
    pub period_ms: u32,
    /// A cumulative counter begins at 0 again after this value; `None` where that is unknown or no matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wraps_at: Option<u64>,
    /// What a power or energy figure covers; `None` for all else, and where it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

impl Channel {
    /// A channel that does not wrap and has no scope.
    pub fn new(quantity: Quantity, site: impl Into<String>, class: AccuracyClass, period_ms: u32) -> Self {
        Self { quantity, site: site.into(), class, period_ms, wraps_at: None, scope: None }
    }
}

/// One sensor's declaration within a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensorDeclared {
    /// Number within the run.
    pub sensor: u16,
    /// Driver name: `procfs`.
    pub driver: String,
    /// Its columns.
    pub channels: Vec<Channel>,
}

/// Rows of one sensor: `values.len() == at_ns.len() * n_channels`, row by row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SampleBatch {
    /// Which sensor.
    pub sensor: u16,
    /// When each row was read.
    pub at_ns: Vec<MonoNs>,
    /// The values; `None` is "not readable now".
    pub values: Vec<Option<i64>>,
}

/// What a driver found but could not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableSensor {
    /// Driver name.
    pub driver: String,
    /// What was seen.
    pub what: String,
    /// Why it cannot be read.
    pub reason: String,
}

/// What measuring cost: in every record, so that nobody has to believe us.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OwnCost {
    /// Wall time that the figures cover.
    pub wall_ns: u64,
    /// CPU time of the whole agent process.
    pub cpu_ns: u64,
    /// CPU time of the sampler thread.
    pub sampler_cpu_ns: u64,
    /// Highest resident bytes of the agent.
    pub peak_rss_bytes: Option<u64>,
    /// Rows sampled.
    pub n_rows: u64,
    /// Rows lost for want of room.
    pub n_dropped: u64,
    /// Median lateness of a tick.
    pub lateness_p50_ns: Option<u64>,
    /// 99th percentile of a tick's lateness (type 1).
    pub lateness_p99_ns: Option<u64>,
    /// Worst lateness of a tick.
    pub lateness_max_ns: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_of_an_older_agent_is_read() {
        let old = r#"{"quantity":"rss_bytes","site":"process","class":"A","period_ms":100}"#;
        let channel: Channel = serde_json::from_str(old).expect("the form of format 1");
        assert_eq!(channel, Channel::new(Quantity::RssBytes, "process", AccuracyClass::A, 100));
        assert_eq!(
            serde_json::to_string(&channel).expect("plain fields"),
            old,
            "what is unknown is not written"
        );
    }
}
