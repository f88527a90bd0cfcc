//! The way from the embedded engine's process to the record, with a schedule in the engine's place.

use std::path::Path;
use std::sync::Arc;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::proof::{Calibration, Spread};
use dyno_runtimes::adapter::Carry;
use dyno_runtimes::embedded::{PacedEngine, PacedToken};
use dyno_runtimes::interrupt::Interrupt;

use super::CalibrateError;
use super::play::{Got, Heard, Texts, between, hear, request};

/// One after the other: the engine takes one request at a time.
const N_REQUESTS: u64 = 6;
const N_TOKENS: u32 = 24;
/// TTFT 10 ms and gaps of 2 ms: an answer takes 56 ms.
const SCRIPT: &str = "ttft_us=10000,gap_us=2000";

const N_NULL_REQUESTS: u64 = 16;
const N_NULL_TOKENS: u32 = 256;
const NULL_SCRIPT: &str = "gap_us=0";

/// Tries the client of the engine.
///
/// # Errors
/// [`CalibrateError`].
pub(super) fn calibrate(
    program: Option<&Path>,
    interrupt: &Arc<Interrupt>,
    limit: MonoNs,
) -> Result<Option<Calibration>, CalibrateError> {
    let program = program.ok_or(CalibrateError::NoProgram)?;
    let engine = PacedEngine::start(program, Arc::clone(interrupt))?;
    let mut client = engine.carrier();
    let paced = hear_each(client.as_mut(), (SCRIPT, N_TOKENS, N_REQUESTS), limit)?;
    let null = hear_each(client.as_mut(), (NULL_SCRIPT, N_NULL_TOKENS, N_NULL_REQUESTS), limit)?;
    let (ttft, gaps) = errors(&paced.answers);
    let n_asked = paced.answers.len();
    if ttft.len() < n_asked {
        return Err(CalibrateError::Missing { n_missing: n_asked - ttft.len(), n_asked });
    }
    Ok(Some(Calibration {
        path: "engine process".to_owned(),
        n_streams: 1,
        ttft_error: Spread::of(ttft),
        gap_error: Spread::of(gaps),
        send_lag: paced.send_lag(),
        n_token_events: paced.n_events(),
        cpu_ns: paced.cpu_ns,
        null_request: Spread::of(null.whole()),
        n_null_events: null.n_events(),
        null_cpu_ns: null.cpu_ns,
        n_unstamped: 0,
        n_reads: 0,
        took_ns: 0,
    }))
}

/// Asks for so many tokens by this script, so many times, one after the other.
fn hear_each(
    client: &mut dyn Carry,
    (script, n_tokens, n_requests): (&str, u32, u64),
    limit: MonoNs,
) -> Result<Heard, CalibrateError> {
    let mut all = Heard { answers: Vec::new(), cpu_ns: Some(0) };
    for seed in 1..=n_requests {
        let asked = [(request(seed, script, n_tokens), monotonic_now())];
        let heard = hear(client, &asked, Texts::Keep, limit)?;
        all.answers.extend(heard.answers);
        all.cpu_ns = all.cpu_ns.zip(heard.cpu_ns).map(|(sum, one)| sum + one);
    }
    Ok(all)
}

/// What the client reports of TTFT and gaps less what the other process did.
pub(super) fn errors(answers: &[Got]) -> (Vec<i64>, Vec<i64>) {
    let (mut ttft, mut gaps) = (Vec::new(), Vec::new());
    for got in answers {
        let truth: Vec<PacedToken> = got.texts.iter().filter_map(|text| PacedToken::read(text)).collect();
        if truth.len() != got.stamps.len() {
            continue;
        }
        if let (Some(first), Some(token)) = (got.stamps.first(), truth.first()) {
            ttft.push(between(got.sent_at, *first) - between(token.received_at, token.made_at));
        }
        for (stamps, tokens) in got.stamps.windows(2).zip(truth.windows(2)) {
            gaps.push(between(stamps[0], stamps[1]) - between(tokens[0].made_at, tokens[1].made_at));
        }
    }
    (ttft, gaps)
}
