//! A pipe in memory, both ways: the whole talk in one process, for tests.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A full pipe makes its writer wait, as the kernel's do.
const CAPACITY_BYTES: usize = 1 << 20;

/// One end of a two-way pipe.
pub struct MemoryEnd {
    /// What the other end wrote; ends when its output is dropped.
    pub input: PipeReader,
    /// What the other end will read; fails when its input is dropped.
    pub output: PipeWriter,
}

/// The reading end of one direction.
pub struct PipeReader(Arc<Pipe>);

/// The writing end of one direction.
pub struct PipeWriter(Arc<Pipe>);

struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    no_reader: bool,
    no_writer: bool,
}

/// Two ends that are connected to each other.
pub fn duplex() -> (MemoryEnd, MemoryEnd) {
    let (there_in, here_out) = pipe();
    let (here_in, there_out) = pipe();
    (MemoryEnd { input: here_in, output: here_out }, MemoryEnd { input: there_in, output: there_out })
}

fn pipe() -> (PipeReader, PipeWriter) {
    let pipe = Arc::new(Pipe { state: Mutex::default(), changed: Condvar::new() });
    (PipeReader(Arc::clone(&pipe)), PipeWriter(pipe))
}

impl Pipe {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, blocked: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_while(self.state(), |state| blocked(state));
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for PipeReader {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let mut state = self.0.wait_while(|state| state.bytes.is_empty() && !state.no_writer);
        let n = state.bytes.read(out)?;
        self.0.changed.notify_all();
        Ok(n)
    }
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut state = self.0.wait_while(|state| state.bytes.len() >= CAPACITY_BYTES && !state.no_reader);
        if state.no_reader {
            return Err(Error::from(ErrorKind::BrokenPipe));
        }
        let n = bytes.len().min(CAPACITY_BYTES - state.bytes.len());
        state.bytes.extend(&bytes[..n]);
        self.0.changed.notify_all();
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.0.state().no_reader = true;
        self.0.changed.notify_all();
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.0.state().no_writer = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_then_the_end() {
        let (here, mut there) = duplex();
        let MemoryEnd { input: _here_in, output: mut here_out } = here;
        here_out.write_all(b"abc").expect("room");
        drop(here_out);
        let mut got = Vec::new();
        there.input.read_to_end(&mut got).expect("memory reads");
        assert_eq!(got, b"abc");
    }

    #[test]
    fn writing_to_nobody_fails() {
        let (mut here, there) = duplex();
        drop(there);
        assert_eq!(here.output.write(b"a").expect_err("nobody reads").kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn more_than_the_pipe_holds_passes_with_a_reader() {
        let (here, mut there) = duplex();
        let MemoryEnd { input: _here_in, output: mut here_out } = here;
        let writer = std::thread::spawn(move || here_out.write_all(&vec![7; CAPACITY_BYTES * 2 + 1]));
        let mut got = Vec::new();
        there.input.read_to_end(&mut got).expect("memory reads");
        writer.join().expect("no panic").expect("all written");
        assert_eq!(got.len(), CAPACITY_BYTES * 2 + 1);
    }
}
