//! Answers held against those of a trusted baseline: what a new runtime, build, quantization or model says otherwise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{FactValue, Finding};

/// Version of a canary check's JSON; raised when a field changes its meaning or goes.
pub const CANARY_SCHEMA_VERSION: u32 = 1;

/// A campaign's answers against a baseline's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryView {
    /// [`CANARY_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What the answers were held against.
    pub baseline: CanaryBaselineView,
    /// The campaign whose answers are checked.
    pub campaign: String,
    /// SHA-256 of its plan.
    pub plan_digest: String,
    /// What counts as what.
    pub rule: CanaryRuleView,
    /// The gravest of all subjects.
    pub verdict: CanaryVerdict,
    /// The verdict in a sentence.
    pub summary: String,
    /// One for each cell of the campaign, in the order of its plan.
    pub subjects: Vec<CanarySubject>,
    /// What a reader must know first.
    pub findings: Vec<Finding>,
    /// Command that makes it again.
    pub regenerate: String,
}

/// A baseline, as far as a page names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryBaselineView {
    /// Its name.
    pub name: String,
    /// SHA-256 of what it says.
    pub digest: String,
    /// UTC of the first event of the campaign that it was made of.
    pub recorded_at: Option<String>,
    /// That campaign.
    pub campaign: String,
    /// edgedyno's version that measured.
    pub tool_version: String,
    /// The corpus and its slice.
    pub corpus: String,
    /// SHA-256 of the corpus.
    pub corpus_digest: String,
    /// How answers were drawn: `greedy, at most 64 tokens`.
    pub sampling: String,
    /// Answers in it.
    pub n_prompts: u64,
}

/// What counts as what: house rules, each with a flag of `canary check`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryRuleView {
    /// Two tokens are a tie where each side held its own for the likelier one by this at most, in nats.
    pub tie_margin_nats: f64,
    /// Mean divergence of the distributions, in nats, above which they are others.
    pub max_kl_nats: f64,
    /// Share of the answers that may part for a reason that nobody tells, 0 to 1.
    pub max_unexplained_share: f64,
    /// Share of the answers that may part though a side held its own token for the likelier one by more than the margin,
    /// 0 to 1.
    pub max_disagreements_share: f64,
    /// By how much at most, in nats, a side may have held its own token for the likelier one where any answer parts.
    pub max_gap_nats: f64,
    /// Level of the test of grader flips.
    pub alpha: f64,
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CanaryVerdict {
    /// Every answer is the same, token for token.
    Same,
    /// Answers part only where two tokens were about as likely: what another order of sums does.
    Numeric,
    /// What was held against the baseline does not differ, but answers are missing.
    Incomplete,
    /// The model says something else.
    Drift,
}

/// One cell's answers against the baseline's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanarySubject {
    /// Cell id.
    pub cell: String,
    /// Device, runtime and model: `local · embedded · smollm2-135m-instruct`.
    pub name: String,
    /// Its own verdict.
    pub verdict: CanaryVerdict,
    /// Why, one sentence each; empty where every answer is the same.
    pub reasons: Vec<String>,
    /// What is known of both sides.
    pub facts: Vec<CanaryFact>,
    /// By what tokens were compared, of all answers the weakest way.
    pub tokens_by: TokensByView,
    /// How many answers are what.
    pub counts: CanaryCounts,
    /// Mean share of a text's characters that must be changed to make it the other's, over all answers compared; `None`
    /// without one.
    pub mean_edit_ratio: Option<f64>,
    /// How far the distributions over next tokens are apart; `None` where a side does not tell them.
    pub kl: Option<CanaryKl>,
    /// Perplexity that each side gives its own answers, the baseline's first; `None` where it does not tell.
    pub perplexity: [Option<f64>; 2],
    /// Answers that a program can grade; `None` without any.
    pub grades: Option<CanaryGrades>,
    /// One for each prompt of the baseline, those that differ first.
    pub rows: Vec<CanaryRow>,
}

/// Something that is known of a side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryFact {
    /// What it is.
    pub label: String,
    /// The baseline's; `None` where unknown.
    pub baseline: Option<FactValue>,
    /// The subject's; `None` where unknown.
    pub subject: Option<FactValue>,
}

