//! The project's own tasks. `cargo test` alone decides; what is checked there lives in `tidy`.

mod docgen;
#[cfg(test)]
mod tidy;

use std::io::Write as _;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK
  metrics    print docs/metrics.md
Formatting, rooms and generated pages are checked by `cargo test`.
";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let (text, code) = match task.as_deref() {
        Some("metrics") => (docgen::metrics_page(), ExitCode::SUCCESS),
        None | Some("help" | "--help") => (HELP.to_owned(), ExitCode::SUCCESS),
        Some(_) => (HELP.to_owned(), ExitCode::from(2)),
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => code,
        Err(_) => ExitCode::from(3),
    }
}
