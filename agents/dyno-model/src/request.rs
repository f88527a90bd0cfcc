//! One prompt, and what came back.

use serde::{Deserialize, Serialize};

use crate::clock::MonoNs;
use crate::ids::PromptId;
use crate::outcome::Outcome;

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// Its text.
    pub content: String,
}

/// One request as the agent sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its place within the run, from 0.
    pub idx: u32,
    /// Which prompt.
    pub prompt_id: PromptId,
    /// The conversation; the runtime applies the model's own chat template.
    pub messages: Vec<Message>,
    /// How the answer is drawn.
    pub sampling: Sampling,
    /// When it is to be sent, in ns after the run's load began; `None` in closed loops.
    pub due_ns: Option<u64>,
    /// Deadline for the whole answer.
    pub limit_ms: u64,
}

/// How tokens are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// At most so many tokens.
    pub max_tokens: u32,
    /// Keep on after the model's end-of-sequence, so that all answers have `max_tokens`.
    pub ignore_eos: bool,
    /// Thousandths; 0 is greedy.
    pub temperature_milli: u32,
    /// Thousandths of probability mass to draw from; 1000 is all.
    pub top_p_milli: u32,
    /// Seed of this request's draws, from the plan.
    pub seed: u64,
    /// How many of the likeliest tokens the runtime is to tell at each place, with their probabilities; 0 is not to
    /// tell any, which costs nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub top_logprobs: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(n: &u8) -> bool {
    *n == 0
}

impl Eq for Sampling {}

impl Sampling {
    /// The likeliest token each time, until the model or `max_tokens` ends the answer.
    pub fn greedy(max_tokens: u32) -> Self {
        Self {
            max_tokens,
            ignore_eos: false,
            temperature_milli: 0,
            top_p_milli: 1000,
            seed: 0,
            top_logprobs: 0,
        }
    }
}

/// What kind of text a chunk carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkKind {
    /// Generated text.
    Content,
    /// Generated text of a reasoning part.
    Reasoning,
    /// Arguments of a tool call.
    Tool,
    /// A role or an empty delta: not a token.
    Role,
}

/// One streamed piece, as an adapter hands it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// When it arrived, before it was parsed.
    pub at: MonoNs,
    /// What it carries.
    pub kind: ChunkKind,
    /// Its text; may be empty while a character is incomplete.
    pub text: &'a str,
    /// How many tokens it stands for; `None` where the runtime does not say.
    pub n_tokens: Option<u16>,
}

/// How an adapter reports the end of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// When the runtime said that it was done.
    pub at: MonoNs,
    /// How it went.
    pub outcome: Outcome,
    /// Why generation stopped; `None` when it failed first.
    pub reason: Option<FinishReason>,
    /// Token counts.
    pub usage: Usage,
    /// The runtime's own timings, kept beside ours.
    pub timings: Option<EngineTimings>,
}

/// Why generation stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended its answer.
    Stop,
    /// `max_tokens` was reached.
    Length,
}

/// Token counts of one request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// ISL: prompt tokens, chat template included.
    pub prompt_tokens: Option<u32>,
    /// OSL: sampled tokens, the end-of-sequence token included.
    pub completion_tokens: Option<u32>,
    /// Of the prompt, how many came from a cache.
    pub cached_tokens: Option<u32>,
    /// Of the answer, how many were reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u32>,
    /// Where the counts come from.
    pub source: UsageSource,
}

/// Where token counts come from, most trusted first (MEASUREMENT §1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The engine's own token ids.
    Engine,
    /// `usage` of the last event.
    Usage,
    /// Server timings.
    Timings,
    /// Our tokenizer over the text.
    Tokenizer,
    /// Number of chunks: a last resort.
    #[default]
    Chunks,
}

/// What a runtime says of its own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineTimings {
    /// Prompt to logits of the first token.
    pub prefill_ns: u64,
    /// First token's sampling to the last token's.
    pub decode_ns: u64,
}

/// One finished request as it is journalled: all that later figures are derived from.
///
/// Chunk columns have one length. Times are absolute instants of the device's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Its place within the run.
    pub idx: u32,
    /// Which prompt.
    pub prompt_id: PromptId,
    /// When it was to be sent; `None` in closed loops.
    pub due_at: Option<MonoNs>,
    /// When it was handed to the runtime.
    pub sent_at: MonoNs,
    /// When the runtime said that it was done.
    pub ended_at: MonoNs,
    /// How it ended.
    pub outcome: Outcome,
    /// Why generation stopped.
    pub finish: Option<FinishReason>,
    /// Token counts.
    pub usage: Usage,
    /// The runtime's own timings.
    pub timings: Option<EngineTimings>,
    /// Arrival of each chunk, in ns after `sent_at`, not decreasing.
    pub chunk_ns: Vec<u64>,
    /// Kind of each chunk.
    pub chunk_kind: Vec<ChunkKind>,
    /// Tokens of each chunk; `None` where not said.
    pub chunk_tokens: Vec<Option<u16>>,
    /// Bytes of text of each chunk; they add up to `text`.
    pub chunk_bytes: Vec<u32>,
    /// The whole answer.
    pub text: String,
    /// How long after `sent_at` it waited in a queue before a runtime that takes one request at a time; `None` where
    /// nothing queues on this side of the runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_ns: Option<u64>,
    /// Of the exchange over a network; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeFacts>,
    /// What the runtime said of each sampled token, the end-of-sequence included; `None` where it was not asked, or does
    /// not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Vec<TokenLogprob>>,
}

/// What a runtime said of one sampled token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token.
    #[serde(flatten)]
    pub token: TokenChoice,
    /// The likeliest tokens at its place, the likeliest first.
    pub top: Vec<TokenChoice>,
}

/// A token and how likely a model held it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenChoice {
    /// Its number in the vocabulary; `None` where a runtime tells its text only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// Its text; bytes that are no UTF-8 as `\xNN`.
    pub piece: String,
    /// Natural logarithm of its probability before temperature and cuts, in millionths; never above 0.
    pub logprob_micro: i64,
}

/// What is known of a request's exchange over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExchangeFacts {
    /// The answer's status.
    pub status: Option<u16>,
    /// How long the server asked to be left alone.
    pub retry_after_ms: Option<u64>,
    /// From its start to `sent_at`: making the connection. 0 on a kept one.
    pub connect_ns: Option<u64>,
    /// The connection had carried another request before.
    pub is_reused: bool,
    /// A kept connection turned out to be closed, and a fresh one was taken.
    pub is_retried: bool,
    /// Reads with bytes in them.
    pub n_reads: u64,
    /// Token chunks that came in one read with the one before and share its stamp.
    pub n_coalesced: u64,
    /// Events that could not be read.
    pub n_bad_events: u64,
    /// OSL as the server's timings say, where `usage` has another source.
    pub timings_tokens: Option<u32>,
}
