//! What the harness costs the engine: the engine alone in a bare loop against the same engine driven through agent,
//! protocol and sampler. Each block is a fresh process of both, in ABBA order.
//!
//! With the word `sampler`, the observer's effect alone: the engine in a bare loop, with a sampler at 10 Hz beside it in
//! every second block of half a second. Blocks are so short because a shared machine changes its pace within seconds.
//!
//! ```sh
//! cargo build --profile agent -p dyno-agent
//! cargo run --profile agent -p dyno-agent --example harness_overhead -- target/agent/edgedyno-agent MODEL.gguf [BLOCKS]
//! cargo run --profile agent -p dyno-agent --example harness_overhead -- sampler MODEL.gguf PAIRS
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command as Program, Stdio};

use dyno_model::clock::{Clock, monotonic_now};
use dyno_model::event::EventKind;
use dyno_model::ids::{CampaignId, PromptId, RunId};
use dyno_model::launch::{Dialect, LaunchSpec};
use dyno_model::load::LoadModel;
use dyno_model::request::{Message, Request, Sampling};
use dyno_protocol::build_id::BUILD_ID;
use dyno_protocol::message::{Command, Lease, Reply, RunOrder};
use dyno_protocol::peer::ControllerPeer;
use dyno_runtimes::engine::{Engine, EngineOptions};
use dyno_sensors::{Sampler, SamplerConfig, SysRoot};

const THREADS: u32 = 2;
const CONTEXT: u32 = 1024;
const N_REQUESTS: u32 = 12;
const N_TOKENS: u32 = 96;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Tokens per second of one block.
#[derive(Debug, Clone, Copy)]
struct Rates {
    prefill: f64,
    decode: f64,
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [mode, model] if mode == "bare" => {
            let rates = bare(Path::new(model))?;
            Ok(writeln!(std::io::stdout(), "{} {}", rates.prefill, rates.decode)?)
        }
        [mode, model, pairs] if mode == "sampler" => observe(Path::new(model), pairs.parse()?),
        [agent, model] => compare(agent, model, 10),
        [agent, model, blocks] => compare(agent, model, blocks.parse()?),
        _ => Err("usage: harness_overhead AGENT MODEL [BLOCKS] | sampler MODEL PAIRS".into()),
    }
}

fn compare(agent: &str, model: &str, blocks: u32) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    let (mut prefill, mut decode) = (Vec::new(), Vec::new());
    for block in 0..blocks {
        let (alone, driven) = if block % 2 == 0 {
            let alone = bare_process(model)?;
            (alone, driven(agent, model)?)
        } else {
            let driven = driven(agent, model)?;
            (bare_process(model)?, driven)
        };
        prefill.push(driven.prefill / alone.prefill);
        decode.push(driven.decode / alone.decode);
        writeln!(
            out,
            "block {block}: alone {:.1} / {:.1} tok/s, driven {:.1} / {:.1} tok/s",
            alone.prefill, alone.decode, driven.prefill, driven.decode
        )?;
    }
    writeln!(out, "driven / alone, median of {blocks} paired blocks with its 95 % interval:")?;
    writeln!(out, "prefill {}, decode {}", spread(&mut prefill), spread(&mut decode))?;
    Ok(())
}

/// Decode rates with and without a sampler, block by block.
fn observe(model: &Path, pairs: u32) -> Outcome<()> {
    let mut engine = Engine::load(model, &EngineOptions { threads: Some(THREADS), context_tokens: CONTEXT })?;
    let request = requests().into_iter().next().ok_or("there is a request")?;
    let (mut ratios, mut sampler_cpu_ns) = (Vec::new(), 0);
    let mut rate = |is_sampled: bool| -> Outcome<f64> {
        let (root, runtime_pid) = (SysRoot::real(), Some(std::process::id()));
        let config = SamplerConfig { root, period_ms: 100, runtime_pid };
        let sampler = is_sampled.then(|| Sampler::start(config)).transpose()?;
        let mut sum = Sum::default();
        add_bare(&mut engine, &request, &mut sum)?;
        sampler_cpu_ns += sampler.map_or(0, |sampler| sampler.stop().1.sampler_cpu_ns);
        Ok(sum.rates().decode)
    };
    for pair in 0..pairs {
        let first = rate(pair % 2 == 1)?;
        let second = rate(pair % 2 == 0)?;
        ratios.push(if pair % 2 == 1 { first / second } else { second / first });
    }
    let mut out = std::io::stdout().lock();
    let shown = spread(&mut ratios);
    writeln!(out, "decode rate, sampled / not: median of {pairs} pairs with its 95 % interval {shown}")?;
    writeln!(out, "CPU of the sampler: {:.2} ms a block", sampler_cpu_ns as f64 / f64::from(pairs) / 1e6)?;
    Ok(())
}

