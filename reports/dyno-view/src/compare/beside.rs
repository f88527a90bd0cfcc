//! What stands beside the tested medians: failures, high percentiles and the shape of distributions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ChangeVerdictView;
use crate::comparison::Better;
use crate::load::ShareIntervalView;
use crate::report::UnitView;

/// Requests that did not go well, of all that were to be served and were not cut off by us.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailureRow {
    /// Of the baseline; `None` without a request.
    pub baseline: Option<ShareIntervalView>,
    /// Of the side.
    pub candidate: Option<ShareIntervalView>,
    /// Blocks in which more failed on the side, and fewer; `None` where there are no blocks.
    pub blocks: Option<BlockCounts>,
    /// Exact p value of those counts (McNemar), or without blocks of the launches' shares (Mann & Whitney): a launch that
    /// dies takes many requests with it, so blocks or launches count and not requests. `None` where nothing differs.
    pub p: Option<f64>,
    /// The same with the whole family in view.
    pub q: Option<f64>,
    /// What that shows; `None` when nothing failed on either side.
    pub verdict: Option<ChangeVerdictView>,
    /// How the requests of the side failed: `timeout (3)`.
    pub words: Vec<String>,
}

/// In how many blocks which side had more failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockCounts {
    /// Blocks in which the side had more.
    pub worse: u64,
    /// Blocks in which the baseline had more.
    pub better: u64,
    /// Blocks in all.
    pub of: u64,
}

/// A high percentile of both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TailRow {
    /// Metric id.
    pub metric: String,
    /// Name in tables.
    pub label: String,
    /// Unit of the values.
    pub unit: UnitView,
    /// Which way is better.
    pub better: Better,
    /// Which percentile, in thousandths.
    pub permille: u32,
    /// Requests of the baseline.
    pub n_baseline: u64,
    /// Requests of the side.
    pub n_candidate: u64,
    /// What can be said.
    pub figure: TailFigure,
}

/// What can be said of a high percentile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TailFigure {
    /// The ratio of percentiles of all requests, with an interval by drawing launches again (95 %).
    Ratio {
        /// The baseline's percentile.
        baseline: f64,
        /// The side's.
        candidate: f64,
        /// The side's over the baseline's.
        ratio: f64,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// None.
    Missing {
        /// Why.
        reason: String,
    },
}

/// How far two distributions lie apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShapeRow {
    /// Metric id.
    pub metric: String,
    /// Name in tables.
    pub label: String,
    /// Largest distance of the two distributions of requests (Kolmogorov & Smirnov), of 0 to 1. It has no p value:
    /// requests of one launch resemble each other.
    pub distance: f64,
    /// Requests of the baseline.
    pub n_baseline: u64,
    /// Requests of the side.
    pub n_candidate: u64,
}
