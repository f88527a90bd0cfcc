//! Exit codes: part of the interface, listed by `edgedyno --help` and in `docs/cli.md`.

use std::process::ExitCode;

use dyno_model::blame::Blame;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and what was measured may be used.
    Ok,
    /// An SLO is breached, or a release regressed.
    Breached,
    /// The words of the person: a flag, a file, a name.
    Usage,
    /// A device, a link, a disk or a network.
    Lab,
    /// The runtime failed in every cell.
    Runtime,
    /// Measured, but some figures may not be used.
    Invalid,
    /// A defect of edgedyno.
    Bug,
    /// Stopped by Ctrl-C or SIGTERM; the record is complete up to there.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Breached => 1,
            Self::Usage => 2,
            Self::Lab => 3,
            Self::Runtime => 4,
            Self::Invalid => 5,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

impl From<Blame> for Exit {
    fn from(blame: Blame) -> Self {
        match blame {
            Blame::User => Self::Usage,
            Blame::Lab => Self::Lab,
            Blame::Runtime => Self::Runtime,
            Blame::Harness => Self::Bug,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
