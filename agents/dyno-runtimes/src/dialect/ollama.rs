//! Lines of Ollama's `/api/generate` and `/api/chat`.

use dyno_model::clock::MonoNs;
use dyno_model::request::{ChunkKind, EngineTimings};
use serde::Deserialize;
use serde_json::Value;

use super::Text;
use super::answer::{Answer, Counts, OnChunk};
use super::odds::Odds;

#[derive(Debug, Deserialize)]
struct Line<'a, L> {
    #[serde(borrow)]
    response: Option<Text<'a>>,
    #[serde(borrow)]
    thinking: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(default)]
    done: bool,
    #[serde(borrow)]
    done_reason: Option<Text<'a>>,
    prompt_eval_count: Option<u32>,
    prompt_eval_duration: Option<u64>,
    eval_count: Option<u32>,
    eval_duration: Option<u64>,
    logprobs: Option<L>,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<Text<'a>>,
    #[serde(borrow)]
    thinking: Option<Text<'a>>,
}

/// Takes one line.
pub(super) fn take<L: Odds>(
    answer: &mut Answer,
    data: &[u8],
    at: MonoNs,
    on: &mut OnChunk<'_>,
) -> Result<(), serde_json::Error> {
    let mut line: Line<'_, L> = serde_json::from_slice(data)?;
    if let Some(error) = &line.error {
        answer.fail(error);
        return Ok(());
    }
    if let Some(said) = line.logprobs.take() {
        said.tell(answer);
    }
    let message = line.message.as_ref();
    let pieces = [
        (ChunkKind::Reasoning, Text::some(line.thinking.as_ref())),
        (ChunkKind::Reasoning, message.and_then(|message| Text::some(message.thinking.as_ref()))),
        (ChunkKind::Content, Text::some(line.response.as_ref())),
        (ChunkKind::Content, message.and_then(|message| Text::some(message.content.as_ref()))),
    ];
    answer.pieces(at, None, line.done, &pieces, on);
    if line.done {
        answer.usage = Some(Counts {
            // A prompt that came from the cache whole is not counted by the server.
            prompt: line.prompt_eval_count,
            completion: line.eval_count,
            cached: None,
            reasoning: None,
        });
        if let (Some(prefill_ns), Some(decode_ns)) = (line.prompt_eval_duration, line.eval_duration) {
            answer.engine_timings = Some(EngineTimings { prefill_ns, decode_ns });
        }
        answer.finish(Text::some(line.done_reason.as_ref()).unwrap_or("stop"), at);
        answer.is_done = true;
    }
    Ok(())
}
