//! Whether a record keeps a set of service level objectives: the normative form of a compliance report.
//!
//! It holds the ten points of MEASUREMENT §9.3. `compliance.json` is this structure, and its JSON Schema is
//! `docs/compliance.schema.json`. All dates are of the record: the same record and the same objectives give the same
//! bytes.

mod cell;
mod drop;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{CampaignView, DeviceView, Finding, MethodView, UnitView};

pub use cell::{EnvironmentView, JudgedCellView, LengthsView, MeasuringView, ProbeView, ZoneView};
pub use drop::{DropBoundsView, DropView};

/// Version of `compliance.json`; raised when a field changes its meaning or goes.
pub const COMPLIANCE_SCHEMA_VERSION: u32 = 1;

/// Everything that a compliance report says. Times in ns, sizes in bytes, shares of 0 to 1; nothing is rounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComplianceView {
    /// [`COMPLIANCE_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The campaign and its provenance.
    pub campaign: CampaignView,
    /// The set of objectives.
    pub slo: SloView,
    /// All objectives together, in all cells that they are about.
    pub verdict: ComplianceVerdict,
    /// Each objective with its verdicts, in the order of the file.
    pub objectives: Vec<ObjectiveView>,
    /// What a judged observation is, one sentence each.
    pub rules: Vec<String>,
    /// The cells that are judged: what was measured, on what, and how.
    pub cells: Vec<JudgedCellView>,
    /// The devices of these cells.
    pub devices: Vec<DeviceView>,
    /// Observations that were not judged, by the rule that left them out.
    pub exclusions: Vec<ExclusionView>,
    /// A report with a larger share of observations left out is invalid.
    pub most_excluded_ratio: f64,
    /// What a reader must know of the record, most important first.
    pub findings: Vec<Finding>,
    /// What this report does not say, one sentence each.
    pub limits: Vec<String>,
    /// How each judged metric is computed.
    pub methods: Vec<MethodView>,
    /// What the verdict can be had again from.
    pub evidence: EvidenceView,
    /// Who measured, as they say themselves; `None` where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
}

/// A set of objectives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SloView {
    /// Its name.
    pub name: String,
    /// What it stands for.
    pub description: String,
    /// The file that it was read from.
    pub file: String,
    /// SHA-256 of that file.
    pub digest: String,
}

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComplianceVerdict {
    /// Kept.
    Pass,
    /// Not kept.
    Fail,
    /// Neither is shown.
    Inconclusive,
    /// Too much of the record was left out for any verdict.
    Invalid,
}

/// One objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveView {
    /// Its name.
    pub name: String,
    /// Line of the file that it begins at.
    pub line: u32,
    /// What one observation is.
    pub judges: JudgedView,
    /// What an observation must meet, all at once.
    pub conditions: Vec<ConditionView>,
    /// How many must meet them.
    pub demand: DemandView,
    /// Which observations it is about, as the file says; empty is all.
    pub selection: Vec<SelectionView>,
    /// All its cells together.
    pub verdict: ComplianceVerdict,
    /// Cell by cell.
    pub judgements: Vec<JudgementView>,
    /// What a drop is held against, by the name that the file has for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
}

/// What one observation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JudgedView {
    /// A request that was to be served.
    Request,
    /// A fresh launch of the runtime.
    Launch,
}

/// What an observation must meet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ConditionView {
    /// It ended well.
    Answered,
    /// Its prompt's grader accepts the answer.
    Passed,
    /// No socket of the runtime led beyond its machine.
    NoEgress,
    /// Its value of a metric keeps a limit.
    Limit {
        /// Metric id, as the file means it; where latency counts from differs by load, and stands in the judgement.
        metric: String,
        /// Name in tables.
        label: String,
        /// Formula version.
        formula_version: u16,
        /// Unit of the limit.
        unit: UnitView,
        /// Which way is better.
        bound: BoundView,
        /// The limit.
        limit: f64,
    },
}

/// On which side of a limit values must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundView {
    /// At the limit or below.
    AtMost,
    /// At the limit or above.
    AtLeast,
}

/// How many observations must meet the conditions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DemandView {
    /// A share, shown with a confidence.
    Share {
        /// The share.
        fraction: f64,
        /// The confidence that the file asks for.
        confidence: f64,
    },
    /// The share of prompts that pass fell by at most this since a baseline.
    Drop {
        /// The most that it may fall, as a difference of two shares.
        most: f64,
        /// The confidence that the file asks for.
        confidence: f64,
    },
    /// Every one of the record.
    Every,
}

/// A part of a selection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelectionView {
    /// By what: `category`.
    pub by: String,
    /// What is selected.
    pub values: Vec<String>,
}

