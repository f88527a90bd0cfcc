//! What a device shows when a thing is held against itself: how far its launches scatter, and how often it cries wolf
//! (MEASUREMENT §3.5, rule 9).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::load::ShareIntervalView;
use crate::report::{FactView, UnitView};

/// Version of a calibration's JSON; raised when a field changes its meaning or goes.
pub const CALIBRATION_SCHEMA_VERSION: u32 = 1;

/// An A/A calibration of one device. Its digest is that of its canonical JSON, and stands in each verdict that used it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationView {
    /// [`CALIBRATION_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Device id.
    pub device: String,
    /// Campaign that it was made of.
    pub campaign: String,
    /// SHA-256 of that campaign's plan.
    pub plan_digest: String,
    /// UTC of that campaign's first event.
    pub measured_at: Option<String>,
    /// edgedyno's version that measured.
    pub tool_version: String,
    /// What must be the same when it is used, as label and value: machine, system, firmware, agent.
    pub identity: Vec<FactView>,
    /// What ran on both sides: `gemma-3-270m-it · embedded · 2 threads · single user`.
    pub work: String,
    /// Blocks that count.
    pub n_blocks: u64,
    /// Blocks of the plan.
    pub n_blocks_planned: u64,
    /// One row for each metric, in the order of the catalogue.
    pub metrics: Vec<CalibratedMetric>,
    /// How often equal arms were told apart; `None` where there are too few blocks for two such tests.
    pub false_alarms: Option<FalseAlarms>,
    /// Whether verdicts may rest on it: at least 20 blocks, no arm the better one, and not shown to have more than twice
    /// the false alarms that are allowed.
    pub is_usable: bool,
    /// Why not, one sentence each; empty when it is.
    pub reasons: Vec<String>,
    /// Command that makes it again.
    pub regenerate: String,
}

/// What a metric does when nothing differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibratedMetric {
    /// Metric id.
    pub metric: String,
    /// Name in tables.
    pub label: String,
    /// Unit of the values.
    pub unit: UnitView,
    /// A change by less does not matter.
    pub delta: f64,
    /// Blocks with a value.
    pub n_blocks: u64,
    /// Median of all launches.
    pub median: f64,
    /// Standard deviation of a launch's logarithm, by the differences within blocks: `sd(d) / √2`.
    pub sigma_run_ln: f64,
    /// Lag-1 autocorrelation of the blocks' differences; `None` where they are all equal.
    pub r1: Option<f64>,
    /// The least ratio − 1 that 10 blocks find in four of five experiments.
    pub mde_10: f64,
    /// Of tests of 10 blocks taken out of these, how many found a difference; `None` where there are too few blocks.
    pub alarms: Option<AlarmCount>,
    /// p value of all blocks together, with all metrics in view (Benjamini & Hochberg): at 0.05 or below, one of two
    /// equal arms is the better one, and blocks do not do what they are for.
    pub q_all: Option<f64>,
}

/// Alarms of tests that share blocks: a rate to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlarmCount {
    /// Tests.
    pub n_tests: u64,
    /// Of them, how many found a difference.
    pub n_alarms: u64,
}

/// How often tests of equal things cried wolf: tests of all metrics that share no block.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FalseAlarms {
    /// Level of the tests.
    pub alpha: f64,
    /// Blocks of each test.
    pub n_blocks_each: u64,
    /// Alarms of all tests, with the exact 95 % interval of their share.
    pub share: ShareIntervalView,
    /// Whether that does not show a share above `2 · alpha`.
    pub is_within: bool,
}

/// A calibration beside a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationUse {
    /// SHA-256 of its canonical JSON.
    pub digest: String,
    /// Device id.
    pub device: String,
    /// Campaign that it was made of.
    pub campaign: String,
    /// UTC of that campaign's first event.
    pub measured_at: Option<String>,
    /// Blocks behind it.
    pub n_blocks: u64,
    /// Whether it speaks for this comparison.
    pub fits: bool,
    /// Why not, one sentence each; empty when it does.
    pub why_not: Vec<String>,
    /// What it says of the metrics that are compared.
    pub metrics: Vec<CalibratedUse>,
}

/// What a calibration says of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibratedUse {
    /// Metric id.
    pub metric: String,
    /// Name in tables.
    pub label: String,
    /// As in [`CalibratedMetric`].
    pub sigma_run_ln: f64,
    /// As in [`CalibratedMetric`].
    pub mde_10: f64,
}
