//! Single requests over time: the worst ones, with all that was seen while they went on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chart::PanelChart;

/// One request on one axis of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineView {
    /// In what it is the worst of its cell.
    pub worst: Vec<WorstView>,
    /// Run number.
    pub run: u32,
    /// Launch number within the run.
    pub launch: u16,
    /// Place within the run, from 0.
    pub idx: u32,
    /// Prompt id.
    pub prompt_id: String,
    /// Category of the prompt.
    pub category: String,
    /// Token chunks that arrived.
    pub n_chunks: u64,
    /// Its parts, in order.
    pub phases: Vec<PhaseView>,
    /// Tokens, clocks, temperatures and power; times since it was due, or sent where nothing was due.
    pub chart: PanelChart,
}

/// In what a request is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorstView {
    /// Of what.
    pub of: Worst,
    /// How long that took it, in ns.
    pub ns: u64,
    /// Of how many requests that went well.
    pub n: u64,
}

/// What a request can be the worst of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Worst {
    /// The longest wait for the first token; from the due where there is one.
    Ttft,
    /// The longest wait for the last token; from the due where there is one.
    E2e,
    /// The longest gap between two token chunks.
    Gap,
}

/// A part of a request; times in ns since it was due, or sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseView {
    /// `queue`, `prefill`, `decode`.
    pub name: String,
    /// From here
    pub from_ns: u64,
    /// to here.
    pub to_ns: u64,
}
