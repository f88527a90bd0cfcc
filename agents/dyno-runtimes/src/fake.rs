//! A runtime that is a script: exact to the nanosecond, and it never waits.
//!
//! Its clock is a scripted one that stands still unless the script moves it, so every stamp in a record can be
//! worked out by hand. Settings, all optional:
//!
//! | setting | meaning | default |
//! |---|---|---|
//! | `load_ns` | spawn to ready | 1000000 |
//! | `ttft_ns` | request to first chunk | 1000000 |
//! | `ttft_per_prompt_char_ns` | added to it for each character of the conversation | 0 |
//! | `gap_ns` | from chunk to chunk; a comma list is gone through again and again | 1000000 |
//! | `end_ns` | last chunk to the end of the answer | 0 |
//! | `n_tokens` | tokens until the answer ends by itself | `max_tokens` |
//! | `tokens_per_chunk` | tokens of a chunk; the last may have fewer | 1 |
//! | `text` | its words, one a token, gone through again and again | `token` |
//! | `logprob_micro` | how likely each token is, where a request asks for that: a comma list is gone through again and again; `none` tells nothing | -500000 |
//! | `fail_every` | every n-th request of the run is refused | never |
//! | `timeout_at` | the request of this index runs into its deadline after its first chunk | never |
//! | `crash_at` | the runtime dies in the request of this index after its first chunk | never |
//! | `hang_at` | the request of this index really waits until the launch is interrupted | never |
//! | `wait_ms` | before each answer this much real time passes, which the scripted clock does not see | 0 |
//! | `refuse` | the launch is refused with these words | not |
//! | `pace` | how fast the device is: `SECONDS:THOUSANDTHS` from then on, as a comma list | 0:1000 |
//! | `dies_at_s` | then it kills the runtime, whatever that does | never |
//! | `dies_as` | `kill`, or `reboot`: it restarts | kill |
//!
//! A token's number is its word's place in `text`. Beside it the words after it are told as alternatives, and each has half
//! of the probability that those before it leave.
//!
//! Their seconds count from where the script's clock begins. Work that `pace` stretches is that of requests.

mod device;
mod odds;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dyno_model::clock::Clock;
use dyno_model::launch::{LaunchSpec, RuntimeFacts};
use dyno_model::outcome::Outcome;
use dyno_model::request::{
    Chunk, ChunkKind, EngineTimings, Finish, FinishReason, Request, Usage, UsageSource,
};

use crate::adapter::{Carry, ExitReport, Generate, LaunchStep, RuntimeAdapter};
use crate::error::RuntimeError;
use crate::fake::device::{Death, Device};
use crate::fake::odds::Odds;
use crate::interrupt::Interrupt;
use crate::logprobs::Logprobs;
use crate::queue::Queue;

/// Where the scripted clock stands at first: not 0, so that an instant is not mistaken for a duration.
pub const START_NS: u64 = 1_000_000_000;

/// A second.
const S: u64 = 1_000_000_000;

const SETTINGS: &[&str] = &[
    "load_ns",
    "ttft_ns",
    "ttft_per_prompt_char_ns",
    "gap_ns",
    "end_ns",
    "n_tokens",
    "tokens_per_chunk",
    "text",
    "logprob_micro",
    "fail_every",
    "timeout_at",
    "crash_at",
    "hang_at",
    "wait_ms",
    "refuse",
    "pace",
    "dies_at_s",
    "dies_as",
];

/// The script.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Script {
    load_ns: u64,
    ttft_ns: u64,
    ttft_per_prompt_char_ns: u64,
    gap_ns: Vec<u64>,
    end_ns: u64,
    n_tokens: Option<u32>,
    tokens_per_chunk: u16,
    /// Each word with the space after it.
    words: Vec<String>,
    odds: Odds,
    fail_every: Option<u32>,
    timeout_at: Option<u32>,
    crash_at: Option<u32>,
    hang_at: Option<u32>,
    wait_ms: u64,
    refuse: Option<String>,
    device: Device,
}

/// Plays a script.
#[derive(Debug)]
pub struct FakeAdapter {
    script: Script,
    clock: Clock,
    interrupt: Arc<Interrupt>,
    is_started: bool,
    is_dead: Arc<AtomicBool>,
}

