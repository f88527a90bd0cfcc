//! How requests ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many requests ended so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeCount {
    /// `ok`, `timeout`, `crashed` …
    pub outcome: String,
    /// How many.
    pub n: u64,
    /// One example of what was said.
    pub example: Option<String>,
    /// HTTP statuses among them.
    #[serde(default)]
    pub statuses: Vec<StatusCount>,
    /// How long the server asked to be left alone, where it did.
    #[serde(default)]
    pub retry_after: Option<RetryAfterView>,
}

/// How many answers had a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusCount {
    /// The status.
    pub status: u32,
    /// How many.
    pub n: u64,
}

/// What servers asked for by Retry-After.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetryAfterView {
    /// Answers that had it.
    pub n: u64,
    /// The shortest time.
    pub min_ms: u64,
    /// The longest time.
    pub max_ms: u64,
}
