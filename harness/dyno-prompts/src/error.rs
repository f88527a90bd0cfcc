//! Why prompts could not be imported or written.

use std::path::PathBuf;

use dyno_model::blame::{Blame, Classify};

use crate::place::Problem;

/// Problems that are told one by one; the rest is counted.
const MAX_TOLD: usize = 50;

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Some prompts cannot be used.
    #[error("{} cannot be used{}", prompts(problems.len()), told(problems))]
    Problems {
        /// All of them, in order of place.
        problems: Vec<Problem>,
    },
    /// The file is larger than what is read.
    #[error("{file} has {bytes} bytes, and {limit} are the most that is read")]
    Large {
        /// Its name.
        file: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The files hold more prompts than what is read.
    #[error("{file} brings the prompts to more than {limit}")]
    Many {
        /// The file in which the limit was passed.
        file: String,
        /// The limit.
        limit: usize,
    },
    /// No prompt is left.
    #[error("no prompt is left: {read} were read, {bad} of them cannot be used, {alike} are like another")]
    Nothing {
        /// Prompts that were read.
        read: usize,
        /// Those that cannot be used.
        bad: usize,
        /// Those that are like another one.
        alike: usize,
    },
}

fn prompts(n: usize) -> String {
    if n == 1 { "1 prompt".to_owned() } else { format!("{n} prompts") }
}

fn told(problems: &[Problem]) -> String {
    let mut lines: Vec<String> = problems.iter().take(MAX_TOLD).map(ToString::to_string).collect();
    if problems.len() > MAX_TOLD {
        lines.push(format!("and {} more", problems.len() - MAX_TOLD));
    }
    ["", &lines.join("\n  ")].join("\n  ")
}

impl Classify for ImportError {
    fn blame(&self) -> Blame {
        Blame::User
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Problems { .. } => "mend them, or leave them out with --skip-bad; nothing was written",
            Self::Large { .. } | Self::Many { .. } => {
                "split it, or take a sample: a campaign asks some hundreds"
            }
            Self::Nothing { .. } => "look at the form and at the columns that are read: --form, --column",
        };
        vec![hint.to_owned()]
    }
}

/// Why a corpus was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The name is none for a folder.
    #[error("`{name}` is no name for a corpus")]
    Name {
        /// The name.
        name: String,
    },
    /// There is one of that name.
    #[error("{} exists", folder.display())]
    Exists {
        /// Its folder.
        folder: PathBuf,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Classify for WriteError {
    fn blame(&self) -> Blame {
        match self {
            Self::Name { .. } | Self::Exists { .. } => Blame::User,
            Self::Io { .. } => Blame::Lab,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Name { .. } => "use lower-case letters, digits, `-` and `_`, 64 at most, a letter first",
            Self::Exists { .. } => "choose another name, or replace it with --force",
            Self::Io { .. } => {
                "check that the folder may be written and has room; what was there is as it was"
            }
        };
        vec![hint.to_owned()]
    }
}
