//! What can be wrong with what is asked of a comparison.

use dyno_model::blame::{Blame, Classify};

/// A comparison, a calibration or a history was asked for that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// No side at all.
    #[error("there is no side to compare")]
    NoSide,
    /// One campaign, and nothing in it to hold against anything.
    #[error("campaign {campaign} has nothing to compare: {why}")]
    Nothing {
        /// The campaign.
        campaign: String,
        /// Why; half a sentence.
        why: String,
    },
    /// A side is an arm that is none.
    #[error("campaign {campaign} has no arm `{arm}`")]
    NoArm {
        /// The campaign.
        campaign: String,
        /// The arm.
        arm: String,
        /// Arms that it has.
        known: Vec<String>,
    },
    /// A side is a cell that is none.
    #[error("campaign {campaign} has no cell `{cell}`")]
    NoCell {
        /// The campaign.
        campaign: String,
        /// The cell's id, or how it begins.
        cell: String,
        /// Cells that it has.
        known: Vec<String>,
    },
    /// A cell is held against itself: every ratio would be 1, and prove nothing.
    #[error("{side} and {baseline} are the same launches of campaign {campaign}")]
    SameLaunches {
        /// The side.
        side: String,
        /// The baseline.
        baseline: String,
        /// The campaign.
        campaign: String,
    },
    /// A word that is no metric with a better and a worse.
    #[error("`{word}` is no metric that can be compared")]
    NoMetric {
        /// The word.
        word: String,
        /// Metrics that can be.
        known: Vec<String>,
    },
    /// A campaign that does not measure one thing twice.
    #[error("campaign {campaign} is no A/A calibration: {why}")]
    NoCalibration {
        /// The campaign.
        campaign: String,
        /// Why; half a sentence.
        why: String,
    },
}

impl Classify for CompareError {
    fn blame(&self) -> Blame {
        Blame::User
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoSide => vec!["name two campaigns, or one whose plan compares arms".to_owned()],
            Self::Nothing { .. } => {
                vec!["`edgedyno run --compare A,B` measures two arms in blocks".to_owned()]
            }
            Self::NoArm { known, .. } if known.is_empty() => {
                vec!["its plan has no arms; name a cell, or the campaign alone".to_owned()]
            }
            Self::NoArm { known, .. } => vec![format!("its arms are {}", known.join(", "))],
            Self::NoCell { known, .. } => vec![format!("its cells are {}", known.join(", "))],
            Self::SameLaunches { .. } => {
                vec!["name two campaigns, or two arms of one as `CAMPAIGN:ARM`".to_owned()]
            }
            Self::NoMetric { known, .. } => vec![format!("metrics are {}", known.join(", "))],
            Self::NoCalibration { .. } => {
                vec!["`edgedyno calibrate` measures a device against itself".to_owned()]
            }
        }
    }
}
