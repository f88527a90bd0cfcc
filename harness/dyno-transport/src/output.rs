//! What a program prints, read beside it so that it never waits for us.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The most that is kept of each output of a program that is run to its end.
pub(crate) const MAX_OUTPUT_BYTES: usize = 16 << 20;
/// How much of the end of a running program's stderr is kept.
pub(crate) const STDERR_TAIL_BYTES: usize = 4096;

/// Which bytes are kept of a stream that is longer than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    First(usize),
    Last(usize),
}

/// The first or the last bytes of a stream.
#[derive(Debug)]
pub(crate) struct Kept {
    keep: Keep,
    bytes: VecDeque<u8>,
}

impl Kept {
    /// None yet.
    pub(crate) fn new(keep: Keep) -> Self {
        Self { keep, bytes: VecDeque::new() }
    }

    /// Adds what came next.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match self.keep {
            Keep::First(limit) => {
                let room = limit.saturating_sub(self.bytes.len());
                self.bytes.extend(&bytes[..bytes.len().min(room)]);
            }
            Keep::Last(limit) => {
                self.bytes.extend(bytes);
                let excess = self.bytes.len().saturating_sub(limit);
                self.bytes.drain(..excess);
            }
        }
    }

    /// What is kept.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.iter().copied().collect()
    }
}

/// Reads a stream to its end in a thread of its own.
#[derive(Debug)]
pub(crate) struct Collector {
    kept: Arc<Mutex<Kept>>,
    ended: Receiver<()>,
}

impl Collector {
    /// Starts to read; the thread ends with the stream.
    pub(crate) fn start(name: &str, stream: impl Read + Send + 'static, keep: Keep) -> io::Result<Self> {
        let kept = Arc::new(Mutex::new(Kept::new(keep)));
        let (sender, ended) = sync_channel::<()>(0);
        let shared = Arc::clone(&kept);
        let read = move || {
            read_all(stream, &shared);
            // That nobody listens any more is as good as that somebody was told.
            drop(sender);
        };
        thread::Builder::new().name(name.to_owned()).spawn(read)?;
        Ok(Self { kept, ended })
    }

    /// Waits for the end of the stream, at most `limit`: a program that ended may have left another one that holds it.
    pub(crate) fn wait(&self, limit: Duration) {
        // Nothing is ever sent: both errors mean that waiting is over.
        self.ended.recv_timeout(limit).ok();
    }

    /// What has been kept so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).bytes()
    }
}

fn read_all(mut stream: impl Read, kept: &Mutex<Kept>) {
    let mut block = [0_u8; 8192];
    loop {
        let n_bytes = match stream.read(&mut block) {
            Ok(0) => return,
            Ok(n_bytes) => n_bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Best effort: what was read until an error is what the program printed.
            Err(_) => return,
        };
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(&block[..n_bytes]);
    }
}

/// The text of a tail, safe to print: control characters become spaces, but for line ends.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_or_the_last_bytes_are_kept() {
        let long: Vec<u8> = (0..20_000_u32).map(|n| (n % 251) as u8).collect();
        let kept = |keep| {
            let collector = Collector::start("test", io::Cursor::new(long.clone()), keep).expect("a thread");
            collector.wait(Duration::from_mins(1));
            collector.bytes()
        };
        assert_eq!(kept(Keep::First(10_000)), long[..10_000]);
        assert_eq!(kept(Keep::Last(10_000)), long[10_000..]);
        assert_eq!(kept(Keep::Last(50_000)), long);
    }

    #[test]
    fn a_tail_cannot_move_the_cursor() {
        assert_eq!(printable(b"\x1b[2Jerror:\r\n\tno room\n"), "[2Jerror: \n no room");
    }
}
