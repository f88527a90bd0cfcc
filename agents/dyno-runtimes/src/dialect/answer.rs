//! One answer: what came of it so far, and what the record will say.

use dyno_model::clock::MonoNs;
use dyno_model::outcome::Outcome;
use dyno_model::request::{
    Chunk, ChunkKind, EngineTimings, Finish, FinishReason, TokenLogprob, Usage, UsageSource,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::ndjson::Lines;
use super::sse::Sse;
use super::{Api, TooLong, llama_server, ollama, openai};
use crate::http::{Ending, Flow, Head};
use crate::logprobs::Logprobs;

/// A server's words are kept up to so many characters.
const MAX_WORDS: usize = 500;
/// Of an answer that is no stream so much is kept.
const MAX_PLAIN_BYTES: usize = 64 << 10;

/// Takes chunks.
pub(super) type OnChunk<'a> = dyn FnMut(Chunk<'_>) + 'a;

/// A kind of text and the text, where there is one.
pub(super) type Piece<'t> = (ChunkKind, Option<&'t str>);

/// What is known of an answer beside its [`Finish`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnswerFacts {
    /// Events, `[DONE]` included.
    pub n_events: u64,
    /// Events that could not be read.
    pub n_bad_events: u64,
    /// Events with bytes that are no UTF-8, which were read all the same.
    pub n_lossy_events: u64,
    /// Comments: a server's signs of life.
    pub n_comments: u64,
    /// Chunks with text.
    pub n_token_chunks: u64,
    /// Chunks that came in one read with the one before and share its stamp.
    pub n_coalesced: u64,
    /// Tokens that the chunks themselves name.
    pub n_stated_tokens: u64,
    /// OSL as `usage` says.
    pub usage_tokens: Option<u32>,
    /// OSL as the server's timings say.
    pub timings_tokens: Option<u32>,
    /// Of it, reasoning, as `usage` says.
    pub reasoning_tokens: Option<u32>,
    /// What was said of the answer's tokens; `None` where it was not asked, or nothing was said.
    pub logprobs: Option<Vec<TokenLogprob>>,
    /// Tokens of which more was said than is kept, or nothing that can be understood.
    pub n_lost_logprobs: u64,
}

/// Token counts as a server states them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) prompt: Option<u32>,
    pub(super) completion: Option<u32>,
    pub(super) cached: Option<u32>,
    pub(super) reasoning: Option<u32>,
}

/// llama-server's timings.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(super) struct ServerTimings {
    prompt_n: Option<u32>,
    prompt_ms: Option<f64>,
    cache_n: Option<u32>,
    pub(super) predicted_n: Option<u32>,
    predicted_ms: Option<f64>,
}

/// Takes one answer apart.
#[derive(Debug)]
pub struct AnswerReader {
    api: Api,
    sse: Sse,
    lines: Lines,
    /// The body of an answer that is no stream; `None` for a stream.
    plain: Option<Vec<u8>>,
    head: Option<Head>,
    answer: Answer,
}

/// What has come so far.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) usage: Option<Counts>,
    pub(super) timings: Option<ServerTimings>,
    pub(super) engine_timings: Option<EngineTimings>,
    /// What is said of the tokens, where somebody asked for that.
    pub(super) logprobs: Option<Logprobs>,
    /// Nothing more is to be expected.
    pub(super) is_done: bool,
    finish: Option<(Option<FinishReason>, MonoNs)>,
    error: Option<Outcome>,
    first_bad: Option<String>,
    stated_so_far: Option<u32>,
    last_at: MonoNs,
    /// The read that the last chunk came with.
    last_read: Option<u64>,
    read: u64,
    facts: AnswerFacts,
}

impl AnswerReader {
    /// For an answer to a request over `api`.
    pub fn new(api: Api) -> Self {
        Self {
            api,
            sse: Sse::default(),
            lines: Lines::default(),
            plain: None,
            head: None,
            answer: Answer::default(),
        }
    }

    /// Ready for another answer; memory is kept.
    pub(super) fn reset(&mut self) {
        self.sse.reset();
        self.lines.reset();
        self.plain = None;
        self.head = None;
        self.answer = Answer::default();
    }

