//! What can be wrong with a baseline, and with what is held against it.

use dyno_grade::GraderError;
use dyno_model::blame::{Blame, Classify};
use dyno_store::TableError;

use crate::error::AnalysisError;

/// A baseline cannot be made or read, or a campaign cannot be held against it.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// The record cannot be read.
    #[error(transparent)]
    Record(#[from] AnalysisError),
    /// A grader of the plan does not compile.
    #[error("the grader of prompt {prompt} cannot be used")]
    Grader {
        /// The prompt.
        prompt: String,
        /// Why.
        #[source]
        source: GraderError,
    },
    /// The file is no baseline, or not a whole one.
    #[error("`{name}` is no canary baseline, or is damaged")]
    Unreadable {
        /// The baseline.
        name: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The file is not as it was written.
    #[error("baseline `{name}` was changed since it was written: its digest is another")]
    Changed {
        /// The baseline.
        name: String,
    },
    /// A later edgedyno wrote it.
    #[error("baseline `{name}` has format {found}, this edgedyno reads up to {known}")]
    Newer {
        /// The baseline.
        name: String,
        /// Its format.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// It is larger than a baseline may be.
    #[error("baseline `{name}` is too big: {why}")]
    TooBig {
        /// The baseline.
        name: String,
        /// What is too big.
        why: String,
    },
    /// It has a number that cannot be.
    #[error("baseline `{name}` tells a probability above 1 in the answer to prompt {prompt}")]
    Impossible {
        /// The baseline.
        name: String,
        /// The prompt.
        prompt: String,
    },
    /// Texts were left out.
    #[error("{what} has no texts: they were left out when it was packed")]
    Redacted {
        /// The campaign or baseline.
        what: String,
    },
    /// No request was answered.
    #[error("{what} has no answer in cell {cell}")]
    NoAnswer {
        /// The campaign or suite.
        what: String,
        /// The cell.
        cell: String,
    },
    /// A baseline is of one cell.
    #[error("{what} has {} cells, and a baseline is of one", cells.len())]
    ManyCells {
        /// The campaign or suite.
        what: String,
        /// Its cells, each with what it is.
        cells: Vec<String>,
    },
    /// There is no such cell.
    #[error("campaign {campaign} has no cell `{cell}`")]
    NoCell {
        /// The campaign.
        campaign: String,
        /// The cell's id, or how it begins.
        cell: String,
        /// Its cells, each with what it is.
        known: Vec<String>,
    },
    /// Answers were drawn by chance.
    #[error("the answers of {what} are drawn by chance ({sampling}): two that differ show nothing")]
    NotGreedy {
        /// The campaign or suite.
        what: String,
        /// How they are drawn.
        sampling: String,
    },
    /// Requests of one cell are not drawn alike.
    #[error("the requests of {what} are not all drawn and bounded alike")]
    Unlike {
        /// The campaign or suite.
        what: String,
    },
    /// The prompts are others.
    #[error("baseline `{name}` is of other prompts: {why}")]
    OtherPrompts {
        /// The baseline.
        name: String,
        /// What differs.
        why: String,
    },
    /// Answers were drawn otherwise.
    #[error("baseline `{name}` was drawn otherwise: {baseline}, and now {subject}")]
    OtherSampling {
        /// The baseline.
        name: String,
        /// How it was drawn.
        baseline: String,
        /// How it is drawn now.
        subject: String,
    },
    /// The model is another.
    #[error("baseline `{name}` is of another model: {}", differences.join("; "))]
    OtherModel {
        /// The baseline.
        name: String,
        /// What differs.
        differences: Vec<String>,
    },
}

impl From<TableError> for CanaryError {
    fn from(error: TableError) -> Self {
        Self::Record(AnalysisError::Tables(error))
    }
}

impl Classify for CanaryError {
    fn blame(&self) -> Blame {
        match self {
            Self::Record(error) => error.blame(),
            Self::NoAnswer { .. } => Blame::Runtime,
            Self::Grader { .. }
            | Self::Unreadable { .. }
            | Self::Changed { .. }
            | Self::Newer { .. }
            | Self::TooBig { .. }
            | Self::Impossible { .. }
            | Self::Redacted { .. }
            | Self::ManyCells { .. }
            | Self::NoCell { .. }
            | Self::NotGreedy { .. }
            | Self::Unlike { .. }
            | Self::OtherPrompts { .. }
            | Self::OtherSampling { .. }
            | Self::OtherModel { .. } => Blame::User,
        }
    }

    fn hints(&self) -> Vec<String> {
        let again = |name: &str| format!("record it anew: `edgedyno canary record {name} --force`");
        match self {
            Self::Record(error) => error.hints(),
            Self::Grader { .. } => vec!["mend the prompt's grader, and plan again".to_owned()],
            Self::Unreadable { name, .. } | Self::Changed { name } | Self::Impossible { name, .. } => {
                vec!["fetch it again from where it came from, or ".to_owned() + &again(name)]
            }
            Self::Newer { .. } => vec!["use the edgedyno that wrote it".to_owned()],
            Self::TooBig { .. } => {
                vec!["take fewer prompts or shorter answers: --requests, --max-tokens".to_owned()]
            }
            Self::Redacted { .. } => vec!["name a record with its texts".to_owned()],
            Self::NoAnswer { .. } => vec!["its report says why: `edgedyno report`".to_owned()],
            Self::ManyCells { cells, .. } => vec![
                format!("they are {}", cells.join(", ")),
                "name one device, runtime and model; of a campaign that is there, one --cell".to_owned(),
            ],
            Self::NoCell { known, .. } => vec![format!("its cells are {}", known.join(", "))],
            Self::NotGreedy { .. } => {
                vec!["take a suite with `temperature = 0`, such as canary".to_owned()]
            }
            Self::Unlike { .. } => vec!["take a suite without a trace and without `fill_context`".to_owned()],
            Self::OtherPrompts { name, .. } | Self::OtherSampling { name, .. } => vec![again(name)],
            Self::OtherModel { name, .. } => vec![
                "where the other model is what you check, such as another quantization: --allow-other-model"
                    .to_owned(),
                again(name),
            ],
        }
    }
}