impl FakeAdapter {
    /// Reads the script from the launch's settings.
    ///
    /// # Errors
    /// A setting that the script does not know, or a value that is not a number.
    pub fn new(spec: &LaunchSpec, interrupt: Arc<Interrupt>) -> Result<Self, RuntimeError> {
        let script = Script::read(&Settings { runtime: &spec.runtime, values: &spec.settings })?;
        let clock = Clock::scripted(START_NS);
        Ok(Self { script, clock, interrupt, is_started: false, is_dead: Arc::default() })
    }

    fn client(&self) -> Result<FakeClient, RuntimeError> {
        if !self.is_started {
            return Err(RuntimeError::NotStarted);
        }
        Ok(FakeClient {
            script: self.script.clone(),
            clock: self.clock.clone(),
            interrupt: Arc::clone(&self.interrupt),
            is_dead: Arc::clone(&self.is_dead),
            text: String::new(),
            logprobs: None,
        })
    }
}

impl RuntimeAdapter for FakeAdapter {
    fn facts(&mut self) -> Result<RuntimeFacts, RuntimeError> {
        Ok(RuntimeFacts {
            name: "edgedyno-fake".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            backend: "script".to_owned(),
            ..RuntimeFacts::default()
        })
    }

    fn start(&mut self, _spec: &LaunchSpec, on_step: &mut dyn FnMut(LaunchStep)) -> Result<(), RuntimeError> {
        let facts = Box::new(self.facts()?);
        on_step(LaunchStep::Spawned { at: self.clock.now(), pid: None });
        if let Some(words) = &self.script.refuse {
            return Err(RuntimeError::Launch { outcome: Outcome::Refused { detail: words.clone() } });
        }
        let at = self.clock.now().plus(self.script.load_ns);
        self.clock.sleep_until(at);
        self.is_started = true;
        on_step(LaunchStep::Ready { at, facts });
        Ok(())
    }

    fn carrier(&self) -> Result<Box<dyn Carry>, RuntimeError> {
        let client = Box::new(self.client()?);
        Ok(Box::new(Queue::new(client, self.clock.clone(), Arc::clone(&self.interrupt))))
    }

    fn is_running(&mut self) -> bool {
        let has_device = self.script.device.death_by(self.clock.now()).is_none();
        self.is_started && has_device && !self.is_dead.load(Ordering::SeqCst)
    }

    fn stop(&mut self) -> Result<ExitReport, RuntimeError> {
        if !self.is_started {
            return Err(RuntimeError::NotStarted);
        }
        let death = self.script.device.death_by(self.clock.now());
        let (outcome, exit) = match death {
            Some((_at, death)) => (death.outcome(), death.exit()),
            None if self.is_dead.load(Ordering::SeqCst) => (crash(), "exit status 139"),
            None => (Outcome::Ok, "exit status 0"),
        };
        self.is_started = false;
        Ok(ExitReport { outcome, exit: Some(exit.to_owned()), cpu_ns: None, peak_rss_bytes: None })
    }

    fn clock(&self) -> Clock {
        self.clock.clone()
    }
}

struct FakeClient {
    script: Script,
    clock: Clock,
    interrupt: Arc<Interrupt>,
    is_dead: Arc<AtomicBool>,
    /// A chunk's text; its memory is kept.
    text: String,
    /// What is told of the last answer's tokens.
    logprobs: Option<Logprobs>,
}