    /// The request asked how likely so many tokens are at each place; 0 is none.
    pub fn expect_logprobs(&mut self, top: u8) {
        self.answer.logprobs = (top > 0).then(|| Logprobs::new(top));
    }

    /// Takes the head: it decides whether the body is a stream.
    pub fn head(&mut self, head: &Head) {
        let is_stream = (200..300).contains(&head.status)
            && match (self.api.is_sse(), head.content_type.as_str()) {
                (true, kind) => kind == "text/event-stream" || kind.is_empty(),
                // Ollama says `application/x-ndjson`; an error with status 200 is a line like any other.
                (false, _) => true,
            };
        self.plain = (!is_stream).then(Vec::new);
        self.head = Some(head.clone());
    }

    /// Takes a piece of the body that arrived at `at` with the exchange's read number `read`.
    pub fn feed(&mut self, bytes: &[u8], at: MonoNs, read: u64, on: &mut OnChunk<'_>) -> Flow {
        if let Some(plain) = &mut self.plain {
            let n = bytes.len().min(MAX_PLAIN_BYTES - plain.len());
            plain.extend_from_slice(&bytes[..n]);
            return if n < bytes.len() { Flow::Abandon } else { Flow::Continue };
        }
        let Self { api, answer, .. } = self;
        answer.read = read;
        let mut event = |data: &[u8]| answer.event(*api, data, at, on);
        let fed =
            if api.is_sse() { self.sse.feed(bytes, &mut event) } else { self.lines.feed(bytes, &mut event) };
        if fed == Err(TooLong) {
            let exit = format!("an event without an end, after {} events", answer.facts.n_events);
            answer.error.get_or_insert(Outcome::Crashed { exit, stderr_tail: String::new() });
            return Flow::Abandon;
        }
        if answer.is_done || answer.error.is_some() { Flow::Drain } else { Flow::Continue }
    }

    /// What the record says, once the exchange is over.
    pub fn finish(&mut self, ending: &Ending, on: &mut OnChunk<'_>) -> (Finish, AnswerFacts) {
        let Self { api, answer, .. } = self;
        if ending.result.is_ok() {
            self.lines.end(&mut |data| answer.event(*api, data, ending.at, on));
        }
        let outcome = self.outcome(ending);
        let answer = &mut self.answer;
        let is_ok = outcome.is_ok();
        answer.facts.n_comments = self.sse.n_comments;
        (answer.facts.logprobs, answer.facts.n_lost_logprobs) =
            answer.logprobs.take().unwrap_or_default().finish();
        let finish = answer.finish.filter(|_| is_ok);
        let finish = Finish {
            at: finish.map_or(ending.at, |(_, at)| at.max(answer.last_at)),
            outcome,
            reason: finish.and_then(|(reason, _)| reason),
            usage: answer.usage(),
            timings: answer.engine_timings.or_else(|| answer.timings.and_then(engine_timings)),
        };
        (finish, std::mem::take(&mut answer.facts))
    }

    fn outcome(&mut self, ending: &Ending) -> Outcome {
        let answer = &mut self.answer;
        if let Some(error) = answer.error.take() {
            return error;
        }
        if let (Some(plain), Some(head)) = (&self.plain, &self.head) {
            return plain_outcome(head, plain);
        }
        let is_complete = answer.is_done || (answer.finish.is_some() && ending.result.is_ok());
        if let (Err(error), false) = (&ending.result, is_complete) {
            return after(error.outcome(), answer.facts.n_token_chunks);
        }
        let facts = &answer.facts;
        if let Some(first) = answer.first_bad.take() {
            let exit = format!("{} of {} events could not be read", facts.n_bad_events, facts.n_events);
            return Outcome::Crashed { exit, stderr_tail: first };
        }
        if answer.finish.is_none() {
            let exit = format!("the answer ended after {} chunks without a finish", facts.n_token_chunks);
            return Outcome::Crashed { exit, stderr_tail: String::new() };
        }
        Outcome::Ok
    }
}

