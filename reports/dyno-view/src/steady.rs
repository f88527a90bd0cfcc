//! Whether launches came to a steady state, and what it was.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{QuantileFigure, UnitView};

/// What the pace of a cell did over its requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SteadyView {
    /// What was looked at: `TPOT`, or `TPOT with prompts evened out`.
    pub signal: String,
    /// Launches whose numbers may be used.
    pub launches: Vec<SteadyLaunchView>,
    /// C4, the first request of each launch, beside W, the requests of the steady state.
    pub figures: Vec<StateFigureView>,
    /// Why W has no figure; `None` when it has.
    pub no_figure: Option<String>,
}

/// What one launch did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SteadyLaunchView {
    /// Run number.
    pub run: u32,
    /// Launch number within the run.
    pub launch: u16,
    /// Requests that were looked at.
    pub n: u64,
    /// What they did.
    pub class: SteadyWord,
    /// Stretches of one level, in order; the first requests are in none.
    pub segments: Vec<SegmentView>,
    /// First and last request of the steady state, counted from 1; `None` without one.
    pub steady: Option<[u64; 2]>,
}

/// A stretch of requests with one level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentView {
    /// First request, counted from 1.
    pub first: u64,
    /// Last request.
    pub last: u64,
    /// Median of what was looked at.
    pub level_ns: f64,
}

/// What the times of a launch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SteadyWord {
    /// One level all along.
    Steady,
    /// Slower at first.
    WarmUp,
    /// Faster at first.
    Slowdown,
    /// No level holds for long enough.
    NoSteadyState,
    /// Too few requests to tell two levels from each other.
    TooFew {
        /// How many it takes.
        needed: u64,
    },
}

/// A median of one state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StateFigureView {
    /// `C4` or `W`.
    pub state: String,
    /// What: `TTFT of the first request`.
    pub label: String,
    /// Unit of the values.
    pub unit: UnitView,
    /// Observations.
    pub n: u64,
    /// How many independent ones they are worth, where that is fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_effective: Option<u64>,
    /// The median.
    pub figure: QuantileFigure,
}
