//! Why a meter cannot be read.

use std::io;

use dyno_model::blame::{Blame, Classify};

/// A meter cannot be read, or not now.
#[derive(Debug, thiserror::Error)]
pub enum MeterError {
    /// There is no way to it.
    #[error("cannot connect to {to}")]
    Connect {
        /// Its address.
        to: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The connection broke, or nothing came in time.
    #[error("lost {to}")]
    Lost {
        /// Its address.
        to: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It sent more than a reading can be.
    #[error("{from} sent more than {limit_bytes} bytes for one reading")]
    TooBig {
        /// The source.
        from: String,
        /// The most that is taken.
        limit_bytes: usize,
    },
    /// It answered with a refusal.
    #[error("{url} answered with status {status}")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// What answered does not speak as it must.
    #[error("{from} does not speak {speech}: {what}")]
    Speech {
        /// The source.
        from: String,
        /// `HTTP`, `MQTT`.
        speech: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// The broker does not want us.
    #[error("the broker {broker} refused {what} (code {code})")]
    Refused {
        /// Its address.
        broker: String,
        /// `the connection`, `the topic`.
        what: &'static str,
        /// Its code (MQTT 3.1.1, tables 3.1 and 3.9.3).
        code: u8,
    },
    /// An address that cannot be used.
    #[error("`{url}` is no address of the form http://host:port/path")]
    Url {
        /// The address.
        url: String,
    },
    /// The program cannot be started.
    #[error("cannot start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program ended.
    #[error("`{program}` ended: {how}")]
    Ended {
        /// The program.
        program: String,
        /// Its exit status, in words.
        how: String,
    },
    /// The file cannot be read.
    #[error("cannot read {path}")]
    File {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// This machine has no such chip.
    #[error(
        "no sensor of this machine has a site that begins with `{site}` and measures power, energy, current or voltage"
    )]
    NoChip {
        /// What was asked for.
        site: String,
    },
    /// There is nothing to take from a reading.
    #[error("no field is named")]
    NoFields,
    /// There is no meter of that name.
    #[error("no meter `{meter}` is being read")]
    Unknown {
        /// The name.
        meter: String,
    },
    /// The system gave no thread.
    #[error("cannot start a thread for the meter")]
    Thread {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Classify for MeterError {
    fn blame(&self) -> Blame {
        match self {
            Self::Url { .. } | Self::NoFields | Self::Start { .. } => Blame::User,
            Self::Unknown { .. } => Blame::Harness,
            Self::Connect { .. }
            | Self::Lost { .. }
            | Self::TooBig { .. }
            | Self::Status { .. }
            | Self::Speech { .. }
            | Self::Refused { .. }
            | Self::Ended { .. }
            | Self::File { .. }
            | Self::NoChip { .. }
            | Self::Thread { .. } => Blame::Lab,
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Lost { .. } | Self::Thread { .. })
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Connect { .. } => {
                vec!["look at the meter's address, and whether it is switched on".to_owned()]
            }
            Self::Status { status: 401 | 403, .. } => {
                vec![
                    "switch off the meter's password, or read it with a program of your own (`lines`)"
                        .to_owned(),
                ]
            }
            _ => Vec::new(),
        }
    }
}
