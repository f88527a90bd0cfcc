//! Launches by the state that they started from: cold in one of several ways, or warm.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chart::Chart;
use crate::comparison::ComparedFigure;
use crate::report::UnitView;

/// The starts of a campaign, where its plan names states to start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StartsView {
    /// What is told of each state, in the order to show.
    pub columns: Vec<StartColumnView>,
    /// Cells that differ only in the state that they start from.
    pub groups: Vec<StartGroupView>,
}

/// One thing that is told of each state: a median over launches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StartColumnView {
    /// Its name: `spawn_to_ready_ns`.
    pub id: String,
    /// Name in tables.
    pub label: String,
    /// Unit of the values.
    pub unit: UnitView,
    /// What it is.
    pub note: String,
}

/// Cells that differ only in the state that they start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StartGroupView {
    /// Device id.
    pub device: String,
    /// Runtime name.
    pub runtime: String,
    /// Model name.
    pub model: String,
    /// Load model in words.
    pub load: String,
    /// Threads asked for.
    pub threads: Option<u32>,
    /// Context length.
    pub context_tokens: u32,
    /// One for each state, the coldest first.
    pub rows: Vec<StartRowView>,
    /// States against each other.
    pub differences: Vec<StartDifferenceView>,
    /// Launches as dots.
    pub charts: Vec<Chart>,
}

/// One state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StartRowView {
    /// Cell id.
    pub cell: String,
    /// `C1`; `None` as it happens to be.
    pub code: Option<String>,
    /// In words: `storage-cold`.
    pub label: String,
    /// Launches in all.
    pub n_launches: u64,
    /// Of these, launches that may be used and were shown to be in the state: only they are in a figure.
    pub n_verified: u64,
    /// Why the others are not, and how many of them; `cold=unverified: …` where the state was not shown.
    pub unverified: Vec<UnverifiedView>,
    /// Share of the model's file that was in memory just before the spawn: the least and the most of all launches;
    /// `None` where it could not be asked.
    pub resident_ratio: Option<[f64; 2]>,
    /// The same before anything was done.
    pub resident_before_ratio: Option<[f64; 2]>,
    /// What was done, in order.
    pub steps: Vec<String>,
    /// One for each column.
    pub figures: Vec<ComparedFigure>,
}

/// Launches that are in no figure of their state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnverifiedView {
    /// How many.
    pub n: u64,
    /// Why.
    pub reason: String,
}

/// One state less another, paired by round: launches of one round serve the same prompts in the same order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StartDifferenceView {
    /// Place of the row that is taken from.
    pub of: u32,
    /// Place of the row that is taken away.
    pub less: u32,
    /// Rounds in which both may be used.
    pub n_rounds: u64,
    /// Median difference for each column; missing where a difference says nothing.
    pub figures: Vec<ComparedFigure>,
}
