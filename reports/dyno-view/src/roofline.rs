//! What the device's memory and arithmetic allow at most, and how much of it is used.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::memory::BoundedView;

/// The roofline of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RooflineView {
    /// How the decode rate stands to its ceiling.
    pub verdict: RooflineWord,
    /// In a sentence: what that means, or what is missing.
    pub why: String,
    /// The decode rate and its ceiling in tokens/s; `None` where either is missing.
    #[serde(default)]
    pub ceiling: Option<CeilingView>,
    /// Bytes, bandwidths and shares, in the order to show.
    pub figures: Vec<BoundedView>,
}

/// How a decode rate stands to what memory allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RooflineWord {
    /// Below the ceiling.
    Below,
    /// Above what memory alone gives, by no more than the caches can have given.
    FromCache,
    /// Above what memory and caches can give: something was counted wrongly.
    Impossible,
    /// Not known.
    Unknown,
}

/// A rate and its ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CeilingView {
    /// Tokens/s that the measured bandwidth allows.
    pub ceiling_tokens_per_s: f64,
    /// Tokens/s of the median TPOT.
    pub rate_tokens_per_s: f64,
    /// Bounds of it.
    pub rate_low: f64,
    /// Upper bound.
    pub rate_high: f64,
}
