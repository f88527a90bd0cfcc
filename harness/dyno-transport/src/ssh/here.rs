//! Small programs of this machine, run to their end.

use std::io;
use std::process::Command;
use std::time::Duration;

use crate::error::TransportError;
use crate::output::{Collector, Keep, MAX_OUTPUT_BYTES};
use crate::process::LocalProcess;
use crate::transport::{Output, RemoteProcess as _};

/// How long output may stay open after a program's end: something that it started may hold it.
const OUTPUT_LIMIT: Duration = Duration::from_secs(1);

/// Runs a program without input; `None` if it had to be ended at its limit.
pub(super) fn run(command: &mut Command, limit: Duration) -> io::Result<Option<Output>> {
    let mut process = LocalProcess::start("here", command, Some(Keep::First(MAX_OUTPUT_BYTES)))?;
    let streams = process.streams().expect("a fresh process has its streams");
    drop(streams.stdin);
    let stdout = Collector::start("stdout", streams.stdout, Keep::First(MAX_OUTPUT_BYTES))?;
    let Some(ended) = process.wait(limit).map_err(without_words)? else {
        process.kill();
        return Ok(None);
    };
    stdout.wait(OUTPUT_LIMIT);
    Ok(Some(Output { ended, stdout: stdout.bytes(), stderr: process.stderr() }))
}

/// The system's error of a process that cannot be waited for.
fn without_words(error: TransportError) -> io::Error {
    match error {
        TransportError::Wait { source, .. } => source,
        other => io::Error::other(other),
    }
}
