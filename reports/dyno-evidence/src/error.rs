//! What can go wrong with keys and packs, who must act, and every kind of change that a pack shows.

use std::io;
use std::path::PathBuf;

use dyno_model::blame::{Blame, Classify};
use dyno_model::digest::Digest;

use crate::manifest::MANIFEST_FILE;

/// A key cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The disk or the rights to it say no.
    #[error("cannot {action} the key {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A key is never overwritten.
    #[error("key file exists already: {}", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes to make a key of")]
    NoRandomness,
    /// Not a key in PEM.
    #[error("no key in PEM: {}", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
    },
    /// A key of another kind.
    #[error("no Ed25519 key: {}", path.display())]
    NotEd25519 {
        /// The file.
        path: PathBuf,
    },
    /// A key that needs a passphrase.
    #[error("key is encrypted, and edgedyno asks for no passphrase: {}", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// A key in OpenSSH's own form.
    #[error("key is in OpenSSH's form, not in PEM: {}", path.display())]
    OpenSsh {
        /// The file.
        path: PathBuf,
    },
    /// A private key where a public one is wanted.
    #[error("this is a private key, the public one is needed: {}", path.display())]
    Private {
        /// The file.
        path: PathBuf,
    },
    /// A public key where a private one is wanted.
    #[error("this is a public key, the private one is needed: {}", path.display())]
    Public {
        /// The file.
        path: PathBuf,
    },
}

impl Classify for KeyError {
    fn blame(&self) -> Blame {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Blame::User,
            Self::Io { .. } | Self::NoRandomness => Blame::Lab,
            Self::Exists { .. }
            | Self::NotPem { .. }
            | Self::NotEd25519 { .. }
            | Self::Encrypted { .. }
            | Self::OpenSsh { .. }
            | Self::Private { .. }
            | Self::Public { .. } => Blame::User,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Io { .. } => "check that it exists and that you may read and write there",
            Self::Exists { .. } => "name another file; keys are never overwritten",
            Self::NoRandomness => return Vec::new(),
            Self::NotPem { .. } | Self::NotEd25519 { .. } | Self::OpenSsh { .. } => {
                "make one with `edgedyno evidence keygen FILE` or `openssl genpkey -algorithm ed25519 -out FILE`"
            }
            Self::Encrypted { .. } => "in bash: `--key <(openssl pkey -in FILE)`",
            Self::Private { .. } => "keep it to yourself; give the file that ends in .pub",
            Self::Public { .. } => "give the file without .pub",
        };
        vec![hint.to_owned()]
    }
}

/// A pack cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The disk or the rights to it say no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file became another one while it was packed.
    #[error("file changed while it was packed: {}", path.display())]
    Moved {
        /// The file.
        path: PathBuf,
    },
    /// A name that no pack may have: a defect of who packs.
    #[error("`{name}` cannot be a member of a pack")]
    BadName {
        /// The name.
        name: String,
    },
    /// Leaving out texts must leave every figure as it is.
    #[error(
        "the redacted record gives other figures than the whole one: {pointer} is {whole} there and {redacted} here"
    )]
    OtherFigures {
        /// JSON pointer into the report.
        pointer: String,
        /// Of the whole record.
        whole: String,
        /// Of the redacted one.
        redacted: String,
    },
}

impl Classify for PackError {
    fn blame(&self) -> Blame {
        match self {
            Self::Io { .. } | Self::Moved { .. } => Blame::Lab,
            Self::BadName { .. } | Self::OtherFigures { .. } => Blame::Harness,
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Moved { .. })
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Io { .. } => vec!["name another file with --output".to_owned()],
            Self::Moved { .. } => {
                vec!["wait until nothing writes to the campaign, and pack again".to_owned()]
            }
            Self::OtherFigures { .. } => vec!["pack without --redact, and tell us of it".to_owned()],
            Self::BadName { .. } => Vec::new(),
        }
    }
}

/// A file cannot be opened as a pack.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk or the rights to it say no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It never was a pack.
    #[error("not an evidence pack, for {why}: {}", path.display())]
    NotAPack {
        /// The file.
        path: PathBuf,
        /// What shows it.
        why: &'static str,
    },
    /// A newer edgedyno made it.
    #[error("pack has format {found}, this edgedyno reads up to {known}: {}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// It was changed so that nothing in it can be relied on.
    #[error("the archive was changed: {}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// How.
        #[source]
        fault: Fault,
    },
}

