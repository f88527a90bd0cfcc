//! A server that is started for one launch, and ended with it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use dyno_model::clock::{Clock, MonoNs, monotonic_now};
use dyno_model::launch::{LaunchSpec, ModelFacts, RuntimeFacts, ServerSpec};
use dyno_model::outcome::Outcome;
use dyno_model::template;

use super::program::Program;
use super::settings::HttpSettings;
use super::{Reached, aside};
use crate::adapter::{Carry, ExitReport, LaunchStep, RuntimeAdapter};
use crate::dialect::{Api, Server};
use crate::error::RuntimeError;
use crate::http::{Connections, Endpoint, Exchanges, HttpError, Limits, Outgoing};
use crate::interrupt::Interrupt;
use crate::process::{Process, left_until};

/// A server that is being started is asked this often whether it is ready: so exact is that instant.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// One such question may take so long.
const LOOK_LIMIT_MS: u64 = 2_000;
/// The most bytes of an answer to it.
const MAX_READY_BYTES: u64 = 64 << 10;
/// A server that was asked to end may take so long.
const GRACE: Duration = Duration::from_secs(3);

/// Starts a server and asks it.
pub(super) struct ServerAdapter {
    api: Api,
    program: Program,
    settings: HttpSettings,
    model: Option<ModelFacts>,
    interrupt: Arc<Interrupt>,
    running: Option<Running>,
}

struct Running {
    process: Process,
    reached: Option<Reached>,
    /// Why we ended it, where it did not get ready.
    ended_for: Option<Outcome>,
    /// What it answered last while it was not ready.
    last_answer: Option<String>,
}

impl ServerAdapter {
    /// Looks at everything that a start needs and that can be looked at before: program, version, model file.
    /// This is done here and not in [`RuntimeAdapter::start`], so that it is over when a cold start is prepared.
    pub(super) fn new(
        spec: &LaunchSpec,
        server: &ServerSpec,
        api: Api,
        interrupt: Arc<Interrupt>,
    ) -> Result<Self, RuntimeError> {
        if server.gaps().contains(&"model") && spec.model_path.is_none() {
            return Err(RuntimeError::NoModel { runtime: spec.runtime.clone() });
        }
        let settings = HttpSettings::read(spec, spec.model_path.as_deref().unwrap_or(&spec.runtime))?;
        let program = Program::find(&server.program, &server.version_args, &server.pins)?;
        let model = spec.model_path.as_deref().and_then(|path| describe(Path::new(path)));
        let model = model.map(|facts| if keeps_own_types(server) { without_cache(facts) } else { facts });
        Ok(Self { api, program, settings, model, interrupt, running: None })
    }

    fn command(&self, spec: &LaunchSpec, server: &ServerSpec, port: u16) -> Command {
        let slots = self.settings.slots;
        let value = |name: &str| match name {
            "model" => spec.model_path.clone(),
            "port" => Some(port.to_string()),
            "threads" => spec.threads.map(|n| n.to_string()),
            "context_tokens" => Some(spec.context_tokens.to_string()),
            "slots" => slots.map(|n| n.to_string()),
            "all_context_tokens" => {
                let n = u64::from(spec.context_tokens) * u64::from(slots.unwrap_or(1));
                Some(n.to_string())
            }
            _ => spec.settings.get(name).cloned(),
        };
        let mut command = Command::new(&self.program.path);
        command.args(template::fill_args(&server.args, &value));
        command
            .envs(server.env.iter().filter_map(|(name, text)| Some((name, template::fill(text, &value)?))));
        command
    }

    fn facts_of(&self, spec: &LaunchSpec, pid: Option<u32>, allowed_cpus: Option<Vec<u32>>) -> RuntimeFacts {
        let slots = self.settings.slots.map(|n| format!(", {n} slots")).unwrap_or_default();
        RuntimeFacts {
            name: spec.runtime.clone(),
            version: self.program.version.clone().unwrap_or_else(|| "not said".to_owned()),
            backend: format!("{}{slots}", self.api.label()),
            threads: spec.threads,
            allowed_cpus,
            binary_digest: Some(self.program.digest.clone()),
            binary_script_for: self.program.script_for.clone(),
            model: self.model.clone(),
            pid,
        }
    }
}

