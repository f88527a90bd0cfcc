//! What can be wrong with objectives that are read without a problem, once there is a record.

use std::fmt;

use dyno_model::blame::{Blame, Classify};

use crate::error::AnalysisError;

/// A record cannot be held against objectives.
#[derive(Debug, thiserror::Error)]
pub enum ComplianceError {
    /// The record cannot be read.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// Objectives speak of what the campaign does not have.
    #[error("{}", Listed(.problems))]
    Claims {
        /// All of it, in the order of the file.
        problems: Vec<ClaimProblem>,
    },
}

/// An objective that speaks of what the campaign does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimProblem {
    /// The SLO file.
    pub file: String,
    /// Line that the objective begins at.
    pub line: u32,
    /// What it speaks of.
    pub message: String,
    /// What there is.
    pub hint: String,
}

impl fmt::Display for ClaimProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n  hint: {}", self.file, self.line, self.message, self.hint)
    }
}

struct Listed<'p>(&'p [ClaimProblem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [one] => write!(f, "{one}"),
            many => {
                write!(f, "{} problems", many.len())?;
                many.iter().try_for_each(|problem| write!(f, "\n{problem}"))
            }
        }
    }
}

impl Classify for ComplianceError {
    fn blame(&self) -> Blame {
        match self {
            Self::Analysis(error) => error.blame(),
            Self::Claims { .. } => Blame::User,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Analysis(error) => error.hints(),
            Self::Claims { .. } => Vec::new(),
        }
    }
}