impl Generate for FakeClient {
    fn generate(
        &mut self,
        request: &Request,
        on_chunk: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<Finish, RuntimeError> {
        if self.is_dead.load(Ordering::SeqCst) {
            return Err(RuntimeError::NotStarted);
        }
        if let Some((_at, death)) = self.script.device.death_by(self.clock.now()) {
            return Ok(self.ended(death.outcome()));
        }
        let is_at = |idx: Option<u32>| idx == Some(request.idx);
        if is_at(self.script.hang_at) {
            self.interrupt.wait(None);
            return Ok(self.ended(Outcome::Cancelled));
        }
        if self.script.wait_ms > 0 && self.interrupt.wait(Some(Duration::from_millis(self.script.wait_ms))) {
            return Ok(self.ended(Outcome::Cancelled));
        }
        if self.script.fail_every.is_some_and(|n| (request.idx + 1).is_multiple_of(n)) {
            return Ok(self.ended(Outcome::Refused { detail: "scripted refusal".to_owned() }));
        }
        let is_cut_short = is_at(self.script.crash_at) || is_at(self.script.timeout_at);
        let prompt_chars =
            request.messages.iter().map(|message| message.content.chars().count() as u64).sum::<u64>();
        let sent_at = self.clock.now();
        let max_tokens = request.sampling.max_tokens;
        let n_wanted = if request.sampling.ignore_eos { None } else { self.script.n_tokens };
        let n_tokens = n_wanted.unwrap_or(max_tokens).min(max_tokens);
        let prefill_ns = self.script.ttft_ns + prompt_chars * self.script.ttft_per_prompt_char_ns;
        let n_streamed = if is_cut_short { n_tokens.min(1) } else { n_tokens };
        self.logprobs = self.script.odds.of(&self.script.words, n_streamed, request.sampling.top_logprobs);
        if let Err(death) = self.work(prefill_ns) {
            return Ok(self.ended(death.outcome()));
        }
        let first_at = self.clock.now();
        if let Err(death) = self.stream(n_streamed, on_chunk) {
            return Ok(self.ended(death.outcome()));
        }
        if is_at(self.script.crash_at) {
            self.is_dead.store(true, Ordering::SeqCst);
            return Ok(self.ended(crash()));
        }
        if is_at(self.script.timeout_at) {
            self.clock.sleep_until(sent_at.plus(request.limit_ms * 1_000_000));
            return Ok(self.ended(Outcome::Timeout { limit_ms: request.limit_ms }));
        }
        let decode_ns = self.clock.now().since(first_at);
        if let Err(death) = self.work(self.script.end_ns) {
            return Ok(self.ended(death.outcome()));
        }
        let is_full = n_tokens == max_tokens;
        Ok(Finish {
            at: self.clock.now(),
            outcome: Outcome::Ok,
            reason: Some(if is_full { FinishReason::Length } else { FinishReason::Stop }),
            usage: Usage {
                prompt_tokens: Some(u32::try_from(prompt_chars).unwrap_or(u32::MAX)),
                completion_tokens: Some(n_tokens),
                cached_tokens: Some(0),
                source: UsageSource::Engine,
                reasoning_tokens: None,
            },
            timings: Some(EngineTimings { prefill_ns: first_at.since(sent_at), decode_ns }),
        })
    }

    fn take_logprobs(&mut self) -> Option<Logprobs> {
        self.logprobs.take()
    }
}

impl FakeClient {
    /// Streams `n_tokens` from now on; the first chunk has no gap before it.
    fn stream(&mut self, n_tokens: u32, on_chunk: &mut dyn FnMut(Chunk<'_>)) -> Result<(), Death> {
        let mut gaps = self.script.gap_ns.iter().cycle();
        let mut words = self.script.words.iter().cycle();
        let mut n_left = n_tokens;
        while n_left > 0 {
            let n = n_left.min(u32::from(self.script.tokens_per_chunk));
            self.text.clear();
            self.text.extend(words.by_ref().take(n as usize).map(String::as_str));
            let chunk = Chunk {
                at: self.clock.now(),
                kind: ChunkKind::Content,
                text: &self.text,
                n_tokens: Some(n as u16),
            };
            on_chunk(chunk);
            n_left -= n;
            if n_left > 0 {
                let gap_ns = gaps.next().copied().unwrap_or(0);
                self.work(gap_ns)?;
            }
        }
        Ok(())
    }

    /// Lets the time of some work pass, as the device is fast; it may die in it.
    fn work(&self, work_ns: u64) -> Result<(), Death> {
        let done_at = self.script.device.done_at(self.clock.now(), work_ns);
        match self.script.device.death_by(done_at) {
            None => {
                self.clock.sleep_until(done_at);
                Ok(())
            }
            Some((died_at, death)) => {
                self.clock.sleep_until(died_at);
                Err(death)
            }
        }
    }

    fn ended(&self, outcome: Outcome) -> Finish {
        Finish { at: self.clock.now(), outcome, reason: None, usage: Usage::default(), timings: None }
    }
}

fn crash() -> Outcome {
    Outcome::Crashed { exit: "exit status 139".to_owned(), stderr_tail: "scripted crash".to_owned() }
}

/// The launch's settings with the runtime's name for errors.
struct Settings<'a> {
    runtime: &'a str,
    values: &'a BTreeMap<String, String>,
}

impl Script {
    fn read(settings: &Settings<'_>) -> Result<Self, RuntimeError> {
        if let Some(name) = settings.values.keys().find(|name| !SETTINGS.contains(&name.as_str())) {
            let runtime = settings.runtime.to_owned();
            return Err(RuntimeError::UnknownSetting { runtime, name: name.clone(), known: SETTINGS });
        }
        let words = settings.text("text").unwrap_or("token").split_whitespace();
        let words: Vec<String> = words.map(|word| format!("{word} ")).collect();
        let tokens_per_chunk = settings.number("tokens_per_chunk", "a count")?.unwrap_or(1);
        Ok(Self {
            load_ns: settings.number("load_ns", "ns")?.unwrap_or(1_000_000),
            ttft_ns: settings.number("ttft_ns", "ns")?.unwrap_or(1_000_000),
            ttft_per_prompt_char_ns: settings.number("ttft_per_prompt_char_ns", "ns")?.unwrap_or(0),
            gap_ns: settings.numbers("gap_ns")?.unwrap_or_else(|| vec![1_000_000]),
            end_ns: settings.number("end_ns", "ns")?.unwrap_or(0),
            n_tokens: settings.number("n_tokens", "a count")?,
            tokens_per_chunk: tokens_per_chunk.max(1),
            odds: settings.odds()?,
            words: if words.is_empty() { vec![String::new()] } else { words },
            fail_every: settings.number("fail_every", "a count")?,
            timeout_at: settings.number("timeout_at", "an index")?,
            crash_at: settings.number("crash_at", "an index")?,
            hang_at: settings.number("hang_at", "an index")?,
            wait_ms: settings.number("wait_ms", "ms")?.unwrap_or(0),
            refuse: settings.text("refuse").map(str::to_owned),
            device: settings.device()?,
        })
    }
}

impl Settings<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    fn number<T: std::str::FromStr>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, RuntimeError> {
        self.text(name)
            .map(|text| text.trim().parse().map_err(|_not_a_number| self.bad(name, expected)))
            .transpose()
    }

