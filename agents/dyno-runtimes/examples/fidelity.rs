//! How true the client is: against a paced server on the same machine, whose every write is known.
//!
//! `cargo run --release --example fidelity -p dyno-runtimes --no-default-features [-- SECONDS]`
#![expect(clippy::print_stdout, reason = "an example prints its table")]

use std::collections::HashMap;
use std::time::Duration;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::ids::PromptId;
use dyno_model::request::{ChunkKind, Message, Request, Sampling};
use dyno_runtimes::dialect::{Api, Ask, Driver, Server, Step};
use dyno_runtimes::http::{Connections, Endpoint, Limits, Reuse, Ticket, thread_cpu_ns};
use dyno_runtimes::paced::{PacedServer, Played};

type Failure = Box<dyn std::error::Error>;

const N_TOKENS: u32 = 64;

/// One stream's answer.
#[derive(Default)]
struct Got {
    seed: u64,
    sent_at: MonoNs,
    /// Of all chunks, where the truth of them is known.
    stamps: Vec<MonoNs>,
    n_chunks: u64,
    is_ok: bool,
}

/// One line of the table.
struct Run {
    n_streams: usize,
    got: Vec<Got>,
    played: HashMap<u64, Played>,
    n_asked: u64,
    cpu_ns: u64,
    wall_ns: u64,
    health: dyno_runtimes::http::Health,
}

