//! Why a runtime could not be started or spoken to.

use std::path::PathBuf;

use dyno_model::blame::{Blame, Classify, chain};
use dyno_model::digest::Digest;
use dyno_model::outcome::Outcome;

use crate::http::EndpointError;

/// A runtime could not be started or spoken to.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The launch failed in a way that is data.
    #[error("the runtime did not become ready: {}", outcome.detail().unwrap_or_else(|| outcome.word().to_owned()))]
    Launch {
        /// How it ended.
        outcome: Outcome,
    },
    /// A setting's value cannot be used.
    #[error("setting `{name}` of the runtime `{runtime}` is `{value}`, expected {expected}")]
    Setting {
        /// The runtime.
        runtime: String,
        /// The setting.
        name: String,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A setting that the runtime does not have.
    #[error("the runtime `{runtime}` has no setting `{name}`")]
    UnknownSetting {
        /// The runtime.
        runtime: String,
        /// The setting.
        name: String,
        /// The settings that it has.
        known: &'static [&'static str],
    },
    /// The launch over HTTP says neither what to start nor where to ask.
    #[error("the runtime `{runtime}` has neither a server to start nor one to ask")]
    NoServer {
        /// The runtime.
        runtime: String,
    },
    /// There is no port to listen at.
    #[error("no port is free on the loopback")]
    NoPort {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A server's address cannot be used.
    #[error("cannot ask the server")]
    Endpoint(#[from] crate::http::EndpointError),
    /// The launch names no model file.
    #[error("the runtime `{runtime}` needs a model file")]
    NoModel {
        /// The runtime.
        runtime: String,
    },
    /// The agent does not carry what the launch needs.
    #[error("this agent was built without {missing}")]
    NotBuilt {
        /// What it lacks.
        missing: &'static str,
    },
    /// The program is not there.
    #[error("the program `{program}` is not on this device (looked for in {looked_in})")]
    NoProgram {
        /// As it was asked for.
        program: String,
        /// The folders, or the path.
        looked_in: String,
    },
    /// The program is not the one that the catalogue pins.
    #[error("the program {program} is not the pinned one: sha256 {found} instead of {expected}")]
    OtherProgram {
        /// Its file.
        program: PathBuf,
        /// What the catalogue pins.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// The program is pinned, but not for this kind of device.
    #[error("the program {program} is pinned for {}, and this device is {arch}", pinned.join(", "))]
    NoPin {
        /// Its file.
        program: PathBuf,
        /// This device's architecture.
        arch: &'static str,
        /// The architectures with a pin.
        pinned: Vec<String>,
    },
    /// The process could not be started.
    #[error("cannot start {program}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The process could not be bound to CPUs.
    #[error("cannot run on the CPUs {cpus}")]
    Pin {
        /// The CPUs, as a list.
        cpus: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The process was bound to fewer CPUs than asked for.
    #[error("asked for the CPUs {cpus}, but the system allows only {allowed}")]
    NotPinned {
        /// The CPUs that were asked for, as a list.
        cpus: String,
        /// Those that it got.
        allowed: String,
    },
    /// The process could not be written to, read from or waited for.
    #[error("cannot talk to the runtime's process {pid}")]
    Talk {
        /// The process.
        pid: u32,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The process said something that is not of its language.
    #[error("the runtime's process {pid} makes no sense: {what}")]
    Nonsense {
        /// The process.
        pid: u32,
        /// What came.
        what: String,
    },
    /// The loop that carries requests to a server failed.
    #[error("cannot carry requests to the server")]
    Carry(#[from] crate::http::HttpError),
    /// There is no runtime to ask.
    #[error("the runtime is not running")]
    NotStarted,
}

impl RuntimeError {
    /// What the record says of a launch that met this error.
    pub fn outcome(&self) -> Outcome {
        let detail = || chain(self);
        match self {
            Self::Launch { outcome } => outcome.clone(),
            Self::Setting { .. }
            | Self::UnknownSetting { .. }
            | Self::NoModel { .. }
            | Self::NoServer { .. }
            | Self::OtherProgram { .. }
            | Self::NoPin { .. }
            | Self::Pin { .. }
            | Self::NotPinned { .. } => Outcome::Refused { detail: detail() },
            Self::Carry(error) => error.outcome(),
            Self::NotBuilt { .. } | Self::NoProgram { .. } | Self::Endpoint(EndpointError::Tls { .. }) => {
                Outcome::Unsupported { detail: detail() }
            }
            Self::Endpoint(EndpointError::Url { .. } | EndpointError::Key) => {
                Outcome::Refused { detail: detail() }
            }
            Self::Endpoint(EndpointError::Resolve { .. })
            | Self::NoPort { .. }
            | Self::Spawn { .. }
            | Self::Talk { .. }
            | Self::Nonsense { .. }
            | Self::NotStarted => Outcome::Crashed { exit: detail(), stderr_tail: String::new() },
        }
    }
}

impl Classify for RuntimeError {
    fn blame(&self) -> Blame {
        match self {
            Self::Setting { .. }
            | Self::UnknownSetting { .. }
            | Self::NoModel { .. }
            | Self::NoServer { .. }
            | Self::NoProgram { .. }
            | Self::NoPin { .. }
            | Self::Pin { .. }
            | Self::NotPinned { .. } => Blame::User,
            Self::Endpoint(error) => error.blame(),
            Self::Launch { .. } | Self::Talk { .. } => Blame::Runtime,
            Self::Carry(error) => error.blame(),
            Self::Spawn { .. } | Self::NoPort { .. } | Self::OtherProgram { .. } => Blame::Lab,
            Self::NotBuilt { .. } | Self::Nonsense { .. } | Self::NotStarted => Blame::Harness,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::UnknownSetting { known: [], .. } => {
                vec!["it has no settings at all".to_owned()]
            }
            Self::Carry(error) => error.hints(),
            Self::Endpoint(error) => error.hints(),
            Self::NoProgram { .. } => {
                vec!["install it there, or name its full path as `program` of the runtime".to_owned()]
            }
            Self::OtherProgram { .. } => {
                vec![
                    "install the pinned build there, or pin this one if it is what you meant to measure"
                        .to_owned(),
                ]
            }
            Self::NoPin { .. } => vec!["add its sha256 for that architecture to the catalogue".to_owned()],
            Self::Pin { .. } | Self::NotPinned { .. } => {
                vec!["name CPUs in `core_mask` that are online and that the agent may use".to_owned()]
            }
            Self::UnknownSetting { known, .. } => vec![format!("it has: {}", known.join(", "))],
            _ => Vec::new(),
        }
    }
}
