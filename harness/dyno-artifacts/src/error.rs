//! What can go wrong, and who must act.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use dyno_model::blame::{Blame, Classify};
use dyno_model::digest::Digest;

use crate::refusal::Refused;

/// The store itself does not work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No place for the cache is known.
    #[error("no folder for the cache: none of EDGEDYNO_CACHE, XDG_CACHE_HOME and HOME is set")]
    NoCacheDir,
    /// A file or folder cannot be used.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `create`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A note beside a model is not one of ours.
    #[error("{} is not a record of the model store", path.display())]
    Record {
        /// The note.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// A file that is to be added is no GGUF.
    #[error("{} is not a GGUF file: {detail}", path.display())]
    NotGguf {
        /// The file.
        path: PathBuf,
        /// What is there instead.
        detail: String,
    },
    /// The disk is too full.
    #[error("{}: {needed_bytes} bytes are needed, {free_bytes} are free", dir.display())]
    NoSpace {
        /// Where.
        dir: PathBuf,
        /// What it takes, some air included.
        needed_bytes: u64,
        /// What there is.
        free_bytes: u64,
    },
    /// Stopped from outside.
    #[error("stopped")]
    Cancelled,
}

impl StoreError {
    /// Puts the object to an error of the system.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

impl Classify for StoreError {
    fn blame(&self) -> Blame {
        match self {
            Self::NoCacheDir | Self::NotGguf { .. } | Self::Cancelled => Blame::User,
            Self::Io { .. } | Self::Record { .. } | Self::NoSpace { .. } => Blame::Lab,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoCacheDir => vec!["set EDGEDYNO_CACHE to a folder with room for models".to_owned()],
            Self::NoSpace { .. } => {
                vec!["free some space, or set EDGEDYNO_CACHE to a folder on another disk".to_owned()]
            }
            Self::Record { .. } => vec!["remove that file; the model is then pulled again".to_owned()],
            Self::Io { .. } | Self::NotGguf { .. } | Self::Cancelled => Vec::new(),
        }
    }
}

/// A model cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// Its terms must be accepted first.
    #[error("model `{model}` comes under the terms `{license}`, which must be accepted: {url}")]
    TermsNotAccepted {
        /// The model.
        model: String,
        /// Name of the terms.
        license: String,
        /// Where they can be read.
        url: String,
    },
    /// There is nothing to pull.
    #[error("model `{model}` has no file to pull: {reason}")]
    NothingToPull {
        /// The model.
        model: String,
        /// Why: it is made on the device.
        reason: &'static str,
    },
    /// No source worked.
    #[error("no source of model `{model}` works{}", list(failures))]
    NoSource {
        /// The model.
        model: String,
        /// One for each source, in their order.
        failures: Vec<SourceFailure>,
    },
    /// The engine could not make the derived model.
    #[error("cannot make model `{model}` as {quantize}")]
    Quantize {
        /// The model.
        model: String,
        /// Tensor type.
        quantize: String,
        /// The engine's words.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The derived model is not the one of the catalogue.
    #[error(
        "model `{model}` was made, but is not the one of the catalogue: sha256 {found} instead of {expected}"
    )]
    DerivedDigest {
        /// The model.
        model: String,
        /// What the catalogue says.
        expected: Digest,
        /// What was made.
        found: Digest,
    },
    /// The file is not what it claims, or nobody trusted vouches for it.
    #[error(transparent)]
    Refused(Box<Refused>),
    /// The store itself does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Classify for PullError {
    fn blame(&self) -> Blame {
        match self {
            Self::TermsNotAccepted { .. } | Self::NothingToPull { .. } | Self::DerivedDigest { .. } => {
                Blame::User
            }
            Self::NoSource { .. } => Blame::Lab,
            Self::Quantize { .. } => Blame::Runtime,
            Self::Refused(refused) => refused.blame(),
            Self::Store(error) => error.blame(),
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::NoSource { failures, .. } => failures.iter().any(|failure| failure.error.is_transient()),
            Self::Store(error) => error.is_transient(),
            Self::TermsNotAccepted { .. }
            | Self::NothingToPull { .. }
            | Self::Quantize { .. }
            | Self::Refused(_)
            | Self::DerivedDigest { .. } => false,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::TermsNotAccepted { .. } => vec!["read them, then say it with --accept-terms, or for the project with accepted_terms in catalog/trust.toml".to_owned()],
            Self::NoSource { failures, .. } => {
                let mut hints: Vec<String> =
                    failures.iter().flat_map(|failure| failure.error.hints()).collect();
                hints.dedup();
                hints.push("have the file already? `edgedyno models add PATH` takes it".to_owned());
                hints
            }
            Self::DerivedDigest { .. } => {
                vec![
                    "another version of the engine made the pinned file; take sha256 off the derived model"
                        .to_owned(),
                ]
            }
            Self::Refused(refused) => refused.hints(),
            Self::Store(error) => error.hints(),
            Self::NothingToPull { .. } | Self::Quantize { .. } => Vec::new(),
        }
    }
}

