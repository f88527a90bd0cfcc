//! QEMU's machine protocol: one command on one connection.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::BenchError;

/// Runs one command, such as `{"execute":"stop"}`, and gives the line of its answer.
///
/// # Errors
/// When QEMU is gone, silent or refuses.
pub(crate) fn execute(socket: &Path, command: &str) -> Result<String, BenchError> {
    let answer = talk(socket, command).map_err(BenchError::io("cannot talk to QEMU at", socket))?;
    if answer.contains("\"return\"") {
        return Ok(answer);
    }
    Err(BenchError::Answer { what: command.to_owned(), answer })
}

fn talk(socket: &Path, command: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    for words in ["{\"execute\":\"qmp_capabilities\"}", command] {
        stream.write_all(format!("{words}\n").as_bytes())?;
        loop {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line.contains("\"return\"") || line.contains("\"error\"") {
                break;
            }
        }
    }
    Ok(line.trim_end().to_owned())
}
