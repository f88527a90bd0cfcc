//! Whether a device stays fast: throughput, clocks and temperatures of loads that go on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chart::PanelChart;
use crate::report::UnitView;

/// The table that buyers pass on: the first run against the sustained pace, for each launch of a load that went on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeatTableView {
    /// In the order of the cells.
    pub rows: Vec<HeatRowView>,
}

/// One launch in one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeatRowView {
    /// Cell id.
    pub cell: String,
    /// Device id.
    pub device: String,
    /// Runtime name.
    pub runtime: String,
    /// Model name.
    pub model: String,
    /// Load model in words.
    pub load: String,
    /// `run 2`; `None` where the cell has one such launch.
    pub launch: Option<String>,
    /// What an iteration is: `one request`, `one pass of 12 prompts`.
    pub iteration: String,
    /// Pace of the first iteration.
    pub first: HeatFigureView,
    /// Pace of the tenth iteration.
    pub tenth: HeatFigureView,
    /// Pace that it sustains at the end.
    pub sustained: HeatFigureView,
    /// By how much it became slower, as a share of the first iteration's pace; negative where it became faster.
    pub throttle: HeatFigureView,
    /// How it ended, where it did not end well: `killed for want of memory after 900 s`.
    pub ended: Option<TerminatedView>,
    /// Why its numbers may not be used; empty when they may.
    pub invalid: Vec<String>,
}

/// A figure with as much of an interval as there is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeatFigureView {
    /// Unit of the figure and its bounds.
    pub unit: UnitView,
    /// The figure; `None` with the reason in `why`.
    pub value: Option<f64>,
    /// Its 95 % interval; `None` where there are too few observations for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Requests behind it.
    pub n: u64,
    /// Why there is no figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The heat of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeatView {
    /// What pace is: `decode rate`, `decode rate, prompts evened out`.
    pub signal: String,
    /// What an iteration is.
    pub iteration: String,
    /// Temperature of the air around the device; `None` is unknown.
    pub ambient_mdegc: Option<i32>,
    /// Launches whose load went on.
    pub launches: Vec<HeatLaunchView>,
    /// One for each of the first launches.
    pub charts: Vec<PanelChart>,
}

/// What one launch did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeatLaunchView {
    /// Run number.
    pub run: u32,
    /// Launch number within the run.
    pub launch: u16,
    /// Requests with a pace.
    pub n: u64,
    /// How long the load went on.
    pub load_ns: u64,
    /// What the pace did.
    pub verdict: HeatVerdict,
    /// The smallest drop that would have been seen nine times of ten; `None` where none can be told.
    pub least_drop: Option<LeastDropView>,
    /// Highest median pace over 30 s within the first 120 s.
    pub peak: HeatFigureView,
    /// Median pace of the last quarter, where that is steady.
    pub sustained: HeatFigureView,
    /// Sustained over peak.
    pub ratio: HeatFigureView,
    /// Change of pace for each hour in the last quarter, as a share of its median.
    pub slope_per_h: HeatFigureView,
    /// Pace of the first iteration.
    pub first: HeatFigureView,
    /// Pace of the tenth iteration.
    pub tenth: HeatFigureView,
    /// By how much it became slower than the first iteration.
    pub throttle: HeatFigureView,
    /// From the begin of the load until the pace was below 90 % of the peak; `None` where it never was.
    pub until_90_ns: Option<u64>,
    /// How far the lowest level lies below that of the peak, as a share; `None` without a slowdown.
    pub depth_ratio: Option<f64>,
    /// When the slowdown began; `None` without one.
    pub onset: Option<HeatOnsetView>,
    /// Where the level of the pace changed, in order.
    pub changes: Vec<HeatChangeView>,
    /// Temperatures of the hottest zones.
    pub temps: Vec<HeatTempView>,
    /// The wait for the device to cool down before the launch; `None` where there was none.
    pub cool_down: Option<HeatWaitView>,
    /// The watch after the load until it was as cool as before; `None` where there was none.
    pub recovery: Option<HeatWaitView>,
    /// That the device could not go on; `None` where it could.
    pub terminated: Option<TerminatedView>,
    /// Why its numbers may not be used; empty when they may.
    pub invalid: Vec<String>,
}

impl HeatLaunchView {
    /// Causes of all slowdowns, each once; lower clocks only where nothing else is known.
    pub fn causes(&self) -> Vec<HeatCause> {
        let mut causes: Vec<HeatCause> =
            self.changes.iter().flat_map(|change| change.causes.iter().copied()).collect();
        causes.sort_unstable();
        causes.dedup();
        if causes.len() > 1 {
            causes.retain(|cause| *cause != HeatCause::ClockCap);
        }
        causes
    }
}

/// What the pace of a launch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HeatVerdict {
    /// No level is 5 % below the one of the peak.
    Flat,
    /// It became slower, and something says why.
    Throttled,
    /// It became slower, and nothing says why.
    SlowdownUnknown,
    /// Too few requests to tell two levels from each other.
    TooFew {
        /// How many it takes.
        needed: u64,
    },
}

/// A drop that would have been seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeastDropView {
    /// As a share of the level.
    pub ratio: f64,
    /// If it lasted so long.
    pub lasting_ns: u64,
}

/// When a slowdown began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeatOnsetView {
    /// After the load began: the first request of the lower level was sent then.
    pub at_ns: u64,
    /// Energy from the begin of the load until then, in J; `None` without a source.
    pub energy_j: Option<f64>,
}

/// A change of level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeatChangeView {
    /// After the load began.
    pub at_ns: u64,
    /// The first request of the new level, counted from 1.
    pub request: u64,
    /// Median pace before.
    pub before: f64,
    /// Median pace from then on.
    pub after: f64,
    /// Why it became slower; empty where nothing says so, and where it became faster.
    pub causes: Vec<HeatCause>,
    /// What says so, within 10 s: `cooling_device0 thermal-cpufreq-0 rose from 0 to 3`.
    pub evidence: Vec<String>,
    /// The hottest zone then.
    pub temp_mdegc: Option<i64>,
}

/// Why a device slows down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeatCause {
    /// Too little voltage.
    UnderVoltage,
    /// Heat.
    Thermal,
    /// A limit of power or current.
    PowerCap,
    /// Lower clocks, and nothing says why.
    ClockCap,
}

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeatTempView {
    /// The zone.
    pub site: String,
    /// Median at rest, or the last reading before the load.
    pub before_mdegc: Option<i64>,
    /// When the slowdown began.
    pub onset_mdegc: Option<i64>,
    /// The last reading of the load.
    pub end_mdegc: Option<i64>,
    /// The highest of the load.
    pub max_mdegc: i64,
}

/// A wait for a device to be cool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeatWaitView {
    /// How long it took, or was watched.
    pub ns: u64,
    /// Whether the device was cool at its end; `None` where no temperature can be read.
    pub is_cool: Option<bool>,
    /// What the device's agent says of it.
    pub why: Option<String>,
}

/// A launch that the device could not go on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TerminatedView {
    /// `oom`, `crashed`, `timeout`, `rebooted`, `at_limit`.
    pub outcome: String,
    /// What is known beyond the word.
    pub detail: Option<String>,
    /// From the begin of the load until then.
    pub after_ns: u64,
}
