//! The engine: a loaded model that answers conversations.

use std::ops::ControlFlow;
use std::path::Path;

use dyno_model::clock::{Clock, MonoNs};
use dyno_model::launch::ModelFacts;
use dyno_model::request::{FinishReason, Message, Sampling};

use super::chat::ChatTemplate;
use super::error::EngineError;
use super::facts;
use super::gguf::{Gguf, Value};
use super::kernels::Level;
use super::model::{Config, Forward, Weights};
use super::odds::Odds;
use super::sample::Sampler;
use super::sys::Claim;
use super::team::{Lead, Team};
use super::tokenizer::{TextStream, Tokenizer};
use crate::logprobs::Logprobs;

/// Tokens of a prompt that are worked on at once (house rule: more gains nothing, and the buffers grow).
const MAX_BATCH: usize = 256;

/// How to run a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineOptions {
    /// Compute threads; `None` is one per CPU that this process may use.
    pub threads: Option<u32>,
    /// Positions to hold; at most what the model was trained for.
    pub context_tokens: u32,
}

/// A loaded model.
pub struct Engine {
    forward: Forward,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    facts: ModelFacts,
    level: Level,
    threads: u32,
    context: usize,
}

/// How an answer went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// ISL: tokens of the prompt, chat template included.
    pub prompt_tokens: u32,
    /// OSL: sampled tokens, the one that ended the answer included.
    pub completion_tokens: u32,
    /// Prompt tokens that were not computed anew: always 0, for every request begins with an empty cache.
    pub cached_tokens: u32,
    /// Prompt to logits of the first token.
    pub prefill_ns: u64,
    /// First token's sampling to the last token's.
    pub decode_ns: u64,
    /// Why generation stopped. Where the callback stopped it, [`FinishReason::Stop`].
    pub finish: FinishReason,
    /// When the last token was there.
    pub ended_at: MonoNs,
    /// How likely the model held each sampled token, where `sampling.top_logprobs` asks for it; the one that ended the
    /// answer is among them.
    pub logprobs: Logprobs,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("facts", &self.facts)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Loads a model and prepares all buffers.
    ///
    /// # Errors
    /// When the file cannot be read, is not a complete GGUF file, contradicts itself, or holds a model that this
    /// engine does not run. Nothing in a file makes it panic, and no length in it is trusted before it is checked.
    pub fn load(path: &Path, options: &EngineOptions) -> Result<Self, EngineError> {
        let gguf = Gguf::open(path)?;
        let config = Config::read(&gguf)?;
        let tokenizer = Tokenizer::read(&gguf, config.n_vocabulary)?;
        let (bos, eos) = (tokenizer.special_text(tokenizer.bos), tokenizer.special_text(tokenizer.eos));
        let template = gguf.get("tokenizer.chat_template").and_then(Value::to_text);
        let template = ChatTemplate::new(template, bos, eos)?;
        let threads = options.threads.unwrap_or_else(own_threads).clamp(1, 256);
        let weights = Weights::read(&gguf, &config, threads)?;
        let facts = facts::of(&gguf, &config, &weights, &tokenizer, &template);
        let context = (options.context_tokens.max(1) as usize).min(config.trained_context);
        let level = Level::detect();
        let forward = Forward::new(config, weights, level, threads, MAX_BATCH, context)
            .map_err(|source| EngineError::Memory { path: path.to_owned(), source })?;
        Ok(Self { forward, tokenizer, template, facts, level, threads, context })
    }

    /// What the model says of itself.
    pub fn facts(&self) -> ModelFacts {
        self.facts.clone()
    }

    /// Compute threads.
    pub fn threads(&self) -> u32 {
        self.threads
    }

    /// What computes: `cpu avx512vnni`.
    pub fn backend(&self) -> String {
        format!("cpu {}", self.level.name())
    }

    /// Positions that the engine holds.
    pub fn context_tokens(&self) -> u32 {
        self.context as u32
    }

    /// Tokens of a text, special tokens in it recognized.
    pub fn tokenize(&self, text: &str) -> Vec<u32> {
        self.tokenizer.encode(text)
    }

    /// Tokens of a conversation, by the model's own chat template. A model without one gets the messages' texts,
    /// parted by empty lines.
    ///
    /// # Errors
    /// When the template refuses the conversation.
    pub fn tokenize_chat(&self, messages: &[Message]) -> Result<Vec<u32>, EngineError> {
        Ok(self.tokenizer.encode(&self.template.apply(messages)?))
    }

    /// Answers a conversation, calling `on_token` with every token as soon as it is sampled and turned to text.
    ///
    /// The text of a token is empty while a character is incomplete. The token that ends an answer is counted; the
    /// callback sees it only where `sampling.ignore_eos` makes the answer go on. A callback that breaks ends the
    /// answer after its token.
    ///
    /// # Errors
    /// When the template refuses, the prompt is empty or does not fit the context, or no thread can be started.
    pub fn generate(
        &mut self,
        messages: &[Message],
        sampling: &Sampling,
        clock: &Clock,
        on_token: &mut dyn FnMut(MonoNs, &str) -> ControlFlow<()>,
    ) -> Result<Generated, EngineError> {
        let prompt = self.tokenize_chat(messages)?;
        self.generate_from(&prompt, sampling, clock, on_token)
    }

    /// As [`Engine::generate`], for a prompt that is tokens already.
    ///
    /// # Errors
    /// When the prompt is empty, holds no tokens of this model or does not fit, or no thread can be started.
    pub fn generate_from(
        &mut self,
        prompt: &[u32],
        sampling: &Sampling,
        clock: &Clock,
        on_token: &mut dyn FnMut(MonoNs, &str) -> ControlFlow<()>,
    ) -> Result<Generated, EngineError> {
        self.check(prompt)?;
        let engine = &*self;
        Team::with(&engine.forward, engine.threads, |lead| {
            let odds = (sampling.top_logprobs > 0).then(|| Odds::new(sampling.top_logprobs));
            Answer { engine, sampling, clock, lead, sampler: Sampler::new(sampling), odds }
                .run(prompt, on_token)
        })
        .map_err(|source| EngineError::Thread { source })
    }

    /// Natural logarithms of the probabilities of all tokens after a prompt: to compare the engine with others. What
    /// [`Generated`] tells is worked out in another way.
    ///
    /// # Errors
    /// As [`Engine::generate_from`].
    pub fn log_probabilities(&mut self, prompt: &[u32]) -> Result<Vec<f32>, EngineError> {
        let logits = self.logits(prompt, MAX_BATCH)?;
        let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f64 = logits.iter().map(|logit| f64::from(logit - greatest).exp()).sum();
        Ok(logits.iter().map(|logit| logit - greatest - total.ln() as f32).collect())
    }

    /// Logits after a prompt, worked on in batches of up to `batch` tokens.
    pub(crate) fn logits(&self, prompt: &[u32], batch: usize) -> Result<Vec<f32>, EngineError> {
        self.check(prompt)?;
        Team::with(&self.forward, self.threads, |lead| {
            self.forward.logits(&prefill(&self.forward, lead, prompt, batch)).to_vec()
        })
        .map_err(|source| EngineError::Thread { source })
    }

    fn check(&self, prompt: &[u32]) -> Result<(), EngineError> {
        if prompt.is_empty() {
            return Err(EngineError::EmptyPrompt);
        }
        if prompt.len() > self.context {
            return Err(EngineError::ContextExceeded {
                prompt_tokens: prompt.len(),
                context_tokens: self.context,
            });
        }
        let n_vocabulary = self.forward.config.n_vocabulary;
        match prompt.iter().find(|token| **token as usize >= n_vocabulary) {
            Some(token) => Err(EngineError::UnknownToken { token: *token, n_vocabulary }),
            None => Ok(()),
        }
    }
}

