//! How far a cell's latencies can be believed: how well its client stamps, and what disturbed it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::UnitView;

/// What speaks for and against a cell's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProofView {
    /// How good its stamps are.
    pub stamps: StampsView,
    /// Its launches, in order; `rows[].each` has one place for each.
    pub launches: Vec<ProofLaunchView>,
    /// One row for each thing that was watched, in the order to show.
    pub rows: Vec<ProofRowView>,
}

/// How good the stamps of a cell are: what its figures cannot be surer than.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StampsView {
    /// A client of known schedule was stamped before the launches.
    Calibrated {
        /// 99 of 100 stamps of a first token were off by no more, in the worst launch that counts; `None` when no
        /// first token was tried.
        ttft_ns: Option<f64>,
        /// The same of the gaps between chunks.
        gap_ns: Option<f64>,
        /// Launches with a calibration.
        n_launches: u64,
        /// Launches in all.
        of: u64,
        /// The ways from runtime to record that were tried: `http`.
        paths: Vec<String>,
    },
    /// Nothing was tried.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// A launch of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProofLaunchView {
    /// Run number.
    pub run: u32,
    /// Launch number within the run.
    pub launch: u16,
    /// Whether its numbers may be used; the typical and the worst launch are chosen among those, if there are any.
    pub is_valid: bool,
    /// Answers under way at once in its calibration; `None` without one.
    pub n_streams: Option<u32>,
    /// Why there is no calibration; `None` with one.
    pub uncalibrated: Option<String>,
}

/// One thing that was watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProofRowView {
    /// Its name: `ttft_error`.
    pub id: String,
    /// Name in tables.
    pub label: String,
    /// When it was watched.
    pub stage: ProofStage,
    /// Unit of the values.
    pub unit: UnitView,
    /// What it is, and what it is good for.
    pub note: String,
    /// The figure of each launch; `None` where it is not known.
    pub each: Vec<Option<ProofFigure>>,
    /// Place of the launch whose figure is the middle one; `None` when no launch has a figure.
    pub typical: Option<u32>,
    /// Place of the launch whose figure is the worst.
    pub worst: Option<u32>,
}

/// When something was watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofStage {
    /// Before the runtime was started, against a server of known schedule.
    Calibration,
    /// While the load was offered.
    Load,
}

/// A figure of one launch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProofFigure {
    /// Percentiles of many differences; observations.
    Spread {
        /// How many.
        n: u64,
        /// The median.
        p50: f64,
        /// The 99th percentile.
        p99: f64,
        /// The largest.
        max: f64,
    },
    /// One value.
    Single {
        /// It.
        value: f64,
    },
}
