//! What can go wrong with an analysis.

use dyno_model::blame::{Blame, Classify};
use dyno_store::{JournalError, TableError};

use crate::compare::CompareError;

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
    /// What is asked for cannot be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// There is no such run in the record.
    #[error("run {run} is not in the record")]
    NoSuchRun {
        /// The run that was asked for.
        run: u32,
        /// Runs of the plan.
        n_runs: usize,
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
            Self::NoSuchRun { .. } => Blame::User,
            Self::Compare(error) => error.blame(),
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
            Self::Compare(error) => error.hints(),
            Self::NoSuchRun { n_runs, .. } => {
                vec![format!(
                    "the plan has the runs 0 to {}; the report names those that were measured",
                    n_runs.saturating_sub(1)
                )]
            }
            Self::Export(_) => Vec::new(),
        }
    }
}
