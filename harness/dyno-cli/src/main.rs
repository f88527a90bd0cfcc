//! The `edgedyno` command.

mod agent;
mod args;
mod cmd;
mod exit;
mod output;
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
        Command::Resume(args) => cmd::resume::resume(&global, &args),
        Command::Report(args) => cmd::report::report(&global, &args),
        Command::Devices(args) => cmd::devices::devices(&global, &args),
        Command::Doctor(args) => cmd::doctor::doctor(&global, &args),
        Command::Models(command) => cmd::models::models(&global, &command),
        Command::Completions { shell } => cmd::pages::completions(shell),
        Command::Man => cmd::pages::man(),
    }
}