fn main() -> Result<(), Failure> {
    let seconds: u64 = std::env::args().nth(1).map_or(Ok(4), |text| text.parse())?;
    println!("load {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    println!("TTFT 50 ms, gap 10 ms, {N_TOKENS} tokens; reported minus sent, in us");
    println!(
        "streams  answers  TTFT p50   p99    gap p99  stamp p99  user-stamp max  unstamped  cpu us/event  coalesced  rss MiB"
    );
    for n_streams in [1, 8, 64, 256] {
        let run = measure(n_streams, "ttft_us=50000,gap_us=10000", N_TOKENS, seconds)?;
        run.print_paced();
    }
    println!("zero-delay server, 4000 tokens an answer");
    println!("streams  answers  events/cpu s  events/s  events/read  rss MiB");
    for n_streams in [1, 64, 256] {
        let run = measure(n_streams, "gap_us=0", 4000, seconds)?;
        run.print_fast();
    }
    Ok(())
}

/// Keeps `n_streams` requests under way for so long.
fn measure(n_streams: usize, script: &str, n_tokens: u32, seconds: u64) -> Result<Run, Failure> {
    let keeps_stamps = !script.starts_with("gap_us=0");
    let paced = PacedServer::start()?;
    let endpoint = Endpoint::parse(&format!("{}/v1", paced.url(script)))?;
    let addresses = endpoint.resolve(Duration::from_secs(1))?;
    let connections = Connections { addresses, reuse: Reuse::Pooled, limits: Limits::default() };
    let server = Server { endpoint, api: Api::OpenAiChat, ask: Ask::default(), key: None, connections };
    let mut driver = Driver::new(server, None)?;
    driver.connect_ahead(n_streams)?;
    let began = monotonic_now();
    let end = began.plus(seconds * 1_000_000_000);
    let cpu_before = thread_cpu_ns().unwrap_or(0);
    let mut open: HashMap<Ticket, Got> = HashMap::new();
    let mut got: Vec<Got> = Vec::new();
    let mut seed: u64 = 0;
    let mut n_to_start = n_streams;
    loop {
        for _ in 0..n_to_start {
            seed += 1;
            // Starts are spread over a gap, as independent users' are.
            let due = monotonic_now().plus(seed.wrapping_mul(7_919_113) % 10_000_000);
            let ticket = driver.submit(&request(seed, n_tokens), Some(due))?;
            let stamps = Vec::with_capacity(if keeps_stamps { n_tokens as usize } else { 0 });
            open.insert(ticket, Got { seed, stamps, ..Got::default() });
        }
        n_to_start = 0;
        driver.poll(end.plus(20_000_000_000), &mut |ticket, step| {
            let Some(one) = open.get_mut(&ticket) else { return };
            match step {
                Step::Sent { at } => one.sent_at = at,
                Step::Chunk(chunk) if chunk.kind == ChunkKind::Content => {
                    one.n_chunks += 1;
                    if keeps_stamps {
                        one.stamps.push(chunk.at);
                    }
                }
                Step::Chunk(_) => {}
                Step::Ended(answered) => {
                    one.is_ok = answered.finish.outcome.is_ok();
                    n_to_start += 1;
                    got.extend(open.remove(&ticket));
                }
            }
        })?;
        if monotonic_now() >= end {
            if driver.n_in_flight() == 0 {
                break;
            }
            n_to_start = 0;
        }
    }
    let wall_ns = monotonic_now().since(began);
    let cpu_ns = thread_cpu_ns().unwrap_or(0) - cpu_before;
    let played = paced.take_played().into_iter().map(|one| (one.seed, one)).collect();
    Ok(Run { n_streams, got, played, n_asked: seed, cpu_ns, wall_ns, health: driver.health() })
}

fn request(seed: u64, max_tokens: u32) -> Request {
    Request {
        idx: 0,
        prompt_id: PromptId("paced".to_owned()),
        messages: vec![Message { role: "user".to_owned(), content: "say something".to_owned() }],
        sampling: Sampling { max_tokens, ignore_eos: true, temperature_milli: 0, top_p_milli: 1000, seed },
        due_ns: None,
        limit_ms: 30_000,
    }
}

impl Run {
    fn n_events(&self) -> u64 {
        self.got.iter().map(|one| one.n_chunks).sum()
    }

    fn print_paced(&self) {
        let (mut ttft, mut gap, mut stamp) = (Vec::new(), Vec::new(), Vec::new());
        let mut n_shared = 0;
        for one in self.got.iter().filter(|one| one.is_ok) {
            let Some(truth) = self.played.get(&one.seed) else { continue };
            let (Some(first), Some(write)) = (one.stamps.first(), truth.writes.first()) else { continue };
            ttft.push(first.since(one.sent_at).abs_diff(write.before.since(truth.received_at)));
            n_shared += one.stamps.windows(2).filter(|two| two[0] == two[1]).count();
            for (stamps, writes) in one.stamps.windows(2).zip(truth.writes.windows(2)) {
                gap.push(stamps[1].since(stamps[0]).abs_diff(writes[1].before.since(writes[0].before)));
            }
            for (at, write) in one.stamps.iter().zip(&truth.writes) {
                stamp.push(at.0.abs_diff(write.before.0));
            }
        }
        let n_ok = self.got.iter().filter(|one| one.is_ok).count();
        println!(
            "{:>7}  {:>3}/{:<3}  {:>8.1} {:>7.1} {:>8.1} {:>9.1} {:>14.1} {:>10} {:>12.2} {:>10} {:>9.1}",
            self.n_streams,
            n_ok,
            self.n_asked,
            quantile(&mut ttft, 0.5),
            quantile(&mut ttft, 0.99),
            quantile(&mut gap, 0.99),
            quantile(&mut stamp, 0.99),
            self.health.max_read_delay_ns as f64 / 1e3,
            self.health.n_unstamped,
            self.cpu_ns as f64 / 1e3 / self.n_events() as f64,
            n_shared,
            rss_mib(),
        );
    }

    fn print_fast(&self) {
        let n_ok = self.got.iter().filter(|one| one.is_ok).count();
        println!(
            "{:>7}  {:>3}/{:<3}  {:>11.0} {:>9.0} {:>12.1} {:>8.1}",
            self.n_streams,
            n_ok,
            self.n_asked,
            self.n_events() as f64 / (self.cpu_ns as f64 / 1e9),
            self.n_events() as f64 / (self.wall_ns as f64 / 1e9),
            self.n_events() as f64 / self.health.n_reads as f64,
            rss_mib(),
        );
    }
}

/// In us; the nearest rank.
fn quantile(values: &mut [u64], q: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_unstable();
    let rank = (values.len() as f64 * q).ceil() as usize;
    values[rank.clamp(1, values.len()) - 1] as f64 / 1e3
}

/// Of the whole process, the server's thread and what the table needs included.
fn rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).map_or(f64::NAN, |kib: f64| kib / 1024.0)
}