fn list(failures: &[SourceFailure]) -> String {
    failures.iter().fold(String::new(), |list, failure| list + "\n  " + &failure.to_string())
}

/// A source, and why it did not work.
#[derive(Debug)]
pub struct SourceFailure {
    /// Address, package or path.
    pub source: String,
    /// Why.
    pub error: SourceError,
}

impl fmt::Display for SourceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, chain(&self.error))
    }
}

/// An error with its causes on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

/// Why a source did not work.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file has another size than the catalogue says.
    #[error("{found} bytes instead of {expected}")]
    WrongSize {
        /// What the catalogue says.
        expected: u64,
        /// What the source has, or offers at least.
        found: u64,
    },
    /// The file is another one than the catalogue says.
    #[error("sha256 {found} instead of {expected}")]
    WrongDigest {
        /// What the catalogue says.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// The server answered, but not with the file.
    #[error("the server answers with status {status}")]
    Status {
        /// HTTP status.
        status: u16,
    },
    /// The server could not be reached, or the link broke.
    #[error("no connection")]
    Link(#[source] Box<ureq::Error>),
    /// The link broke after some bytes; they are kept for the next try.
    #[error("the connection broke after {received} of {expected} bytes")]
    Cut {
        /// What is there now.
        received: u64,
        /// The whole.
        expected: u64,
        /// What the link said.
        source: io::Error,
    },
    /// An address without TLS.
    #[error("only https addresses are fetched")]
    NotHttps,
    /// There is no Python.
    #[error("there is no program `{program}`, which fetches Python packages")]
    NoPython {
        /// What was looked for.
        program: String,
    },
    /// There is a Python, but without pip.
    #[error("`{program}` has no pip, which fetches Python packages")]
    NoPip {
        /// The Python.
        program: String,
    },
    /// pip could not fetch the package.
    #[error("pip cannot fetch {package}: {tail}")]
    Pip {
        /// `name==version`.
        package: String,
        /// Its last words.
        tail: String,
    },
    /// The package is no wheel, or a broken one.
    #[error("{package} is not a readable wheel")]
    Wheel {
        /// `name==version`.
        package: String,
        /// Why not.
        source: zip::result::ZipError,
    },
    /// pip has fetched something else.
    #[error("pip has left no wheel of {package}")]
    NoWheel {
        /// `name==version`.
        package: String,
    },
    /// The disk is too full for this source.
    #[error("{needed_bytes} bytes are needed in the meantime, {free_bytes} are free")]
    NoSpace {
        /// What it takes, some air included.
        needed_bytes: u64,
        /// What there is.
        free_bytes: u64,
    },
    /// Stopped from outside.
    #[error("stopped")]
    Cancelled,
}

impl SourceError {
    /// Puts the object to an error of the system.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

impl Classify for SourceError {
    fn blame(&self) -> Blame {
        match self {
            Self::NotHttps | Self::Cancelled => Blame::User,
            Self::Io { .. }
            | Self::WrongSize { .. }
            | Self::WrongDigest { .. }
            | Self::Status { .. }
            | Self::Link(_)
            | Self::Cut { .. }
            | Self::NoPython { .. }
            | Self::NoPip { .. }
            | Self::Pip { .. }
            | Self::Wheel { .. }
            | Self::NoWheel { .. }
            | Self::NoSpace { .. } => Blame::Lab,
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Link(_) | Self::Cut { .. } | Self::Pip { .. } => true,
            Self::Status { status } => *status >= 500 || *status == 429,
            _ => false,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoPython { .. } | Self::NoPip { .. } => {
                vec!["install them: apt-get install python3 python3-pip".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}
