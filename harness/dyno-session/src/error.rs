//! What can end a session early.

use dyno_model::blame::{Blame, Classify};
use dyno_model::event::SinkError;
use dyno_model::ids::DeviceId;
use dyno_protocol::message::RemoteError;
use dyno_transport::tls::TlsError;
use dyno_transport::{Ended, TransportError};

use crate::deploy::NoAgent;

/// A session that could not go on. What was recorded before is in the record.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The way to the device.
    #[error("device {device} cannot be used")]
    Transport {
        /// The device.
        device: DeviceId,
        /// Why.
        #[source]
        source: TransportError,
    },
    /// No agent fits the device.
    #[error("device {device} cannot be measured")]
    NoAgent {
        /// The device.
        device: DeviceId,
        /// Why.
        #[source]
        source: NoAgent,
    },
    /// The agent is there and does not run.
    #[error("the agent does not run on {device}: {} ({words})", how(ended))]
    CannotRun {
        /// The device.
        device: DeviceId,
        /// How it ended.
        ended: Ended,
        /// What the device said.
        words: String,
    },
    /// The link was lost and could not be had again.
    #[error("the link to {device} is lost, and could not be had again within {limit_s} s")]
    LinkLost {
        /// The device.
        device: DeviceId,
        /// How long was tried.
        limit_s: u64,
        /// What came of the last attempt.
        #[source]
        source: Box<SessionError>,
    },
    /// The agent ended, or the link broke.
    #[error("the agent on {device} is gone ({how})")]
    AgentGone {
        /// The device.
        device: DeviceId,
        /// How it ended, and its last words.
        how: String,
    },
    /// The agent did not answer.
    #[error("the agent on {device} did not answer {what} within {limit_s} s")]
    Silent {
        /// The device.
        device: DeviceId,
        /// What it was asked.
        what: String,
        /// How long it had.
        limit_s: u64,
    },
    /// What came was no frame of ours.
    #[error("what {device} sent is not the agent's protocol: {detail}")]
    Garbage {
        /// The device.
        device: DeviceId,
        /// What came instead.
        detail: String,
        /// What to do next.
        hints: Vec<String>,
    },
    /// The agent is another build.
    #[error("the agent on {device} is another build ({found}) than this edgedyno ({expected})")]
    OtherBuild {
        /// The device.
        device: DeviceId,
        /// Ours.
        expected: String,
        /// Its.
        found: String,
    },
    /// The agent said that it cannot.
    #[error("the agent on {device} cannot go on")]
    Agent {
        /// The device.
        device: DeviceId,
        /// Its words.
        #[source]
        source: RemoteError,
    },
    /// A model file that the plan needs was not given.
    #[error("model {model} was not fetched before the session")]
    ModelMissing {
        /// Its name.
        model: String,
    },
    /// A plan wants the device restarted, and it does not let us.
    #[error("{device} cannot be restarted ({why})")]
    CannotRestart {
        /// The device.
        device: DeviceId,
        /// What it said.
        why: String,
    },
    /// The device was told to restart and did not come back as another boot.
    #[error("{device} did not come back from its restart within {limit_s} s")]
    NotRestarted {
        /// The device.
        device: DeviceId,
        /// How long was waited.
        limit_s: u64,
    },
    /// A plan names the variable of a key, and it is not set.
    #[error("the endpoint's key is to be in the variable {variable}, which is not set")]
    NoKey {
        /// The variable.
        variable: String,
    },
    /// An endpoint's address wants TLS, and no relay to it can be started.
    #[error("{url} cannot be reached over TLS")]
    Tls {
        /// The address.
        url: String,
        /// Why.
        #[source]
        source: TlsError,
    },
    /// The record cannot be written.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl Classify for SessionError {
    fn blame(&self) -> Blame {
        match self {
            Self::Transport { source, .. } => source.blame(),
            Self::Agent { source, .. } => source.blame(),
            Self::ModelMissing { .. } => Blame::Harness,
            Self::NoAgent { .. } | Self::NoKey { .. } => Blame::User,
            Self::Tls { source, .. } => source.blame(),
            Self::LinkLost { source, .. } => source.blame(),
            Self::CannotRun { .. }
            | Self::AgentGone { .. }
            | Self::Silent { .. }
            | Self::Garbage { .. }
            | Self::OtherBuild { .. }
            | Self::CannotRestart { .. }
            | Self::NotRestarted { .. }
            | Self::Sink(_) => Blame::Lab,
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Transport { source, .. } => source.is_transient(),
            Self::Agent { source, .. } => source.is_transient(),
            Self::AgentGone { .. } | Self::Silent { .. } => true,
            _ => false,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Transport { source, .. } => source.hints(),
            Self::Agent { source, .. } => source.hints(),
            Self::Garbage { hints, .. } => hints.clone(),
            Self::NoAgent { source, .. } => source.hints.clone(),
            Self::LinkLost { source, .. } => {
                let mut hints = source.hints();
                hints.push(
                    "the device goes on with its run alone; what it recorded comes with the next contact"
                        .to_owned(),
                );
                hints
            }
            Self::CannotRun { .. } => {
                vec!["the device may have another architecture than it says, or forbid programs in its work folder".to_owned()]
            }
            Self::CannotRestart { .. } => {
                vec!["let the login restart it (`sudo -n reboot` without a password), or take device_cold out of the suite".to_owned()]
            }
            Self::NotRestarted { .. } => {
                vec![
                    "look at the device; a longer boot_limit_ms can be set in the suite's `restart`"
                        .to_owned(),
                ]
            }
            Self::NoKey { variable } => vec![format!("set it and run again: export {variable}=…")],
            Self::Tls { source, .. } => source.hints(),
            Self::Sink(_) => vec!["make room for the record; what is in it stays valid".to_owned()],
            Self::OtherBuild { .. } => {
                vec!["build edgedyno again: agent and controller are built together".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// How a program ended, in words.
pub(crate) fn how(ended: &Ended) -> String {
    match ended {
        Ended::Code(code) => format!("exit code {code}"),
        Ended::Signal(signal) => format!("signal {signal}"),
    }
}
