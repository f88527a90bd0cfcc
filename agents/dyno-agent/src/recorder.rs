//! Puts one request's record together while its chunks arrive.

use dyno_model::clock::MonoNs;
use dyno_model::request::{Chunk, Finish, Request, RequestRecord, Usage};

use dyno_model::outcome::Outcome;

/// No answer's text is kept beyond this; its stamps are.
pub(crate) const MAX_TEXT_BYTES: usize = 1 << 20;
/// Room is made beforehand for at most so many chunks, and bytes of text for each.
const MAX_ROOM_CHUNKS: usize = 1 << 14;
const BYTES_PER_CHUNK: usize = 6;

/// One request's record in the making.
#[derive(Debug)]
pub(crate) struct Recorder {
    record: RequestRecord,
    n_lost_bytes: usize,
}

impl Recorder {
    /// Makes room for the answer, so that chunks cost no allocation; [`Recorder::sent`] comes next.
    pub(crate) fn new(request: &Request) -> Self {
        let room = (request.sampling.max_tokens as usize + 1).min(MAX_ROOM_CHUNKS);
        let record = RequestRecord {
            idx: request.idx,
            prompt_id: request.prompt_id.clone(),
            due_at: None,
            sent_at: MonoNs(0),
            ended_at: MonoNs(0),
            outcome: Outcome::Cancelled,
            finish: None,
            usage: Usage::default(),
            timings: None,
            chunk_ns: Vec::with_capacity(room),
            chunk_kind: Vec::with_capacity(room),
            chunk_tokens: Vec::with_capacity(room),
            chunk_bytes: Vec::with_capacity(room),
            text: String::with_capacity(room * BYTES_PER_CHUNK),
            queue_ns: None,
            exchange: None,
        };
        Self { record, n_lost_bytes: 0 }
    }

    /// The request goes out at `at`.
    pub(crate) fn sent(&mut self, at: MonoNs) {
        self.record.sent_at = at;
    }

    /// A chunk arrived.
    pub(crate) fn chunk(&mut self, chunk: &Chunk<'_>) {
        let record = &mut self.record;
        let room = MAX_TEXT_BYTES - record.text.len();
        let kept = &chunk.text[..chunk.text.floor_char_boundary(room)];
        self.n_lost_bytes += chunk.text.len() - kept.len();
        // Stamps of one stream do not go back; if a runtime's did, the order of arrival is what counts.
        let earliest = record.chunk_ns.last().copied().unwrap_or(0);
        record.chunk_ns.push(chunk.at.since(record.sent_at).max(earliest));
        record.chunk_kind.push(chunk.kind);
        record.chunk_tokens.push(chunk.n_tokens);
        record.chunk_bytes.push(kept.len() as u32);
        record.text.push_str(kept);
    }

    /// The answer is over; the second part says how many bytes of text were too many.
    pub(crate) fn end(mut self, finish: Finish) -> (RequestRecord, Option<usize>) {
        self.record.ended_at = finish.at;
        self.record.outcome = finish.outcome;
        self.record.finish = finish.reason;
        self.record.usage = finish.usage;
        self.record.timings = finish.timings;
        (self.record, Some(self.n_lost_bytes).filter(|n| *n > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_model::request::{ChunkKind, FinishReason, Sampling};

    fn recorder() -> Recorder {
        let sampling =
            Sampling { max_tokens: 2, ignore_eos: false, temperature_milli: 0, top_p_milli: 1000, seed: 0 };
        let request = Request {
            idx: 4,
            prompt_id: "p".into(),
            messages: Vec::new(),
            sampling,
            due_ns: None,
            limit_ms: 1,
        };
        let mut recorder = Recorder::new(&request);
        recorder.sent(MonoNs(100));
        recorder
    }

    fn chunk(at: u64, text: &str) -> Chunk<'_> {
        Chunk { at: MonoNs(at), kind: ChunkKind::Content, text, n_tokens: Some(1) }
    }

    fn finish(at: u64) -> Finish {
        let reason = Some(FinishReason::Length);
        Finish { at: MonoNs(at), outcome: Outcome::Ok, reason, usage: Usage::default(), timings: None }
    }

    #[test]
    fn chunks_become_columns() {
        let mut recorder = recorder();
        recorder.chunk(&chunk(130, "hé"));
        recorder.chunk(&chunk(150, ""));
        recorder.chunk(&chunk(149, "!"));
        let (record, lost) = recorder.end(finish(160));
        assert_eq!(record.chunk_ns, [30, 50, 50]);
        assert_eq!(record.chunk_bytes, [3, 0, 1]);
        assert_eq!((record.text.as_str(), record.idx, record.ended_at, lost), ("hé!", 4, MonoNs(160), None));
    }

    #[test]
    fn text_over_the_limit_is_cut_at_a_character_and_counted() {
        let mut recorder = recorder();
        recorder.chunk(&chunk(110, &"a".repeat(MAX_TEXT_BYTES - 1)));
        recorder.chunk(&chunk(120, "é"));
        recorder.chunk(&chunk(130, "b"));
        recorder.chunk(&chunk(140, "c"));
        let (record, lost) = recorder.end(finish(150));
        assert_eq!(record.text.len(), MAX_TEXT_BYTES);
        assert_eq!(record.chunk_bytes, [MAX_TEXT_BYTES as u32 - 1, 0, 1, 0]);
        assert_eq!((record.chunk_ns.len(), lost), (4, Some(3)));
    }
}
