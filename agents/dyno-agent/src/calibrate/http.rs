//! The HTTP client against a paced server on the loopback.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::proof::{Calibration, Spread};
use dyno_runtimes::dialect::{Api, Ask, Driver, Server};
use dyno_runtimes::http::{Connections, Endpoint, Limits, Reuse, Urgent};
use dyno_runtimes::interrupt::Interrupt;
use dyno_runtimes::paced::{PacedProcess, PacedServer, Played, Write};

use super::CalibrateError;
use super::play::{Got, Texts, between, hear, request};

const N_STREAMS: u64 = 4;
/// Answers of each stream, one after the other.
const N_ROUNDS: u64 = 2;
const N_TOKENS: u32 = 24;
/// TTFT 20 ms and gaps of 5 ms: an answer takes 135 ms.
const SCRIPT: &str = "ttft_us=20000,gap_us=5000";
const ROUND_NS: u64 = 145_000_000;
/// The streams do not march in step.
const STAGGER_NS: u64 = 1_700_000;
/// The first request is due after this: handing them all over takes some time, too.
const LEAD_NS: u64 = 3_000_000;

const N_NULL_REQUESTS: u64 = 16;
const N_NULL_TOKENS: u32 = 256;
const NULL_SCRIPT: &str = "gap_us=0";

/// A write that took longer was itself interrupted: when its bytes went, nobody knows.
const WRITE_LIMIT_NS: u64 = 1_000_000;

/// The other side, in a process of its own where that can be.
enum Paced {
    Process(PacedProcess),
    Thread(PacedServer),
}

/// Tries the client of `api`.
///
/// # Errors
/// [`CalibrateError`].
pub(super) fn calibrate(
    api: Api,
    program: Option<&Path>,
    interrupt: &Arc<Interrupt>,
    limit: MonoNs,
) -> Result<Calibration, CalibrateError> {
    let paced = Paced::start(program)?;
    // As in the launch that follows.
    let urgent = Urgent::take();
    let driver = |script: &str| {
        let endpoint = Endpoint::parse(&paced.url(script))?;
        let addresses = endpoint.resolve(Duration::from_secs(1))?;
        let connections = Connections { addresses, reuse: Reuse::Pooled, limits: Limits::default() };
        let server = Server { endpoint, api, ask: Ask::default(), key: None, connections };
        Ok::<_, CalibrateError>(Driver::new(server, Some(Arc::clone(interrupt)))?)
    };
    let mut client = driver(SCRIPT)?;
    let requests: Vec<_> = dues(monotonic_now().plus(LEAD_NS))
        .map(|(seed, due)| (request(seed, "paced", N_TOKENS), due))
        .collect();
    let heard = hear(&mut client, &requests, Texts::Drop, limit)?;
    let health = client.health();
    drop(client);

    let mut client = driver(NULL_SCRIPT)?;
    let (mut null, mut n_null_events, mut null_cpu_ns) = (Vec::new(), 0, Some(0));
    for seed in 1..=N_NULL_REQUESTS {
        let asked = [(request(seed, "null", N_NULL_TOKENS), monotonic_now())];
        let heard = hear(&mut client, &asked, Texts::Drop, limit)?;
        null.extend(heard.whole());
        n_null_events += heard.n_events();
        null_cpu_ns = null_cpu_ns.zip(heard.cpu_ns).map(|(sum, one)| sum + one);
    }
    let null_health = client.health();
    drop(client);
    let played = paced.finish()?;
    let (ttft, gaps) = errors(&heard.answers, &played);
    Ok(Calibration {
        path: if urgent.is_granted() { "http, real-time priority" } else { "http" }.to_owned(),
        n_streams: N_STREAMS as u32,
        ttft_error: Spread::of(ttft),
        gap_error: Spread::of(gaps),
        send_lag: heard.send_lag(),
        n_token_events: heard.n_events(),
        cpu_ns: heard.cpu_ns,
        null_request: Spread::of(null),
        n_null_events,
        null_cpu_ns,
        n_unstamped: [health, null_health].iter().map(|one| one.n_unstamped + one.n_implausible).sum(),
        n_reads: health.n_reads + null_health.n_reads,
        took_ns: 0,
    })
}

/// Seeds, from 1, and dues.
fn dues(began_at: MonoNs) -> impl Iterator<Item = (u64, MonoNs)> {
    let of_stream = move |stream: u64| {
        (0..N_ROUNDS).map(move |round| {
            let seed = stream * N_ROUNDS + round + 1;
            (seed, began_at.plus(stream * STAGGER_NS + round * ROUND_NS))
        })
    };
    (0..N_STREAMS).flat_map(of_stream)
}

/// What the client reports of TTFT and gaps less what the server did.
pub(super) fn errors(answers: &[Got], played: &[Played]) -> (Vec<i64>, Vec<i64>) {
    let (mut ttft, mut gaps) = (Vec::new(), Vec::new());
    for got in answers {
        let Some(truth) = played.iter().find(|one| one.seed == got.seed) else { continue };
        if let (Some(first), Some(write)) = (got.stamps.first(), truth.writes.first())
            && is_known(write)
        {
            ttft.push(between(got.sent_at, *first) - between(truth.received_at, write.before));
        }
        for (stamps, writes) in got.stamps.windows(2).zip(truth.writes.windows(2)) {
            if writes.iter().all(is_known) {
                gaps.push(between(stamps[0], stamps[1]) - between(writes[0].before, writes[1].before));
            }
        }
    }
    (ttft, gaps)
}

fn is_known(write: &Write) -> bool {
    write.after.since(write.before) <= WRITE_LIMIT_NS
}

impl Paced {
    fn start(program: Option<&Path>) -> Result<Self, CalibrateError> {
        // Where a process fails, a thread does the same, a little nearer to the client.
        match program.map(PacedProcess::start) {
            Some(Ok(process)) => Ok(Self::Process(process)),
            Some(Err(_)) | None => Ok(Self::Thread(PacedServer::start()?)),
        }
    }

    fn url(&self, script: &str) -> String {
        match self {
            Self::Process(process) => process.url(script),
            Self::Thread(server) => server.url(script),
        }
    }

    fn finish(self) -> Result<Vec<Played>, CalibrateError> {
        match self {
            Self::Process(process) => Ok(process.finish()?),
            Self::Thread(server) => Ok(server.take_played()),
        }
    }
}
