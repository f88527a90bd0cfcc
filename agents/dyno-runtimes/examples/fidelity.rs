//! The two ends of a fidelity measurement, each a process of its own: a paced server that tells the truth, and the
//! client that is measured. `cargo xtask peers` drives them and sets what the client reported against the truth.
//!
//! ```text
//! fidelity serve                                   paced server; `take` on stdin prints its truth as a line of JSON
//! fidelity ask URL STREAMS REQUESTS TOKENS         so many streams at once, so many requests in all
//! fidelity plain URL STREAMS REQUESTS TOKENS       the same, as an ordinary thread among others
//! fidelity rate URL RATE_PER_S REQUESTS TOKENS     arrivals at a rate, however many are under way
//! fidelity plain-rate URL RATE_PER_S REQUESTS TOKENS    the same, as an ordinary thread
//! ```
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufWriter, Write as _};
use std::time::Duration;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::ids::PromptId;
use dyno_model::request::{ChunkKind, Message, Request, Sampling};
use dyno_runtimes::dialect::{Api, Ask, Driver, Server, Step};
use dyno_runtimes::http::{Connections, Endpoint, Limits, Reuse, Ticket, Urgent, thread_cpu_ns};
use dyno_runtimes::paced::PacedServer;
use serde_json::json;

type Failure = Box<dyn std::error::Error>;

const USAGE: &str =
    "fidelity serve | ask|plain URL STREAMS REQUESTS TOKENS | rate|plain-rate URL RATE_PER_S REQUESTS TOKENS";
/// Of longer answers only the first and the last stamp are kept: their server writes without a schedule.
const MAX_KEPT: u32 = 256;
/// First requests are spread over a gap, as independent users' are.
const SPREAD_NS: u64 = 10_000_000;
/// Nothing here takes longer.
const LIMIT_NS: u64 = 300_000_000_000;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["serve"] => serve(),
        [word @ ("ask" | "plain"), url, n_streams, n_requests, n_tokens] => {
            let _urgent = (word == "ask").then(Urgent::take);
            let starts = Starts::Closed { n_streams: n_streams.parse()? };
            Client::new(url, starts, n_requests.parse()?, n_tokens.parse()?)?.run()
        }
        [word @ ("rate" | "plain-rate"), url, rate, n_requests, n_tokens] => {
            let _urgent = (word == "rate").then(Urgent::take);
            let rate: f64 = rate.parse()?;
            let starts = Starts::Rate { gap_ns: (1e9 / rate) as u64 };
            Client::new(url, starts, n_requests.parse()?, n_tokens.parse()?)?.run()
        }
        _ => Err(USAGE.into()),
    }
}

/// Serves until stdin ends.
fn serve() -> Result<(), Failure> {
    let paced = PacedServer::start()?;
    println!("{}", paced.address());
    for line in std::io::stdin().lock().lines() {
        if line? == "take" {
            let played = paced.take_played();
            let answers: Vec<_> = played
                .iter()
                .map(|one| {
                    let writes = one.writes.iter().map(|write| [write.due.0, write.before.0, write.after.0]);
                    json!([one.seed, one.received_at.0, writes.collect::<Vec<_>>()])
                })
                .collect();
            let mut out = BufWriter::new(std::io::stdout().lock());
            serde_json::to_writer(&mut out, &json!({ "cpu_ns": paced.cpu_ns(), "answers": answers }))?;
            out.write_all(b"\n")?;
            out.flush()?;
        }
    }
    Ok(())
}

/// When requests are sent.
#[derive(Clone, Copy)]
enum Starts {
    /// The next one when one has ended.
    Closed { n_streams: usize },
    /// At fixed instants.
    Rate { gap_ns: u64 },
}

/// One request.
#[derive(Default)]
struct Got {
    seed: u64,
    /// When its user wanted it.
    wanted_at: MonoNs,
    sent_at: MonoNs,
    /// Of chunks with content.
    stamps: Vec<MonoNs>,
    n_chunks: u32,
    is_ok: bool,
}

/// The client that is measured.
struct Client {
    driver: Driver,
    starts: Starts,
    n_requests: u64,
    n_tokens: u32,
    began: MonoNs,
    seed: u64,
    open: HashMap<Ticket, Got>,
    got: Vec<Got>,
}

impl Client {
    fn new(url: &str, starts: Starts, n_requests: u64, n_tokens: u32) -> Result<Self, Failure> {
        let endpoint = Endpoint::parse(url)?;
        let addresses = endpoint.resolve(Duration::from_secs(1))?;
        let connections = Connections { addresses, reuse: Reuse::Pooled, limits: Limits::default() };
        let server = Server { endpoint, api: Api::OpenAiChat, ask: Ask::default(), key: None, connections };
        let driver = Driver::new(server, None)?;
        let got = Vec::with_capacity(usize::try_from(n_requests)?);
        let began = monotonic_now();
        Ok(Self { driver, starts, n_requests, n_tokens, began, seed: 0, open: HashMap::new(), got })
    }

