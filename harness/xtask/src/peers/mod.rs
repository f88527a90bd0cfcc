//! How true edgedyno's client and other load generators are: all against one paced server whose every write is known.
//!
//! Every tool gets the same schedules, in turn, in rounds, with the machine's load beside each figure; then all again
//! while two busy processes share the cores. The page docs/fidelity.md says what the figures mean.

mod figures;
mod place;
mod table;
mod tool;
mod truth;
mod watch;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};

use figures::Figures;
use place::Place;
use tool::Tool;
use truth::PacedServer;

const USAGE: &str = "\
cargo xtask peers FIDELITY [--rounds N] [--tools NAME,...] [--cases NAME,...] [--cache DIR] [--json FILE] [--only idle|busy]
  FIDELITY is the example `fidelity` of dyno-runtimes, built in profile `agent`
  tools: ours, ours-plain, aiperf, guidellm, vllm; cases: paced-1, paced-8, paced-64, paced-256, flood-64, flood-256, trap";
/// So many processes keep the cores busy in the second table.
const N_BUSY: usize = 2;

/// What is asked of every tool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Case {
    name: &'static str,
    /// What the server plays.
    script: &'static str,
    load: Load,
    n_requests: usize,
    n_tokens: u32,
    /// What the server needs for one answer.
    answer_ns: u64,
}

/// How requests come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Load {
    /// So many at once, each followed by the next.
    Streams(usize),
    /// At so many a second; tools that cap what is under way do so at one, edgedyno does not cap.
    Rate(f64),
}

/// 63 gaps of 10 ms after 50 ms.
const PACED: &str = "ttft_us=50000;gap_us=10000;n=64";
const PACED_NS: u64 = 680_000_000;

const fn paced(name: &'static str, n_streams: usize, n_requests: usize) -> Case {
    let load = Load::Streams(n_streams);
    Case { name, script: PACED, load, n_requests, n_tokens: 64, answer_ns: PACED_NS }
}

const fn flood(name: &'static str, n_streams: usize, n_requests: usize) -> Case {
    let load = Load::Streams(n_streams);
    Case { name, script: "n=512;truth=1", load, n_requests, n_tokens: 512, answer_ns: 0 }
}

const CASES: [Case; 7] = [
    paced("paced-1", 1, 16),
    paced("paced-8", 8, 96),
    paced("paced-64", 64, 512),
    paced("paced-256", 256, 2048),
    flood("flood-64", 64, 512),
    flood("flood-256", 256, 1024),
    // 46 arrivals a tenth of a second apart at a service of half a second: the last waits for 18 s.
    Case {
        name: "trap",
        script: "ttft_us=490000;gap_us=10000;n=2;slots=1",
        load: Load::Rate(10.0),
        n_requests: 46,
        n_tokens: 2,
        answer_ns: 500_000_000,
    },
];

struct Args {
    fidelity: PathBuf,
    cache: PathBuf,
    json: Option<PathBuf>,
    n_rounds: usize,
    tools: Vec<Tool>,
    cases: Vec<Case>,
    is_busy: Vec<bool>,
}

/// Makes what is missing, runs all rounds, and prints the tables.
///
/// # Errors
/// Without the example, Python, or a paced server.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let args = read(args)?;
    let place = Place::make(&args.cache, &args.tools)?;
    let mut all = Vec::new();
    for &is_busy in &args.is_busy {
        let _busy = is_busy.then(Busy::start).transpose()?;
        for round in 0..args.n_rounds {
            for case in &args.cases {
                for n in 0..args.tools.len() {
                    // Each round begins with another tool.
                    let tool = args.tools[(n + round) % args.tools.len()];
                    if let Some(missing) = place.missing(tool) {
                        say(&format!("{}: left out, {missing}", tool.name()));
                        continue;
                    }
                    let figures = measure(&args, &place, tool, case, is_busy)?;
                    say(&table::line(&figures));
                    all.push(figures);
                }
            }
        }
    }
    if let Some(path) = &args.json {
        let json: Vec<_> = all.iter().map(table::json).collect();
        std::fs::write(path, serde_json::to_vec_pretty(&json)?)
            .with_context(|| path.display().to_string())?;
    }
    crate::print(&table::page(&all, &args.cases, &args.tools, &place))
}

/// One tool, one case, a fresh server.
fn measure(args: &Args, place: &Place, tool: Tool, case: &Case, is_busy: bool) -> anyhow::Result<Figures> {
    let mut server = PacedServer::start(&args.fidelity)?;
    let url = format!("http://{}/{}", server.address, case.script);
    let out = tempfile::tempdir()?;
    let command = tool.command(place, &args.fidelity, case, &url, out.path());
    let watched = watch::run(command, &out.path().join("stdout"))?;
    let truth = server.take()?;
    let told = tool.told(out.path());
    Ok(Figures::new(tool, case, is_busy, server.is_urgent, &watched, truth, told))
}

fn read(args: &[String]) -> anyhow::Result<Args> {
    let Some((fidelity, rest)) = args.split_first() else { bail!("{USAGE}") };
    let fidelity = PathBuf::from(fidelity).canonicalize().with_context(|| format!("{fidelity}\n{USAGE}"))?;
    let mut read = Args {
        fidelity,
        cache: default_cache(),
        json: None,
        n_rounds: 3,
        tools: Tool::ALL.to_vec(),
        cases: CASES.to_vec(),
        is_busy: vec![false, true],
    };
    for pair in rest.chunks(2) {
        let [flag, value] = pair else { bail!("{USAGE}") };
        match flag.as_str() {
            "--rounds" => read.n_rounds = value.parse().with_context(|| USAGE.to_owned())?,
            "--cache" => read.cache = PathBuf::from(value),
            "--json" => read.json = Some(PathBuf::from(value)),
            "--only" => read.is_busy = vec![value == "busy"],
            "--tools" => read.tools = chosen(value, &Tool::ALL, |tool| tool.name())?,
            "--cases" => read.cases = chosen(value, &CASES, |case| case.name)?,
            _ => bail!("{USAGE}"),
        }
    }
    Ok(read)
}

/// Those that are named, in the order of `all`.
fn chosen<T: Copy>(names: &str, all: &[T], name: impl Fn(&T) -> &str) -> anyhow::Result<Vec<T>> {
    let names: Vec<&str> = names.split(',').collect();
    for wanted in &names {
        anyhow::ensure!(all.iter().any(|one| name(one) == *wanted), "there is no `{wanted}`\n{USAGE}");
    }
    Ok(all.iter().copied().filter(|one| names.contains(&name(one))).collect())
}

fn default_cache() -> PathBuf {
    let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    home.unwrap_or_else(std::env::temp_dir).join("edgedyno-peers")
}

/// Tells a person how far it is.
fn say(text: &str) {
    // Best effort: a closed stderr does not stop a measurement.
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Processes that do nothing but take the cores, for as long as this lives.
struct Busy(Vec<Child>);

impl Busy {
    fn start() -> anyhow::Result<Self> {
        let mut busy = Self(Vec::new());
        for _ in 0..N_BUSY {
            let mut command = Command::new("sh");
            command.args(["-c", "while kill -0 $PPID; do :; done"]).stdin(Stdio::null());
            busy.0.push(command.spawn()?);
        }
        Ok(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Best effort: one that has ended needs no end.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
