//! Times the embedded engine alone, as `llama-bench` does: prompt tokens per second and generated tokens per second.
//!
//! `cargo run -p dyno-runtimes --profile agent --example engine_bench -- MODEL [THREADS] [N_PROMPT] [N_GEN] [REPETITIONS] [TOP_LOGPROBS]`
//!
//! One warm-up, then a line per repetition. Sampling is greedy and within the time of generation, detokenizing too, and
//! with `TOP_LOGPROBS` over 0 the probabilities of that many tokens at each place.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use dyno_model::clock::Clock;
use dyno_model::request::Sampling;
use dyno_runtimes::engine::{Engine, EngineOptions};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match bench(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Best effort: there is nowhere else to say it.
            drop(writeln!(std::io::stderr(), "engine_bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let usage =
        "usage: engine_bench MODEL [THREADS=2] [N_PROMPT=128] [N_GEN=64] [REPETITIONS=5] [TOP_LOGPROBS=0]";
    let model = args.first().ok_or(usage)?;
    let number = |i: usize, default: u32| args.get(i).map_or(Ok(default), |text| text.parse::<u32>());
    let (threads, n_prompt, n_gen, n_repetitions) =
        (number(1, 2)?, number(2, 128)?, number(3, 64)?, number(4, 5)?);

    let clock = Clock::Monotonic;
    let began = clock.now();
    let options = EngineOptions { threads: Some(threads), context_tokens: n_prompt + n_gen + 1 };
    let mut engine = Engine::load(Path::new(model), &options)?;
    let load_ms = clock.now().since(began) / 1_000_000;
    let facts = engine.facts();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} {} | {} | {} threads | load {load_ms} ms | {} bytes per token",
        facts.architecture,
        facts.quantization,
        engine.backend(),
        engine.threads(),
        facts.bytes_per_token
    )?;
    let prompt: Vec<u32> = (0..n_prompt).map(|i| i * 37 % (facts.n_vocabulary - 100) + 50).collect();
    // The first token comes with the prompt: one more is asked for than is timed.
    let sampling = Sampling {
        max_tokens: n_gen + 1,
        ignore_eos: true,
        temperature_milli: 0,
        top_p_milli: 1000,
        seed: 0,
        top_logprobs: u8::try_from(number(5, 0)?)?,
    };
    for repetition in 0..=n_repetitions {
        let done = engine.generate_from(&prompt, &sampling, &clock, &mut |_, _| ControlFlow::Continue(()))?;
        if repetition > 0 {
            let per_s = |n: u32, ns: u64| f64::from(n) * 1e9 / ns as f64;
            let (pp, tg) = (per_s(n_prompt, done.prefill_ns), per_s(n_gen, done.decode_ns));
            writeln!(out, "pp{n_prompt} {pp:.1} t/s | tg{n_gen} {tg:.1} t/s")?;
        }
    }
    Ok(())
}
