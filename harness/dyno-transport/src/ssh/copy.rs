//! The scripts at the far end of a copy.

use std::io::{self, Read, Write};

use crate::command::quote;
use crate::error::TransportError;
use crate::path::RemotePath;
use crate::shell::{NO_FOLDER, kind_of};
use crate::ssh::pipe::CHUNK_BYTES;
use crate::transport::OnBytes;

/// Comes on a line of its own after what lies there.
pub(super) const SEEN: &[u8] = b"\nthat-is-there=1\n";

/// Writes its stdin to the end of a part, or in place of it when `from` is 0, which is a word of the shell.
///
/// Where the device has `flock`, two uploads of one file do not mix.
fn receive_from(part: &RemotePath, from: &str) -> String {
    let part = quote(part.as_str());
    format!(
        "exec 9>> {part} || exit 12; \
         if command -v flock >/dev/null 2>&1; then \
         flock -n 9 || {{ echo 'another upload of the same file is under way' >&2; exit 16; }}; fi; \
         [ {from} != 0 ] || : > {part}; cat >&9 || exit 17; exec 9>&-"
    )
}

/// Writes its stdin to the end of `part`, or in place of it when `from` is 0.
pub(super) fn receive(part: &RemotePath, from: u64) -> String {
    script(&receive_from(part, &from.to_string()))
}

/// Says what lies there, reads from which byte on the file will come, receives it and gives it its name; without an
/// answer it ends after the first step.
pub(super) fn converse(look: &str, part: &RemotePath, place: &str) -> String {
    let receive = receive_from(part, "\"$from\"");
    crate::shell::marked_line(&format!(
        "( {look} ) || exit {NO_FOLDER}; printf '\\nthat-is-there=1\\n'; read -r from || exit 0; {receive}; {place}"
    ))
}

/// A line that any login shell passes on to `sh`.
fn script(script: &str) -> String {
    format!("exec sh -c {}", quote(&format!("LC_ALL=C; export LC_ALL; {script}")))
}

/// Prints a file.
pub(super) fn send(remote: &RemotePath) -> String {
    crate::shell::marked_line(&format!("exec cat {}", quote(remote.as_str())))
}

/// Writes what comes into `to`; gives how much that was. `broken` words the error of a link that ends too early.
pub(super) fn fetch(
    content: &mut dyn Read,
    to: &mut dyn Write,
    on_bytes: OnBytes<'_>,
    broken: impl Fn(io::Error) -> TransportError,
) -> Result<u64, TransportError> {
    let mut block = vec![0; CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        let n_bytes = match content.read(&mut block) {
            Ok(0) => return Ok(bytes),
            Ok(n_bytes) => n_bytes,
            Err(error) => return Err(broken(error)),
        };
        let unwritable = |source| TransportError::Local { path: "the file to fetch into".to_owned(), source };
        to.write_all(&block[..n_bytes]).map_err(unwritable)?;
        bytes += n_bytes as u64;
        on_bytes(bytes);
    }
}

/// The error for a copy that the far end gave up.
pub(super) fn refusal(
    device: &str,
    doing: &'static str,
    path: &RemotePath,
    code: i32,
    stderr: &[u8],
) -> TransportError {
    let words = crate::output::printable(&stderr[stderr.len().saturating_sub(400)..]);
    let words = if words.is_empty() { format!("it ended with exit code {code}") } else { words };
    let source = io::Error::new(kind_of(&words), words);
    TransportError::File { device: device.to_owned(), doing, path: path.to_string(), source }
}