/// One per CPU that this process may use.
fn own_threads() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX))
}

struct Answer<'a, 't, 'p> {
    engine: &'a Engine,
    sampling: &'a Sampling,
    clock: &'a Clock,
    lead: &'a mut Lead<'t, 'p, Forward>,
    sampler: Sampler,
    /// Only where somebody asked: the softmax over a whole vocabulary takes its time.
    odds: Option<Odds>,
}

impl Answer<'_, '_, '_> {
    fn run(mut self, prompt: &[u32], on_token: &mut dyn FnMut(MonoNs, &str) -> ControlFlow<()>) -> Generated {
        let began = self.clock.now();
        let mut claim = prefill(&self.engine.forward, self.lead, prompt, MAX_BATCH);
        let prefill_ns = self.clock.now().since(began);
        let mut first_at = None;
        let mut ended_at = began.plus(prefill_ns);
        let mut n_sampled = 0;
        let mut finish = FinishReason::Length;
        let mut text = TextStream::default();
        let room = self.engine.context - prompt.len() + 1;
        let max_tokens = (self.sampling.max_tokens as usize).min(room);
        while n_sampled < max_tokens {
            let token = self.sampler.draw(self.engine.forward.logits(&claim));
            n_sampled += 1;
            let is_end = self.engine.tokenizer.is_end(token);
            let bytes = self.engine.tokenizer.text(token);
            let piece = if n_sampled == max_tokens { text.finish(bytes) } else { text.push(bytes) };
            ended_at = self.clock.now();
            first_at.get_or_insert(ended_at);
            if let Some(odds) = &mut self.odds {
                odds.tell(self.engine.forward.logits(&claim), token, &self.engine.tokenizer);
            }
            if is_end && !self.sampling.ignore_eos {
                finish = FinishReason::Stop;
                break;
            }
            if on_token(ended_at, piece).is_break() {
                finish = FinishReason::Stop;
                break;
            }
            if n_sampled < max_tokens {
                self.engine.forward.set_batch(&[token], prompt.len() + n_sampled - 1, true);
                claim = self.lead.run();
            }
        }
        Generated {
            prompt_tokens: prompt.len() as u32,
            completion_tokens: n_sampled as u32,
            cached_tokens: 0,
            prefill_ns,
            decode_ns: ended_at.since(first_at.unwrap_or(ended_at)),
            finish,
            ended_at,
            logprobs: self.odds.map(Odds::finish).unwrap_or_default(),
        }
    }
}

/// Works through a prompt in batches of up to `batch` tokens, a multiple of 16 or 1.
fn prefill(forward: &Forward, lead: &mut Lead<'_, '_, Forward>, prompt: &[u32], batch: usize) -> Claim {
    let (rest, last) = prompt.split_at((prompt.len() - 1) / batch * batch);
    for (i, tokens) in rest.chunks(batch).enumerate() {
        forward.set_batch(tokens, i * batch, false);
        lead.run();
    }
    forward.set_batch(last, rest.len(), true);
    lead.run()
}
