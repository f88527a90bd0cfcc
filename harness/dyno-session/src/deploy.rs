//! Agent and models onto the device, by content.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use dyno_model::digest::Digest;
use dyno_model::ids::DeviceId;
use dyno_model::plan::{ModelOrigin, Plan, SyntheticShape};
use dyno_protocol::message::{Command, Reply};
use dyno_transport::artifact::{self, Artifact};
use dyno_transport::{Platform, PushOutcome, RemotePath, Transport};

use crate::endpoint::Endpoints;
use crate::error::SessionError;
use crate::link::Link;
use crate::observe::{Observer, Step};

/// How long hashing or writing a model may take.
pub(crate) const MODEL_LIMIT: Duration = Duration::from_mins(30);

/// The agent's binary for one kind of device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentBinary {
    /// The file on this side.
    pub path: PathBuf,
    /// Its SHA-256.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// What it cannot do there that another one could, in words for the record.
    pub notes: Vec<String>,
}

/// Finds the agent that fits a device.
pub trait AgentSource: Sync {
    /// The agent for `platform`; `is_here` says that the device is this machine.
    ///
    /// # Errors
    /// [`NoAgent`] when there is none.
    fn agent(&self, platform: &Platform, is_here: bool) -> Result<AgentBinary, NoAgent>;
}

/// No agent fits a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NoAgent {
    /// Why, in words.
    pub why: String,
    /// What to do.
    pub hints: Vec<String>,
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

/// A model file as it lies on the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceModel {
    pub(crate) path: RemotePath,
    pub(crate) digest: Option<Digest>,
}

/// What a device's launches need: model files that lie on it, and servers that run already.
#[derive(Debug, Default)]
pub(crate) struct DeviceModels {
    files: BTreeMap<String, DeviceModel>,
    pub(crate) endpoints: Endpoints,
}

impl DeviceModels {
    /// The file of that model.
    pub(crate) fn get(&self, model: &str) -> Option<&DeviceModel> {
        self.files.get(model)
    }

    /// All files, by model.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &DeviceModel)> {
        self.files.iter()
    }
}

/// Brings models to a device whose agent runs.
pub(crate) struct Deploy<'a> {
    pub(crate) device: &'a DeviceId,
    pub(crate) plan: &'a Plan,
    pub(crate) local: &'a BTreeMap<String, LocalModel>,
    pub(crate) transport: &'a mut dyn Transport,
    pub(crate) link: &'a mut Link,
    pub(crate) observer: &'a mut dyn Observer,
}

impl Deploy<'_> {
    /// All models that the device's cells name, and all servers.
    pub(crate) fn models(mut self) -> Result<DeviceModels, SessionError> {
        let lookup = |name: &str| std::env::var(name).ok();
        let endpoints = Endpoints::open(self.plan, self.device, &lookup)?;
        let mut on_device = BTreeMap::new();
        for cell in self.plan.cells.iter().filter(|cell| cell.device == *self.device) {
            let Some(model) = self.plan.models.get(&cell.model) else { continue };
            if on_device.contains_key(&cell.model) {
                continue;
            }
            let placed = match &model.origin {
                ModelOrigin::None => continue,
                ModelOrigin::Synthetic { shape, seed } => self.synthesize(&cell.model, shape, *seed)?,
                ModelOrigin::Published { .. } | ModelOrigin::Derived { .. } => self.push(&cell.model)?,
            };
            on_device.insert(cell.model.clone(), placed);
        }
        Ok(DeviceModels { files: on_device, endpoints })
    }

    fn push(&mut self, name: &str) -> Result<DeviceModel, SessionError> {
        let local = self.local.get(name).cloned();
        let local = local.ok_or_else(|| SessionError::ModelMissing { model: name.to_owned() })?;
        self.observer.step(self.device, &Step::DeployModel { model: name.to_owned(), bytes: local.bytes });
        let (path, outcome) = self.send(&local)?;
        match self.verify(&path, &local) {
            // A copy of an earlier contact that was damaged since, or one that was put together from two: the agent
            // has removed it, and a push brings it whole.
            Err(SessionError::Agent { .. }) if outcome != (PushOutcome::Sent { bytes: local.bytes }) => {
                self.send(&local)?;
                self.verify(&path, &local)
            }
            first => first,
        }
    }

    fn send(&mut self, local: &LocalModel) -> Result<(RemotePath, PushOutcome), SessionError> {
        let (device, observer, of) = (self.device, &mut *self.observer, local.bytes);
        let on_bytes = &mut |done| observer.step(device, &Step::Sending { done, of });
        artifact::push(self.transport, &local.artifact(), on_bytes)
            .map_err(|source| SessionError::Transport { device: device.clone(), source })
    }

    fn verify(&mut self, path: &RemotePath, local: &LocalModel) -> Result<DeviceModel, SessionError> {
        let digest = Some(local.digest.clone());
        self.link.send(&Command::Verify { path: path.as_str().to_owned(), digest: digest.clone() })?;
        match self.link.answer_within("whether the model is whole", MODEL_LIMIT)? {
            Reply::Verified { .. } => Ok(DeviceModel { path: path.clone(), digest }),
            other => Err(self.link.unexpected(&other)),
        }
    }

    fn synthesize(
        &mut self,
        name: &str,
        shape: &SyntheticShape,
        seed: u64,
    ) -> Result<DeviceModel, SessionError> {
        self.observer.step(self.device, &Step::Synthesize { model: name.to_owned() });
        let recipe = serde_json::to_vec(&(shape, seed)).expect("a shape has only string keys");
        let path = artifact::path(self.transport.work_dir(), &Digest::of(&recipe), "synthetic.gguf");
        let asked = path.as_str().to_owned();
        self.link.send(&Command::Synthesize { path: asked, shape: shape.clone(), seed })?;
        match self.link.answer_within("for a synthetic model", MODEL_LIMIT)? {
            Reply::Wrote { digest, .. } => Ok(DeviceModel { path, digest: Some(digest) }),
            other => Err(self.link.unexpected(&other)),
        }
    }
}
