//! Graded answers of both sides to the same prompts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ChangeVerdictView;

/// Graded answers of a side against the baseline's, prompt by prompt: each prompt is one pair, whatever the launches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QualityChange {
    /// All graded prompts together; its test is one of the comparison's family.
    pub all: QualityRow,
    /// Each category that has enough pairs for a test, sorted by name; their tests are a family of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<QualityRow>,
    /// Categories with too few pairs for a test, and how many they have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub too_few: Vec<FewPairs>,
    /// Confidence of the categories' intervals, as `FamilyView::confidence` of all; `None` without a category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories_confidence: Option<f64>,
    /// Prompts that pass in the baseline and fail in the side.
    pub lost: FlippedPrompts,
    /// Prompts that fail in the baseline and pass in the side.
    pub gained: FlippedPrompts,
    /// Prompts with a grader that only one side, or none, has a graded answer to: they are in no pair.
    pub n_unpaired: u64,
    /// Prompts whose answers pass in one launch and fail in another: of the baseline, and of the side. The majority
    /// counts; the first answer where there is none.
    pub n_unstable: [u64; 2],
}

/// Pairs of all prompts, or of one category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QualityRow {
    /// The category; `None` for all prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Prompts that both sides have a graded answer to.
    pub n: u64,
    /// Of them, those that pass in the baseline.
    pub baseline_passed: u64,
    /// Those that pass in the side.
    pub candidate_passed: u64,
    /// Those that pass in the baseline only: McNemar's b.
    pub n_lost: u64,
    /// Those that pass in the side only: McNemar's c.
    pub n_gained: u64,
    /// A change of the pass rate by less does not matter: 0.05 is five points (house rule).
    pub delta: f64,
    /// The side's pass rate less the baseline's; `None` without a pair.
    pub difference: Option<PairedDifferenceView>,
    /// Exact two-sided p value (McNemar 1947); `None` without a pair.
    pub p: Option<f64>,
    /// The same with its family in view (Benjamini & Hochberg).
    pub q: Option<f64>,
    /// What that shows.
    pub verdict: ChangeVerdictView,
    /// So many more prompts would probably decide; `None` when it is decided, or when no number within reason would.
    pub more_prompts: Option<u32>,
}

/// A category with too few pairs for a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FewPairs {
    /// The category.
    pub category: String,
    /// Its pairs.
    pub n: u64,
}

/// A difference of two pass rates of the same prompts, of −1 to 1, with Tango's score interval (1998).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairedDifferenceView {
    /// The difference.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Confidence of the interval.
    pub confidence: f64,
}

/// Prompts whose answers changed sides, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct FlippedPrompts {
    /// How many there are.
    pub n: u64,
    /// The first of them by id.
    pub prompts: Vec<String>,
}

impl QualityChange {
    /// All prompts, then the categories.
    pub fn rows(&self) -> impl Iterator<Item = &QualityRow> {
        std::iter::once(&self.all).chain(&self.categories)
    }

    /// Whether all prompts together, or a category, became worse.
    pub fn regressed(&self) -> bool {
        self.rows().any(|row| row.verdict == ChangeVerdictView::Regression)
    }
}

impl QualityRow {
    /// Share of the pairs that pass in the baseline, and in the side; `None` without a pair.
    pub fn shares(&self) -> Option<[f64; 2]> {
        let of = |passed: u64| passed as f64 / self.n as f64;
        (self.n > 0).then(|| [of(self.baseline_passed), of(self.candidate_passed)])
    }
}
