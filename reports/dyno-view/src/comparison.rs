//! Cells side by side, as far as they did equal work.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chart::Chart;
use crate::report::UnitView;

/// All cells of a campaign, grouped by equal work. It holds no verdict: nothing is ranked and nothing is tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonView {
    /// What is compared, in the order of the rows' `figures`.
    pub columns: Vec<ColumnView>,
    /// Cells that did equal work, in the order of the plan.
    pub groups: Vec<GroupView>,
    /// In what the groups' work differs; empty with one group.
    pub differences: Vec<WorkPart>,
}

/// One figure that all cells have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnView {
    /// Metric id: `ttft_ns`.
    pub metric: String,
    /// Name in tables: `TTFT`.
    pub label: String,
    /// Unit of the values.
    pub unit: UnitView,
    /// Which figure of the metric.
    pub figure: ColumnFigure,
    /// Which way is better.
    pub better: Better,
}

/// Which figure of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ColumnFigure {
    /// A percentile, in thousandths.
    Quantile {
        /// 500 is the median.
        permille: u32,
    },
    /// The highest observation.
    Highest,
    /// The share of prompts, with its interval.
    Share,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Latencies, memory.
    Lower,
    /// Rates.
    Higher,
}

/// A part of what makes work equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkPart {
    /// The model file, by its digest.
    Model,
    /// How requests are offered.
    Load,
    /// Context length.
    Context,
    /// Which prompts are asked.
    Prompts,
    /// How answers are drawn and bounded.
    Answers,
    /// The state that launches start from.
    Start,
}

/// A part of what names a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowPart {
    /// The campaign, where the report is of several.
    Campaign,
    /// The device.
    Device,
    /// The model's name; its file is the same in all rows of a group.
    Model,
    /// The runtime.
    Runtime,
    /// Compute threads.
    Threads,
}

/// Cells that did equal work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupView {
    /// What all of them did.
    pub work: WorkView,
    /// In what the rows differ; the rest is the same in all.
    pub differ_in: Vec<RowPart>,
    /// One row for each cell, in the order of the plan.
    pub rows: Vec<RowView>,
    /// Where intervals overlap, so that no order can be claimed.
    pub overlaps: Vec<OverlapView>,
    /// In what the rows did unlike work although their plans were equal, and what is no ground for an order for it.
    #[serde(default)]
    pub unlike: Vec<UnlikeView>,
    /// What a reader must know before comparing, one sentence each.
    pub notes: Vec<String>,
    /// Medians with their intervals, one chart for each metric.
    pub charts: Vec<Chart>,
}

/// Work that cells share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkView {
    /// SHA-256 of the model file; `None` where no file is used or none is known yet.
    pub model_digest: Option<String>,
    /// Load model in words.
    pub load: String,
    /// Context length.
    pub context_tokens: u32,
    /// Different prompts.
    pub n_prompts: u64,
    /// Longest answer that is allowed, in tokens.
    pub max_tokens: Option<u32>,
    /// The state that launches start from: `C1 storage-cold`; `None` as it happens to be.
    #[serde(default)]
    pub start: Option<String>,
}

/// Why rows are not to be ranked by some columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnlikeView {
    /// In what their work differs; half a sentence.
    pub reason: String,
    /// Places of the columns that it makes incomparable.
    pub columns: Vec<u32>,
}

/// What a row's requests that went well really did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkDoneView {
    /// Kind of the tokenizer, as the runtime says: `gpt2`.
    pub tokenizer: Option<String>,
    /// SHA-256 over its vocabulary, merges and special tokens.
    pub tokenizer_digest: Option<String>,
    /// Lengths of the prompts; `None` where the runtime does not say.
    pub prompts: Option<TokensView>,
    /// Share of the prompts' tokens that came from a cache; `None` where the runtime does not say.
    pub cached_ratio: Option<f64>,
    /// Lengths of the answers.
    pub answers: Option<TokensView>,
    /// Whether answers were as long as the model made them.
    pub lengths: LengthsView,
    /// Where token counts come from: `engine`, `usage`.
    pub sources: Vec<String>,
}

/// Numbers of tokens: type 1 percentiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokensView {
    /// Requests.
    pub n: u64,
    /// Tokens of all of them.
    pub sum: u64,
    /// The 10th percentile.
    pub p10: u64,
    /// The median.
    pub p50: u64,
    /// The 90th percentile.
    pub p90: u64,
}

/// What ends answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LengthsView {
    /// The model's own end of the answer, or the most that is allowed.
    Natural,
    /// The most that is allowed, whatever the model wanted.
    Forced,
    /// Some so, some so.
    Mixed,
}

/// One cell in one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowView {
    /// Cell id.
    pub cell: String,
    /// What tells it from the other rows: `pi5`, `pi5 · 4 threads`.
    pub name: String,
    /// Device id.
    pub device: String,
    /// Model name.
    pub model: String,
    /// Runtime name.
    pub runtime: String,
    /// Threads asked for.
    pub threads: Option<u32>,
    /// Whether its figures may be used.
    pub state: RowState,
    /// Launches whose numbers may be used, of all that there are.
    pub launches: ShareView,
    /// Requests that went well, of all that are in the record.
    pub requests: ShareView,
    /// Requests that the plan asks for.
    pub n_requests_planned: u64,
    /// What limits the figures whatever they are: `emulated CPU`, `virtual machine (KVM)`.
    pub marks: Vec<String>,
    /// What its requests really did; `None` without one that went well.
    #[serde(default)]
    pub work: Option<WorkDoneView>,
    /// Why the device's share is not whole, in its own words; foreign text.
    pub error: Option<String>,
    /// Requests behind the figures: those that went well in launches that may be used.
    pub n: u64,
    /// One for each column.
    pub figures: Vec<ComparedFigure>,
}

/// Some of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ShareView {
    /// How many.
    pub n: u64,
    /// Of how many.
    pub of: u64,
}

/// Whether a row's figures may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// Everything that was planned is there and went well.
    Valid,
    /// All launches may be used, some requests failed.
    Failures,
    /// All launches may be used, planned requests are missing.
    Incomplete,
    /// Some launches may not be used.
    Partly,
    /// No launch may be used.
    Invalid,
    /// Nothing was measured.
    NotMeasured,
}

/// One figure of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ComparedFigure {
    /// A percentile with its 95 % order-statistic interval.
    Estimate {
        /// The observation.
        value: f64,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// Number of observations.
        n: u64,
    },
    /// The highest of a few observations, which has no interval.
    Highest {
        /// The observation.
        value: f64,
        /// Number of observations.
        n: u64,
    },
    /// Too few observations for a finite interval.
    TooFew {
        /// How many there are.
        n: u64,
        /// How many it takes.
        needed: u64,
    },
    /// No figure.
    Missing {
        /// Why.
        reason: String,
    },
}

/// Rows whose intervals of one column overlap, directly or by way of others of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverlapView {
    /// Place of the column.
    pub column: u32,
    /// Places of the rows, in the order of their values; at least two.
    pub rows: Vec<u32>,
}
