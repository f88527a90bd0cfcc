//! Ctrl-C and SIGTERM: once asks the sessions to stop, twice leaves at once.

use std::sync::OnceLock;

use dyno_session::Cancel;

use crate::exit::Exit;
use crate::render_error::Failure;

/// What these signals cancel: one for all campaigns of this process. The first call listens for them.
pub(crate) fn cancel() -> Result<Cancel, Failure> {
    static CANCEL: OnceLock<Cancel> = OnceLock::new();
    if let Some(cancel) = CANCEL.get() {
        return Ok(cancel.clone());
    }
    let cancel = Cancel::default();
    listen(&cancel)?;
    Ok(CANCEL.get_or_init(|| cancel).clone())
}

fn listen(cancel: &Cancel) -> Result<(), Failure> {
    let cancel = cancel.clone();
    let handler = move || {
        if cancel.is_cancelled() {
            leave();
        }
        cancel.cancel();
    };
    ctrlc::set_handler(handler).map_err(|error| Failure {
        exit: Exit::Bug,
        error: anyhow::Error::new(error).context("cannot listen for Ctrl-C"),
        hints: Vec::new(),
    })
}

#[expect(clippy::exit, reason = "the second Ctrl-C must end the process whatever it is waiting for")]
fn leave() {
    std::process::exit(i32::from(Exit::Interrupted.code()));
}
