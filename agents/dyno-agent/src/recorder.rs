//! Puts one request's record together while its chunks arrive.

use dyno_model::clock::MonoNs;
use dyno_model::outcome::Outcome;
use dyno_model::request::{Chunk, ExchangeFacts, Request, RequestRecord, Usage, UsageSource};
use dyno_runtimes::dialect::Answered;

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
    /// The request asked how likely tokens were.
    asks_logprobs: bool,
}

/// What a record lacks of what was to be had; a note says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lacks {
    /// Bytes of text that were too many.
    pub(crate) n_text_bytes: usize,
    /// Tokens whose probabilities were too much, or could not be understood.
    pub(crate) n_logprobs: u64,
    /// The runtime was asked for probabilities of tokens, and answered without any.
    pub(crate) is_without_logprobs: bool,
}

impl Recorder {
    /// Makes room for the answer, so that chunks cost no allocation; [`Recorder::sent`] comes next.
    pub(crate) fn new(request: &Request, due_at: Option<MonoNs>) -> Self {
        let room = (request.sampling.max_tokens as usize + 1).min(MAX_ROOM_CHUNKS);
        let record = RequestRecord {
            idx: request.idx,
            prompt_id: request.prompt_id.clone(),
            due_at,
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
            logprobs: None,
        };
        Self { record, n_lost_bytes: 0, asks_logprobs: request.sampling.top_logprobs > 0 }
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

    /// The answer is over; the second part says what is missing of it.
    pub(crate) fn end(mut self, mut answered: Answered) -> (RequestRecord, Lacks) {
        self.record.exchange = exchange_of(&answered);
        // Within the bounds of `dyno_runtimes::logprobs`.
        self.record.logprobs = answered.answer.logprobs.take();
        self.record.queue_ns = answered.queue_ns;
        let finish = answered.finish;
        self.record.ended_at = finish.at.max(self.record.sent_at);
        self.record.outcome = finish.outcome;
        self.record.finish = finish.reason;
        self.record.usage = finish.usage;
        self.record.timings = finish.timings;
        let is_told = self.record.logprobs.is_some() || answered.answer.n_lost_logprobs > 0;
        let is_answered = self.record.outcome.is_ok() && !self.record.chunk_ns.is_empty();
        let lacks = Lacks {
            n_text_bytes: self.n_lost_bytes,
            n_logprobs: answered.answer.n_lost_logprobs,
            is_without_logprobs: self.asks_logprobs && is_answered && !is_told,
        };
        (self.record, lacks)
    }
}

/// What the record keeps of an exchange.
fn exchange_of(answered: &Answered) -> Option<ExchangeFacts> {
    let (exchange, answer) = (answered.exchange.as_ref()?, &answered.answer);
    let connected_ns = match (exchange.started_at, exchange.sent_at) {
        (Some(started_at), Some(sent_at)) => Some(sent_at.since(started_at)),
        _ => None,
    };
    let is_kept = exchange.is_reused && !exchange.is_retried;
    let other_source = answered.finish.usage.source != UsageSource::Timings;
    Some(ExchangeFacts {
        status: exchange.status,
        retry_after_ms: exchange.retry_after_ms,
        connect_ns: connected_ns.map(|ns| if is_kept { 0 } else { ns }),
        is_reused: exchange.is_reused,
        is_retried: exchange.is_retried,
        n_reads: exchange.n_reads,
        n_coalesced: answer.n_coalesced,
        n_bad_events: answer.n_bad_events,
        timings_tokens: answer.timings_tokens.filter(|_| other_source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_model::request::{ChunkKind, Finish, FinishReason, Sampling, TokenChoice, TokenLogprob};
    use dyno_runtimes::dialect::AnswerFacts;
    use dyno_runtimes::http::Facts;

    fn recorder() -> Recorder {
        let sampling = Sampling::greedy(2);
        let request = Request {
            idx: 4,
            prompt_id: "p".into(),
            messages: Vec::new(),
            sampling,
            due_ns: None,
            limit_ms: 1,
        };
        let mut recorder = Recorder::new(&request, Some(MonoNs(90)));
        recorder.sent(MonoNs(100));
        recorder
    }

    fn chunk(at: u64, text: &str) -> Chunk<'_> {
        Chunk { at: MonoNs(at), kind: ChunkKind::Content, text, n_tokens: Some(1) }
    }

    fn finish(at: u64) -> Answered {
        let reason = Some(FinishReason::Length);
        let finish =
            Finish { at: MonoNs(at), outcome: Outcome::Ok, reason, usage: Usage::default(), timings: None };
        Answered { finish, answer: AnswerFacts::default(), exchange: None, queue_ns: Some(7) }
    }

    #[test]
    fn chunks_become_columns() {
        let mut recorder = recorder();
        recorder.chunk(&chunk(130, "hé"));
        recorder.chunk(&chunk(150, ""));
        recorder.chunk(&chunk(149, "!"));
        let (record, lacks) = recorder.end(finish(160));
        assert_eq!(record.chunk_ns, [30, 50, 50]);
        assert_eq!(record.chunk_bytes, [3, 0, 1]);
        assert_eq!((record.text.as_str(), record.idx, record.ended_at), ("hé!", 4, MonoNs(160)));
        assert_eq!((record.logprobs, lacks), (None, Lacks::default()));
        assert_eq!((record.due_at, record.queue_ns, record.exchange), (Some(MonoNs(90)), Some(7), None));
    }

    #[test]
    fn an_exchange_is_kept_beside() {
        let record = |is_reused, is_retried| {
            let (started_at, sent_at) = (Some(MonoNs(95)), Some(MonoNs(100)));
            let exchange =
                Facts { started_at, sent_at, is_reused, is_retried, n_reads: 3, ..Facts::default() };
            let answer = AnswerFacts { n_coalesced: 2, timings_tokens: Some(9), ..AnswerFacts::default() };
            let answered = Answered { answer, exchange: Some(exchange), queue_ns: None, ..finish(160) };
            recorder().end(answered).0.exchange.expect("a network is between")
        };
        let (fresh, kept, retried) = (record(false, false), record(true, false), record(true, true));
        assert_eq!((fresh.connect_ns, kept.connect_ns, retried.connect_ns), (Some(5), Some(0), Some(5)));
        assert_eq!((fresh.n_reads, fresh.n_coalesced, fresh.timings_tokens), (3, 2, Some(9)));
    }

    #[test]
    fn text_over_the_limit_is_cut_at_a_character_and_counted() {
        let mut recorder = recorder();
        recorder.chunk(&chunk(110, &"a".repeat(MAX_TEXT_BYTES - 1)));
        recorder.chunk(&chunk(120, "é"));
        recorder.chunk(&chunk(130, "b"));
        recorder.chunk(&chunk(140, "c"));
        let (record, lacks) = recorder.end(finish(150));
        assert_eq!(record.text.len(), MAX_TEXT_BYTES);
        assert_eq!(record.chunk_bytes, [MAX_TEXT_BYTES as u32 - 1, 0, 1, 0]);
        assert_eq!((record.chunk_ns.len(), lacks.n_text_bytes), (4, 3));
    }

    #[test]
    fn what_is_said_of_tokens_is_kept_and_what_is_not_said_is_told() {
        let token = TokenChoice { id: Some(3), piece: "a".to_owned(), logprob_micro: -5 };
        let told = vec![TokenLogprob { top: vec![token.clone()], token }];
        let end = |asked: u8, logprobs: Option<Vec<TokenLogprob>>, n_lost_logprobs| {
            let mut recorder = recorder();
            recorder.asks_logprobs = asked > 0;
            recorder.chunk(&chunk(130, "a"));
            let answer = AnswerFacts { logprobs, n_lost_logprobs, ..AnswerFacts::default() };
            let (record, lacks) = recorder.end(Answered { answer, ..finish(160) });
            (record.logprobs, lacks.n_logprobs, lacks.is_without_logprobs)
        };
        assert_eq!(end(1, Some(told.clone()), 0), (Some(told.clone()), 0, false));
        assert_eq!(end(1, Some(told.clone()), 7), (Some(told), 7, false));
        assert_eq!(end(1, None, 2), (None, 2, false));
        assert_eq!(end(1, None, 0), (None, 0, true));
        assert_eq!(end(0, None, 0), (None, 0, false));
        // Who answered nothing had nothing to say it of.
        let mut silent = recorder();
        silent.asks_logprobs = true;
        assert!(!silent.end(finish(160)).1.is_without_logprobs);
    }
}