    fn numbers(&self, name: &str) -> Result<Option<Vec<u64>>, RuntimeError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let numbers: Result<Vec<u64>, _> = text.split(',').map(|one| one.trim().parse()).collect();
        numbers.map(Some).map_err(|_not_a_number| self.bad(name, "ns, or a comma list of them"))
    }

    fn device(&self) -> Result<Device, RuntimeError> {
        let knot = |one: &str| {
            let (from_s, permille) = one.trim().split_once(':')?;
            Some((from_s.parse::<u64>().ok()?.checked_mul(S)?, permille.parse().ok()?))
        };
        let pace: Option<Vec<(u64, u32)>> = match self.text("pace") {
            None => Some(Vec::new()),
            Some(text) => text.split(',').map(knot).collect(),
        };
        let mut pace = pace.ok_or_else(|| self.bad("pace", "SECONDS:THOUSANDTHS, or a comma list of it"))?;
        pace.sort_unstable();
        let death = match self.text("dies_as").unwrap_or("kill") {
            "kill" => Death::Kill,
            "reboot" => Death::Reboot,
            _ => return Err(self.bad("dies_as", "`kill` or `reboot`")),
        };
        let dies_at_s: Option<u64> = self.number("dies_at_s", "seconds")?;
        Ok(Device { pace, death: dies_at_s.map(|at| (at.saturating_mul(S), death)) })
    }

    fn bad(&self, name: &str, expected: &'static str) -> RuntimeError {
        let (runtime, value) = (self.runtime.to_owned(), self.text(name).unwrap_or_default().to_owned());
        RuntimeError::Setting { runtime, name: name.to_owned(), value, expected }
    }
}
