//! The `edgedyno` command.

mod agent;
mod args;
mod cmd;
mod exit;
mod output;
mod pdf;
mod progress;
mod project;
mod reach;
mod render_error;
mod signals;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::exit::Exit;
use crate::render_error::Failure;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Best effort: where stderr is closed, the exit code still tells.
            error.print().ok();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    let exit = dispatch(cli).unwrap_or_else(|failure| {
        // Best effort: where stderr is closed, the exit code still tells.
        write!(std::io::stderr().lock(), "{}", render_error::render(&failure)).ok();
        failure.exit
    });
    exit.into()
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let global = cli.global;
    match cli.command {
        Command::Run(args) => cmd::run::run(&global, &args),
        Command::Plan(ask) => cmd::plan::plan(&global, &ask),
        Command::Bisect(args) => cmd::bisect::bisect(&global, &args),
        Command::Resume(args) => cmd::resume::resume(&global, &args),
        Command::Report(args) => cmd::report::report(&global, &args),
        Command::Charts(args) => cmd::charts::charts(&global, &args),
        Command::Trace(args) => cmd::trace::trace(&global, &args),
        Command::Export(args) => cmd::export::export(&global, &args),
        Command::Evidence(command) => cmd::evidence::evidence(&global, &command),
        Command::Recommend(args) => cmd::recommend::recommend(&global, &args),
        Command::Canary(command) => cmd::canary::canary(&global, &command),
        Command::Check(args) => cmd::check::check(&global, &args),
        Command::Compare(args) => cmd::compare::compare(&global, &args),
        Command::Baseline(command) => cmd::baseline::baseline(&global, &command),
        Command::Calibrate(args) => cmd::calibrate::calibrate(&global, &args),
        Command::History(args) => cmd::history::history(&global, &args),
        Command::Devices(args) => cmd::devices::devices(&global, &args),
        Command::Doctor(args) => cmd::doctor::doctor(&global, &args),
        Command::Models(command) => cmd::models::models(&global, &command),
        Command::Prompts(command) => cmd::prompts::prompts(&global, &command),
        Command::Completions { shell } => cmd::pages::completions(shell),
        Command::Man => cmd::pages::man(),
    }
}
