//! The ways a run or a request can end. A run that dies is data, not an error.

use serde::{Deserialize, Serialize};

/// How a run (one launch) or a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// As asked.
    Ok,
    /// Killed for memory.
    Oom {
        /// What shows it.
        detail: String,
    },
    /// A deadline passed.
    Timeout {
        /// Which deadline.
        limit_ms: u64,
    },
    /// The runtime died.
    Crashed {
        /// Exit status as the system words it.
        exit: String,
        /// The last lines that it wrote to stderr.
        stderr_tail: String,
    },
    /// The runtime said no: bad model, context exceeded.
    Refused {
        /// Its words.
        detail: String,
    },
    /// The runtime or the model cannot do this at all.
    Unsupported {
        /// What is missing.
        detail: String,
    },
    /// A limit that the plan sets was reached, and the launch was stopped.
    AtLimit {
        /// Which one, with its figure.
        detail: String,
    },
    /// The device restarted.
    Rebooted,
    /// Stopped from outside before it ended.
    Cancelled,
}

impl Outcome {
    /// The word for tables and columns.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Oom { .. } => "oom",
            Self::Timeout { .. } => "timeout",
            Self::Crashed { .. } => "crashed",
            Self::Refused { .. } => "refused",
            Self::Unsupported { .. } => "unsupported",
            Self::AtLimit { .. } => "at_limit",
            Self::Rebooted => "rebooted",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it ended as asked.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }

    /// Whether a held load that ended so came to its end: that the device could not go on is a result, too, and is
    /// not measured again.
    pub fn ends_hold(&self) -> bool {
        match self {
            Self::Ok
            | Self::Oom { .. }
            | Self::Timeout { .. }
            | Self::Crashed { .. }
            | Self::AtLimit { .. }
            | Self::Rebooted => true,
            Self::Refused { .. } | Self::Unsupported { .. } | Self::Cancelled => false,
        }
    }

    /// What is known beyond the word.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Ok | Self::Rebooted | Self::Cancelled => None,
            Self::Oom { detail }
            | Self::Refused { detail }
            | Self::Unsupported { detail }
            | Self::AtLimit { detail } => Some(detail.clone()),
            Self::Timeout { limit_ms } => Some(format!("no answer within {limit_ms} ms")),
            Self::Crashed { exit, stderr_tail } if stderr_tail.is_empty() => Some(exit.clone()),
            Self::Crashed { exit, stderr_tail } => Some(format!("{exit}: {stderr_tail}")),
        }
    }
}

/// Whether the numbers of a run may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Validity {
    /// They may.
    Valid,
    /// They may not; each reason with its figure.
    Invalid {
        /// Why, one sentence each.
        reasons: Vec<String>,
    },
}
