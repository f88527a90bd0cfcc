//! Whether answers are right: what the graders of prompts say, beside the speed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chart::Chart;
use crate::report::UnitView;

/// The quality of one cell's answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QualityView {
    /// All prompts.
    pub overall: PassRateView,
    /// By category of prompt, in the order of names.
    pub categories: Vec<CategoryPassRateView>,
    /// Prompts with an answer that does not pass.
    pub n_not_passed: u64,
    /// The first of them, a few of each category.
    pub failures: Vec<FailedAnswerView>,
    /// What a reader must know, one sentence each.
    pub notes: Vec<String>,
}

/// How many prompts are answered as they should be. Several answers to one prompt are one observation.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PassRateView {
    /// Prompts with a graded answer.
    pub n: u64,
    /// Prompts that pass; one whose answers differ counts as the share of them that pass.
    pub n_passed: f64,
    /// `n_passed / n`, of 0 to 1; `None` without a graded answer.
    pub rate: Option<f64>,
    /// Its exact binomial 95 % interval over the prompts (Clopper–Pearson).
    pub interval: Option<[f64; 2]>,
    /// Prompts of which some answers pass and some do not.
    pub n_mixed: u64,
    /// Graded answers.
    pub n_answers: u64,
    /// Those that pass.
    pub n_answers_passed: u64,
    /// Graded answers that were cut off at the most tokens that are allowed.
    pub n_cut: u64,
    /// Those of them that pass.
    pub n_cut_passed: u64,
    /// Answered prompts that no program can judge: they have no grader, or one that only a person can apply.
    pub n_ungraded: u64,
    /// Requests of prompts with a grader that failed, and so have no answer to judge.
    pub n_failed: u64,
}

/// One category of prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CategoryPassRateView {
    /// Its name; foreign text.
    pub category: String,
    /// Its prompts.
    pub rate: PassRateView,
}

/// An answer that does not pass; all texts are foreign, and cut where they are long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedAnswerView {
    /// Prompt id.
    pub prompt_id: String,
    /// Category of the prompt.
    pub category: String,
    /// Kind of its grader: `exact`.
    pub grader: String,
    /// What the grader accepts, in a few words.
    pub accepts: String,
    /// Beginning of the last user message.
    pub prompt: String,
    /// Beginning of the answer.
    pub answer: String,
    /// Why it stopped: `stop`, `length`.
    pub finish: Option<String>,
    /// Graded answers to the prompt.
    pub n_answers: u64,
    /// Those that pass.
    pub n_passed: u64,
}

/// Cells by speed, quality and energy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QualityTableView {
    /// Cells that answered the same graded prompts under the same load.
    pub groups: Vec<FrontierView>,
}

/// Cells whose pass rates may be put side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FrontierView {
    /// What all of them were asked, in words.
    pub work: String,
    /// One for each cell, in the order of the report.
    pub rows: Vec<FrontierRowView>,
    /// What counts for the front: `pass rate`, `decode rate`, `energy`; fewer than two where there is no front.
    pub judged_by: Vec<String>,
    /// What a reader must know, one sentence each.
    pub notes: Vec<String>,
    /// Quality against speed, latency and energy.
    pub charts: Vec<Chart>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FrontierRowView {
    /// Cell id.
    pub cell: String,
    /// What tells it from the other rows; foreign text.
    pub name: String,
    /// Its prompts.
    pub quality: PassRateView,
    /// Median decode rate.
    pub speed: Option<FrontierFigureView>,
    /// E2E latency p95, from the due where requests are due.
    pub latency: Option<FrontierFigureView>,
    /// Gross energy per output token; `None` where nothing measures it, or where it may not be put beside the others'.
    pub energy: Option<FrontierFigureView>,
    /// Names of the rows that are as good in all that counts and better in some of it, by their figures alone; empty on
    /// the front.
    pub beaten_by: Vec<String>,
}

/// A figure with as much of an interval as there is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FrontierFigureView {
    /// Unit of the figure and its bounds.
    pub unit: UnitView,
    /// The figure.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
}