impl RuntimeAdapter for ServerAdapter {
    fn facts(&mut self) -> Result<RuntimeFacts, RuntimeError> {
        Ok(RuntimeFacts {
            name: self.program.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            version: self.program.version.clone().unwrap_or_else(|| "not said".to_owned()),
            binary_digest: Some(self.program.digest.clone()),
            binary_script_for: self.program.script_for.clone(),
            ..RuntimeFacts::default()
        })
    }

    fn start(&mut self, spec: &LaunchSpec, on_step: &mut dyn FnMut(LaunchStep)) -> Result<(), RuntimeError> {
        let runtime = || spec.runtime.clone();
        let server = spec.server.as_ref().ok_or_else(|| RuntimeError::NoServer { runtime: runtime() })?;
        let port = free_port()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // Made before the spawn: the kernel takes a moment to stamp.
        let asking = Exchanges::new(aside(&[address]), Some(Arc::clone(&self.interrupt)))?;
        let mut command = self.command(spec, server, port);
        let at = monotonic_now();
        let (process, allowed_cpus) = Process::spawn_server(&mut command, spec.core_mask.as_deref())?;
        let pid = Some(process.pid());
        on_step(LaunchStep::Spawned { at, pid });
        let running = Running { process, reached: None, ended_for: None, last_answer: None };
        let running = self.running.insert(running);
        let endpoint =
            Endpoint { host: address.ip().to_string(), port, prefix: String::new(), host_header: None };
        let question = endpoint.request(&server.ready_path, None, None);
        let at = Wait { asking, question, limit_ms: spec.ready_limit_ms, interrupt: &self.interrupt }
            .until_ready(running)?;
        let endpoint = Endpoint { prefix: server.prefix.trim_end_matches('/').to_owned(), ..endpoint };
        let connections =
            Connections { addresses: vec![address], reuse: self.settings.reuse, limits: Limits::default() };
        let ask = self.settings.ask.clone();
        let server = Server { endpoint, api: self.api, ask, key: None, connections };
        running.reached = Some(Reached { server, connect_ahead: self.settings.connect_ahead() });
        let facts = Box::new(self.facts_of(spec, pid, allowed_cpus));
        on_step(LaunchStep::Ready { at, facts });
        Ok(())
    }

    fn carrier(&self) -> Result<Box<dyn Carry>, RuntimeError> {
        self.reached()?.carrier(&self.interrupt)
    }

    fn is_running(&mut self) -> bool {
        self.running.as_mut().is_some_and(|running| running.process.is_running())
    }

    fn stop(&mut self) -> Result<ExitReport, RuntimeError> {
        let mut running = self.running.take().ok_or(RuntimeError::NotStarted)?;
        running.process.ask_to_end();
        let report = running.process.end(GRACE)?;
        let Some(outcome) = running.ended_for.take() else { return Ok(report) };
        let mut exit = report.exit.unwrap_or_default();
        if let Outcome::Timeout { .. } = outcome {
            if let Some(answer) = &running.last_answer {
                exit = format!("{exit}; never ready, at last: {answer}");
            }
            let words = running.process.last_words();
            if !words.is_empty() {
                exit = format!("{exit}; its last words: {words}");
            }
        }
        Ok(ExitReport { outcome, exit: Some(exit), ..report })
    }

    fn clock(&self) -> Clock {
        Clock::Monotonic
    }
}

impl ServerAdapter {
    fn reached(&self) -> Result<&Reached, RuntimeError> {
        let reached = self.running.as_ref().and_then(|running| running.reached.as_ref());
        reached.ok_or(RuntimeError::NotStarted)
    }
}

/// Waits for a server that was just spawned.
struct Wait<'a> {
    asking: Exchanges,
    question: Vec<u8>,
    limit_ms: u64,
    interrupt: &'a Interrupt,
}

