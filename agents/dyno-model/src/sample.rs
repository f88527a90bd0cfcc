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
    /// Nominal period of sampling.
    pub period_ms: u32,
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
