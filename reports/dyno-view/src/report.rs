//! The report of one campaign.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::campaign::{CampaignView, HeldView};
use crate::chart::Chart;
use crate::compare::CompareView;
use crate::comparison::ComparisonView;
pub use crate::device::{ClockView, DeviceView, DriftView, FactValue, FactView};
use crate::energy::{EnergyTableView, EnergyView};
use crate::heat::{HeatTableView, HeatView};
use crate::imported::ImportedView;
use crate::load::{CellLoadView, ChunksView, LoadReportView, ShareIntervalView};
use crate::memory::MemoryView;
use crate::network::NetworkView;
pub use crate::outcome::{OutcomeCount, RetryAfterView, StatusCount};
use crate::proof::ProofView;
use crate::quality::{QualityTableView, QualityView};
use crate::roofline::RooflineView;
use crate::start::StartsView;
use crate::steady::SteadyView;
use crate::timeline::TimelineView;

/// Version of `report.json`; raised when a field changes its meaning or goes.
pub const REPORT_SCHEMA_VERSION: u32 = 1;

/// Everything that a report says. Times in ns, sizes in bytes, rates per second; nothing is rounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`REPORT_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The campaign and its provenance.
    pub campaign: CampaignView,
    /// Cells side by side; `None` with fewer than two cells.
    #[serde(default)]
    pub comparison: Option<ComparisonView>,
    /// The plan's arms held against the first of them; `None` when the plan compares nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdicts: Option<CompareView>,
    /// Cells under load; `None` when all loads are of a single user.
    #[serde(default)]
    pub load: Option<LoadReportView>,
    /// What a reader must know before the figures, most important first.
    pub findings: Vec<Finding>,
    /// Cold and warm starts; `None` when the plan names no state to start from.
    #[serde(default)]
    pub starts: Option<StartsView>,
    /// Cells by speed, quality and energy; `None` with fewer than two cells whose answers were graded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualityTableView>,
    /// Energy of all cells; `None` without a source.
    #[serde(default)]
    pub energy: Option<EnergyTableView>,
    /// The first run against the sustained pace; `None` when no load went on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heat: Option<HeatTableView>,
    /// Devices by id.
    pub devices: Vec<DeviceView>,
    /// Results, one for each cell.
    pub cells: Vec<CellView>,
    /// How each metric is computed.
    pub methods: Vec<MethodView>,
    /// The campaigns that this is the report of, where they are several; `campaign` then stands for all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub campaigns: Vec<CampaignView>,
    /// What other tools say of the same things.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imported: Vec<ImportedView>,
}

/// Something that the reader must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// How grave.
    pub level: FindingLevel,
    /// One sentence.
    pub text: String,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// The figures may not be used.
    Invalid,
    /// The figures need care.
    Warning,
    /// Worth knowing.
    Note,
}

/// One cell's results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellView {
    /// Cell id.
    pub id: String,
    /// The campaign that it is of, where the report is of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// Device id.
    pub device: String,
    /// Runtime name.
    pub runtime: String,
    /// Model name.
    pub model: String,
    /// Marks of the model: `synthetic: speed only, no quality`, `derived from …`.
    pub model_marks: Vec<String>,
    /// Load model in words.
    pub load: String,
    /// How that load was offered and kept up with; `None` without a launch.
    #[serde(default)]
    pub offered: Option<CellLoadView>,
    /// Threads asked for.
    pub threads: Option<u32>,
    /// The arm of the plan's comparison that it is; `None` where the plan compares nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// Context length.
    pub context_tokens: u32,
    /// The state that its launches start from: `C1 storage-cold`; `None` as it happens to be.
    #[serde(default)]
    pub start: Option<String>,
    /// Facts of runtime and model.
    pub facts: Vec<FactView>,
    /// Requests by outcome.
    pub outcomes: Vec<OutcomeCount>,
    /// Requests that did not go well, of all that were to be served and were not cut off by us.
    #[serde(default)]
    pub errors: Option<ShareIntervalView>,
    /// Launches.
    pub launches: Vec<LaunchView>,
    /// Figures by metric, in the order to show.
    pub metrics: Vec<MetricView>,
    /// The same of launches that may not be used, when none may; then `metrics` has no observation.
    /// Never to be quoted, and never compared.
    #[serde(default)]
    pub invalid_metrics: Vec<MetricView>,
    /// Whether its answers are right; `None` where no answered prompt has a grader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualityView>,
    /// How far the latencies can be believed; `None` without a launch.
    #[serde(default)]
    pub proof: Option<ProofView>,
    /// What the runtime's sockets pointed at; `None` where no launch's record says something of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkView>,
    /// Whether launches came to a steady state; `None` without a request that went well.
    #[serde(default)]
    pub steady: Option<SteadyView>,
    /// Energy; `None` where nothing measures power.
    #[serde(default)]
    pub energy: Option<EnergyView>,
    /// Whether it stays fast; `None` when no load went on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heat: Option<HeatView>,
    /// Memory; `None` where none was sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryView>,
    /// What memory and arithmetic allow at most; `None` where no model runs on the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roofline: Option<RooflineView>,
    /// How tokens came in chunks; `None` without a chunk.
    #[serde(default)]
    pub chunks: Option<ChunksView>,
    /// The same per category of prompt: TTFT, TPOT and E2E medians with n.
    pub categories: Vec<CategoryView>,
    /// Rates of the whole cell.
    pub throughput: Vec<FigureView>,
    /// What measuring cost.
    pub own_cost: Vec<FactView>,
    /// Charts.
    pub charts: Vec<Chart>,
    /// Its worst requests over time; empty where none went well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timelines: Vec<TimelineView>,
    /// A few answers, word for word, as untrusted text.
    pub answers: Vec<AnswerView>,
}

