//! How an exchange can fail, and how far it got.

use std::fmt;
use std::net::SocketAddr;

use dyno_model::blame::{Blame, Classify};
use dyno_model::outcome::Outcome;

/// An exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection could be made.
    #[error("cannot connect to {address}")]
    Connect {
        /// The last address that was tried.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the connection broke {progress}")]
    Broken {
        /// How far it got.
        progress: Progress,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The server closed the connection too early.
    #[error("the server closed the connection {progress}")]
    Closed {
        /// How far it got.
        progress: Progress,
    },
    /// A deadline passed.
    #[error("no {deadline} within {limit_ms} ms, {progress}")]
    TooLate {
        /// Which.
        deadline: Deadline,
        /// How long it was.
        limit_ms: u64,
        /// How far it got.
        progress: Progress,
    },
    /// What came is no HTTP.
    #[error("the answer is no HTTP/1.1: {what}, {progress}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
        /// How far it got.
        progress: Progress,
    },
    /// More came than is taken.
    #[error("{what} is larger than {limit_bytes} bytes, {progress}")]
    TooLarge {
        /// The part.
        what: &'static str,
        /// The most that is taken.
        limit_bytes: u64,
        /// How far it got.
        progress: Progress,
    },
    /// The interrupt was raised.
    #[error("stopped from outside, {progress}")]
    Interrupted {
        /// How far it got.
        progress: Progress,
    },
    /// The caller broke it off.
    #[error("broken off by us, {progress}")]
    Abandoned {
        /// How far it got.
        progress: Progress,
    },
    /// The loop's own tools failed.
    #[error("cannot {what}")]
    Loop {
        /// What it wanted to do.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// More exchanges than the loop takes at once.
    #[error("{limit} exchanges are under way, and no more are taken")]
    Full {
        /// The most that are taken.
        limit: usize,
    },
}

/// How far an exchange got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Where it was.
    pub phase: Phase,
    /// Bytes of body so far.
    pub body_bytes: u64,
}

/// A part of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Not yet due.
    #[default]
    Waiting,
    /// The connection is being made.
    Connecting,
    /// The request is being written.
    Sending,
    /// The head is awaited.
    Head,
    /// The body comes in.
    Body,
}

/// What must happen in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// The connection stands.
    Connect,
    /// The first byte of the body.
    FirstByte,
    /// The next byte of the body.
    NextByte,
    /// The whole answer.
    Total,
    /// The end of a body whose content is complete.
    End,
}

impl HttpError {
    /// What the record says of a request that met this error.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::TooLate { limit_ms, .. } => Outcome::Timeout { limit_ms: *limit_ms },
            Self::Interrupted { .. } => Outcome::Cancelled,
            Self::Connect { .. }
            | Self::Broken { .. }
            | Self::Closed { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::Abandoned { .. }
            | Self::Loop { .. }
            | Self::Full { .. } => {
                Outcome::Crashed { exit: dyno_model::blame::chain(self), stderr_tail: String::new() }
            }
        }
    }
}

impl Classify for HttpError {
    fn blame(&self) -> Blame {
        match self {
            Self::Connect { .. } | Self::Broken { .. } => Blame::Lab,
            Self::Closed { .. } | Self::TooLate { .. } | Self::Malformed { .. } | Self::TooLarge { .. } => {
                Blame::Runtime
            }
            Self::Interrupted { .. } => Blame::User,
            Self::Abandoned { .. } | Self::Loop { .. } | Self::Full { .. } => Blame::Harness,
        }
    }

    fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. } | Self::Broken { .. } | Self::Closed { .. } | Self::TooLate { .. }
        )
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Connect { address, .. } => {
                vec![format!(
                    "see whether a server listens at {address}, and whether this device can reach it"
                )]
            }
            Self::Loop { .. } => vec!["raise the limit of open files (`ulimit -n`)".to_owned()],
            Self::Full { .. } => vec!["offer a lower rate: the server does not keep up".to_owned()],
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.phase {
            Phase::Waiting => f.write_str("before the request was due"),
            Phase::Connecting => f.write_str("while connecting"),
            Phase::Sending => f.write_str("while the request was sent"),
            Phase::Head => f.write_str("before the head of the answer was complete"),
            Phase::Body => write!(f, "after {} bytes of the answer", self.body_bytes),
        }
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connection",
            Self::FirstByte => "first byte of the answer",
            Self::NextByte => "further byte of the answer",
            Self::Total => "complete answer",
            Self::End => "end of a complete answer",
        })
    }
}
