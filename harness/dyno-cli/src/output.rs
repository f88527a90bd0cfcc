//! stdout is data: written once, whole; a reader that went away is no error.

use std::io::{ErrorKind, IsTerminal as _, Write as _};

use dyno_report::terminal::ColorChoice;

use crate::args::{Color, Global};
use crate::render_error::Failure;

/// Writes `bytes` to stdout.
pub(crate) fn stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::io("cannot write to stdout", error, "check where stdout goes"))
        }
        _ => Ok(()),
    }
}

/// Whether stdout is coloured.
pub(crate) fn color(global: &Global) -> ColorChoice {
    let wanted = match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    };
    if wanted { ColorChoice::Always } else { ColorChoice::Never }
}

/// Columns of the terminal, where stdout is one.
pub(crate) fn columns() -> Option<u16> {
    std::io::stdout().is_terminal().then(|| console::Term::stdout().size().1)
}