/// One launch of the runtime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaunchView {
    /// Run number.
    pub run: u32,
    /// Launch number within the run.
    pub launch: u16,
    /// Requests that it served.
    pub n_requests: u64,
    /// Spawn to ready.
    pub load_ns: Option<u64>,
    /// Ready to the first token.
    pub first_inference_ns: Option<u64>,
    /// Highest resident bytes.
    pub peak_rss_bytes: Option<u64>,
    /// Median TPOT of its requests.
    pub tpot_p50_ns: Option<f64>,
    /// How it ended.
    pub outcome: String,
    /// Reasons why its numbers may not be used; empty when they may.
    pub invalid: Vec<String>,
}

/// One metric's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricView {
    /// Metric id: `ttft_ns`.
    pub metric: String,
    /// Name in tables.
    pub label: String,
    /// Unit of the values.
    pub unit: UnitView,
    /// Number of observations.
    pub n: u64,
    /// How many independent observations they are worth, where neighbours resemble each other (lag-1
    /// autocorrelation beyond chance); the intervals are those of so many. `None` where it is `n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_effective: Option<u64>,
    /// Requests or launches without a value.
    pub n_undefined: u64,
    /// Smallest observation.
    pub min: Option<f64>,
    /// Largest observation.
    pub max: Option<f64>,
    /// p50, p90, p95, p99.
    pub quantiles: Vec<QuantileView>,
}

/// Units of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnitView {
    /// Nanoseconds.
    Ns,
    /// Tokens per second.
    TokensPerSecond,
    /// Bytes.
    Bytes,
    /// Tokens.
    Tokens,
    /// Requests per second.
    RequestsPerSecond,
    /// Bytes per second.
    BytesPerSecond,
    /// A number without unit.
    Count,
    /// A share of 0 to 1.
    Ratio,
    /// Joules.
    Joules,
    /// Watts.
    Watts,
    /// Tokens for each joule.
    TokensPerJoule,
    /// Joules times seconds.
    JouleSeconds,
    /// Watt hours.
    WattHours,
    /// Hours.
    Hours,
    /// Operations per second.
    OperationsPerSecond,
}

/// One percentile: an observation with its interval, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuantileView {
    /// In thousandths: 500, 900, 950, 990.
    pub permille: u32,
    /// The figure, or why not.
    #[serde(flatten)]
    pub figure: QuantileFigure,
}

/// A percentile's figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum QuantileFigure {
    /// Type 1 estimate (an observation) with its equal-tailed 95 % order-statistic interval.
    Estimate {
        /// The observation.
        value: f64,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// Rank of the lower bound, from 1.
        low_rank: u64,
        /// Rank of the upper bound.
        high_rank: u64,
    },
    /// Too few observations for a finite interval.
    TooFew {
        /// How many there are, or how many independent ones they are worth.
        n: u64,
        /// How many it takes.
        needed: u64,
    },
}

/// One category of prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CategoryView {
    /// Its name.
    pub category: String,
    /// Requests in it.
    pub n: u64,
    /// Median prompt length.
    pub isl_p50: Option<f64>,
    /// Median TTFT.
    pub ttft_p50_ns: Option<f64>,
    /// Median TPOT.
    pub tpot_p50_ns: Option<f64>,
    /// Median E2E latency.
    pub e2e_p50_ns: Option<f64>,
}

/// One named figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FigureView {
    /// Name.
    pub label: String,
    /// Unit.
    pub unit: UnitView,
    /// Value; `None` with the reason in `note`.
    pub value: Option<f64>,
    /// How it was computed, or why it is absent.
    pub note: String,
}

/// One answer of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerView {
    /// Prompt id.
    pub prompt_id: String,
    /// Category.
    pub category: String,
    /// Last user message.
    pub prompt: String,
    /// The answer.
    pub text: String,
    /// Why it stopped: `stop`, `length`; `None` when it failed.
    pub finish: Option<String>,
}

/// How a metric is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MethodView {
    /// Metric id.
    pub metric: String,
    /// Name in tables.
    pub label: String,
    /// Formula.
    pub formula: String,
    /// Formula version.
    pub formula_version: u16,
    /// When there is no value.
    pub undefined: String,
    /// Who else defines it so.
    pub source: String,
}
