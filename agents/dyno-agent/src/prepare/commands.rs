//! The commands that a person wants to be run before and after.

use dyno_model::prepare::{Argv, CommandRun};

use super::host::{End, Host, OnStop, Ran};

/// So much of the end of a command's output is recorded.
const TAIL_BYTES: usize = 4096;

/// Runs commands one after the other; one that fails does not keep the next from running.
pub(super) fn run_all(host: &dyn Host, commands: &[Argv], limit_ms: u64, on_stop: OnStop) -> Vec<CommandRun> {
    let mut runs = Vec::new();
    for argv in commands {
        if on_stop == OnStop::Stop && host.is_stopped() {
            break;
        }
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        runs.push(run_of(argv, host.run(&words, limit_ms, on_stop), limit_ms));
    }
    runs
}

fn run_of(argv: &Argv, ran: Ran, limit_ms: u64) -> CommandRun {
    let (exit, problem) = match ran.end {
        End::Good => (Some("exit status 0".to_owned()), None),
        End::Bad(exit) => (Some(exit.clone()), Some(exit)),
        End::TooLate => (None, Some(format!("killed after {limit_ms} ms"))),
        End::Stopped => (None, Some("stopped from outside".to_owned())),
        End::NotStarted(why) => (None, Some(why)),
    };
    let output = match (ran.stdout.is_empty(), ran.stderr.is_empty()) {
        (false, false) => format!("{}\n{}", ran.stdout, ran.stderr),
        _ => ran.stdout + &ran.stderr,
    };
    CommandRun {
        argv: argv.clone(),
        exit,
        wall_ns: ran.wall_ns,
        output_tail: tail(&output).to_owned(),
        problem,
    }
}

/// The last [`TAIL_BYTES`] of a text, whole characters.
fn tail(text: &str) -> &str {
    let mut from = text.len().saturating_sub(TAIL_BYTES);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}