impl Answer {
    /// Takes one event; one that cannot be read is counted, and the rest goes on.
    fn event(&mut self, api: Api, data: &[u8], at: MonoNs, on: &mut OnChunk<'_>) {
        if data.is_empty() {
            return;
        }
        self.facts.n_events += 1;
        let take = match (api, self.logprobs.is_some()) {
            (Api::OpenAiChat | Api::OpenAiCompletions, false) => openai::take::<IgnoredAny>,
            (Api::OpenAiChat | Api::OpenAiCompletions, true) => openai::take::<Value>,
            (Api::LlamaServer, false) => llama_server::take::<IgnoredAny>,
            (Api::LlamaServer, true) => llama_server::take::<Value>,
            (Api::OllamaGenerate | Api::OllamaChat, false) => ollama::take::<IgnoredAny>,
            (Api::OllamaGenerate | Api::OllamaChat, true) => ollama::take::<Value>,
        };
        let Err(error) = take(self, data, at, on) else { return };
        let text = String::from_utf8_lossy(data);
        if matches!(text, std::borrow::Cow::Owned(_)) && take(self, text.as_bytes(), at, on).is_ok() {
            self.facts.n_lossy_events += 1;
            return;
        }
        self.facts.n_bad_events += 1;
        self.first_bad.get_or_insert_with(|| format!("{error}: {}", shortened(&text)));
    }

