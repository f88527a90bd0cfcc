//! The project's own tasks. `cargo test` alone decides; what is checked there lives in `tidy`.

mod dist;
mod docgen;
mod fleet;
mod lab;
mod pair;
mod peers;
#[cfg(test)]
mod tidy;

use std::io::Write as _;

const HELP: &str = "\
cargo xtask TASK
  dist [TARGET...] [--out DIR]                  build the agent for all targets, or for those named
  fleet EDGEDYNO [N] [ROUNDS]                   what N devices at once cost the controller, over a real sshd
  lab [DEVICE...] [-- COMMAND...]               start emulated devices, and run a command with them
  metrics                                       print docs/metrics.md
  engine-pair ENGINE_BENCH LLAMA_BENCH MODEL    the embedded engine against llama-bench (`-`: our build), in turn
  peers FIDELITY [FLAGS...]                     how true the client and other load generators are, and what they cost
Formatting, rooms and generated pages are checked by `cargo test`.
";

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((task, rest)) if task == "dist" => dist::run(rest),
        Some((task, rest)) if task == "engine-pair" => pair::run(rest),
        Some((task, rest)) if task == "fleet" => fleet::run(rest),
        Some((task, rest)) if task == "lab" => lab::run(rest),
        Some((task, rest)) if task == "peers" => peers::run(rest),
        Some((task, _)) if task == "metrics" => print(&docgen::metrics_page()),
        None => print(HELP),
        Some((task, _)) if task == "help" || task == "--help" => print(HELP),
        Some((task, _)) => anyhow::bail!("unknown task `{task}`\n{HELP}"),
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
