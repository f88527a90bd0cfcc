//! Asks, and keeps what the client reports.

use std::collections::HashMap;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::ids::PromptId;
use dyno_model::proof::Spread;
use dyno_model::request::{Message, Request, Sampling};
use dyno_runtimes::adapter::Carry;
use dyno_runtimes::dialect::Step;
use dyno_runtimes::http::{Polled, Ticket, thread_cpu_ns};
use dyno_runtimes::queue::NO_LIMIT;

use super::CalibrateError;

/// Longer than any answer that is played.
const REQUEST_LIMIT_MS: u64 = 2_000;

/// One answer as the client reports it.
#[derive(Debug, Default)]
pub(super) struct Got {
    /// The seed that it was asked with.
    pub(super) seed: u64,
    pub(super) due: MonoNs,
    pub(super) sent_at: MonoNs,
    pub(super) taken_up_at: Option<MonoNs>,
    /// Of chunks with text.
    pub(super) stamps: Vec<MonoNs>,
    pub(super) texts: Vec<String>,
    pub(super) is_ok: bool,
}

/// A few answers, and what they cost.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) answers: Vec<Got>,
    /// Of the calling thread.
    pub(super) cpu_ns: Option<u64>,
}

/// Whether texts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    /// They are the truth about their stamps.
    Keep,
    /// They say nothing.
    Drop,
}

/// A request of so many tokens with these words.
pub(super) fn request(seed: u64, words: &str, n_tokens: u32) -> Request {
    let sampling = Sampling {
        max_tokens: n_tokens,
        ignore_eos: false,
        temperature_milli: 0,
        top_p_milli: 1000,
        seed,
        top_logprobs: 0,
    };
    Request {
        idx: 0,
        prompt_id: PromptId("paced".to_owned()),
        messages: vec![Message { role: "user".to_owned(), content: words.to_owned() }],
        sampling,
        due_ns: None,
        limit_ms: REQUEST_LIMIT_MS,
    }
}

/// Asks what is due at these instants, and hears until all answers have ended or `limit` has come.
///
/// # Errors
/// When the client fails, or answers are missing.
pub(super) fn hear(
    carrier: &mut dyn Carry,
    requests: &[(Request, MonoNs)],
    texts: Texts,
    limit: MonoNs,
) -> Result<Heard, CalibrateError> {
    let cpu_before = thread_cpu_ns();
    let mut open: HashMap<Ticket, Got> = HashMap::with_capacity(requests.len());
    let mut answers = Vec::with_capacity(requests.len());
    for (request, due) in requests {
        let ticket = carrier.submit(request, Some(*due))?;
        let stamps = Vec::with_capacity(request.sampling.max_tokens as usize);
        open.insert(ticket, Got { seed: request.sampling.seed, due: *due, stamps, ..Got::default() });
    }
    // A single request is told its limit by the carrier.
    let until = if requests.len() == 1 { NO_LIMIT } else { limit };
    while !open.is_empty() && monotonic_now() < limit {
        let polled =
            carrier.poll(until, &mut |ticket, step| on(&mut open, &mut answers, texts, ticket, step))?;
        if matches!(polled, Polled::Idle | Polled::Interrupted) {
            break;
        }
    }
    let n_missing = requests.len() - answers.iter().filter(|got: &&Got| got.is_ok).count();
    if n_missing > 0 {
        return Err(CalibrateError::Missing { n_missing, n_asked: requests.len() });
    }
    let cpu_ns = thread_cpu_ns().zip(cpu_before).map(|(now, before)| now.saturating_sub(before));
    Ok(Heard { answers, cpu_ns })
}

fn on(open: &mut HashMap<Ticket, Got>, answers: &mut Vec<Got>, texts: Texts, ticket: Ticket, step: Step<'_>) {
    let Some(got) = open.get_mut(&ticket) else { return };
    match step {
        Step::Sent { at } => got.sent_at = at,
        Step::Chunk(chunk) if chunk.text.is_empty() => {}
        Step::Chunk(chunk) => {
            got.stamps.push(chunk.at);
            if texts == Texts::Keep {
                got.texts.push(chunk.text.to_owned());
            }
        }
        Step::Ended(answered) => {
            got.is_ok = answered.finish.outcome.is_ok();
            got.taken_up_at = answered.exchange.and_then(|exchange| exchange.started_at);
            answers.extend(open.remove(&ticket));
        }
    }
}

impl Heard {
    /// Chunks with text.
    pub(super) fn n_events(&self) -> u64 {
        self.answers.iter().map(|got| got.stamps.len() as u64).sum()
    }

    /// From due to taken up.
    pub(super) fn send_lag(&self) -> Option<Spread> {
        let lag = |got: &Got| between(got.due, got.taken_up_at.unwrap_or(got.sent_at));
        Spread::of(self.answers.iter().map(lag).collect())
    }

    /// From sent to the last chunk.
    pub(super) fn whole(&self) -> Vec<i64> {
        self.answers.iter().filter_map(|got| Some(between(got.sent_at, *got.stamps.last()?))).collect()
    }
}

/// From one instant to another, in ns.
pub(super) fn between(from: MonoNs, to: MonoNs) -> i64 {
    i64::try_from(i128::from(to.0) - i128::from(from.0)).unwrap_or(i64::MAX)
}
