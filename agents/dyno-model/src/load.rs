//! How requests are offered.

use serde::{Deserialize, Serialize};

/// A load model. The set is closed: it is stored and must be handled exhaustively.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LoadModel {
    /// One user: the next request is sent when the previous answer is complete, after `think_ms`.
    Single {
        /// Pause between an answer and the next request.
        #[serde(default)]
        think_ms: u64,
    },
}

impl LoadModel {
    /// A short name for tables: `single`.
    pub fn label(&self) -> String {
        match self {
            Self::Single { think_ms: 0 } => "single user".to_owned(),
            Self::Single { think_ms } => format!("single user, {think_ms} ms think time"),
        }
    }
}