    /// Hands over the pieces of one event; without any it was a role, unless it says that it was the last.
    pub(super) fn pieces(
        &mut self,
        at: MonoNs,
        n_tokens: Option<u16>,
        is_last: bool,
        pieces: &[Piece<'_>],
        on: &mut OnChunk<'_>,
    ) {
        let mut texts = pieces.iter().filter_map(|(kind, text)| text.map(|text| (*kind, text))).peekable();
        if texts.peek().is_none() {
            // A character may still be incomplete: then there are tokens without a text.
            let has_tokens = n_tokens.is_some_and(|n| n > 0);
            if has_tokens || !is_last {
                let kind = if has_tokens { ChunkKind::Content } else { ChunkKind::Role };
                self.hand_over(Chunk { at, kind, text: "", n_tokens: n_tokens.filter(|_| has_tokens) }, on);
            }
            return;
        }
        // Which of two texts the tokens are of, nobody says.
        let is_single = pieces.iter().filter(|(_, text)| text.is_some()).count() == 1;
        for (kind, text) in texts {
            let chunk = Chunk { at, kind, text, n_tokens: n_tokens.filter(|_| is_single) };
            self.facts.n_token_chunks += 1;
            self.hand_over(chunk, on);
        }
        self.facts.n_stated_tokens += u64::from(n_tokens.unwrap_or(0));
    }

    fn hand_over(&mut self, chunk: Chunk<'_>, on: &mut OnChunk<'_>) {
        if self.last_read.replace(self.read) == Some(self.read) {
            self.facts.n_coalesced += 1;
        }
        self.last_at = chunk.at;
        on(chunk);
    }

    /// Tokens since the last time, where a server states how many there are so far.
    ///
    /// Counts that begin after the text did, as in a last event only, say nothing of single chunks.
    pub(super) fn tokens_since(&mut self, so_far: u32) -> Option<u16> {
        let before = self.stated_so_far.replace(so_far).or((self.facts.n_token_chunks == 0).then_some(0))?;
        u16::try_from(so_far.checked_sub(before)?).ok()
    }

    /// Generation stopped, for a reason in the server's word.
    pub(super) fn finish(&mut self, word: &str, at: MonoNs) {
        let reason = match word {
            "length" | "limit" | "max_tokens" => Some(FinishReason::Length),
            "stop" | "eos" | "word" | "tool_calls" | "function_call" | "content_filter" | "end_turn" => {
                Some(FinishReason::Stop)
            }
            _ => None,
        };
        self.finish = Some((reason, at));
    }

    /// The server says what went wrong.
    pub(super) fn fail(&mut self, error: &Value) {
        let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        self.fail_with(&message_of(error), code);
    }

    pub(super) fn fail_with(&mut self, message: &str, code: Option<u16>) {
        let n = self.facts.n_token_chunks;
        let outcome = if n == 0 {
            said(code.unwrap_or(200), None, message)
        } else {
            let exit = format!("an error in the middle of the answer, after {n} chunks");
            Outcome::Crashed { exit, stderr_tail: shortened(message) }
        };
        self.error.get_or_insert(outcome);
    }

    /// Counts from the source that is trusted most (MEASUREMENT §1.5), and what the others say.
    fn usage(&mut self) -> Usage {
        let from_timings =
            self.timings.filter(|timings| timings.predicted_n.is_some()).map(|timings| Counts {
                prompt: timings.prompt_n.map(|n| n.saturating_add(timings.cache_n.unwrap_or(0))),
                completion: timings.predicted_n,
                cached: timings.cache_n,
                reasoning: None,
            });
        let stated = self.usage.filter(|counts| counts.completion.is_some());
        self.facts.usage_tokens = stated.and_then(|counts| counts.completion);
        self.facts.reasoning_tokens = stated.and_then(|counts| counts.reasoning);
        self.facts.timings_tokens = from_timings.and_then(|counts| counts.completion);
        let n_chunks = u32::try_from(self.facts.n_token_chunks).ok();
        let from_chunks = Counts { completion: n_chunks, ..self.usage.unwrap_or_default() };
        let (counts, source) = match (stated, from_timings) {
            (Some(counts), _) => (counts, UsageSource::Usage),
            (None, Some(counts)) => (counts, UsageSource::Timings),
            (None, None) => (from_chunks, UsageSource::Chunks),
        };
        Usage {
            prompt_tokens: counts.prompt,
            completion_tokens: counts.completion,
            cached_tokens: counts.cached,
            reasoning_tokens: counts.reasoning,
            source,
        }
    }
}

/// An answer that is no stream.
fn plain_outcome(head: &Head, body: &[u8]) -> Outcome {
    let is_success = (200..300).contains(&head.status);
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let error = json.as_ref().and_then(|json| json.get("error").filter(|error| !error.is_null()));
    match (error, &json) {
        (Some(error), _) => said(head.status, head.retry_after_ms, &message_of(error)),
        (None, _) if is_success => {
            let kind = if head.content_type.is_empty() { "no type" } else { &head.content_type };
            Outcome::Unsupported { detail: format!("the server does not stream: it answered with {kind}") }
        }
        (None, Some(json)) => said(head.status, head.retry_after_ms, &message_of(json)),
        (None, None) => said(head.status, head.retry_after_ms, &String::from_utf8_lossy(body)),
    }
}

/// A refusal in the server's words.
fn said(status: u16, retry_after_ms: Option<u64>, message: &str) -> Outcome {
    let mut detail = if status == 200 { String::new() } else { format!("HTTP {status}") };
    let message = shortened(message);
    if !message.is_empty() {
        detail.push_str(if detail.is_empty() { "" } else { ": " });
        detail.push_str(&message);
    }
    if let Some(ms) = retry_after_ms {
        detail = format!("{detail} (asks to come back after {} s)", ms / 1000);
    }
    if message.to_ascii_lowercase().contains("out of memory") {
        return Outcome::Oom { detail };
    }
    match status {
        501 => Outcome::Unsupported { detail },
        _ => Outcome::Refused { detail },
    }
}

/// Where in the answer a failure of the connection came.
fn after(outcome: Outcome, n_chunks: u64) -> Outcome {
    match outcome {
        Outcome::Crashed { exit, stderr_tail } if n_chunks > 0 => {
            Outcome::Crashed { exit: format!("{exit}, {n_chunks} chunks"), stderr_tail }
        }
        other => other,
    }
}

/// The words of an error object, however it is built.
fn message_of(error: &Value) -> String {
    let message = match error {
        Value::String(text) => Some(text.clone()),
        _ => ["message", "detail", "error"]
            .iter()
            .find_map(|name| error.get(*name).and_then(Value::as_str))
            .map(str::to_owned),
    };
    shortened(&message.unwrap_or_else(|| error.to_string()))
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(MAX_WORDS).collect()
}

/// Milliseconds of another program: none, if they make no sense.
fn engine_timings(timings: ServerTimings) -> Option<EngineTimings> {
    let ns = |ms: Option<f64>| ms.filter(|ms| (0.0..1e12).contains(ms)).map(|ms| (ms * 1e6) as u64);
    Some(EngineTimings { prefill_ns: ns(timings.prompt_ms)?, decode_ns: ns(timings.predicted_ms)? })
}
