//! A judged cell: what was measured, on what, what surrounded it, and what measured it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::energy::EnergySourceView;
use crate::network::NetworkView;
use crate::proof::StampsView;
use crate::report::{FactView, OutcomeCount};
use crate::steady::SteadyLaunchView;

/// A cell that is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JudgedCellView {
    /// Cell id.
    pub id: String,
    /// Device id.
    pub device: String,
    /// Runtime name.
    pub runtime: String,
    /// Model name.
    pub model: String,
    /// Marks of the model.
    pub model_marks: Vec<String>,
    /// Load model in words.
    pub load: String,
    /// Where latency counts from.
    pub origin: String,
    /// The state that its launches start from; `None` as it happens to be.
    #[serde(default)]
    pub start: Option<String>,
    /// Context length.
    pub context_tokens: u32,
    /// Threads asked for.
    pub threads: Option<u32>,
    /// The arm of the plan's comparison that it is; `None` where the plan compares nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// Runtime and model with their digests.
    pub facts: Vec<FactView>,
    /// How answers are drawn.
    pub sampling: Vec<FactView>,
    /// Requests of the record by how they ended.
    pub outcomes: Vec<OutcomeCount>,
    /// Requests that were never sent because the runtime had ended.
    pub n_unsent: u64,
    /// Runs with a launch.
    pub n_runs: u32,
    /// Launches.
    pub n_launches: u32,
    /// Sessions that they were made in.
    pub n_sessions: u32,
    /// UTC of the first launch's begin and of the last one's end.
    pub started_at: Option<String>,
    /// UTC of the last launch's end.
    pub ended_at: Option<String>,
    /// Lengths of prompts, in tokens.
    pub isl: LengthsView,
    /// Lengths of answers, in tokens.
    pub osl: LengthsView,
    /// What surrounded it.
    pub environment: EnvironmentView,
    /// What measured it.
    pub measuring: MeasuringView,
    /// What the pace of its launches did; empty where no request went well.
    pub steady: Vec<SteadyLaunchView>,
}

/// A distribution of lengths; quantiles are observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LengthsView {
    /// Requests with a length.
    pub n: u64,
    /// Requests without one.
    pub n_unknown: u64,
    /// Shortest.
    pub min: Option<u64>,
    /// Median.
    pub p50: Option<u64>,
    /// 95th percentile.
    pub p95: Option<u64>,
    /// Longest.
    pub max: Option<u64>,
}

/// What surrounded a cell's launches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentView {
    /// Temperature of the air, as a person or a thermometer says; `None` is unknown.
    pub ambient_mdegc: Option<i32>,
    /// The hottest zones.
    pub zones: Vec<ZoneView>,
    /// Sensors that say how much the hardware held back, each with how much; empty where none did, or none is there.
    pub throttling: Vec<String>,
    /// Channels that would have told of throttling; 0 where nothing could.
    pub n_throttle_channels: u32,
    /// Launches that became slower while their load went on, and were found to.
    pub n_slowed_launches: u32,
    /// The battery at the first contact; `None` without one.
    pub battery: Option<String>,
    /// The battery's charge, from the first reading to the last, as shares of full.
    pub charge_ratio: Option<[f64; 2]>,
    /// CPU time that other programs took, as a share of all CPUs, in the worst launch; `None` where not told.
    pub others_cpu_ratio: Option<f64>,
    /// CPU time that a hypervisor took, as a share of all CPUs, in the worst launch; `None` where not told.
    pub steal_ratio: Option<f64>,
    /// Settings that were asked for, and what became of them.
    pub settings: Vec<FactView>,
    /// What the runtime's sockets pointed at; `None` where no launch's record says something of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkView>,
}

/// A thermal zone over all launches of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneView {
    /// The zone.
    pub site: String,
    /// First reading.
    pub first_mdegc: i64,
    /// Last reading.
    pub last_mdegc: i64,
    /// Highest.
    pub max_mdegc: i64,
}

/// What measured a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MeasuringView {
    /// How good the stamps are.
    pub stamps: Option<StampsView>,
    /// Probes by driver.
    pub probes: Vec<ProbeView>,
    /// The source of energy figures; `None` where no metric of energy is judged, or none is good enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<EnergySourceView>,
    /// What measuring cost.
    pub own_cost: Vec<FactView>,
    /// Digest of the device's A/A calibration; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aa_calibration_digest: Option<String>,
}

/// Channels of one driver, quantity and class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ProbeView {
    /// Driver.
    pub driver: String,
    /// What it measures.
    pub quantity: String,
    /// `A` external meter or exact count, `B` hardware counter, `C` sampled sensor, `D` estimate.
    pub class: String,
    /// Nominal period of sampling; 0 is at boundaries only.
    pub period_ms: u32,
    /// Sites.
    pub n_sites: u32,
}
