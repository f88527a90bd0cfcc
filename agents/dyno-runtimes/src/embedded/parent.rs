//! The agent's half: starts the engine's process, asks it, and outlives it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, TryLockError};

use dyno_model::clock::Clock;
use dyno_model::digest::Digest;
use dyno_model::launch::{LaunchSpec, RuntimeFacts};

use super::link::{EmbeddedClient, GRACE, Link, lock};
use crate::adapter::{Carry, ExitReport, LaunchStep, RuntimeAdapter};
use crate::error::RuntimeError;
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::queue::Queue;

/// The runtime's name in records.
const NAME: &str = "edgedyno-embedded";

/// Runs this agent's own engine.
pub struct EmbeddedAdapter {
    program: PathBuf,
    interrupt: Arc<Interrupt>,
    link: Option<Arc<Mutex<Link>>>,
    is_dead: Arc<AtomicBool>,
}

impl EmbeddedAdapter {
    /// Will run `program engine …`.
    ///
    /// # Errors
    /// A launch with settings, of which the engine has none, or without a model.
    pub fn new(program: PathBuf, spec: &LaunchSpec, interrupt: Arc<Interrupt>) -> Result<Self, RuntimeError> {
        let runtime = spec.runtime.clone();
        if let Some(name) = spec.settings.keys().next() {
            return Err(RuntimeError::UnknownSetting { runtime, name: name.clone(), known: &[] });
        }
        if spec.model_path.is_none() {
            return Err(RuntimeError::NoModel { runtime });
        }
        Ok(Self { program, interrupt, link: None, is_dead: Arc::default() })
    }

    fn client(&self) -> Result<EmbeddedClient, RuntimeError> {
        let link = self.link.as_ref().ok_or(RuntimeError::NotStarted)?;
        Ok(EmbeddedClient(Arc::clone(link)))
    }

    fn command(&self, spec: &LaunchSpec) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("engine").args(spec.model_path.iter().flat_map(|path| ["--model", path]));
        command.args(["--context", &spec.context_tokens.to_string()]);
        if let Some(threads) = spec.threads {
            command.args(["--threads", &threads.to_string()]);
        }
        command
    }
}

impl RuntimeAdapter for EmbeddedAdapter {
    fn facts(&mut self) -> Result<RuntimeFacts, RuntimeError> {
        Ok(RuntimeFacts {
            name: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            binary_digest: Some(digest_of(&self.program)?),
            ..RuntimeFacts::default()
        })
    }

    fn start(&mut self, spec: &LaunchSpec, on_step: &mut dyn FnMut(LaunchStep)) -> Result<(), RuntimeError> {
        let facts = self.facts()?;
        let at = Clock::Monotonic.now();
        let mut command = self.command(spec);
        let (process, pipes, allowed_cpus) = match &spec.core_mask {
            None => Process::spawn(&mut command).map(|(process, pipes)| (process, pipes, None))?,
            Some(cpus) => Process::spawn_on(&mut command, cpus)
                .map(|(process, pipes, allowed)| (process, pipes, Some(allowed)))?,
        };
        let pid = process.pid();
        on_step(LaunchStep::Spawned { at, pid: Some(pid) });
        let link = Link::over((process, pipes), &self.interrupt, &self.is_dead);
        let link = Arc::new(Mutex::new(link));
        self.link = Some(Arc::clone(&link));
        let ready = lock(&link).wait_until_ready(spec.ready_limit_ms)?;
        let facts = RuntimeFacts {
            backend: ready.backend,
            threads: Some(ready.threads),
            allowed_cpus,
            model: Some(ready.model),
            pid: Some(pid),
            ..facts
        };
        on_step(LaunchStep::Ready { at: ready.at, facts: Box::new(facts) });
        Ok(())
    }

    fn carrier(&self) -> Result<Box<dyn Carry>, RuntimeError> {
        let client = Box::new(self.client()?);
        Ok(Box::new(Queue::new(client, Clock::Monotonic, Arc::clone(&self.interrupt))))
    }

