//! The embedded engine against llama.cpp's `llama-bench`: same file, same threads, in turn, round by round.

use std::io::Write as _;
use std::process::Command;

use dyno_testbench::LlamaCpp;

const USAGE: &str = "cargo xtask engine-pair ENGINE_BENCH LLAMA_BENCH|- MODEL [ROUNDS=5] [THREADS=2]";
const N_PROMPT: &str = "128";
const N_GEN: &str = "64";

/// Prompt and generated tokens per second.
#[derive(Debug, Clone, Copy)]
struct Rates {
    prefill: f64,
    decode: f64,
}

/// Runs the rounds and prints each, then the medians of the ratios.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let [engine_bench, llama_bench, model, rest @ ..] = args else { anyhow::bail!(USAGE) };
    // Without one, the test bench's own build is taken, or made.
    let built = if llama_bench == "-" { Some(LlamaCpp::get()?.bench().display().to_string()) } else { None };
    let llama_bench = built.as_ref().unwrap_or(llama_bench);
    let rounds: u32 = rest.first().map_or(Ok(5), |text| text.parse())?;
    let threads = rest.get(1).map_or("2", String::as_str);
    let mut out = std::io::stdout().lock();
    let (mut prefill, mut decode) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let (ours, theirs) = if round % 2 == 0 {
            let ours = ours(engine_bench, model, threads)?;
            (ours, theirs(llama_bench, model, threads)?)
        } else {
            let theirs = theirs(llama_bench, model, threads)?;
            (ours(engine_bench, model, threads)?, theirs)
        };
        prefill.push(ours.prefill / theirs.prefill);
        decode.push(ours.decode / theirs.decode);
        writeln!(
            out,
            "round {round}: ours {:.1} / {:.1} tok/s, llama-bench {:.1} / {:.1} tok/s (prefill / decode)",
            ours.prefill, ours.decode, theirs.prefill, theirs.decode
        )?;
    }
    writeln!(
        out,
        "ours / llama-bench, median of {rounds}: prefill {:.2}, decode {:.2}",
        median(&mut prefill),
        median(&mut decode)
    )?;
    Ok(())
}

/// The middle of some values, or of the two in the middle.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output()?;
    anyhow::ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The median of the repetitions that `engine_bench` prints, one a line: `pp128 1234.5 tok/s  tg64 123.4 tok/s`.
fn ours(program: &str, model: &str, threads: &str) -> anyhow::Result<Rates> {
    let text = output(Command::new(program).args([model, threads, N_PROMPT, N_GEN, "5"]))?;
    let rate = |name: &str| {
        let numbers = text.lines().filter_map(|line| number_after(line, name));
        let mut numbers: Vec<f64> = numbers.collect();
        anyhow::ensure!(!numbers.is_empty(), "engine_bench printed no {name}: {text}");
        Ok(median(&mut numbers))
    };
    Ok(Rates { prefill: rate(&format!("pp{N_PROMPT}"))?, decode: rate(&format!("tg{N_GEN}"))? })
}

fn number_after(line: &str, name: &str) -> Option<f64> {
    let mut words = line.split_whitespace().skip_while(|word| *word != name);
    words.nth(1)?.parse().ok()
}

/// `avg_ts` of the two tests in `llama-bench -o json`.
fn theirs(program: &str, model: &str, threads: &str) -> anyhow::Result<Rates> {
    let args = ["-m", model, "-t", threads, "-p", N_PROMPT, "-n", N_GEN, "-r", "5", "-o", "json"];
    let tests: serde_json::Value = serde_json::from_str(&output(Command::new(program).args(args))?)?;
    let rate = |is_prompt: bool| {
        let tests = tests.as_array().into_iter().flatten();
        let mut fitting = tests.filter(|test| (test["n_gen"] == 0) == is_prompt);
        fitting
            .find_map(|test| test["avg_ts"].as_f64())
            .ok_or_else(|| anyhow::anyhow!("llama-bench gave no rate"))
    };
    Ok(Rates { prefill: rate(true)?, decode: rate(false)? })
}
