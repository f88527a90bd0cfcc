//! What can go wrong on the way to a device.

use std::io;
use std::time::Duration;

use dyno_model::blame::{Blame, Classify};

use crate::adb::AdbError;
use crate::ssh::SshError;

/// A device could not be reached, or did not do as told.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// A file or folder on the device, or on this side of a copy.
    #[error("cannot {doing} {path} on {device}")]
    File {
        /// The device.
        device: String,
        /// `write`, `create`, `read`.
        doing: &'static str,
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file on this side cannot be read.
    #[error("cannot read {path}")]
    Local {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file on this side is not what it is said to be.
    #[error("{path} is not what it was: expected {expected}, found {found}")]
    Changed {
        /// The path.
        path: String,
        /// Size or digest that it should have.
        expected: String,
        /// Size or digest that it has.
        found: String,
    },
    /// Not enough room for a file.
    #[error("{device} has {free} bytes free for {path}, which needs {needed}")]
    NoRoom {
        /// The device.
        device: String,
        /// The file.
        path: String,
        /// Bytes that it needs.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// What arrived is not what was sent.
    #[error("{path} on {device} has {found} bytes after the copy, expected {expected}")]
    ShortCopy {
        /// The device.
        device: String,
        /// The file.
        path: String,
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// A program could not be started.
    #[error("cannot start {program} on {device}")]
    Start {
        /// The device.
        device: String,
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A started program cannot be asked how it does.
    #[error("cannot wait for {program} on {device}")]
    Wait {
        /// The device.
        device: String,
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A program did not end in time.
    #[error("{program} on {device} did not end within {limit:?}")]
    Timeout {
        /// The device.
        device: String,
        /// The program.
        program: String,
        /// How long it had.
        limit: Duration,
    },
    /// No program may run where edgedyno works.
    #[error("{path} on {device} is mounted noexec: no program can run there")]
    NoExec {
        /// The device.
        device: String,
        /// The folder.
        path: String,
    },
    /// The link to a device broke, or the device does not answer.
    #[error("the link to {device} broke while {doing}")]
    Link {
        /// The device.
        device: String,
        /// `asking for its platform`, `sending a file`.
        doing: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The account runs no commands.
    #[error("the login shell on {device} runs no commands; it said `{said}`")]
    NoShell {
        /// The device.
        device: String,
        /// What came instead of an answer.
        said: String,
    },
    /// The device's user has no home folder.
    #[error("no folder to work in on {device}: HOME is not set there")]
    NoRemoteHome {
        /// The device.
        device: String,
    },
    /// An agent works in the folder.
    #[error("an agent works in {path} on {device}")]
    InUse {
        /// The device.
        device: String,
        /// Its folder.
        path: String,
    },
    /// The adb server, or a device on it, refuses.
    #[error(transparent)]
    Adb(#[from] AdbError),
    /// The device could not be reached over ssh.
    #[error(transparent)]
    Ssh(#[from] SshError),
    /// A work folder that cannot be used as a path.
    #[error("`{path}` is no work folder: it must be a path in UTF-8")]
    WorkDir {
        /// What was given, or found in the environment.
        path: String,
    },
    /// This machine does not say where its user's folders are.
    #[error("no folder to work in: neither XDG_CACHE_HOME nor HOME is set")]
    NoHome,
}

impl Classify for TransportError {
    fn blame(&self) -> Blame {
        match self {
            Self::Adb(error) => error.blame(),
            Self::Ssh(error) => error.blame(),
            Self::NoHome | Self::WorkDir { .. } | Self::NoRemoteHome { .. } => Blame::User,
            Self::File { .. }
            | Self::Local { .. }
            | Self::Changed { .. }
            | Self::NoRoom { .. }
            | Self::ShortCopy { .. }
            | Self::Start { .. }
            | Self::Wait { .. }
            | Self::Timeout { .. }
            | Self::NoExec { .. }
            | Self::Link { .. }
            | Self::NoShell { .. }
            | Self::InUse { .. } => Blame::Lab,
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Adb(error) => error.is_transient(),
            Self::Ssh(error) => error.is_transient(),
            _ => matches!(self, Self::Timeout { .. } | Self::Link { .. }),
        }
    }

    fn hints(&self) -> Vec<String> {
        use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let kind = match self {
            Self::File { source, .. } | Self::Start { source, .. } => Some(source.kind()),
            _ => None,
        };
        let hint = match self {
            Self::Adb(error) => return error.hints(),
            Self::Ssh(error) => return error.hints(),
            // A folder that cannot be made at all is no folder to work in, whatever the reason.
            Self::File { doing: "work in", .. } if !matches!(kind, Some(StorageFull | QuotaExceeded)) => {
                "set `work_dir` of the device in devices.toml to a folder that you may write"
            }
            Self::File { .. } if matches!(kind, Some(PermissionDenied | ReadOnlyFilesystem)) => {
                "set `work_dir` of the device in devices.toml to a folder that you may write"
            }
            Self::File { .. } if matches!(kind, Some(StorageFull | QuotaExceeded)) => {
                "make room, or set `work_dir` in devices.toml to a larger disk"
            }
            Self::Start { .. } if kind == Some(PermissionDenied) => {
                "the file may lack its permission to run, or its folder may be mounted noexec: \
                 set `work_dir` in devices.toml to another one"
            }
            Self::NoRoom { .. } => "make room, or set `work_dir` in devices.toml to a larger disk",
            Self::NoExec { .. } => "set `work_dir` of the device in devices.toml to a folder on another disk",
            Self::Changed { .. } => "verify the model store with `edgedyno models verify`",
            Self::NoShell { .. } => {
                "give the account a shell, or reach the device as another user (`User` in your ssh configuration)"
            }
            Self::NoRemoteHome { .. } => "set `work_dir` of the device in devices.toml",
            Self::InUse { .. } => "wait until the campaign that uses the device has ended",
            Self::NoHome => "set HOME, or `work_dir` of the device in devices.toml",
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}
