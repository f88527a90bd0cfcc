//! Releases, settings or devices held against each other, with a verdict for each metric (MEASUREMENT §3.5).
//!
//! The first side is the baseline; each other side is held against it. A [`ContrastView`] is one cell of a side against
//! the baseline's cell that did the same work.

mod beside;
mod quality;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calibration::CalibrationUse;
use crate::chart::Chart;
use crate::comparison::{Better, RowPart, ShareView};
use crate::report::{FactView, Finding, MethodView, UnitView};

pub use beside::{BlockCounts, FailureRow, ShapeRow, TailFigure, TailRow};
pub use quality::{FewPairs, FlippedPrompts, PairedDifferenceView, QualityChange, QualityRow};

/// Version of the comparison's JSON; raised when a field changes its meaning or goes.
pub const COMPARE_SCHEMA_VERSION: u32 = 1;

/// Sides held against the first of them. Values in the units of their metrics; nothing is rounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CompareView {
    /// [`COMPARE_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What all of it shows; `None` when nothing could be tested, and the findings say why.
    pub verdict: Option<ChangeVerdictView>,
    /// The same in a sentence, with the figure that it rests on.
    pub summary: String,
    /// What is held against each other; the first is the baseline.
    pub sides: Vec<SideView>,
    /// How many questions were asked of the data, and how that was paid for.
    pub family: FamilyView,
    /// Cell against cell, in the order of the sides and of the baseline's plan.
    pub contrasts: Vec<ContrastView>,
    /// A/A calibrations that were given, and whether they fit.
    pub calibrations: Vec<CalibrationUse>,
    /// What a reader must know first, most important first.
    pub findings: Vec<Finding>,
    /// How each metric of the rows is computed.
    pub methods: Vec<MethodView>,
    /// Command that makes this comparison again.
    pub regenerate: String,
}

impl CompareView {
    /// All rows with their contrasts, in order.
    pub fn rows(&self) -> impl Iterator<Item = (&ContrastView, &ChangeRow)> {
        self.contrasts.iter().flat_map(|contrast| contrast.rows.iter().map(move |row| (contrast, row)))
    }

    /// Whether anything became worse: a metric, the share of requests that fail, or the share of answers that pass.
    pub fn regressed(&self) -> bool {
        self.verdict == Some(ChangeVerdictView::Regression)
    }

    /// The row that tells most: of those with the gravest verdict, the one that became worse by most; `None` when
    /// nothing could be tested.
    pub fn worst(&self) -> Option<(&ContrastView, &ChangeRow)> {
        let weight = |row: &ChangeRow| {
            let change = row.tested()?;
            Some((change.verdict, change.effect.worse_by(row.better)))
        };
        let weighed = self.rows().filter_map(|(contrast, row)| Some((weight(row)?, contrast, row)));
        weighed
            .max_by(|(a, ..), (b, ..)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
            .map(|(_, contrast, row)| (contrast, row))
    }
}

/// What a change is shown to be. The order is that of gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeVerdictView {
    /// Any change is smaller than what matters.
    Equivalent,
    /// Better by more than what matters.
    Improvement,
    /// Not enough is known to say any of the others. Never to be read as "no regression".
    Inconclusive,
    /// Worse by more than what matters.
    Regression,
}

/// One side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SideView {
    /// Its name in tables; no two sides share one.
    pub name: String,
    /// Campaign id.
    pub campaign: String,
    /// SHA-256 of that campaign's plan.
    pub plan_digest: String,
    /// edgedyno's version that measured.
    pub tool_version: String,
    /// UTC of its first event; `None` when nothing ran.
    pub started_at: Option<String>,
    /// The arm of the plan that it is; `None` where it was chosen otherwise.
    pub arm: Option<String>,
    /// The words that the arm was asked for with.
    pub words: Option<String>,
    /// Ids of its cells, in the order of the plan.
    pub cells: Vec<String>,
    /// Device ids, sorted.
    pub devices: Vec<String>,
    /// Runtime names, sorted.
    pub runtimes: Vec<String>,
    /// Model names, sorted.
    pub models: Vec<String>,
    /// What runtime and model say of themselves: versions and digests.
    pub facts: Vec<FactView>,
    /// Launches whose numbers may be used, of all that there are.
    pub launches: ShareView,
    /// Requests that went well, of all that are in the record.
    pub requests: ShareView,
    /// Whether every request that the plan asks of its cells is in the record.
    pub complete: bool,
}

/// How many questions were asked of the data at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FamilyView {
    /// Tests: devices × scenarios × metrics, shares of failures where something failed, and answers that were graded.
    pub n_tests: u64,
    /// Tests that show a difference when all are asked at once (q ≤ `false_discovery`).
    pub n_different: u64,
    /// Share of false alarms among those that is allowed (Benjamini & Hochberg 1995).
    pub false_discovery: f64,
    /// Confidence of each row's interval, so that those of rows that show a difference hold together
    /// (Benjamini & Yekutieli 2005): `1 − false_discovery · max(n_different, 1) / n_tests`.
    pub confidence: f64,
}

