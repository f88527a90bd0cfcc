//! Agent and models onto the device, by content.

use std::path::PathBuf;

use dyno_model::digest::Digest;
use dyno_transport::artifact::Artifact;

/// The agent's binary for one kind of device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentBinary {
    /// The file on this side.
    pub path: PathBuf,
    /// Its SHA-256.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
}

/// A model file on this side, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalModel {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
}

impl AgentBinary {
    pub(crate) fn artifact(&self) -> Artifact<'_> {
        Artifact { local: &self.path, digest: &self.digest, bytes: self.bytes, name: "edgedyno-agent" }
    }
}

impl LocalModel {
    pub(crate) fn artifact(&self) -> Artifact<'_> {
        Artifact { local: &self.path, digest: &self.digest, bytes: self.bytes, name: "model.gguf" }
    }
}
