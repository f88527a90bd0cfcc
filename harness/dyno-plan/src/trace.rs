//! `traces/*.csv`, `traces/*.jsonl`: when requests came to another service, and how long they were.
//!
//! Two published shapes are read. CSV with the columns of the Azure LLM inference traces: `TIMESTAMP` (a date and
//! time of day, to 100 ns), `ContextTokens`, `GeneratedTokens`. JSONL with the keys of the Mooncake traces:
//! `timestamp` (ms), `input_length`, `output_length`, and `hash_ids`, which are checked but not used, for prompts of
//! a corpus share no beginnings as those did.

use std::collections::BTreeMap;

use dyno_model::digest::Digest;

use crate::problem::{Problem, Problems};
use crate::source::Source;

mod csv;
mod jsonl;
mod time;

/// The largest file that is read.
const MAX_BYTES: usize = 256 << 20;
/// The most requests of a file.
const MAX_ROWS: usize = 2_000_000;
/// The longest line: a Mooncake line names a block for every 512 tokens.
const MAX_LINE_BYTES: usize = 256 << 10;
/// The longest prompt or answer, in tokens.
const MAX_TOKENS: u64 = 100_000_000;
/// The longest time from the first request to the last: 366 days, so that an instant fits in ns.
const MAX_SPAN_NS: u64 = 366 * 86_400 * 1_000_000_000;
/// After so many lines that cannot be read, the rest of a file says nothing new.
const MAX_BAD_LINES: usize = 10;

/// One request of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    /// Since the first request, in ns.
    pub(crate) at_ns: u64,
    pub(crate) input_tokens: u32,
    pub(crate) output_tokens: u32,
}

/// A trace that can be replayed: its requests in order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) digest: Digest,
    rows: Vec<Row>,
}

impl Trace {
    /// The requests from `from_ms` on, for `duration_ms`, no more than `most`.
    pub(crate) fn part(&self, from_ms: u64, duration_ms: Option<u64>, most: Option<u32>) -> &[Row] {
        let ns = |ms: u64| ms.saturating_mul(1_000_000);
        let end_ns = duration_ms.map_or(u64::MAX, |duration_ms| ns(from_ms.saturating_add(duration_ms)));
        let begin = self.rows.partition_point(|row| row.at_ns < ns(from_ms));
        let end = self.rows.partition_point(|row| row.at_ns < end_ns).max(begin);
        let part = &self.rows[begin..end];
        &part[..part.len().min(most.map_or(usize::MAX, |most| most as usize))]
    }
}

/// Traces by the name of their file; `None` for one that cannot be used, which has been reported.
#[derive(Debug, Default)]
pub(crate) struct Traces(BTreeMap<String, Option<Trace>>);

impl Traces {
    /// Reads `sources`, shipped ones first.
    pub(crate) fn read(sources: &[&Source], problems: &mut Problems) -> Self {
        let mut traces = BTreeMap::new();
        let mut places: BTreeMap<String, &Source> = BTreeMap::new();
        for source in sources {
            let name = source.file_name().to_owned();
            let other = places.insert(name.clone(), source).filter(|other| other.tier == source.tier);
            if let Some(other) = other {
                let message = format!("trace `{name}` is there twice");
                problems.push(problem(source, 1, message, Some(format!("the first one is {}", other.name))));
            } else {
                traces.insert(name, read(source, problems));
            }
        }
        Self(traces)
    }

    /// The usable trace of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Trace> {
        self.0.get(name)?.as_ref()
    }

    /// Whether there is a file of that name.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All names.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// One line as its format reads it: an instant in ns of a clock of the file's own, and two lengths.
struct Line {
    at_ns: u64,
    input_tokens: u64,
    output_tokens: u64,
}

/// What is wrong with a line, and what to do.
struct Wrong(String, Option<String>);

impl Wrong {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into(), None)
    }
}

/// Reads the lines of one format, the first one included.
trait Format {
    /// The request of a line; `None` for a line without one.
    fn line(&mut self, text: &str) -> Result<Option<Line>, Wrong>;
}

fn problem(source: &Source, line: u32, message: String, hint: Option<String>) -> Problem {
    Problem { file: source.name.clone(), line: Some(line), col: Some(1), message, hint }
}

fn read(source: &Source, problems: &mut Problems) -> Option<Trace> {
    if source.text.len() > MAX_BYTES {
        let message = format!("the trace has {} bytes, more than {MAX_BYTES}", source.text.len());
        problems.push(problem(source, 1, message, Some("cut it to the part that you replay".to_owned())));
        return None;
    }
    let mut format: Box<dyn Format> =
        if source.file_name().rsplit_once('.').is_some_and(|(_, ending)| ending == "csv") {
            Box::new(csv::Csv::default())
        } else {
            Box::new(jsonl::JsonLines)
        };
    let mut rows = Rows::default();
    let mut n_bad = 0;
    for (number, text) in (1..).zip(source.text.lines()) {
        let Err(Wrong(message, hint)) = rows.add(format.as_mut(), text) else { continue };
        problems.push(problem(source, number, message, hint));
        n_bad += 1;
        if n_bad == MAX_BAD_LINES || rows.is_full() {
            return None;
        }
    }
    if n_bad == 0 && rows.rows.is_empty() {
        problems.push(problem(source, 1, "the trace has no request".to_owned(), None));
        return None;
    }
    let digest = || Digest::of(source.text.as_bytes());
    (n_bad == 0).then(|| Trace { digest: digest(), rows: rows.rows })
}

#[derive(Default)]
struct Rows {
    rows: Vec<Row>,
    first_ns: Option<u64>,
}

impl Rows {
    fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS
    }

    fn add(&mut self, format: &mut dyn Format, text: &str) -> Result<(), Wrong> {
        if text.len() > MAX_LINE_BYTES {
            return Err(Wrong(format!("the line is longer than {MAX_LINE_BYTES} bytes"), None));
        }
        let Some(line) = format.line(text)? else { return Ok(()) };
        if self.is_full() {
            let hint = "cut the file to the part that you replay".to_owned();
            return Err(Wrong(format!("the trace has more than {MAX_ROWS} requests"), Some(hint)));
        }
        let at_ns = line.at_ns.checked_sub(*self.first_ns.get_or_insert(line.at_ns));
        let Some(at_ns) = at_ns.filter(|at_ns| self.rows.last().is_none_or(|last| last.at_ns <= *at_ns))
        else {
            let hint = "sort the file by its time".to_owned();
            return Err(Wrong("the request came before the one above it".to_owned(), Some(hint)));
        };
        if at_ns > MAX_SPAN_NS {
            return Err(Wrong::new("the request came more than 366 days after the first one"));
        }
        let tokens = |n: u64, what: &str| match u32::try_from(n) {
            Ok(n) if u64::from(n) <= MAX_TOKENS => Ok(n),
            Ok(_) | Err(_) => Err(Wrong::new(format!("{what} of {n} tokens"))),
        };
        self.rows.push(Row {
            at_ns,
            input_tokens: tokens(line.input_tokens, "a prompt")?,
            output_tokens: tokens(line.output_tokens, "an answer")?,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
