//! Files by adb's `sync:` service, in the form that every device knows: an id of four letters, a 32-bit length, bytes.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::adb::limits::Limits;
use crate::adb::wire::{Patience, Wire};
use crate::output::printable;

/// The longest piece of a file in one packet.
const MAX_DATA_BYTES: usize = 64 << 10;
/// Packets that are written together.
const N_TOGETHER: usize = 16;
const HEAD_BYTES: usize = 8;
/// The longest path with its mode.
const MAX_SPEC_BYTES: usize = 1024;
/// A device's words are read up to here.
const MAX_WORDS_BYTES: usize = 64 << 10;
/// A regular file that only its owner may write: `S_IFREG | 0644`, in decimal as the protocol wants it.
const MODE: &str = "33188";
/// How long a device that broke off an upload may take to say why.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(2);

/// Why a file was not brought over.
#[derive(Debug)]
pub(super) enum NotCopied {
    /// The device cannot, in its own words.
    Refused(String),
    /// The file on this side cannot be read or written.
    Here(io::Error),
    /// The path does not fit into the protocol.
    Path,
    /// The link broke.
    Link(io::Error),
    /// The device speaks nonsense.
    Garbled(String),
}

/// Sends the rest of `file` to `path`.
pub(super) fn send(
    mut wire: Wire,
    file: &mut File,
    path: &str,
    limits: &Limits,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<(), NotCopied> {
    let spec = format!("{path},{MODE}");
    check(&spec)?;
    wire.set_patience(Patience::Each(limits.silence));
    match stream(&mut wire, file, &spec, on_bytes) {
        Ok(()) => {
            wire.set_patience(Patience::Until(Instant::now() + limits.finish));
            verdict(&mut wire)
        }
        Err(NotCopied::Link(broken)) if broken.kind() != io::ErrorKind::TimedOut => {
            // A device that cannot go on says so before it closes.
            wire.set_patience(Patience::Until(Instant::now() + LAST_WORDS_LIMIT));
            match verdict(&mut wire) {
                Err(refused @ NotCopied::Refused(_)) => Err(refused),
                _ => Err(NotCopied::Link(broken)),
            }
        }
        failed => failed,
    }
}

fn stream(
    wire: &mut Wire,
    file: &mut File,
    spec: &str,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<(), NotCopied> {
    wire.write_all(&packet(*b"SEND", spec.as_bytes())).map_err(NotCopied::Link)?;
    let mut block = vec![0; N_TOGETHER * (HEAD_BYTES + MAX_DATA_BYTES)];
    let mut n_sent = 0;
    loop {
        let (n_block, n_file) = fill(&mut block, file).map_err(NotCopied::Here)?;
        if n_file == 0 {
            break;
        }
        wire.write_all(&block[..n_block]).map_err(NotCopied::Link)?;
        n_sent += n_file as u64;
        on_bytes(n_sent);
        // Before the end the device speaks only if it cannot go on.
        if wire.has_news().map_err(NotCopied::Link)? {
            return verdict(wire)
                .and_then(|()| Err(NotCopied::Garbled("an early end of an upload".to_owned())));
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let done = [*b"DONE", (now.as_secs() as u32).to_le_bytes()].concat();
    wire.write_all(&done).map_err(NotCopied::Link)
}

/// Fills a block with packets of the file; gives the bytes of both.
fn fill(block: &mut [u8], file: &mut File) -> io::Result<(usize, usize)> {
    let (mut n_block, mut n_file) = (0, 0);
    for slot in block.chunks_mut(HEAD_BYTES + MAX_DATA_BYTES) {
        let (head, data) = slot.split_at_mut(HEAD_BYTES);
        let n_data = read_full(file, data)?;
        if n_data == 0 {
            break;
        }
        head[..4].copy_from_slice(b"DATA");
        head[4..].copy_from_slice(&(n_data as u32).to_le_bytes());
        n_block += HEAD_BYTES + n_data;
        n_file += n_data;
        if n_data < data.len() {
            break;
        }
    }
    Ok((n_block, n_file))
}

fn read_full(file: &mut File, data: &mut [u8]) -> io::Result<usize> {
    let mut n_read = 0;
    while n_read < data.len() {
        match file.read(&mut data[n_read..]) {
            Ok(0) => break,
            Ok(n_bytes) => n_read += n_bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n_read)
}

/// The device's last word on an upload.
fn verdict(wire: &mut Wire) -> Result<(), NotCopied> {
    match head(wire)? {
        (id, _) if &id == b"OKAY" => Ok(()),
        (id, length) if &id == b"FAIL" => Err(refusal(wire, length)),
        (id, _) => Err(strange(id)),
    }
}

/// Writes the file at `path` into `to`; gives its size.
pub(super) fn receive(
    mut wire: Wire,
    path: &str,
    to: &mut dyn Write,
    limits: &Limits,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<u64, NotCopied> {
    check(path)?;
    wire.set_patience(Patience::Each(limits.silence));
    wire.write_all(&packet(*b"RECV", path.as_bytes())).map_err(NotCopied::Link)?;
    let mut from = BufReader::with_capacity(N_TOGETHER * MAX_DATA_BYTES, wire);
    let mut data = vec![0; MAX_DATA_BYTES];
    let mut n_received = 0;
    loop {
        let (id, length) = head(&mut from)?;
        match &id {
            b"DATA" if length <= MAX_DATA_BYTES => {
                from.read_exact(&mut data[..length]).map_err(NotCopied::Link)?;
                to.write_all(&data[..length]).map_err(NotCopied::Here)?;
                n_received += length as u64;
                on_bytes(n_received);
            }
            b"DATA" => return Err(NotCopied::Garbled(format!("a piece of {length} bytes"))),
            b"DONE" => return Ok(n_received),
            b"FAIL" => return Err(refusal(&mut from, length)),
            _ => return Err(strange(id)),
        }
    }
}

fn check(spec: &str) -> Result<(), NotCopied> {
    if spec.len() > MAX_SPEC_BYTES || spec.contains('\0') { Err(NotCopied::Path) } else { Ok(()) }
}

fn packet(id: [u8; 4], content: &[u8]) -> Vec<u8> {
    [&id, &(content.len() as u32).to_le_bytes(), content].concat()
}

fn head(from: &mut impl Read) -> Result<([u8; 4], usize), NotCopied> {
    let mut head = [0; HEAD_BYTES];
    from.read_exact(&mut head).map_err(NotCopied::Link)?;
    let [a, b, c, d, length @ ..] = head;
    Ok(([a, b, c, d], u32::from_le_bytes(length) as usize))
}

fn refusal(from: &mut impl Read, length: usize) -> NotCopied {
    let mut words = vec![0; length.min(MAX_WORDS_BYTES)];
    match from.read_exact(&mut words) {
        Ok(()) => NotCopied::Refused(printable(&words)),
        Err(error) => NotCopied::Link(error),
    }
}

fn strange(id: [u8; 4]) -> NotCopied {
    NotCopied::Garbled(format!("`{}` in place of an answer", printable(&id)))
}
