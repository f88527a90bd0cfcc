//! Reading a journal line by line, in bounded memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use dyno_model::line::{LineError, MAX_LINE_BYTES, checked_json};

use crate::entry::{JOURNAL_FORMAT, JournalEntry};
use crate::error::JournalError;

/// One entry and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Number of the line, from 1.
    pub number: u64,
    /// Where its first byte lies.
    pub offset: u64,
    /// What it says.
    pub entry: JournalEntry,
}

/// Gives the entries of a journal in order; a torn tail ends it quietly, other damage is an error.
///
/// **Invariant:** no line that lies before a good one is passed over.
#[derive(Debug)]
pub struct JournalReader {
    lines: RawLines,
}

impl JournalReader {
    /// Opens a journal and checks that it begins with a header of a known format.
    /// A journal without one whole line is empty, not an error: its writer died at once.
    ///
    /// # Errors
    /// It cannot be read, has no header, or is of a newer format.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let mut lines = RawLines::open(path)?;
        lines.check_header()?;
        Ok(Self { lines: RawLines::open(path)? })
    }

    /// Bytes behind the last whole line; known when the iterator has ended.
    pub fn torn_bytes(&self) -> u64 {
        self.lines.torn_bytes
    }
}

impl Iterator for JournalReader {
    type Item = Result<Line, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let raw = match self.lines.advance() {
            Ok(Some(raw)) => raw,
            Ok(None) => return None,
            Err(error) => return Some(Err(error)),
        };
        let parsed = serde_json::from_slice(self.lines.json());
        Some(match parsed {
            Ok(entry) => Ok(Line { number: raw.number, offset: raw.offset, entry }),
            Err(source) => Err(self.lines.damaged(raw.number, LineError::Content(source))),
        })
    }
}

/// Where a line lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of the line, from 1.
    pub(crate) number: u64,
    /// Its first byte.
    pub(crate) offset: u64,
    /// Its length with the newline.
    pub(crate) bytes: usize,
}

/// The lines of a file whose checksums fit.
#[derive(Debug)]
pub(crate) struct RawLines {
    path: PathBuf,
    reader: BufReader<File>,
    buffer: Vec<u8>,
    number: u64,
    offset: u64,
    ended: bool,
    /// Bytes behind the last whole line, once the end is reached.
    pub(crate) torn_bytes: u64,
}

impl RawLines {
    pub(crate) fn open(path: &Path) -> Result<Self, JournalError> {
        let file = File::open(path).map_err(|source| io("read", path, source))?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(1 << 18, file),
            buffer: Vec::new(),
            number: 0,
            offset: 0,
            ended: false,
            torn_bytes: 0,
        })
    }

    /// Goes to the next line whose checksum fits; its text is [`Self::json`] until the next call.
    pub(crate) fn advance(&mut self) -> Result<Option<Place>, JournalError> {
        if self.ended {
            return Ok(None);
        }
        let place = self.read_line()?;
        if place.bytes == 0 {
            self.ended = true;
            return Ok(None);
        }
        match whole_line(&self.buffer) {
            Ok(()) => Ok(Some(place)),
            Err(error) => {
                self.ended = true;
                self.only_bad_lines_follow(place, error)?;
                Ok(None)
            }
        }
    }

    /// The JSON of the line that was reached last.
    pub(crate) fn json(&self) -> &[u8] {
        self.buffer.get(9..self.buffer.len().saturating_sub(1)).unwrap_or_default()
    }

    /// Where the whole lines end, once the end is reached.
    pub(crate) fn intact_bytes(&self) -> u64 {
        self.offset - self.torn_bytes
    }

    /// Checks the first line; gives whether there is one.
    pub(crate) fn check_header(&mut self) -> Result<bool, JournalError> {
        #[derive(Deserialize)]
        struct Opening {
            entry: String,
            format: Option<u32>,
        }
        if self.advance()?.is_none() {
            return Ok(false);
        }
        let no_header = || JournalError::NoHeader { path: self.path.clone() };
        match serde_json::from_slice::<Opening>(self.json()) {
            Ok(Opening { entry, format: Some(found) }) if entry == "header" => {
                if found > JOURNAL_FORMAT {
                    return Err(JournalError::Newer {
                        path: self.path.clone(),
                        found,
                        known: JOURNAL_FORMAT,
                    });
                }
                Ok(true)
            }
            // Not JSON or another entry: both are "no header", which is all that there is to say.
            Ok(_) | Err(_) => Err(no_header()),
        }
    }

    pub(crate) fn damaged(&self, line: u64, source: LineError) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), line, source }
    }

    fn read_line(&mut self) -> Result<Place, JournalError> {
        self.buffer.clear();
        let mut bounded = self.reader.by_ref().take(MAX_LINE_BYTES as u64 + 1);
        let bytes =
            bounded.read_until(b'\n', &mut self.buffer).map_err(|source| io("read", &self.path, source))?;
        self.number += 1;
        let place = Place { number: self.number, offset: self.offset, bytes };
        self.offset += bytes as u64;
        Ok(place)
    }

    /// A torn tail is bad up to the end; anything else is damage.
    fn only_bad_lines_follow(&mut self, bad: Place, error: LineError) -> Result<(), JournalError> {
        loop {
            let next = self.read_line()?;
            if next.bytes == 0 {
                self.torn_bytes = self.offset - bad.offset;
                return Ok(());
            }
            if whole_line(&self.buffer).is_ok() {
                return Err(self.damaged(bad.number, error));
            }
        }
    }
}

/// A line counts only with its newline: without it the writer was cut off.
fn whole_line(line: &[u8]) -> Result<(), LineError> {
    if !line.ends_with(b"\n") {
        return Err(LineError::Torn);
    }
    checked_json(line).map(drop)
}

pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> JournalError {
    JournalError::Io { action, path: path.to_owned(), source }
}
