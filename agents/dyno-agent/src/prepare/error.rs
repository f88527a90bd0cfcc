//! Why a device could not be prepared or put back.

use std::path::PathBuf;

use dyno_model::blame::{Blame, Classify};

/// A device could not be prepared or put back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    /// The restore note cannot be written or removed; nothing is set without it.
    #[error("cannot keep the restore note {path}")]
    Note {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Not all is as asked, and the device must not be measured otherwise. What was set has been put back.
    #[error("the device is not as `required`: {}", problems.join("; "))]
    Required { problems: Vec<String>, hints: Vec<String> },
    /// Stopped from outside. What was set has been put back.
    #[error("stopped while the device was being prepared")]
    Stopped,
}

impl Classify for PrepareError {
    fn blame(&self) -> Blame {
        match self {
            Self::Note { .. } | Self::Required { .. } => Blame::Lab,
            Self::Stopped => Blame::User,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Required { hints, .. } => {
                let without =
                    "leave out `required = true`: then it is measured as it is, and the record says so";
                hints.iter().cloned().chain([without.to_owned()]).collect()
            }
            Self::Note { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                vec!["make room on the device".to_owned()]
            }
            Self::Note { .. } | Self::Stopped => Vec::new(),
        }
    }
}
