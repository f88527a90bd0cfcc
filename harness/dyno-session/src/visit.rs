//! Reaching a device: the agent that fits it is brought there, started and greeted.

use std::time::Duration;

use dyno_model::clock::ClockSample;
use dyno_model::device::DeviceFacts;
use dyno_model::ids::DeviceId;
use dyno_protocol::message::{Command, Lease, Reply};
use dyno_transport::{
    Ended, OnBytes, PushOutcome, RemoteCommand, RemotePath, Transport, TransportError, artifact,
};

use crate::clocksync;
use crate::deploy::{AgentBinary, AgentSource};
use crate::error::SessionError;
use crate::link::Link;
use crate::observe::{Observer, Step};

/// How long a device may take to hash the agent.
const DIGEST_LIMIT: Duration = Duration::from_mins(2);

/// A device whose agent runs and has shaken hands.
pub struct Visit {
    pub(crate) link: Link,
    /// What the agent put right before it was ours, and what it cannot do there, in words for the record.
    pub(crate) notes: Vec<String>,
}

impl Visit {
    /// Reaches a device, brings the agent that fits it, starts it, and takes the device for `lease`.
    ///
    /// # Errors
    /// The device cannot be reached, no agent fits it, it cannot run there, or somebody else has the device.
    pub fn open(
        device: &DeviceId,
        transport: &mut dyn Transport,
        agents: &dyn AgentSource,
        lease: &Lease,
        observer: &mut dyn Observer,
    ) -> Result<Self, SessionError> {
        let lost = |source| SessionError::Transport { device: device.clone(), source };
        observer.step(device, &Step::Reach);
        transport.prepare().map_err(lost)?;
        let platform = transport.platform().map_err(lost)?;
        let agent = agents
            .agent(&platform, !transport.is_remote())
            .map_err(|source| SessionError::NoAgent { device: device.clone(), source })?;
        observer.step(device, &Step::DeployAgent { bytes: agent.bytes });
        let (path, outcome) = push(device, transport, &agent, observer)?;
        let started = start(device, transport, &path, lease, observer);
        let visit = match started {
            // A copy of an earlier contact that is damaged since is brought again, once.
            Err(SessionError::AgentGone { .. }) if outcome == PushOutcome::AlreadyThere => {
                if is_whole(transport, &path, &agent) {
                    return started;
                }
                transport.remove(&path).map_err(lost)?;
                let (path, _) = push(device, transport, &agent, observer)?;
                start(device, transport, &path, lease, observer)
            }
            started => started,
        };
        let mut visit = visit?;
        visit.notes.extend(agent.notes);
        Ok(visit)
    }

    /// What the device says of itself.
    ///
    /// # Errors
    /// The link or the agent fails.
    pub fn facts(&mut self) -> Result<DeviceFacts, SessionError> {
        self.link.send(&Command::Facts)?;
        match self.link.answer("for its facts")? {
            Reply::Facts { facts } => Ok(*facts),
            other => Err(self.link.unexpected(&other)),
        }
    }

    /// How far its clock is from ours.
    ///
    /// # Errors
    /// The link or the agent fails.
    pub fn clock(&mut self) -> Result<Option<ClockSample>, SessionError> {
        clocksync::sync(&mut self.link, clocksync::BURST)
    }

    /// Says good-bye.
    pub fn close(self) {
        self.link.close();
    }
}

fn push(
    device: &DeviceId,
    transport: &mut dyn Transport,
    agent: &AgentBinary,
    observer: &mut dyn Observer,
) -> Result<(RemotePath, PushOutcome), SessionError> {
    let lost = |source| SessionError::Transport { device: device.clone(), source };
    let on_bytes = &mut |done| observer.step(device, &Step::Sending { done, of: agent.bytes });
    let (path, outcome) =
        artifact::push(transport, &agent.artifact(), on_bytes as OnBytes<'_>).map_err(lost)?;
    if outcome != PushOutcome::AlreadyThere && transport.is_remote() {
        verify(device, transport, &path, agent)?;
    }
    Ok((path, outcome))
}

/// The agent hashes itself on the device; a copy that is not what was sent is removed.
fn verify(
    device: &DeviceId,
    transport: &mut dyn Transport,
    path: &RemotePath,
    agent: &AgentBinary,
) -> Result<(), SessionError> {
    let lost = |source| SessionError::Transport { device: device.clone(), source };
    let output = transport.run(&digest_command(path), DIGEST_LIMIT).map_err(lost)?;
    let said = String::from_utf8_lossy(&output.stdout);
    if said.trim() == agent.digest.as_str() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let words = words.trim().chars().filter(|c| !c.is_control()).take(200).collect::<String>();
    // Best effort: what cannot be removed is refused again.
    transport.remove(path).ok();
    Err(match output.ended {
        Ended::Code(0) => lost(TransportError::Changed {
            path: format!("{path} on {device}"),
            expected: agent.digest.to_string(),
            found: said.trim().chars().take(80).collect(),
        }),
        ended => SessionError::CannotRun { device: device.clone(), ended, words },
    })
}

fn is_whole(transport: &mut dyn Transport, path: &RemotePath, agent: &AgentBinary) -> bool {
    let output = transport.run(&digest_command(path), DIGEST_LIMIT);
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == agent.digest.as_str())
}

fn digest_command(path: &RemotePath) -> RemoteCommand {
    RemoteCommand::new(path).arg("digest").arg(path.as_str())
}

fn start(
    device: &DeviceId,
    transport: &mut dyn Transport,
    agent: &RemotePath,
    lease: &Lease,
    observer: &mut dyn Observer,
) -> Result<Visit, SessionError> {
    let work_dir = transport.work_dir().as_str().to_owned();
    let on_link_loss = if transport.is_remote() { "finish" } else { "stop" };
    let command = RemoteCommand::new(agent).arg("serve").arg("--work-dir").arg(work_dir);
    let command = command.arg("--on-link-loss").arg(on_link_loss);
    let mut link = Link::start(device, transport, &command)?;
    let notes = link.take_lease(lease, observer)?;
    Ok(Visit { link, notes })
}