/// What one cell shows of one objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JudgementView {
    /// Cell id.
    pub cell: String,
    /// What is shown.
    pub verdict: ComplianceVerdict,
    /// Why it is neither pass nor fail; `None` where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Metrics that were judged, by id: in open loops latencies count from the due.
    pub metrics: Vec<String>,
    /// Observations that were judged; of a drop, prompts that both campaigns have a graded answer to.
    pub n: u64,
    /// Observations that do not meet all conditions.
    pub n_violations: u64,
    /// Why they do not, most first; an observation that breaks two limits is in both.
    pub violations: Vec<ViolationView>,
    /// Share of violations with its bounds; `None` without an observation.
    pub share: Option<ShareBoundsView>,
    /// The most that the share may be; of a drop, the most that the pass rate may fall.
    pub allowed_ratio: f64,
    /// Confidence of this verdict, after sharing; `None` where none is inferred.
    pub confidence: Option<f64>,
    /// Over how many statements the confidence is shared: objectives times looks.
    pub n_shared: u32,
    /// How the bounds were had.
    pub method: JudgementMethod,
    /// So many more observations decide it, if all of them meet the conditions; `None` where it is decided, or where
    /// observations alone do not decide it.
    pub more_needed: Option<u64>,
    /// So many more runs decide it at the least; `None` where runs are not what lacks.
    pub more_runs: Option<u32>,
    /// Runs behind the observations.
    pub n_runs: u32,
    /// The largest share of the observations that one run holds.
    pub largest_run_ratio: Option<f64>,
    /// How much observations of one run resemble each other, of 0 to 1; `None` with too few runs.
    pub intraclass: Option<f64>,
    /// The chance that runs of one share differ as much as these; the bounds are those of runs where it is 0.2 or less.
    pub runs_p: Option<f64>,
    /// So many independent observations tell as much, where runs differ.
    pub n_effective: Option<u64>,
    /// The observed quantile of the only limit; `None` for several limits, or where it is beyond all values.
    pub observed: Option<f64>,
    /// The strictest limit with which these observations would have passed; `None` where no limit would do.
    pub would_pass: Option<f64>,
    /// The most violations with which so many observations pass; `None` where even none is too many, or runs are too few.
    pub n_tolerated: Option<u64>,
    /// The true share of violations with which such a check passes eight times of ten; `None` as above.
    pub power_ratio: Option<f64>,
    /// Observations left out.
    pub n_excluded: u64,
    /// Of all selected observations, the share that was left out.
    pub excluded_ratio: f64,
    /// Answers against those of a baseline; `None` of other objectives, and where there is nothing to hold them against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<DropView>,
}

/// A share with two one-sided bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShareBoundsView {
    /// As observed.
    pub ratio: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Confidence of each bound by itself.
    pub confidence: f64,
}

/// A cause of violations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViolationView {
    /// `ttft_ns` over its limit, or how requests ended: `timeout`, `crashed`, `unsent`.
    pub cause: String,
    /// In words.
    pub label: String,
    /// How many.
    pub n: u64,
}

/// How the bounds of a share were had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JudgementMethod {
    /// One-sided Clopper–Pearson bounds: MLPerf's early stopping.
    ClopperPearson,
    /// Bounds over runs: observations of one run resemble each other.
    RunLevel,
    /// Tango's score interval for the difference of two shares of the same prompts.
    PairedScore,
    /// Nothing is inferred: all observations of the record are counted.
    Count,
}

/// Observations that were not judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExclusionView {
    /// Id of the rule: `invalid-launch`.
    pub rule: String,
    /// The rule in words.
    pub words: String,
    /// Cell id.
    pub cell: String,
    /// Requests that it left out.
    pub n_requests: u64,
    /// Launches that it left out.
    pub n_launches: u64,
    /// What of the record says so, at most a few.
    pub reasons: Vec<String>,
}

/// What a verdict can be had again from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceView {
    /// SHA-256 of `plan.json`.
    pub plan_digest: String,
    /// SHA-256 of `journal.log`.
    pub journal_digest: String,
    /// Its length.
    pub journal_bytes: u64,
    /// Bytes of a torn tail, which are in no figure.
    pub torn_bytes: u64,
    /// SHA-256 of the SLO file.
    pub slo_digest: String,
    /// Seed of all orders and draws.
    pub seed: u64,
    /// edgedyno's version that measured.
    pub measured_by: String,
    /// edgedyno's version that judged.
    pub checked_by: String,
    /// Builds of the agent that measured.
    pub agent_builds: Vec<String>,
    /// Command that makes this report again.
    pub regenerate: String,
}