/// One cell of a side against the baseline's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContrastView {
    /// Place of the side that is held against the first.
    pub side: u32,
    /// The baseline's device; both sides' where `differ_in` has no device.
    pub device: String,
    /// What both cells did, in words: `gemma-3-270m-it · single user`. It tells contrasts of one side apart.
    pub label: String,
    /// Id of the baseline's cell.
    pub baseline_cell: String,
    /// Id of the side's cell.
    pub candidate_cell: String,
    /// In what the cells differ by plan; the runtime's release and settings are in `changes`.
    pub differ_in: Vec<RowPart>,
    /// What differs, in words: `runtime version b9986 → b10011`.
    pub changes: Vec<String>,
    /// Whether launches were held against their neighbours in time.
    pub pairing: PairingView,
    /// One row for each metric, in the order of the catalogue.
    pub rows: Vec<ChangeRow>,
    /// Requests that failed.
    pub failures: FailureRow,
    /// Graded answers to the same prompts; `None` where no prompt has a grader, or the sides were not asked alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualityChange>,
    /// High percentiles; secondary, in no family and in no verdict.
    pub tails: Vec<TailRow>,
    /// How far the distributions of requests lie apart; to look at, not to judge by.
    pub shapes: Vec<ShapeRow>,
    /// What a reader must know of this pair, one sentence each.
    pub notes: Vec<String>,
    /// Distributions of the requests of both sides.
    pub charts: Vec<Chart>,
}

/// How the launches of both cells belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PairingView {
    /// In blocks: a launch of each, one after the other on one device, with the same prompts.
    Paired {
        /// Every block of the plan.
        blocks: Vec<BlockView>,
        /// Blocks that count.
        n: u64,
        /// How the order within blocks was chosen; `None` for a plain matrix, whose rounds are shuffled.
        order: Option<BlockOrderView>,
    },
    /// Launch medians of one side against those of the other: what differs between the two times is in the result.
    /// Differences count from twice the size on.
    Unpaired {
        /// Why.
        why: String,
        /// Launches of the baseline that count.
        n_baseline: u64,
        /// Launches of the side that count.
        n_candidate: u64,
        /// Launches that do not count, and why, one sentence each.
        left_out: Vec<String>,
    },
}

/// How the order within blocks was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockOrderView {
    /// Every second block backwards.
    Abba,
    /// Drawn for each block.
    Shuffled,
}

/// One block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockView {
    /// Its number, from 0.
    pub block: u32,
    /// Whether the baseline was launched first.
    pub baseline_first: bool,
    /// Prompts that both sides answered.
    pub n_prompts: u64,
    /// Why it does not count; `None` when it does.
    pub left_out: Option<String>,
}

/// One metric of one contrast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeRow {
    /// Metric id.
    pub metric: String,
    /// Name in tables.
    pub label: String,
    /// Unit of the values.
    pub unit: UnitView,
    /// Which way is better.
    pub better: Better,
    /// Whether it is the metric that the scenario is about: it decides where nothing became worse.
    pub is_primary: bool,
    /// A change by less does not matter: 0.03.
    pub delta: f64,
    /// Median of the baseline's launches that count; `None` where it has no value.
    pub baseline: Option<f64>,
    /// The same of the side.
    pub candidate: Option<f64>,
    /// What came of it.
    pub outcome: ChangeOutcome,
}

impl ChangeRow {
    /// The test, where there is one.
    pub fn tested(&self) -> Option<&Change> {
        match &self.outcome {
            ChangeOutcome::Tested(change) => Some(change),
            ChangeOutcome::Unlike { .. } | ChangeOutcome::Missing { .. } => None,
        }
    }
}

/// What came of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChangeOutcome {
    /// It was tested.
    Tested(Change),
    /// The sides did not do the same work, or did not measure the same: nothing is compared.
    Unlike {
        /// In what; half a sentence.
        reason: String,
    },
    /// There is nothing to compare.
    Missing {
        /// Why; half a sentence.
        reason: String,
    },
}

/// A tested change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The side over the baseline.
    pub effect: EffectView,
    /// Exact two-sided p value: Wilcoxon's signed rank over blocks, or Mann & Whitney over launches; `None` where there
    /// are too few for one.
    pub p: Option<f64>,
    /// The same with the whole family in view (Benjamini & Hochberg); `None` as `p`.
    pub q: Option<f64>,
    /// What that shows.
    pub verdict: ChangeVerdictView,
    /// So many more blocks, or launches of each side, would probably decide; `None` when it is decided, or when no
    /// number within reason would.
    pub more_blocks: Option<u32>,
    /// The least ratio − 1 that so many blocks find in four of five experiments; `None` with fewer than three.
    pub mde: Option<f64>,
    /// Blocks, or launches of the side with fewer.
    pub n: u64,
    /// Prompts behind a block, in the middle; `None` for metrics of launches.
    pub n_prompts: Option<u64>,
    /// Standard deviation of the logarithm of the blocks' ratios; `None` with fewer than two.
    pub sd_ln: Option<f64>,
    /// What the test was made of.
    pub values: TestedValues,
}

/// What a test was made of, for a plot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TestedValues {
    /// One ratio for each block.
    Blocks {
        /// In order of the blocks.
        ratios: Vec<BlockRatio>,
    },
    /// One value for each launch.
    Launches {
        /// Of the baseline, in order of the runs.
        baseline: Vec<f64>,
        /// Of the side.
        candidate: Vec<f64>,
    },
}

/// The side over the baseline in one block: `exp(median over prompts of ln candidate − ln baseline)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlockRatio {
    /// Its number.
    pub block: u32,
    /// The ratio.
    pub ratio: f64,
}

/// The side over the baseline: above 1 is more, which is better or worse by the metric (Hodges & Lehmann).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EffectView {
    /// The ratio.
    pub ratio: f64,
    /// Lower bound; `None` where there are too few blocks for one.
    pub low: Option<f64>,
    /// Upper bound.
    pub high: Option<f64>,
    /// Confidence that was asked for; the interval has at least that.
    pub confidence: f64,
}

impl EffectView {
    /// By how much it became worse, as a logarithm: negative is better.
    pub fn worse_by(&self, better: Better) -> f64 {
        match better {
            Better::Lower => self.ratio.ln(),
            Better::Higher => -self.ratio.ln(),
        }
    }
}
