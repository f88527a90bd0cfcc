//! Trees of plain files that are played: their files follow curves whose integrals are known.
//!
//! A device that heats up, slows down and is killed can thus be had on any machine, with the truth beside it. For tests
//! of whatever reads a [`crate::SysRoot`]; nothing here measures.

mod activity;
mod curve;
mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

pub use activity::{Activity, Doing, Levels, level, level_counter};
pub use curve::{Curve, Knots};
pub use tree::lay_out;

/// What a file says at a time since the play began, in ns; `None` while it cannot be read.
pub type Part = Box<dyn Fn(u64) -> Option<String> + Send>;

/// Files of a tree with what each says over time.
///
/// A file keeps its inode, so that a reader with an open descriptor sees each change, as it does in sysfs.
#[derive(Default)]
pub struct Play {
    top: PathBuf,
    parts: BTreeMap<PathBuf, Played>,
}

/// A file that is played.
struct Played {
    part: Part,
    file: Option<File>,
    /// What it says; empty while it cannot be read.
    said: Option<String>,
}

impl fmt::Debug for Play {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Play").field("top", &self.top).field("files", &self.parts.keys()).finish()
    }
}

impl Play {
    /// Of a tree whose top is `top`.
    pub fn of(top: impl Into<PathBuf>) -> Self {
        Self { top: top.into(), parts: BTreeMap::new() }
    }

    /// The file `inside` says what `part` tells.
    #[must_use]
    pub fn file(mut self, inside: &str, part: Part) -> Self {
        self.parts.insert(self.top.join(inside), Played { part, file: None, said: None });
        self
    }

    /// Writes what all files say at `at_ns`; a file that cannot be read now is empty.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn show(&mut self, at_ns: u64) -> io::Result<()> {
        for (path, played) in &mut self.parts {
            let says = (played.part)(at_ns).unwrap_or_default();
            if played.said.as_ref() == Some(&says) {
                continue;
            }
            let file = match &mut played.file {
                Some(file) => file,
                none @ None => none.insert(open(path)?),
            };
            if says.is_empty() {
                file.set_len(0)?;
            } else {
                overwrite(file, &says)?;
            }
            played.said = Some(says);
        }
        Ok(())
    }
}

fn open(path: &PathBuf) -> io::Result<File> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

/// Writes all at once, so that a reader finds the old text or the new one: a text that is shorter than the one before
/// is filled up with ends of lines, which mean nothing.
fn overwrite(file: &mut File, text: &str) -> io::Result<()> {
    // Best effort: a length that does not fit was never written here.
    let before = usize::try_from(file.metadata()?.len()).unwrap_or_default();
    let mut bytes = text.trim_end().as_bytes().to_vec();
    bytes.resize(before.max(bytes.len() + 1), b'\n');
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&bytes)
}

/// A text that stays.
pub fn fixed(text: &str) -> Part {
    let text = text.to_owned();
    Box::new(move |_at| Some(text.clone()))
}

/// What a curve says, in the source's unit: the value divided by `unit`, towards zero.
///
/// A curve in µW with `unit` 1000 gives mW.
pub fn reading(curve: Curve, unit: i64) -> Part {
    Box::new(move |at| Some((curve.at(at) / unit.max(1)).to_string()))
}

/// A cumulative counter over a curve: its integral over seconds from the start of the play, begun at `begin`; after
/// `wraps_at` it begins at 0 again.
///
/// A curve in µW gives µJ.
pub fn counter(curve: Curve, begin: u64, wraps_at: Option<u64>) -> Part {
    Box::new(move |at| Some(count(&curve, begin, wraps_at, at).to_string()))
}

/// What such a counter says.
pub fn count(curve: &Curve, begin: u64, wraps_at: Option<u64>, at_ns: u64) -> u64 {
    rounds(begin, curve.integral(0, at_ns), wraps_at)
}

/// What a counter says that began at `begin` and has grown by an integral over ns.
fn rounds(begin: u64, integral: i128, wraps_at: Option<u64>) -> u64 {
    let total = i128::from(begin) + integral / 1_000_000_000;
    let round = wraps_at.map_or(i128::from(u64::MAX), i128::from) + 1;
    u64::try_from(total.rem_euclid(round)).unwrap_or_default()
}

/// Another part until `at_ns`, and nothing from then on.
pub fn until(at_ns: u64, part: Part) -> Part {
    Box::new(move |now| part(now).filter(|_| now < at_ns))
}

/// Another part until `at_ns`, and always the same from then on.
pub fn frozen_from(at_ns: u64, part: Part) -> Part {
    Box::new(move |now| part(now.min(at_ns)))
}

/// Another part, but this text within the span.
pub fn except(span_ns: std::ops::Range<u64>, text: &str, part: Part) -> Part {
    let text = text.to_owned();
    Box::new(move |now| if span_ns.contains(&now) { Some(text.clone()) } else { part(now) })
}

/// The rails of a phone's meter, each with its curve in µW.
pub fn odpm<N: fmt::Display + Send + 'static>(rails: Vec<(N, Curve)>) -> Part {
    Box::new(move |at| {
        let ms = at / 1_000_000;
        let line = |(idx, (name, curve)): (usize, &(N, Curve))| {
            format!("CH{idx}(T={ms})[{name}], {}\n", count(curve, 0, None, at))
        };
        let lines: String = rails.iter().enumerate().map(line).collect();
        Some(format!("t={ms}\n{lines}"))
    })
}