/// The median with its order-statistic interval, where there are enough values for one.
fn spread(values: &mut [f64]) -> String {
    let (middle, n) = (median(values), values.len());
    // Ranks below which at most 2.5 % of all outcomes of n fair coins lie: n/2 − 0.98 √n, rounded outwards.
    let below = (n as f64 / 2.0 - 0.98 * (n as f64).sqrt()).floor();
    if below < 1.0 {
        return format!("{middle:.4}");
    }
    let place = below as usize - 1;
    format!("{middle:.4} [{:.4}, {:.4}]", values[place], values[n - 1 - place])
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

fn requests() -> Vec<Request> {
    let prompt =
        "Explain to a neighbour why the sky is blue in the morning and red in the evening. ".repeat(8);
    let sampling = Sampling {
        max_tokens: N_TOKENS,
        ignore_eos: true,
        temperature_milli: 0,
        top_p_milli: 1000,
        seed: 0,
        top_logprobs: 0,
    };
    let request = |idx| Request {
        idx,
        prompt_id: PromptId::from("sky"),
        messages: vec![Message { role: "user".to_owned(), content: format!("{idx}. {prompt}") }],
        sampling: sampling.clone(),
        due_ns: None,
        limit_ms: 120_000,
    };
    (0..N_REQUESTS).map(request).collect()
}

/// The engine's own times, summed over requests.
#[derive(Default)]
struct Sum {
    prompt_tokens: u64,
    prefill_ns: u64,
    gaps: u64,
    decode_ns: u64,
}

impl Sum {
    fn add(&mut self, prompt_tokens: u32, completion_tokens: u32, prefill_ns: u64, decode_ns: u64) {
        self.prompt_tokens += u64::from(prompt_tokens);
        self.prefill_ns += prefill_ns;
        self.gaps += u64::from(completion_tokens.saturating_sub(1));
        self.decode_ns += decode_ns;
    }

    fn rates(&self) -> Rates {
        let per_second = |n: u64, ns: u64| n as f64 * 1e9 / ns as f64;
        Rates {
            prefill: per_second(self.prompt_tokens, self.prefill_ns),
            decode: per_second(self.gaps, self.decode_ns),
        }
    }
}

fn bare_process(model: &str) -> Outcome<Rates> {
    let output =
        Program::new(std::env::current_exe()?).args(["bare", model]).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    let mut next = || Ok::<f64, Box<dyn Error>>(numbers.next().ok_or("the bare loop printed no figures")??);
    Ok(Rates { prefill: next()?, decode: next()? })
}

fn bare(model: &Path) -> Outcome<Rates> {
    let mut engine = Engine::load(model, &EngineOptions { threads: Some(THREADS), context_tokens: CONTEXT })?;
    let mut sum = Sum::default();
    for request in requests() {
        add_bare(&mut engine, &request, &mut sum)?;
    }
    Ok(sum.rates())
}

fn add_bare(engine: &mut Engine, request: &Request, sum: &mut Sum) -> Outcome<()> {
    let done = engine.generate(&request.messages, &request.sampling, &Clock::Monotonic, &mut |_, _| {
        ControlFlow::Continue(())
    })?;
    sum.add(done.prompt_tokens, done.completion_tokens, done.prefill_ns, done.decode_ns);
    Ok(())
}

fn driven(agent: &str, model: &str) -> Outcome<Rates> {
    let work_dir = std::env::temp_dir().join(format!("edgedyno-overhead-{}", std::process::id()));
    std::fs::create_dir_all(&work_dir)?;
    let mut program = Program::new(agent);
    program.arg("serve").arg("--work-dir").arg(&work_dir);
    let mut process = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (stdin, stdout) = process.stdin.take().zip(process.stdout.take()).ok_or("the agent has no pipes")?;
    let mut peer = ControllerPeer::new(Box::new(stdout), Box::new(stdin));
    let rates = drive(&mut peer, model);
    drop(peer);
    process.wait()?;
    std::fs::remove_dir_all(&work_dir)?;
    rates
}

fn drive(peer: &mut ControllerPeer, model: &str) -> Outcome<Rates> {
    let Reply::Hello(_) = peer.recv()? else { return Err("the agent did not say hello".into()) };
    let lease =
        Lease { holder: "harness_overhead".to_owned(), campaign: None, force: false, is_again: false };
    peer.send(&Command::Hello { build_id: BUILD_ID.to_owned(), lease })?;
    let Reply::Leased { .. } = peer.recv()? else { return Err("the agent did not take its folder".into()) };
    let order = RunOrder {
        campaign: CampaignId(format!("overhead-{}", monotonic_now().0)),
        run: RunId(0),
        launch: 1,
        launch_spec: LaunchSpec {
            runtime: "embedded".to_owned(),
            dialect: Dialect::Embedded,
            model_path: Some(model.to_owned()),
            model_digest: None,
            threads: Some(THREADS),
            core_mask: None,
            context_tokens: CONTEXT,
            settings: BTreeMap::new(),
            ready_limit_ms: 120_000,
            start: dyno_model::start::StartState::AsItIs,
            server: None,
            endpoint: None,
        },
        requests: requests(),
        load: LoadModel::Single { think_ms: 0 },
        sampling_period_ms: 100,
        hold: None,
        care: None,
        sys_root: None,
        api_key: None,
    };
    peer.send(&Command::Run(Box::new(order)))?;
    let mut sum = Sum::default();
    loop {
        match peer.recv()? {
            Reply::EventBatch(batch) => {
                for event in &batch.events {
                    let EventKind::Request(record) = &event.kind else { continue };
                    let (Some(timings), Some(isl), Some(osl)) =
                        (record.timings, record.usage.prompt_tokens, record.usage.completion_tokens)
                    else {
                        return Err(format!("a request did not end well: {:?}", record.outcome).into());
                    };
                    sum.add(isl, osl, timings.prefill_ns, timings.decode_ns);
                }
                if batch.last {
                    peer.send(&Command::Bye)?;
                    return Ok(sum.rates());
                }
            }
            Reply::Error(error) => return Err(error.into()),
            _ => {}
        }
    }
}