    fn is_running(&mut self) -> bool {
        let Some(link) = self.link.as_ref().filter(|_| !self.is_dead.load(Ordering::SeqCst)) else {
            return false;
        };
        match link.try_lock() {
            Ok(mut link) => link.process.is_running(),
            Err(TryLockError::Poisoned(link)) => link.into_inner().process.is_running(),
            // It is spoken to right now; whoever does so notices when it ends.
            Err(TryLockError::WouldBlock) => true,
        }
    }

    fn stop(&mut self) -> Result<ExitReport, RuntimeError> {
        let link = self.link.take().ok_or(RuntimeError::NotStarted)?;
        let mut link = lock(&link);
        // The end of its stdin asks the engine to end.
        link.pipes = None;
        let report = link.process.end(GRACE)?;
        let outcome = link.killed_for.take().unwrap_or(report.outcome);
        Ok(ExitReport { outcome, ..report })
    }

    fn clock(&self) -> Clock {
        Clock::Monotonic
    }
}

/// SHA-256 of a program; kept, for the one program that is asked for is this one.
fn digest_of(program: &Path) -> Result<Digest, RuntimeError> {
    static KNOWN: OnceLock<(PathBuf, Digest)> = OnceLock::new();
    if let Some((_, digest)) = KNOWN.get().filter(|(path, _)| path == program) {
        return Ok(digest.clone());
    }
    let read = File::open(program).and_then(|mut file| Digest::of_reader(&mut file));
    let digest = read.map_err(|source| RuntimeError::Spawn { program: program.to_owned(), source })?;
    // Best effort: another program's digest may have been kept already.
    drop(KNOWN.set((program.to_owned(), digest.clone())));
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::Generate;
    use crate::embedded::wire::{self, Ready};
    use crate::interrupt::Asked;
    use dyno_model::clock::MonoNs;
    use dyno_model::launch::{Dialect, ModelFacts};
    use dyno_model::outcome::Outcome;
    use dyno_model::request::{
        Finish, FinishReason, Message, Request, Sampling, TokenChoice, TokenLogprob, Usage, UsageSource,
    };
    use std::fmt::Write as _;
    use std::os::unix::fs::PermissionsExt;

    /// A shell script in the engine's place; removed with the value.
    struct Engine(PathBuf);

    impl Engine {
        /// `ready`, `token` and `done` print a message each; `ask` waits for a request's first bytes.
        fn of(name: &str, script: &str) -> Self {
            let facts = ModelFacts { architecture: "llama".to_owned(), ..ModelFacts::default() };
            let ready = Ready { at: MonoNs(5), threads: 2, backend: "script".to_owned(), model: facts };
            let done = Finish {
                at: MonoNs(40),
                outcome: Outcome::Ok,
                reason: Some(FinishReason::Stop),
                usage: Usage { source: UsageSource::Engine, ..Usage::default() },
                timings: None,
            };
            let mut text = "#!/bin/sh\nask() { dd bs=1 count=5 of=/dev/null 2>&-; }\n".to_owned();
            let mut packed = Vec::new();
            let mut define = |name: &str, packed: &mut Vec<u8>| {
                write!(text, "{name}() {{ printf '").expect("a string takes all");
                for byte in packed.drain(..) {
                    write!(text, "\\{byte:03o}").expect("a string takes all");
                }
                text.push_str("'; }\n");
            };
            wire::pack_json(&mut packed, wire::TAG_READY, &ready);
            define("ready", &mut packed);
            wire::pack_token(&mut packed, MonoNs(33), "hi");
            define("token", &mut packed);
            wire::pack_json(&mut packed, wire::TAG_DONE, &done);
            define("done_", &mut packed);
            let usage = Usage { completion_tokens: Some(3), ..done.usage.clone() };
            wire::pack_json(&mut packed, wire::TAG_DONE, &Finish { usage, ..done });
            define("done_of_three", &mut packed);
            let token = TokenChoice { id: Some(7), piece: "hi".to_owned(), logprob_micro: -9 };
            let told = TokenLogprob { top: vec![token.clone()], token };
            wire::pack_json(&mut packed, wire::TAG_LOGPROBS, &[told]);
            define("told", &mut packed);
            wire::pack_json(
                &mut packed,
                wire::TAG_FAILED,
                &Outcome::Refused { detail: "not a model".to_owned() },
            );
            define("failed", &mut packed);
            text.push_str(script);
            let path = std::env::temp_dir().join(format!("edgedyno-engine-{}-{name}", std::process::id()));
            std::fs::write(&path, text).expect("a folder for temporary files");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("our own file");
            Self(path)
        }

        fn start(&self, ready_limit_ms: u64) -> (EmbeddedAdapter, Result<Vec<LaunchStep>, RuntimeError>) {
            self.start_with(ready_limit_ms, Interrupt::new().expect("a pipe"))
        }

        fn start_with(
            &self,
            ready_limit_ms: u64,
            interrupt: Interrupt,
        ) -> (EmbeddedAdapter, Result<Vec<LaunchStep>, RuntimeError>) {
            let spec = LaunchSpec {
                runtime: "embedded".to_owned(),
                dialect: Dialect::Embedded,
                model_path: Some("m.gguf".to_owned()),
                model_digest: None,
                threads: Some(2),
                core_mask: None,
                context_tokens: 64,
                settings: std::collections::BTreeMap::new(),
                ready_limit_ms,
                start: dyno_model::start::StartState::AsItIs,
                server: None,
                endpoint: None,
            };
            let interrupt = Arc::new(interrupt);
            let mut adapter = EmbeddedAdapter::new(self.0.clone(), &spec, interrupt).expect("no settings");
            let mut steps = Vec::new();
            let started = adapter.start(&spec, &mut |step| steps.push(step));
            (adapter, started.map(|()| steps))
        }
    }

    impl Drop for Engine {
        fn drop(&mut self) {
            std::fs::remove_file(&self.0).expect("our own file");
        }
    }

    fn request(limit_ms: u64) -> Request {
        Request {
            idx: 0,
            prompt_id: "p".into(),
            messages: vec![Message { role: "user".to_owned(), content: "Hello".to_owned() }],
            sampling: Sampling {
                max_tokens: 4,
                ignore_eos: false,
                temperature_milli: 0,
                top_p_milli: 1000,
                seed: 1,
                top_logprobs: 0,
            },
            due_ns: None,
            limit_ms,
        }
    }

    fn generate(
        adapter: &EmbeddedAdapter,
        limit_ms: u64,
    ) -> (Vec<(MonoNs, String)>, Result<Finish, RuntimeError>) {
        let mut chunks = Vec::new();
        let mut client = adapter.client().expect("started");
        let finish =
            client.generate(&request(limit_ms), &mut |chunk| chunks.push((chunk.at, chunk.text.to_owned())));
        (chunks, finish)
    }

    #[test]
    fn stamps_are_the_engines_own() {
        let engine = Engine::of("good", "ready; ask; token; token; done_; cat >/dev/null");
        let (mut adapter, steps) = engine.start(20_000);
        let steps = steps.expect("it gets ready");
        assert!(matches!(&steps[1], LaunchStep::Ready { at: MonoNs(5), facts } if facts.threads == Some(2)));
        let (chunks, finish) = generate(&adapter, 20_000);
        assert_eq!(chunks, vec![(MonoNs(33), "hi".to_owned()); 2]);
        assert_eq!(finish.expect("answered").at, MonoNs(40));
        let report = adapter.stop().expect("it ends with its stdin");
        assert_eq!((report.outcome, report.exit.as_deref()), (Outcome::Ok, Some("exit status 0")));
    }

    #[test]
    fn what_is_said_of_tokens_is_kept_where_it_was_asked_for() {
        let engine =
            Engine::of("told", "ready; ask; token; token; told; told; done_of_three; cat >/dev/null");
        let (adapter, steps) = engine.start(20_000);
        steps.expect("it gets ready");
        let mut asked = request(20_000);
        asked.sampling.top_logprobs = 1;
        let mut client = adapter.client().expect("started");
        client.generate(&asked, &mut |_| {}).expect("answered");
        let (tokens, n_lost) = client.take_logprobs().expect("asked").finish();
        // Three tokens were counted, and of two something was said.
        assert_eq!((tokens.expect("told").len(), n_lost), (2, 1));
        assert_eq!(client.take_logprobs(), None);
    }

    #[test]
    fn what_is_said_of_tokens_unasked_makes_no_sense() {
        let engine = Engine::of("unasked", "ready; ask; token; told; done_; cat >/dev/null");
        let (adapter, steps) = engine.start(20_000);
        steps.expect("it gets ready");
        let error = generate(&adapter, 20_000).1.expect_err("nonsense");
        assert!(error.to_string().contains("`L`"), "{error}");
    }

    #[test]
    fn a_refused_model_is_data() {
        let engine = Engine::of("refused", "failed; exit 3");
        let (_, steps) = engine.start(20_000);
        assert_eq!(
            steps.expect_err("refused").outcome(),
            Outcome::Refused { detail: "not a model".to_owned() }
        );
    }

    #[test]
    fn a_death_before_ready_keeps_the_last_words() {
        let engine = Engine::of("early", "echo 'no such model' >&2; exit 7");
        let (_, steps) = engine.start(20_000);
        let stderr_tail = "no such model".to_owned();
        let expected = Outcome::Crashed { exit: "exit status 7".to_owned(), stderr_tail };
        assert_eq!(steps.expect_err("dead").outcome(), expected);
    }

    #[test]
    fn a_launch_that_takes_too_long_is_a_timeout() {
        let engine = Engine::of("slow", "exec cat");
        let (mut adapter, steps) = engine.start(1);
        let timeout = Outcome::Timeout { limit_ms: 1 };
        assert_eq!(steps.expect_err("never ready").outcome(), timeout);
        assert!(!adapter.is_running());
        let report = adapter.stop().expect("it was started");
        assert_eq!((report.outcome, report.exit.as_deref()), (timeout, Some("killed by signal 9 (SIGKILL)")));
    }

    #[test]
    fn a_kill_in_the_middle_of_an_answer_is_its_outcome() {
        let engine = Engine::of("killed", "ready; ask; token; kill -9 $$");
        let (mut adapter, steps) = engine.start(20_000);
        steps.expect("it gets ready");
        let (chunks, finish) = generate(&adapter, 20_000);
        assert_eq!(chunks.len(), 1);
        let exit = "killed by signal 9 (SIGKILL)".to_owned();
        assert_eq!(finish.expect("data").outcome, Outcome::Crashed { exit, stderr_tail: String::new() });
        assert!(!adapter.is_running());
        assert_eq!(adapter.stop().expect("reaped").outcome.word(), "crashed");
    }

    #[test]
    fn an_engine_that_ends_instead_of_answering_has_crashed() {
        let engine = Engine::of("lazy", "ready; ask; exit 0");
        let (adapter, steps) = engine.start(20_000);
        steps.expect("it gets ready");
        assert_eq!(generate(&adapter, 20_000).1.expect("data").outcome.word(), "crashed");
    }

    #[test]
    fn a_print_statement_is_shown() {
        let engine = Engine::of("chatty", "ready; ask; echo debugging; cat >/dev/null");
        let (adapter, steps) = engine.start(20_000);
        steps.expect("it gets ready");
        let error = generate(&adapter, 20_000).1.expect_err("nonsense");
        assert!(error.to_string().ends_with("expected a message, but this came: `debugging\\n`"), "{error}");
    }

    #[test]
    fn a_cancelled_launch_does_not_get_ready() {
        let engine = Engine::of("cancelled", "exec cat");
        let interrupt = Interrupt::new().expect("a pipe");
        interrupt.raise(Asked::Cancel);
        let (_, steps) = engine.start_with(20_000, interrupt);
        let error = steps.expect_err("cancelled");
        assert_eq!(error.outcome(), Outcome::Cancelled);
    }
}
