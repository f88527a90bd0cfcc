//! A file that a meter's own program writes: followed while it grows, or read when it appears.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Instant;

use dyno_model::clock::monotonic_now;

use crate::meter::error::MeterError;
use crate::meter::intake::Intake;
use crate::meter::source::{MAX_READING_BYTES, Source, Stop, TICK, is_quiet};
use crate::sys;

/// By so many bytes it is seen that a file is still the one that was read (house rule): some lines of an export.
const TAIL_BYTES: usize = 256;

/// Follows one path.
#[derive(Debug)]
pub(crate) struct Follower {
    path: String,
    /// What was in it before, or was read already: nothing new.
    n_old_bytes: u64,
}

impl Follower {
    pub(crate) fn new(path: &str) -> Self {
        // Best effort: a file that is not there has nothing old in it.
        let n_old_bytes = fs::metadata(path).map_or(0, |file| file.len());
        Self { path: path.to_owned(), n_old_bytes }
    }

    /// The file, or `None` while it is not there.
    fn open(&self) -> Result<Option<File>, MeterError> {
        match sys::open_without_waiting(Path::new(&self.path)) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.failed(source)),
        }
    }

    fn failed(&self, source: io::Error) -> MeterError {
        MeterError::File { path: self.path.clone(), source }
    }
}

impl Source for Follower {
    fn run(&mut self, intake: &Intake, stop: &Stop) -> Result<(), MeterError> {
        let (mut stream, mut lines, mut piece) = (None, Lines::default(), vec![0; 64 << 10]);
        while !stop.is_stopping() {
            let read = match &mut stream {
                Some(stream) => File::read(stream, &mut piece),
                None => match self.open()? {
                    Some(file) if file.metadata().is_ok_and(|file| file.is_file()) => {
                        self.more(&file, &mut lines, &mut piece, intake)
                    }
                    // A pipe is opened once: what it said is gone.
                    other => {
                        stream = other;
                        Ok(0)
                    }
                },
            };
            let n = match read {
                Err(error) if is_quiet(&error) => 0,
                read => read.map_err(|source| self.failed(source))?,
            };
            lines.take(&piece[..n], self.n_old_bytes, intake);
            self.n_old_bytes = self.n_old_bytes.max(lines.n_bytes);
            if n == 0 && !stop.wait_until(Instant::now() + TICK) {
                break;
            }
        }
        Ok(())
    }
}

impl Follower {
    /// Reads on where the lines end, or from the begin of a file that is another one by now, or was written anew.
    fn more(
        &mut self,
        file: &File,
        lines: &mut Lines,
        piece: &mut [u8],
        intake: &Intake,
    ) -> io::Result<usize> {
        if !lines.are_of(file)? {
            *lines = Lines::default();
            self.n_old_bytes = 0;
            intake.begin();
        }
        sys::read_at(file, piece, lines.n_bytes)
    }
}

/// Whole lines of what was read so far.
#[derive(Debug, Default)]
struct Lines {
    n_bytes: u64,
    /// The last of these bytes.
    tail: Vec<u8>,
    line: Vec<u8>,
    is_too_long: bool,
}

impl Lines {
    /// Whether this file has, at the same place, what was read last.
    fn are_of(&self, file: &File) -> io::Result<bool> {
        let mut tail = vec![0; self.tail.len()];
        let n = sys::read_at(file, &mut tail, self.n_bytes - self.tail.len() as u64)?;
        Ok(tail[..n] == self.tail[..])
    }

    fn take(&mut self, bytes: &[u8], n_old_bytes: u64, intake: &Intake) {
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL_BYTES));
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.n_bytes += part.len() as u64;
            self.is_too_long |= self.line.len() + part.len() > MAX_READING_BYTES;
            if self.is_too_long {
                self.line.clear();
            } else {
                self.line.extend_from_slice(part);
            }
            if part.last() == Some(&b'\n') {
                if self.is_too_long {
                    intake.lose();
                } else if self.n_bytes <= n_old_bytes {
                    intake.say_old(&self.line, monotonic_now());
                } else {
                    intake.say(&self.line, monotonic_now());
                }
                self.line.clear();
                self.is_too_long = false;
            }
        }
    }
}
