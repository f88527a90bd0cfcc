//! How the command reaches devices: transports from the plan's words, agents that fit, questions to the person.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use dyno_model::ids::DeviceId;
use dyno_model::meter::MeterHost;
use dyno_model::plan::{Plan, PlannedDevice, TransportSpec};
use dyno_session::{AgentBinary, AgentSource, MeterReader, NoAgent};
use dyno_transport::ssh::{Ask, NoAsk, SshSettings, SshTransport};
use dyno_transport::{AdbTransport, LocalTransport, Platform, Transport, TransportError, adb};
use indicatif::MultiProgress;

use crate::agent;
use crate::render_error::Failure;

/// Names an ssh configuration instead of the user's own.
pub(crate) const SSH_CONFIG_VARIABLE: &str = "EDGEDYNO_SSH_CONFIG";

/// The way to a device, not gone yet: nothing is sent.
///
/// # Errors
/// The device's words cannot be used on this machine.
pub(crate) fn transport(
    device: &DeviceId,
    planned: &PlannedDevice,
    ask: &Arc<dyn Ask>,
) -> Result<Box<dyn Transport>, Failure> {
    way(device, &planned.transport, planned.work_dir.as_deref(), ask)
}

fn way(
    device: &DeviceId,
    spec: &TransportSpec,
    work_dir: Option<&str>,
    ask: &Arc<dyn Ask>,
) -> Result<Box<dyn Transport>, Failure> {
    Ok(match spec {
        TransportSpec::Local => Box::new(LocalTransport::new(&device.0, work_dir)?),
        TransportSpec::Ssh { host } => {
            let settings = SshSettings::from_env(Arc::clone(ask)).map_err(TransportError::from)?;
            Box::new(SshTransport::new(&device.0, host, work_dir, settings))
        }
        TransportSpec::Adb { serial } => Box::new(AdbTransport::new(
            &device.0,
            serial,
            work_dir,
            adb::Server::from_env().map_err(TransportError::from)?,
        )),
    })
}

/// The meters of a device, each with a way to the machine that reads it, where that is another. An agent that reads a
/// meter works in a folder of its own, so that its machine may be measured at the same time.
///
/// # Errors
/// As [`transport`].
pub(crate) fn meters(
    plan: &Plan,
    device: &DeviceId,
    ask: &Arc<dyn Ask>,
) -> Result<Vec<MeterReader>, Failure> {
    let of_device = plan.meters.iter().filter(|(_, planned)| planned.device == *device);
    of_device
        .map(|(name, planned)| {
            let transport: Option<Box<dyn Transport>> = match &planned.host {
                Some(host) if host.device == *device => None,
                Some(host) => Some(way(&host.device, &host.transport, Some(&own_folder(host, name)), ask)?),
                None => Some(Box::new(LocalTransport::new(&format!("meter-{name}"), None)?)),
            };
            Ok(MeterReader { name: name.clone(), planned: planned.clone(), transport })
        })
        .collect()
}

/// Where an agent works on a host that reads a meter.
fn own_folder(host: &MeterHost, meter: &str) -> String {
    let usual = match &host.transport {
        TransportSpec::Adb { .. } => "/data/local/tmp/edgedyno",
        TransportSpec::Local | TransportSpec::Ssh { .. } => "~/.cache/edgedyno",
    };
    format!("{}-meter-{meter}", host.work_dir.as_deref().unwrap_or(usual))
}

/// Who measures, for whoever else wants a device: `user@host`.
pub(crate) fn holder() -> String {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    // Best effort: the words are for people.
    let host =
        std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let known =
        |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let or = |text: Option<String>, other: &str| known(text).unwrap_or_else(|| other.to_owned());
    format!("{}@{}", or(user, "somebody"), or(host, "somewhere"))
}

/// Finds agents, each kind once.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    found: Mutex<BTreeMap<String, Result<AgentBinary, NoAgent>>>,
}

impl AgentSource for Agents {
    fn agent(&self, platform: &Platform, is_here: bool) -> Result<AgentBinary, NoAgent> {
        let key = if is_here { "here".to_owned() } else { format!("{platform:?}") };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let find = || if is_here { agent::local() } else { agent::pick(platform) };
        let failed = |failure: Failure| NoAgent { why: format!("{:#}", failure.error), hints: failure.hints };
        found.entry(key).or_insert_with(|| find().map_err(failed)).clone()
    }
}

/// Asks the person at the terminal; without one, nobody is asked.
pub(crate) fn ask(bars: &MultiProgress) -> Arc<dyn Ask> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        Arc::new(AtTerminal { bars: bars.clone(), one_at_a_time: Mutex::new(()) })
    } else {
        Arc::new(NoAsk)
    }
}

struct AtTerminal {
    bars: MultiProgress,
    /// Devices are reached at the same time, but a person is asked one thing after the other.
    one_at_a_time: Mutex<()>,
}

impl Ask for AtTerminal {
    fn confirm(&self, question: &str) -> bool {
        let _turn = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        self.bars.suspend(|| {
            let term = console::Term::stderr();
            // Best effort: a terminal that cannot be written to gives no yes.
            write!(&term, "{question} (yes/no) ").ok();
            term.read_line().is_ok_and(|answer| answer.trim() == "yes")
        })
    }

    fn secret(&self, prompt: &str) -> Option<String> {
        let _turn = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        self.bars.suspend(|| {
            let term = console::Term::stderr();
            // Best effort: a terminal that cannot be written to gives no secret.
            write!(&term, "{prompt}").ok();
            term.read_secure_line().ok().filter(|secret| !secret.is_empty())
        })
    }
}
