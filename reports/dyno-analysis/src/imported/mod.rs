//! Figures that other tools measured, read from their files.
//!
//! They stand beside ours and are never tested against them: their definitions differ, and no record stands behind them.

mod llama_bench;

use dyno_model::blame::{Blame, Classify};

pub use llama_bench::llama_bench;

/// Longest file that is read (house rule): a test of llama-bench takes some 1.5 KiB.
pub const MAX_IMPORT_BYTES: usize = 8 << 20;

/// Most figures of one file (house rule): a page with more is not read by anybody.
pub(crate) const MAX_ROWS: usize = 1_000;

/// A file of another tool cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is longer than such files are.
    #[error("{file} has more than {most} bytes")]
    TooLong {
        /// The file.
        file: String,
        /// The most that is read.
        most: usize,
    },
    /// It has more figures than anybody reads.
    #[error("{file} has {n} figures, at most {most} are taken over")]
    TooMany {
        /// The file.
        file: String,
        /// How many it has.
        n: usize,
        /// The most that is taken over.
        most: usize,
    },
    /// It begins like neither form.
    #[error("{file} is neither a JSON list nor lines of JSON")]
    NeitherForm {
        /// The file.
        file: String,
    },
    /// It is not JSON.
    #[error("{place} is not JSON")]
    NotJson {
        /// The file, or one of its lines.
        place: String,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// It holds no figure.
    #[error("{file} holds no figure")]
    Empty {
        /// The file.
        file: String,
    },
    /// A field is not as the tool writes it.
    #[error("{place}: `{field}` {wrong}")]
    Field {
        /// The file, and which of its figures.
        place: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        wrong: String,
    },
}

impl Classify for ImportError {
    fn blame(&self) -> Blame {
        Blame::User
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::TooLong { .. } | Self::TooMany { .. } => {
                vec!["import the tests that the report is about".to_owned()]
            }
            Self::NeitherForm { .. } | Self::NotJson { .. } | Self::Empty { .. } => {
                vec!["write the file with `llama-bench -o json` or `llama-bench -o jsonl`".to_owned()]
            }
            Self::Field { .. } => {
                vec!["write the file again with llama-bench; figures are not mended here".to_owned()]
            }
        }
    }
}
