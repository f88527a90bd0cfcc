//! Events of OpenAI's chat completions and completions, and of the many servers that speak them.

use dyno_model::clock::MonoNs;
use dyno_model::request::ChunkKind;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::answer::{Answer, Counts, OnChunk, Piece, ServerTimings};
use super::odds::Odds;
use super::{First, Text};

#[derive(Debug, Deserialize)]
struct Event<'a, L> {
    #[serde(borrow, default)]
    choices: First<Choice<'a, L>>,
    usage: Option<Usage>,
    timings: Option<ServerTimings>,
    error: Option<Value>,
    /// `error` where a server puts its error's fields at the top.
    #[serde(borrow)]
    object: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    code: Option<u16>,
}

#[derive(Debug, Deserialize)]
struct Choice<'a, L> {
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
    #[serde(default)]
    token_ids: First<IgnoredAny>,
    logprobs: Option<L>,
}

#[derive(Debug, Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<Text<'a>>,
    #[serde(borrow)]
    reasoning_content: Option<Text<'a>>,
    #[serde(borrow)]
    reasoning: Option<Text<'a>>,
    #[serde(borrow, default)]
    tool_calls: First<ToolCall<'a>>,
}

#[derive(Debug, Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Debug, Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    arguments: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Usage {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u32>,
}

/// Takes one event.
pub(super) fn take<L: Odds>(
    answer: &mut Answer,
    data: &[u8],
    at: MonoNs,
    on: &mut OnChunk<'_>,
) -> Result<(), serde_json::Error> {
    if data == b"[DONE]" {
        answer.is_done = true;
        return Ok(());
    }
    let event: Event<'_, L> = serde_json::from_slice(data)?;
    if let Some(error) = &event.error {
        answer.fail(error);
        return Ok(());
    }
    if event.object.is_some_and(|object| object.0 == "error") {
        answer.fail_with(Text::some(event.message.as_ref()).unwrap_or("an error without words"), event.code);
        return Ok(());
    }
    let counts = event.usage.map(counts_of);
    let stated = event.timings.and_then(|timings| timings.predicted_n);
    let so_far = counts.and_then(|counts| counts.completion).or(stated);
    if counts.is_some() {
        answer.usage = counts;
    }
    if event.timings.is_some() {
        answer.timings = event.timings;
    }
    let Some(mut choice) = event.choices.first else { return Ok(()) };
    if let Some(said) = choice.logprobs.take() {
        said.tell(answer);
    }
    let n_tokens = match choice.token_ids.n {
        0 => so_far.and_then(|so_far| answer.tokens_since(so_far)),
        n => u16::try_from(n).ok(),
    };
    let finish = Text::some(choice.finish_reason.as_ref());
    answer.pieces(at, n_tokens, finish.is_some(), &pieces_of(&choice), on);
    if let Some(reason) = finish {
        answer.finish(reason, at);
    }
    Ok(())
}

fn pieces_of<'t, L>(choice: &'t Choice<'_, L>) -> [Piece<'t>; 4] {
    let delta = choice.delta.as_ref();
    let reasoning = delta.and_then(|delta| {
        Text::some(delta.reasoning_content.as_ref()).or(Text::some(delta.reasoning.as_ref()))
    });
    let arguments = delta
        .and_then(|delta| delta.tool_calls.first.as_ref())
        .and_then(|call| call.function.as_ref())
        .and_then(|function| Text::some(function.arguments.as_ref()));
    [
        (ChunkKind::Reasoning, reasoning),
        (ChunkKind::Content, delta.and_then(|delta| Text::some(delta.content.as_ref()))),
        (ChunkKind::Content, Text::some(choice.text.as_ref())),
        (ChunkKind::Tool, arguments),
    ]
}

fn counts_of(usage: Usage) -> Counts {
    Counts {
        prompt: usage.prompt_tokens,
        completion: usage.completion_tokens,
        cached: usage.prompt_tokens_details.and_then(|details| details.cached_tokens),
        reasoning: usage.completion_tokens_details.and_then(|details| details.reasoning_tokens),
    }
}
