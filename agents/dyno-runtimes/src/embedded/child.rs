//! The engine's half: loads one model, answers one request after the other, ends when its stdin does.

use std::fs::File;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dyno_model::blame::{Blame, Classify};
use dyno_model::clock::{Clock, MonoNs};
use dyno_model::outcome::Outcome;
use dyno_model::request::{EngineTimings, Finish, TokenLogprob, Usage, UsageSource};

use super::wire::{self, Ask, Inbox, Ready};
use crate::engine::{Engine, EngineError, EngineOptions};
use crate::sys;

/// One read of a request has room for so much.
const READ_BYTES: usize = 64 << 10;

/// Tokens go to the agent at most so often, and all of them before the end of an answer: their stamps are taken here,
/// so nothing is lost but a wake-up of the agent for each, which would take a core from the engine.
const TELL_EVERY_NS: u64 = 25_000_000;

/// Why the engine's process ends without having been asked to.
#[derive(Debug, thiserror::Error)]
pub enum EngineMainError {
    /// The words after `engine` are not understood.
    #[error("{what}; usage: engine --model PATH --context TOKENS [--threads N]")]
    Usage {
        /// Which, and why.
        what: String,
    },
    /// The model cannot be run.
    #[error("cannot run the model {path}")]
    Model {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        source: EngineError,
    },
    /// The agent cannot be spoken to.
    #[error("the agent is gone")]
    Link(#[from] std::io::Error),
    /// The agent said what makes no sense.
    #[error("a request makes no sense: {what}")]
    Nonsense {
        /// What came.
        what: String,
    },
}

impl EngineMainError {
    /// The process's exit status: 2 usage, 3 model refused, 4 model unsupported, 5 agent gone, 70 nonsense.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => 2,
            Self::Model { source, .. } if is_unsupported(source) => 4,
            Self::Model { .. } => 3,
            Self::Link(_) => 5,
            Self::Nonsense { .. } => 70,
        }
    }
}

impl Classify for EngineMainError {
    fn blame(&self) -> Blame {
        match self {
            Self::Usage { .. } => Blame::User,
            Self::Model { source, .. } => source.blame(),
            Self::Link(_) => Blame::Lab,
            Self::Nonsense { .. } => Blame::Harness,
        }
    }
}

/// Runs the engine over stdin and stdout; `args` are the words after `engine`.
///
/// # Errors
/// [`EngineMainError`]; a model that was refused has been reported to the agent too.
pub fn engine_main(args: &[String]) -> Result<(), EngineMainError> {
    let args = Args::parse(args).map_err(|what| EngineMainError::Usage { what })?;
    let mut child = Child::over_stdio()?;
    let mut engine = match Engine::load(&args.model, &args.options) {
        Ok(engine) => engine,
        Err(source) => {
            child.tell(wire::TAG_FAILED, &outcome_of(&source))?;
            return Err(EngineMainError::Model { path: args.model, source });
        }
    };
    let (threads, backend, model) = (engine.threads(), engine.backend(), engine.facts());
    child.tell(wire::TAG_READY, &Ready { at: Clock::Monotonic.now(), threads, backend, model })?;
    while let Some(ask) = child.next_ask()? {
        child.answer(&mut engine, &ask)?;
    }
    Ok(())
}

/// The words after `engine`.
struct Args {
    model: PathBuf,
    options: EngineOptions,
}

impl Args {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut model = None;
        let mut options = EngineOptions { threads: None, context_tokens: 0 };
        let mut words = args.iter();
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| format!("{name} lacks its value"))?;
            let number =
                || value.parse::<u32>().ok().filter(|n| *n > 0).ok_or(format!("{name} {value} is no count"));
            match name.as_str() {
                "--model" => model = Some(Path::new(value).to_owned()),
                "--threads" => options.threads = Some(number()?),
                "--context" => options.context_tokens = number()?,
                _ => return Err(format!("unknown option {name}")),
            }
        }
        let model = model.ok_or("--model is missing")?;
        if options.context_tokens == 0 {
            return Err("--context is missing".to_owned());
        }
        Ok(Self { model, options })
    }
}

/// The process's two pipes, and what waits to be written.
pub(super) struct Child {
    input: File,
    output: File,
    inbox: Inbox,
    outbox: Vec<u8>,
    /// When tokens of the answer under way were last handed on.
    told_at: Option<MonoNs>,
}

impl Child {
    /// Over this process's stdin and stdout.
    pub(super) fn over_stdio() -> std::io::Result<Self> {
        let (input, output) = sys::raw_stdio()?;
        Ok(Self { input, output, inbox: Inbox::default(), outbox: Vec::with_capacity(4096), told_at: None })
    }