impl Classify for OpenError {
    fn blame(&self) -> Blame {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Blame::User,
            Self::Io { .. } => Blame::Lab,
            Self::NotAPack { .. } | Self::Newer { .. } | Self::Changed { .. } => Blame::User,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Io { .. } => "check that it exists and that you may read it",
            Self::NotAPack { .. } => "give a file that `edgedyno evidence pack` wrote",
            Self::Newer { .. } => "verify it with a newer edgedyno",
            Self::Changed { .. } => "have the pack sent again, as the file that was made",
        };
        vec![hint.to_owned()]
    }
}

/// One way in which a pack is not what it was when it was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its end is gone.
    #[error("it is cut off, or its end was changed: there is no end record")]
    CutOff,
    /// More members than a pack has.
    #[error("it lists {n} members; no pack has as many")]
    TooMany {
        /// How many.
        n: u64,
    },
    /// Its own list of members makes no sense.
    #[error("its list of members cannot be read at byte {at}")]
    List {
        /// Where.
        at: u64,
    },
    /// A name that could be written outside of a folder, or that no pack has.
    #[error(
        "member name `{name}` is none of a pack: letters, digits, `-`, `_` and `.` only, not first a `.`"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// One name twice.
    #[error("member {name} is there twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// Not a plain file.
    #[error("member {name} is a link or another special file")]
    Special {
        /// The name.
        name: String,
    },
    /// Compressed or encrypted, which no pack is: what unpacks to more than is there is refused unread.
    #[error("member {name} is compressed or encrypted; a pack is neither")]
    Packed {
        /// The name.
        name: String,
    },
    /// A small file that is too large to be true.
    #[error("member {name} has {bytes} bytes, more than the {limit} that it may have")]
    TooLarge {
        /// The name.
        name: String,
        /// Its length.
        bytes: u64,
        /// Its limit.
        limit: u64,
    },
    /// A byte between or around the members.
    #[error("the archive's own bytes at {at} are not those that edgedyno writes ({part})")]
    Structure {
        /// Where the part begins.
        at: u64,
        /// Which part.
        part: String,
    },
    /// A member whose checksum of the archive does not fit.
    #[error("checksum of {name} does not fit")]
    Checksum {
        /// The name.
        name: String,
    },
    /// There is no manifest.
    #[error("{MANIFEST_FILE} is not in the archive")]
    NoManifest,
    /// The manifest is no JSON of a manifest.
    #[error("{MANIFEST_FILE} cannot be read: {why}")]
    Manifest {
        /// Why.
        why: String,
    },
    /// The manifest says the same in another form.
    #[error("{MANIFEST_FILE} is not in the form that edgedyno writes")]
    ManifestForm,
    /// A listed member is not there.
    #[error("{name} is listed in {MANIFEST_FILE} and not in the archive")]
    Missing {
        /// The name.
        name: String,
    },
    /// A member that nobody listed.
    #[error("{name} is in the archive and not listed in {MANIFEST_FILE}")]
    Unlisted {
        /// The name.
        name: String,
    },
    /// Another length.
    #[error("{name} has {found} bytes; {MANIFEST_FILE} says {listed}")]
    Length {
        /// The name.
        name: String,
        /// As the manifest says.
        listed: u64,
        /// As it is.
        found: u64,
    },
    /// Another content.
    #[error("{name} was changed: its SHA-256 is {found}; {MANIFEST_FILE} says {listed}")]
    Content {
        /// The name.
        name: String,
        /// As the manifest says.
        listed: Digest,
        /// As it is.
        found: Digest,
    },
    /// Another list of digests.
    #[error("{name} does not list the digests that {MANIFEST_FILE} lists")]
    Sums {
        /// Its name.
        name: String,
    },
    /// Another root.
    #[error("Merkle root is {found}; {MANIFEST_FILE} says {listed}")]
    Root {
        /// As the manifest says.
        listed: Digest,
        /// As the listed files have it.
        found: Digest,
    },
}
