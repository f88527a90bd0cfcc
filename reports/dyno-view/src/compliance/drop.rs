//! How far answers fell since a baseline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compare::FlippedPrompts;

/// Answers of a cell against those of a baseline, prompt by prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DropView {
    /// Campaign id of the baseline.
    pub baseline: String,
    /// SHA-256 of the baseline's plan.
    pub plan_digest: String,
    /// SHA-256 of the baseline's journal.
    pub journal_digest: String,
    /// The baseline's cell that it is held against.
    pub baseline_cell: String,
    /// Prompts that both have a graded answer to.
    pub n: u64,
    /// Of them, those that pass in the baseline.
    pub baseline_passed: u64,
    /// Those that pass in this cell.
    pub passed: u64,
    /// The baseline's pass rate less this cell's, of −1 to 1, with one-sided bounds (Tango's score interval, 1998); `None`
    /// without a pair.
    pub fell: Option<DropBoundsView>,
    /// The most that it may fall.
    pub most: f64,
    /// So many more prompts like these would probably decide it; `None` where it is decided, or where no number within
    /// reason would.
    pub more_prompts: Option<u64>,
    /// Prompts that pass in the baseline and fail here.
    pub lost: FlippedPrompts,
    /// Prompts that fail in the baseline and pass here.
    pub gained: FlippedPrompts,
    /// Graded prompts of the objective that are in no pair: the baseline, or this cell, has no graded answer to them.
    pub n_unpaired: u64,
    /// Prompts whose answers pass in one launch and fail in another: of the baseline, and here.
    pub n_unstable: [u64; 2],
}

/// A drop with two one-sided bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DropBoundsView {
    /// As observed; negative where more pass than before.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Confidence of each bound by itself.
    pub confidence: f64,
}