    pub(super) fn tell(&mut self, tag: u8, value: &impl serde::Serialize) -> std::io::Result<()> {
        wire::pack_json(&mut self.outbox, tag, value);
        self.flush()
    }

    /// Hands a token on, together with others where they come in quick succession.
    pub(super) fn token(&mut self, at: MonoNs, text: &str) -> std::io::Result<()> {
        wire::pack_token(&mut self.outbox, at, text);
        if self.told_at.is_some_and(|told_at| at.since(told_at) < TELL_EVERY_NS) {
            return Ok(());
        }
        self.told_at = Some(at);
        self.flush()
    }

    /// Hands on what is known of the tokens of an answer that is over.
    fn logprobs(&mut self, tokens: &[TokenLogprob]) -> std::io::Result<()> {
        for some in tokens.chunks(wire::LOGPROBS_AT_ONCE) {
            self.tell(wire::TAG_LOGPROBS, &some)?;
        }
        Ok(())
    }

    /// Hands on how an answer ended, and all of it that was not handed on yet.
    pub(super) fn done(&mut self, finish: &Finish) -> std::io::Result<()> {
        self.told_at = None;
        self.tell(wire::TAG_DONE, finish)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.write_all(&self.outbox)?;
        self.outbox.clear();
        Ok(())
    }

    /// Waits for the next request; `None` when the agent wants no more.
    pub(super) fn next_ask(&mut self) -> Result<Option<Ask>, EngineMainError> {
        let nonsense = |what| EngineMainError::Nonsense { what };
        loop {
            if let Some(parcel) = self.inbox.take().map_err(nonsense)? {
                if parcel.tag != wire::TAG_ASK {
                    return Err(nonsense(format!("message `{}`", char::from(parcel.tag).escape_default())));
                }
                let ask = serde_json::from_slice(self.inbox.payload(&parcel));
                return ask.map(Some).map_err(|error| nonsense(error.to_string()));
            }
            let input = &mut self.input;
            if self.inbox.fill(READ_BYTES, |room| input.read(room))? == 0 {
                return Ok(None);
            }
        }
    }

    fn answer(&mut self, engine: &mut Engine, ask: &Ask) -> std::io::Result<()> {
        let clock = Clock::Monotonic;
        let due = clock.now().plus(ask.limit_ms.saturating_mul(1_000_000));
        let mut is_late = false;
        let mut written = Ok(());
        let generated = engine.generate(&ask.messages, &ask.sampling, &clock, &mut |at, text| {
            written = self.token(at, text);
            is_late = at > due;
            if is_late || written.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        written?;
        if let Ok(done) = &generated {
            self.logprobs(done.logprobs.tokens())?;
        }
        let finish = match generated {
            Ok(done) => Finish {
                at: done.ended_at,
                outcome: if is_late { Outcome::Timeout { limit_ms: ask.limit_ms } } else { Outcome::Ok },
                reason: (!is_late).then_some(done.finish),
                usage: Usage {
                    prompt_tokens: Some(done.prompt_tokens),
                    completion_tokens: Some(done.completion_tokens),
                    cached_tokens: Some(done.cached_tokens),
                    source: UsageSource::Engine,
                    reasoning_tokens: None,
                },
                timings: Some(EngineTimings { prefill_ns: done.prefill_ns, decode_ns: done.decode_ns }),
            },
            Err(error) => {
                let outcome = outcome_of(&error);
                Finish { at: clock.now(), outcome, reason: None, usage: Usage::default(), timings: None }
            }
        };
        self.done(&finish)
    }
}

fn is_unsupported(error: &EngineError) -> bool {
    matches!(error, EngineError::Architecture { .. } | EngineError::Unsupported { .. })
}

fn outcome_of(error: &EngineError) -> Outcome {
    let mut detail = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        detail.push_str(": ");
        detail.push_str(&cause.to_string());
        source = cause.source();
    }
    if is_unsupported(error) { Outcome::Unsupported { detail } } else { Outcome::Refused { detail } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_words_of_a_launch_are_understood() {
        let args = parse("--model m.gguf --context 2048 --threads 2").expect("complete");
        assert_eq!(args.model, Path::new("m.gguf"));
        assert_eq!((args.options.context_tokens, args.options.threads), (2048, Some(2)));
    }

    #[test]
    fn wrong_words_are_named() {
        let check = |line: &str, expected: &str| assert_eq!(parse(line).err().as_deref(), Some(expected));
        check("--context 8", "--model is missing");
        check("--model m", "--context is missing");
        check("--model", "--model lacks its value");
        check("--model m --threads 0", "--threads 0 is no count");
        check("--modle m", "unknown option --modle");
    }
}