impl Wait<'_> {
    /// When it answered that it is ready.
    fn until_ready(mut self, running: &mut Running) -> Result<MonoNs, RuntimeError> {
        let due = monotonic_now().plus(self.limit_ms.saturating_mul(1_000_000));
        loop {
            let left_ms = u64::try_from(left_until(due).as_millis()).unwrap_or(u64::MAX);
            let outgoing = Outgoing {
                bytes: self.question.clone(),
                due: None,
                limit_ms: left_ms.clamp(1, LOOK_LIMIT_MS),
                max_body_bytes: MAX_READY_BYTES,
            };
            match self.asking.fetch(outgoing) {
                Ok(reply) if reply.head.status == 200 && running.process.is_running() => return Ok(reply.at),
                Ok(reply) => running.last_answer = Some(format!("HTTP {}", reply.head.status)),
                Err(error @ (HttpError::Malformed { .. } | HttpError::TooLarge { .. })) => {
                    return Err(running.garbage(&error));
                }
                Err(HttpError::Connect { .. } | HttpError::Interrupted { .. }) => {}
                Err(error) => running.last_answer = Some(error.to_string()),
            }
            if !running.process.is_running() {
                return Err(running.death());
            }
            if self.interrupt.is_raised() {
                return Err(running.give_up(Outcome::Cancelled));
            }
            if monotonic_now() >= due {
                return Err(running.give_up(Outcome::Timeout { limit_ms: self.limit_ms }));
            }
            self.interrupt.wait(Some(LOOK_EVERY.min(left_until(due))));
        }
    }
}

impl Running {
    fn give_up(&mut self, outcome: Outcome) -> RuntimeError {
        self.process.kill();
        RuntimeError::Launch { outcome: self.ended_for.insert(outcome).clone() }
    }

    /// What listens there is no server of HTTP.
    fn garbage(&mut self, error: &HttpError) -> RuntimeError {
        self.process.kill();
        // Best effort: an end that cannot be waited for has no last words.
        drop(self.process.end(GRACE));
        let (exit, stderr_tail) = (error.to_string(), self.process.last_words().to_owned());
        self.give_up(Outcome::Crashed { exit, stderr_tail })
    }

    /// How it ended, though it was to serve.
    fn death(&mut self) -> RuntimeError {
        let report = match self.process.end(GRACE) {
            Ok(report) => report,
            Err(error) => return error,
        };
        let outcome = match report.outcome {
            Outcome::Ok => Outcome::Crashed {
                exit: format!("{} before it was ready", report.exit.unwrap_or_default()),
                stderr_tail: self.process.last_words().to_owned(),
            },
            other => other,
        };
        RuntimeError::Launch { outcome: self.ended_for.insert(outcome).clone() }
    }
}

/// A port of the loopback that nobody listens at now. The kernel does not hand it out again soon.
fn free_port() -> Result<u16, RuntimeError> {
    let free = |source| RuntimeError::NoPort { source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(free)?;
    Ok(listener.local_addr().map_err(free)?.port())
}

/// Whether the server was told in which numbers to keep keys and values, or to keep more of them than it needs.
fn keeps_own_types(server: &ServerSpec) -> bool {
    const FLAGS: [&str; 4] = ["--cache-type", "-ctk", "-ctv", "--swa-full"];
    const SETTINGS: [&str; 2] = ["LLAMA_ARG_CACHE_TYPE", "LLAMA_ARG_SWA_FULL"];
    let in_args = server.args.iter().any(|arg| FLAGS.iter().any(|flag| arg.starts_with(flag)));
    let in_env = server.env.keys().any(|key| SETTINGS.iter().any(|setting| key.starts_with(setting)));
    in_args || in_env
}

/// What keys and values take is then not what the file's header gives.
fn without_cache(facts: ModelFacts) -> ModelFacts {
    ModelFacts { kv_bytes_per_token: None, kv_window: None, ..facts }
}

/// What the model's file says of itself, where it can be read.
#[cfg(feature = "engine-embedded")]
fn describe(path: &Path) -> Option<ModelFacts> {
    // Best effort: a file of another kind is the server's to judge.
    crate::engine::describe(path).ok()
}

/// This agent cannot read model files.
#[cfg(not(feature = "engine-embedded"))]
fn describe(_path: &Path) -> Option<ModelFacts> {
    None
}
