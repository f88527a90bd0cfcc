//! Why the agent cannot do something.

use std::path::PathBuf;

use dyno_model::blame::{Blame, Classify, chain};
use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_model::event::SinkError;
use dyno_protocol::build_id::BuildMismatch;
use dyno_protocol::message::{LaunchKey, LeaseNote};
use dyno_protocol::peer::PeerError;

use crate::prepare::PrepareError;

/// The agent ends with this.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentError {
    /// The command line is wrong.
    #[error("{what} (see --help)")]
    Usage { what: String },
    /// The agent's folder cannot be used.
    #[error(transparent)]
    WorkDir(#[from] WorkDirError),
    /// Somebody else has the device.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The device cannot be put back.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] ModelError),
    /// Controller and agent are of different builds.
    #[error(transparent)]
    Build(#[from] BuildMismatch),
    /// The talk did not begin as it must.
    #[error("expected the controller's hello, but another command came")]
    NoHello,
    /// The link to the controller is broken.
    #[error("the link to the controller is broken")]
    Link(#[from] PeerError),
    /// A subcommand needs what this agent was built without.
    #[cfg_attr(
        feature = "engine-embedded",
        expect(dead_code, reason = "only an agent without the engine says so")
    )]
    #[error("this agent was built without the embedded engine (cargo feature `engine-embedded`)")]
    NoEngine,
    /// A model could not be run or written.
    #[error("cannot {what}")]
    Tool {
        what: &'static str,
        blame: Blame,
        exit_code: u8,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A system call that should not fail.
    #[error("cannot use this process's own streams and signals")]
    System(#[from] std::io::Error),
}

impl AgentError {
    /// The process's exit status: 0 is a good end, 2 wrong words, 70 a bug.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => 2,
            Self::WorkDir(_)
            | Self::Lease(_)
            | Self::Prepare(_)
            | Self::File(_)
            | Self::Build(_)
            | Self::Link(_)
            | Self::System(_) => 3,
            Self::NoHello => 70,
            Self::NoEngine => 4,
            Self::Tool { exit_code, .. } => *exit_code,
        }
    }

    /// The error and its causes in one line.
    pub(crate) fn in_full(&self) -> String {
        chain(self)
    }
}

impl Classify for AgentError {
    fn blame(&self) -> Blame {
        match self {
            Self::Usage { .. } => Blame::User,
            Self::WorkDir(error) => error.blame(),
            Self::Lease(error) => error.blame(),
            Self::Prepare(error) => error.blame(),
            Self::File(error) => error.blame(),
            Self::Build(error) => error.blame(),
            Self::Link(error) => error.blame(),
            Self::Tool { blame, .. } => *blame,
            Self::System(_) => Blame::Lab,
            Self::NoHello | Self::NoEngine => Blame::Harness,
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Link(error) => error.is_transient(),
            _ => false,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Lease(error) => error.hints(),
            Self::Prepare(error) => error.hints(),
            Self::File(error) => error.hints(),
            Self::Build(error) => error.hints(),
            Self::Link(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}

/// The agent's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkDirError {
    /// It cannot be made or entered.
    #[error("cannot use the agent's folder {path}")]
    Unusable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A file to write lies elsewhere.
    #[error("the agent writes only within its folder {work_dir}, and this is not: {path}")]
    Outside { path: String, work_dir: PathBuf },
    /// A name that cannot be a folder's.
    #[error("`{name}` cannot be the name of a folder")]
    Name { name: String },
}

impl Classify for WorkDirError {
    fn blame(&self) -> Blame {
        match self {
            Self::Unusable { .. } => Blame::Lab,
            Self::Outside { .. } | Self::Name { .. } => Blame::Harness,
        }
    }
}

/// The device cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeaseError {
    /// The folder cannot be used.
    #[error(transparent)]
    WorkDir(#[from] WorkDirError),
    /// Another agent works there.
    #[error("another agent works in {path}{}", Holder(holder.as_ref()))]
    Busy { path: PathBuf, holder: Option<LeaseNote> },
    /// Somebody ended the session that asks.
    #[error("{by} has released the device in {path} from this campaign")]
    Released { path: PathBuf, by: String },
    /// The controller went away.
    #[error(transparent)]
    Link(#[from] PeerError),
}

/// Who has a device, in words.
struct Holder<'a>(Option<&'a LeaseNote>);

impl std::fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(note) = self.0 else { return Ok(()) };
        let holder = &note.holder;
        let seconds = WallNs::now().0.saturating_sub(note.since.0) / 1_000_000_000;
        match &note.campaign {
            Some(campaign) => write!(f, " for {holder}, campaign {campaign}, since {seconds} s"),
            None => write!(f, " for {holder}, since {seconds} s"),
        }
    }
}

