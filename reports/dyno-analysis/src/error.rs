//! What can go wrong with an analysis.

use dyno_model::blame::{Blame, Classify};
use dyno_store::{JournalError, TableError};

/// A record cannot be analysed.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// The record cannot be read.
    #[error(transparent)]
    Tables(#[from] TableError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(JournalError),
    /// Tables of one record do not fit together.
    #[error(
        "tables `requests` and `chunks` do not fit together: {n_expected} chunks expected, {n_found} found"
    )]
    ChunksMissing {
        /// Chunks that the requests speak of.
        n_expected: u64,
        /// Chunks that there are.
        n_found: u64,
    },
    /// An export cannot be written.
    #[error("cannot write the export")]
    Export(#[source] std::io::Error),
}

impl Classify for AnalysisError {
    fn blame(&self) -> Blame {
        match self {
            Self::Tables(error) => error.blame(),
            Self::Journal(error) => error.blame(),
            Self::ChunksMissing { .. } => Blame::Harness,
            Self::Export(_) => Blame::Lab,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Tables(error) => error.hints(),
            Self::Journal(error) => error.hints(),
            Self::ChunksMissing { .. } => {
                vec!["delete the folder `tables`: it is made again from the journal".to_owned()]
            }
            Self::Export(_) => Vec::new(),
        }
    }
}
