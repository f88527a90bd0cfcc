//! A campaign and where it comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A campaign and its provenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CampaignView {
    /// Its id, also its folder's name.
    pub id: String,
    /// Suite name.
    pub suite: String,
    /// What the suite answers.
    pub description: String,
    /// UTC, `2026-11-21T04:30:00Z`, of the first event; `None` when nothing ran.
    pub started_at: Option<String>,
    /// UTC of the last event.
    pub ended_at: Option<String>,
    /// edgedyno's version that measured.
    pub tool_version: String,
    /// SHA-256 of the frozen plan.
    pub plan_digest: String,
    /// Corpus, slice and its digest.
    pub corpus: String,
    /// SHA-256 of the corpus.
    pub corpus_digest: String,
    /// Seed of all orders and draws.
    pub seed: u64,
    /// Requests that the plan asks for.
    pub n_requests_planned: u64,
    /// Requests in the record.
    pub n_requests_recorded: u64,
    /// Whether every planned request is in the record.
    pub complete: bool,
    /// Loads that are held for a time; how many requests those have is known at their end. `None` without such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldView>,
    /// Command that renders this report again.
    pub regenerate: String,
}

/// Loads that are held for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldView {
    /// Runs that came to their end.
    pub n_ended: u64,
    /// Runs of the plan.
    pub n: u64,
}
