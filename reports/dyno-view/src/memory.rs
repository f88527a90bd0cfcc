//! Memory: its peaks apart, its growth with the context, and whether the model fits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::UnitView;

/// A figure between two bounds, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BoundedView {
    /// What.
    pub label: String,
    /// Unit of the values.
    pub unit: UnitView,
    /// The figure; `None` with the reason in `note`.
    pub value: Option<f64>,
    /// Lower bound, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// What it stands on, or why it is absent.
    pub note: String,
}

/// The memory of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryView {
    /// Whether it fits the device.
    pub fits: FitsWord,
    /// Why, one sentence each: what was seen, and what could not be.
    pub reasons: Vec<String>,
    /// Peaks and pressure, in the order to show.
    pub figures: Vec<BoundedView>,
    /// What one more token of context takes; `None` where it cannot be seen.
    #[serde(default)]
    pub growth: Option<GrowthView>,
    /// Contexts of several lengths; `None` with one.
    #[serde(default)]
    pub ladder: Option<LadderView>,
}

/// Whether a model fits a device: no page was read again, nothing was swapped in, hardly anything waited for memory, and
/// nothing was killed, in three launches with the whole context in use (MEASUREMENT §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FitsWord {
    /// It does.
    Fits,
    /// It does not.
    DoesNotFit,
    /// Nothing speaks against it, but not all was seen.
    NotShown,
}

/// Memory over context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GrowthView {
    /// What one more token took: the median slope with its 95 % interval.
    pub measured: BoundedView,
    /// What the model's keys and values should take, over the same contexts; `None` where the runtime does not say.
    pub formula_bytes_per_token: Option<f64>,
    /// Measured by formula.
    pub ratio: Option<BoundedView>,
    /// Points of context and bytes.
    pub n: u64,
}

/// Contexts of several lengths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LadderView {
    /// From the shortest on.
    pub rungs: Vec<RungView>,
    /// The longest one in which everything went well, and so did all shorter ones that were tried.
    pub largest_ok: Option<u32>,
    /// The shortest one that did not go well.
    pub first_failed: Option<u32>,
}

/// One length of context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RungView {
    /// Tokens asked for.
    pub context_tokens: u32,
    /// Most tokens that were in use; `None` without a request that went well.
    pub used_tokens: Option<u64>,
    /// Launches.
    pub n_launches: u64,
    /// Most anonymous bytes of the runtime.
    pub anon_peak_bytes: Option<u64>,
    /// How it went wrong; `None` where all went well.
    pub failed: Option<String>,
}
