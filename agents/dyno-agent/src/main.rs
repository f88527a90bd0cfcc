//! The agent: a small program that measures on the device.
//!
//! `serve` is what the controller starts: stdout carries frames and nothing else, stderr is for people.
//! The other subcommands are the agent's own children (`engine`, `paced-engine`, `quantize`, `synthesize`) or for people
//! (`facts`, `paced`).
//!
//! **Invariant:** the agent reads no configuration, writes only within its folder, draws no random number, and never
//! talks to or waits for the controller while a request is in flight.

mod args;
mod calibrate;
mod cold;
mod drive;
mod error;
mod examine;
mod guard;
mod inbox;
mod lease;
mod machine;
mod meter;
mod models;
mod played;
mod prepare;
mod recorder;
mod sense;
mod sensor_test;
mod serve;
mod spool;
mod sys;
#[cfg(test)]
mod tests;
mod tools;
mod work_dir;

use std::io::Write;
use std::process::ExitCode;

use dyno_model::blame::Blame;
use dyno_protocol::build_id::BUILD_ID;
use dyno_runtimes::paced;

use crate::args::{OnLinkLoss, Subcommand};
use crate::error::AgentError;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = format!("edgedyno-agent: {}\n", error.in_full());
            // Best effort: when stderr is gone, the exit status is all that can be said.
            drop(std::io::stderr().write_all(text.as_bytes()));
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(words: &[String]) -> Result<(), AgentError> {
    match Subcommand::parse(words)? {
        Subcommand::Serve { work_dir, on_link_loss } => serve_stdio(&work_dir, on_link_loss),
        Subcommand::Digest { path } => print(models::digest_of(&path)?.as_str()),
        Subcommand::Describe { path } => print(&tools::describe(&path)?),
        Subcommand::Engine { words } => tools::engine(&words),
        Subcommand::PacedEngine => tools::paced_engine(),
        Subcommand::Paced { play: args::Play::UntilEnd } => {
            Ok(paced::play_for(&mut std::io::stdin().lock(), &mut std::io::stdout().lock())?)
        }
        Subcommand::Paced { play: args::Play::ForPeople { port } } => paced_for_people(port),
        Subcommand::Quantize { source, path, to, threads } => tools::quantize(&source, &path, &to, threads),
        Subcommand::Synthesize { path, shape, seed } => tools::synthesize(&path, &shape, seed),
        Subcommand::Facts { work_dir } => print(&sense::facts_json(&work_dir)),
        Subcommand::Version => {
            print(&format!("edgedyno-agent {} build {BUILD_ID}", env!("CARGO_PKG_VERSION")))
        }
        Subcommand::Help => print(args::HELP),
    }
}

/// Serves the controller on the other end of stdin and stdout.
fn serve_stdio(work_dir: &std::path::Path, on_link_loss: OnLinkLoss) -> Result<(), AgentError> {
    sys::catch_signals()?;
    if on_link_loss == OnLinkLoss::Finish {
        sys::leave_session();
    }
    let surroundings = serve::Surroundings {
        work_dir: work_dir.to_owned(),
        has_room: sys::stdout_has_room,
        progress_every_ns: serve::PROGRESS_EVERY_NS,
        wait_for_signal: Some(sys::wait_for_signal),
        on_link_loss,
        boot_id: sense::boot_id(),
        // Best effort: without its own file a calibration makes do with a thread.
        program: std::env::current_exe().ok(),
    };
    let (input, output) = sys::raw_stdio()?;
    serve::serve(&surroundings, Box::new(input), Box::new(output))
}

/// Serves known schedules until the process is ended.
fn paced_for_people(port: u16) -> Result<(), AgentError> {
    let started = paced::tell_url(port, &mut std::io::stdout().lock());
    let _server = started.map_err(|error| AgentError::Tool {
        what: "serve on the loopback",
        blame: Blame::User,
        exit_code: 3,
        source: Box::new(error),
    })?;
    loop {
        std::thread::park();
    }
}

fn print(text: &str) -> Result<(), AgentError> {
    Ok(std::io::stdout().write_all(format!("{text}\n").as_bytes())?)
}