/// By what two tokens are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokensByView {
    /// By their numbers.
    Id,
    /// By their texts.
    Piece,
    /// Tokens are not known: texts are compared, character by character.
    Text,
}

/// How many answers are what; the six add up to the prompts of the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CanaryCounts {
    /// The same.
    pub same: u64,
    /// Parted at a tie.
    pub ties: u64,
    /// Parted though a side clearly held its own token for the likelier one.
    pub disagreements: u64,
    /// Parted, and nobody tells how likely the tokens were.
    pub unexplained: u64,
    /// Asked and not answered.
    pub failed: u64,
    /// Not asked.
    pub missing: u64,
}

impl CanaryCounts {
    /// All prompts.
    pub fn all(&self) -> u64 {
        self.compared() + self.failed + self.missing
    }

    /// Those with an answer on both sides.
    pub fn compared(&self) -> u64 {
        self.same + self.ties + self.disagreements + self.unexplained
    }
}

/// Divergence of the distributions over next tokens, in nats, at all places that both sides came to by the same tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryKl {
    /// Places.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    /// 99 of 100 are at most this (type 1).
    pub p99: f64,
    /// The greatest.
    pub max: f64,
}

/// Grades of the answers that both sides have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryGrades {
    /// Answers graded on both sides.
    pub n: u64,
    /// Of them, how many the baseline passes.
    pub baseline_passed: u64,
    /// How many the subject passes.
    pub subject_passed: u64,
    /// Passed by the baseline alone.
    pub lost: u64,
    /// Passed by the subject alone.
    pub gained: u64,
    /// McNemar's exact test of the two.
    pub p: f64,
}

/// What came of one prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CanaryKind {
    /// The same answer.
    Same,
    /// Parted at a tie.
    Tie,
    /// Parted though a side clearly held its own token for the likelier one.
    Disagreement,
    /// Parted, and nobody tells how likely the tokens were.
    Unexplained,
    /// Not answered.
    Failed,
    /// Not asked.
    Missing,
}

/// One prompt's answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryRow {
    /// Prompt id.
    pub prompt: String,
    /// Category of the prompt.
    pub category: String,
    /// What came of it.
    pub kind: CanaryKind,
    /// How it failed: the outcome's word; `None` where it did not.
    pub outcome: Option<String>,
    /// Tokens that begin both answers; `None` where they are not known.
    pub prefix_tokens: Option<u64>,
    /// Characters that begin both.
    pub prefix_chars: u64,
    /// Tokens of each answer, as its runtime counts them, the baseline's first.
    pub n_tokens: [Option<u32>; 2],
    /// Share of characters that must be changed, 0 to 1; `None` without two answers.
    pub edit_ratio: Option<f64>,
    /// Only a part of the texts was compared for it: they are very long.
    pub edit_is_cut: bool,
    /// Mean divergence of the distributions over its common places, in nats.
    pub mean_kl: Option<f64>,
    /// Grade of each answer; `None` where only a person can judge it.
    pub passed: [Option<bool>; 2],
    /// Where they part; `None` where they do not.
    pub fork: Option<CanaryFork>,
}

/// Where two answers part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryFork {
    /// The first token that is another, from 0; `None` where tokens are not known.
    pub token_at: Option<u64>,
    /// The end of what both say before.
    pub before: String,
    /// What each says then, the baseline's first.
    pub sides: [CanaryChoice; 2],
}

/// What a side says where answers part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryChoice {
    /// Its token; `None` where it is not known.
    pub token: Option<String>,
    /// How likely it held that token.
    pub p: Option<f64>,
    /// Its answer ends here.
    pub is_end: bool,
    /// By how much it held its own token for the likelier one, in nats; `None` where it does not tell.
    pub gap_nats: Option<f64>,
    /// It does not tell the other's token, so that the gap is at least this.
    pub gap_is_least: bool,
    /// How the text goes on, shortened.
    pub text: String,
}

impl CanaryKind {
    /// The order in which rows are shown: the graver first.
    pub fn gravity(self) -> u8 {
        match self {
            Self::Failed => 0,
            Self::Disagreement => 1,
            Self::Unexplained => 2,
            Self::Tie => 3,
            Self::Missing => 4,
            Self::Same => 5,
        }
    }
}