    fn run(mut self) -> Result<(), Failure> {
        let n_at_once = match self.starts {
            Starts::Closed { n_streams } => n_streams,
            Starts::Rate { .. } => usize::try_from(self.n_requests)?,
        };
        let cpu_before = thread_cpu_ns();
        for _ in 0..n_at_once {
            self.submit()?;
        }
        while self.driver.n_in_flight() > 0 {
            for _ in 0..self.poll()? {
                self.submit()?;
            }
        }
        let cpu_ns = thread_cpu_ns().zip(cpu_before).map(|(after, before)| after - before);
        self.print(cpu_ns)
    }

    /// The next request, if there is one left.
    fn submit(&mut self) -> Result<(), Failure> {
        if self.seed >= self.n_requests {
            return Ok(());
        }
        self.seed += 1;
        let wanted_at = match self.starts {
            Starts::Closed { n_streams } if self.seed <= n_streams as u64 => {
                self.began.plus(self.seed.wrapping_mul(7_919_113) % SPREAD_NS)
            }
            Starts::Closed { .. } => monotonic_now(),
            Starts::Rate { gap_ns } => self.began.plus((self.seed - 1) * gap_ns),
        };
        let ticket = self.driver.submit(&request(self.seed, self.n_tokens), Some(wanted_at))?;
        let n_kept = if self.n_tokens <= MAX_KEPT { self.n_tokens } else { 2 };
        let stamps = Vec::with_capacity(n_kept as usize);
        self.open.insert(ticket, Got { seed: self.seed, wanted_at, stamps, ..Got::default() });
        Ok(())
    }

    /// Carries on until requests have ended, and says how many.
    fn poll(&mut self) -> Result<usize, Failure> {
        let Self { driver, open, got, n_tokens, .. } = self;
        let n_before = got.len();
        driver.poll(monotonic_now().plus(LIMIT_NS), &mut |ticket, step| {
            let Some(one) = open.get_mut(&ticket) else { return };
            match step {
                Step::Sent { at } => one.sent_at = at,
                Step::Chunk(chunk) if chunk.kind == ChunkKind::Content => {
                    one.n_chunks += 1;
                    if *n_tokens > MAX_KEPT && one.stamps.len() == 2 {
                        one.stamps.pop();
                    }
                    one.stamps.push(chunk.at);
                }
                Step::Chunk(_) => {}
                Step::Ended(answered) => {
                    one.is_ok = answered.finish.outcome.is_ok();
                    got.extend(open.remove(&ticket));
                }
            }
        })?;
        Ok(got.len() - n_before)
    }

    fn print(&self, cpu_ns: Option<u64>) -> Result<(), Failure> {
        // Before the text is made, which is not what is measured.
        let rss_kib = status_kib("VmHWM:");
        let health = self.driver.health();
        let mut out = BufWriter::new(std::io::stdout().lock());
        let facts = json!({
            "cpu_ns": cpu_ns,
            "rss_kib": rss_kib,
            "n_reads": health.n_reads,
            "n_unstamped": health.n_unstamped + health.n_implausible,
            "n_wakes": health.n_wakes,
            "max_read_delay_ns": health.max_read_delay_ns,
            "max_send_lag_ns": health.max_send_lag_ns,
        });
        write!(out, "{{\"facts\":{facts},\"requests\":[")?;
        for (n, one) in self.got.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let line = json!({
                "seed": one.seed, "wanted": one.wanted_at, "sent": one.sent_at, "chunks": one.stamps,
                "n_chunks": one.n_chunks, "ok": one.is_ok,
            });
            write!(out, "{comma}\n{line}")?;
        }
        writeln!(out, "]}}")?;
        Ok(out.flush()?)
    }
}

fn request(seed: u64, max_tokens: u32) -> Request {
    Request {
        idx: 0,
        prompt_id: PromptId("paced".to_owned()),
        messages: vec![Message { role: "user".to_owned(), content: "say something".to_owned() }],
        sampling: Sampling {
            max_tokens,
            ignore_eos: true,
            temperature_milli: 0,
            top_p_milli: 1000,
            seed,
            top_logprobs: 0,
        },
        due_ns: None,
        limit_ms: 60_000,
    }
}

/// A size of this process in KiB; `None` where the system does not tell.
fn status_kib(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find(|line| line.starts_with(name))?.split_whitespace().nth(1)?.parse().ok()
}
