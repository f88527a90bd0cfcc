//! Events of llama-server's own `/completion`.

use dyno_model::clock::MonoNs;
use dyno_model::request::ChunkKind;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::answer::{Answer, OnChunk, ServerTimings};
use super::odds::Odds;
use super::{First, Text};

#[derive(Debug, Deserialize)]
struct Event<'a, L> {
    #[serde(borrow)]
    content: Option<Text<'a>>,
    #[serde(default)]
    tokens: First<IgnoredAny>,
    tokens_predicted: Option<u32>,
    completion_probabilities: Option<L>,
    #[serde(default)]
    stop: bool,
    #[serde(borrow)]
    stop_type: Option<Text<'a>>,
    /// Of older servers, in the place of `stop_type`.
    #[serde(default)]
    stopped_limit: bool,
    timings: Option<ServerTimings>,
    error: Option<Value>,
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
    let mut event: Event<'_, L> = serde_json::from_slice(data)?;
    if let Some(error) = &event.error {
        answer.fail(error);
        return Ok(());
    }
    if let Some(said) = event.completion_probabilities.take() {
        said.tell(answer);
    }
    let n_tokens = match event.tokens.n {
        0 if event.stop => None,
        0 => event.tokens_predicted.and_then(|so_far| answer.tokens_since(so_far)),
        n => u16::try_from(n).ok(),
    };
    if event.timings.is_some() {
        answer.timings = event.timings;
    }
    answer.pieces(at, n_tokens, event.stop, &[(ChunkKind::Content, Text::some(event.content.as_ref()))], on);
    if event.stop {
        let by_flag = if event.stopped_limit { "limit" } else { "stop" };
        answer.finish(Text::some(event.stop_type.as_ref()).unwrap_or(by_flag), at);
        answer.is_done = true;
    }
    Ok(())
}
