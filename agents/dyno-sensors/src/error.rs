//! What can keep a device from being sampled.

use std::io;

use dyno_model::blame::{Blame, Classify};

/// Sampling could not begin, or a sensor has no row to give.
#[derive(Debug, thiserror::Error)]
pub enum SensorError {
    /// A folder that a driver needs is there but cannot be listed.
    #[error("cannot list {path}")]
    List {
        /// The folder, from the root of the tree.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The process to watch is gone, or hidden from this user.
    #[error("cannot watch process {pid}")]
    NoProcess {
        /// Its number.
        pid: u32,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The runtime's process is not known yet; nothing is wrong.
    #[error("the runtime's process is not known yet")]
    NotAttached,
    /// A period that no sampler can keep.
    #[error("cannot sample every {period_ms} ms: the period must be 1 to 60000 ms")]
    Period {
        /// The period asked for.
        period_ms: u32,
    },
    /// The system gave no thread.
    #[error("cannot start the sampler thread")]
    Thread {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Classify for SensorError {
    fn blame(&self) -> Blame {
        match self {
            Self::List { .. } | Self::Thread { .. } => Blame::Lab,
            Self::NoProcess { .. } => Blame::Runtime,
            Self::NotAttached => Blame::Harness,
            Self::Period { .. } => Blame::User,
        }
    }

    fn is_transient(&self) -> bool {
        matches!(self, Self::Thread { .. } | Self::NotAttached)
    }
}