impl Classify for LeaseError {
    fn blame(&self) -> Blame {
        match self {
            Self::WorkDir(error) => error.blame(),
            Self::Link(error) => error.blame(),
            Self::Busy { .. } | Self::Released { .. } => Blame::Lab,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Released { .. } => vec!["when the device is free again, resume the campaign".to_owned()],
            Self::Busy { .. } => vec![
                "wait until that campaign has ended, or end it with `edgedyno devices release DEVICE`"
                    .to_owned(),
            ],
            Self::WorkDir(_) | Self::Link(_) => Vec::new(),
        }
    }
}

/// A spool cannot be written, read or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    /// The place is not one.
    #[error(transparent)]
    WorkDir(#[from] WorkDirError),
    /// A launch of this name has been recorded already.
    #[error("launch {} of run {} has a spool already", key.launch, key.run)]
    Exists { key: LaunchKey },
    /// There is no such launch.
    #[error("launch {} of run {} has no spool", key.launch, key.run)]
    Missing { key: LaunchKey },
    /// The file cannot be used.
    #[error("cannot use the spool {path}")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// An event could not be kept.
    #[error("the launch was stopped")]
    Write(#[from] SinkError),
    /// An intact line is not an event of this build.
    #[error("the spool {path} was written by another build")]
    Foreign {
        path: PathBuf,
        #[source]
        source: dyno_model::line::LineError,
    },
}

impl Classify for SpoolError {
    fn blame(&self) -> Blame {
        match self {
            Self::WorkDir(error) => error.blame(),
            Self::File { .. } | Self::Write(_) => Blame::Lab,
            Self::Exists { .. } | Self::Missing { .. } | Self::Foreign { .. } => Blame::Harness,
        }
    }

    fn hints(&self) -> Vec<String> {
        let full = |error: &std::io::Error| error.kind() == std::io::ErrorKind::StorageFull;
        match self {
            Self::Write(error) if full(&error.source) => {
                vec!["make room on the device, then resume".to_owned()]
            }
            Self::File { source, .. } if full(source) => {
                vec!["make room on the device, then resume".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// A model file is not there, not the right one, or cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModelError {
    /// The place is not one.
    #[error(transparent)]
    WorkDir(#[from] WorkDirError),
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The file is another one.
    #[error("{path} has the digest {got}, expected {expected}")]
    Digest { path: PathBuf, got: Digest, expected: Digest },
    /// The tool could not be started or waited for.
    #[error("cannot {what}")]
    Run {
        what: &'static str,
        #[source]
        source: dyno_runtimes::error::RuntimeError,
    },
    /// The tool failed.
    #[error("cannot {what}: {why}")]
    Failed { what: &'static str, why: String },
    /// Stopped from outside.
    #[error("cancelled: {what}")]
    Cancelled { what: &'static str },
}

impl Classify for ModelError {
    fn blame(&self) -> Blame {
        match self {
            Self::WorkDir(error) => error.blame(),
            Self::Run { source, .. } => source.blame(),
            Self::Read { .. } | Self::Digest { .. } => Blame::Lab,
            Self::Failed { .. } => Blame::Runtime,
            Self::Cancelled { .. } => Blame::User,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Digest { .. } => vec!["copy the file to the device again".to_owned()],
            _ => Vec::new(),
        }
    }
}
