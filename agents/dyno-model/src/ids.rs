//! Typed names.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

text_id!(
    /// One `edgedyno run`; also the name of its folder: `20261121-043000-quick`.
    CampaignId
);
text_id!(
    /// A device's name in `devices.toml`.
    DeviceId
);
text_id!(
    /// One point of the matrix: the first 16 hex digits of the SHA-256 of its canonical form.
    CellId
);
text_id!(
    /// A prompt's id within its corpus.
    PromptId
);

impl CellId {
    /// The id of a canonical form.
    pub fn of(canonical: &[u8]) -> Self {
        Self(Digest::of(canonical).as_str()[..16].to_owned())
    }
}

/// A run's number within its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u32);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
