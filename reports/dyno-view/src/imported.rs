//! Figures that another tool measured, as it states them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::UnitView;

/// One file of another tool. Its figures have another definition and no record behind them: they stand beside ours, and
/// are never tested against them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedView {
    /// The tool: `llama-bench`.
    pub tool: String,
    /// Name of the file.
    pub file: String,
    /// SHA-256 of it.
    pub digest: String,
    /// What a reader must know of its figures, one sentence each.
    pub notes: Vec<String>,
    /// Its figures, in its order.
    pub rows: Vec<ImportedRowView>,
}

/// One figure of another tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedRowView {
    /// What was measured: `pp512`, `tg128`.
    pub test: String,
    /// Model, as the tool names it.
    pub model: String,
    /// Backend and hardware, as the tool names them.
    pub device: String,
    /// Compute threads.
    pub threads: Option<u32>,
    /// Build of the tool.
    pub build: Option<String>,
    /// Unit of the values.
    pub unit: UnitView,
    /// The tool's own mean.
    pub mean: f64,
    /// The tool's own standard deviation; `None` where it states none.
    pub sd: Option<f64>,
    /// How many values they are of.
    pub n: u64,
    /// The values, where the tool lists them.
    pub values: Vec<f64>,
}
