//! What can go wrong with a record, and who must act.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::path::PathBuf;

use dyno_model::blame::{Blame, Classify};
use dyno_model::line::LineError;

/// A folder of a campaign cannot be made, found or read.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The folder is there already.
    #[error("campaign folder exists already: {}", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A name that cannot be a folder's.
    #[error("`{name}` cannot be a campaign's name: letters, digits, `-`, `_` and `.` only, not first a `.`")]
    BadName {
        /// The name.
        name: String,
    },
    /// There is no such campaign.
    #[error("no campaign `{name}` in {}", root.display())]
    Unknown {
        /// The name.
        name: String,
        /// Where it was looked for.
        root: PathBuf,
        /// What is there, newest last.
        known: Vec<String>,
    },
    /// The disk or the rights to it say no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `create`, `read`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// `plan.json` is no plan.
    #[error("cannot read the frozen plan {}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// `plan.json` was written by a newer edgedyno.
    #[error("plan has format {found}, this edgedyno reads up to {known}: {}", path.display())]
    PlanNewer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
}

/// A journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another controller writes it.
    #[error("another edgedyno writes this journal now: {}", path.display())]
    Locked {
        /// The journal.
        path: PathBuf,
    },
    /// The disk or the rights to it say no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `append to`, `read`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line is damaged, and good lines follow it: this is no torn tail.
    #[error("line {line} is damaged and good lines follow it: {}", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        #[source]
        source: LineError,
    },
    /// The first line is not a header.
    #[error("journal does not begin with a header: {}", path.display())]
    NoHeader {
        /// The journal.
        path: PathBuf,
    },
    /// The journal was written by a newer edgedyno.
    #[error("journal has format {found}, this edgedyno reads up to {known}: {}", path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// The journal and the plan beside it do not belong together.
    #[error("journal was written for another plan ({journal}, not {plan}): {}", path.display())]
    OtherPlan {
        /// The journal.
        path: PathBuf,
        /// First digits of the plan's digest in the journal's header.
        journal: String,
        /// First digits of the digest of `plan.json`.
        plan: String,
    },
    /// An entry cannot be written as JSON.
    #[error("cannot put an entry into words for {}", path.display())]
    Encode {
        /// The journal.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// Tables cannot be made, written or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The journal that they are made from.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The disk or the rights to it say no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A parquet file cannot be written or read.
    #[error("cannot {action} the table {}", path.display())]
    Parquet {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A text within a table, or a page beside the tables, is not what it should be.
    #[error("{what} is not as expected in {}", path.display())]
    Content {
        /// Which text.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The tables were written by a newer edgedyno.
    #[error("tables have format {found}, this edgedyno reads up to {known}: {}", path.display())]
    Newer {
        /// The page that says so.
        path: PathBuf,
        /// Their format.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// A table lacks a column, or has it in another form.
    #[error("table has no column `{column}` of the expected kind: {}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// A table is not what it was a moment ago.
    #[error("the table changed while it was copied: {}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A run of the journal is not in the plan.
    #[error("journal speaks of run {run}, which the plan does not have: {}", path.display())]
    ForeignRun {
        /// The journal.
        path: PathBuf,
        /// The run's number.
        run: u32,
    },
}

/// Who must act on an error of the disk.
fn disk_blame(source: &std::io::Error) -> Blame {
    match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::NotFound => Blame::User,
        _ => Blame::Lab,
    }
}

fn disk_hints(source: &std::io::Error) -> Vec<String> {
    let hint = match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space on that disk, then go on with `resume`"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "run where the folder `runs` can be written, or name another folder"
        }
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}

impl Classify for LayoutError {
    fn blame(&self) -> Blame {
        match self {
            Self::Exists { .. } | Self::BadName { .. } | Self::Unknown { .. } | Self::PlanNewer { .. } => {
                Blame::User
            }
            Self::Io { source, .. } => disk_blame(source),
            Self::Plan { .. } => Blame::Lab,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Exists { .. } => {
                vec!["name another campaign, or go on with this one by `edgedyno resume`".to_owned()]
            }
            Self::Unknown { known, .. } if known.is_empty() => {
                vec!["measure first: `edgedyno run`".to_owned()]
            }
            Self::Unknown { known, .. } => vec![format!("there are: {}", known.join(", "))],
            Self::Io { source, .. } => disk_hints(source),
            Self::PlanNewer { .. } => {
                vec!["read it with the edgedyno that wrote it, or a newer one".to_owned()]
            }
            Self::BadName { .. } | Self::Plan { .. } => Vec::new(),
        }
    }
}

impl Classify for JournalError {
    fn blame(&self) -> Blame {
        match self {
            Self::Locked { .. } | Self::NoHeader { .. } | Self::Newer { .. } | Self::OtherPlan { .. } => {
                Blame::User
            }
            Self::Io { source, .. } => disk_blame(source),
            Self::Damaged { .. } => Blame::Lab,
            Self::Encode { .. } => Blame::Harness,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Io { source, .. } => disk_hints(source),
            Self::Locked { .. } => vec!["wait for it to end, or stop it".to_owned()],
            Self::Newer { .. } => vec!["read it with the edgedyno that wrote it, or a newer one".to_owned()],
            Self::Damaged { line, .. } => {
                vec![format!(
                    "copy the journal, delete its line {line}, and what was lost is measured again by `resume`"
                )]
            }
            Self::NoHeader { .. } | Self::OtherPlan { .. } | Self::Encode { .. } => Vec::new(),
        }
    }
}

impl Classify for TableError {
    fn blame(&self) -> Blame {
        match self {
            Self::Journal(error) => error.blame(),
            Self::Io { source, .. } => disk_blame(source),
            Self::Newer { .. } | Self::ForeignRun { .. } => Blame::User,
            Self::Parquet { .. } | Self::Content { .. } | Self::Column { .. } | Self::Changed { .. } => {
                Blame::Lab
            }
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Journal(error) => error.hints(),
            Self::Io { source, .. } => disk_hints(source),
            Self::Newer { .. } | Self::Parquet { .. } | Self::Content { .. } | Self::Column { .. } => {
                vec!["delete the folder `tables`: it is made again from the journal".to_owned()]
            }
            Self::Changed { .. } => {
                vec!["wait until nothing measures into this campaign, then try again".to_owned()]
            }
            Self::ForeignRun { .. } => Vec::new(),
        }
    }
}
