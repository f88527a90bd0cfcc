//! One TOML file with the place of everything in it.

use std::cell::Cell;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::check;
use crate::problem::{Problem, Problems};
use crate::source::Source;

/// The version of all TOML files.
const SCHEMA_VERSION: u32 = 1;

/// A parsed and checked TOML file.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    pub(crate) source: &'a Source,
    root: Spanned<DeTable<'a>>,
    /// Whether a problem was reported of it.
    broken: Cell<bool>,
}

impl<'a> Document<'a> {
    /// Parses `source` and checks it against its JSON Schema; what is wrong goes to `problems`.
    pub(crate) fn read(source: &'a Source, schema: &serde_json::Value, problems: &mut Problems) -> Self {
        let (root, errors) = DeTable::parse_recoverable(&source.text);
        let document = Self { source, root, broken: Cell::new(false) };
        let mut found = Problems::default();
        for error in &errors {
            let message = format!("not TOML: {}", error.message());
            found.push(document.problem(error.span().unwrap_or_default(), message, None));
        }
        let n_syntax = found.0.len();
        check::against_schema(&document, schema, &mut found);
        document.check_version(&mut found);
        if n_syntax > 0 {
            // What follows from a line that could not be read is no problem of its own.
            let (syntax, rest) = found.0.split_at(n_syntax);
            let lines: Vec<_> = syntax.iter().map(|problem| problem.line).collect();
            let own = |p: &&Problem| !lines.contains(&p.line) && !p.message.starts_with(check::MISSING);
            let kept: Vec<Problem> = rest.iter().filter(own).cloned().collect();
            found.0.truncate(n_syntax);
            found.0.extend(kept);
        }
        problems.0.append(&mut found.0);
        document
    }

    /// The whole file.
    pub(crate) fn root(&self) -> &DeTable<'a> {
        self.root.get_ref()
    }

    /// The whole file as `T`; `None` when it does not fit, which has been reported.
    pub(crate) fn whole<T: DeserializeOwned>(&self, problems: &mut Problems) -> Option<T> {
        let value = Spanned::new(self.root.span(), DeValue::Table(self.root().clone()));
        self.typed(value, problems)
    }

    /// The named tables below `[table.…]`, each as `T`; `None` for one that does not fit, which has been reported.
    pub(crate) fn entries<T: DeserializeOwned>(
        &self,
        table: &str,
        problems: &mut Problems,
    ) -> Vec<(String, Option<T>)> {
        let Some(entries) = self.root().get(table).and_then(|value| value.get_ref().as_table()) else {
            return Vec::new();
        };
        entries
            .iter()
            .map(|(name, value)| (name.get_ref().to_string(), self.typed(value.clone(), problems)))
            .collect()
    }

    fn typed<T: DeserializeOwned>(&self, value: Spanned<DeValue<'a>>, problems: &mut Problems) -> Option<T> {
        let span = value.span();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(typed) => Some(typed),
            Err(error) => {
                // The schema says more and says it of all keys; this is for what a schema cannot see.
                if !self.broken.get() {
                    let span = error.span().unwrap_or(span);
                    problems.push(self.problem(span, error.message().to_owned(), None));
                }
                None
            }
        }
    }

    /// A problem at `span` of this file.
    pub(crate) fn problem(&self, span: Range<usize>, message: String, hint: Option<String>) -> Problem {
        self.broken.set(true);
        let (line, col) = place(&self.source.text, span.start);
        Problem { file: self.source.name.clone(), line: Some(line), col: Some(col), message, hint }
    }

    /// A problem of the value at `path`, or of the nearest thing around it that is there.
    pub(crate) fn problem_at(&self, path: &[&str], message: String, hint: Option<String>) -> Problem {
        self.problem(self.span(path), message, hint)
    }

    /// Line of the value at `path`, or of the nearest thing around it that is there.
    pub(crate) fn line_at(&self, path: &[&str]) -> u32 {
        place(&self.source.text, self.span(path).start).0
    }

    /// Where the value at `path` is: a key's table is found by its key, a list's element by its number.
    fn span(&self, path: &[&str]) -> Range<usize> {
        let Some((first, rest)) = path.split_first() else { return 0..0 };
        let Some((key, value)) = self.root().get_key_value(*first) else { return 0..0 };
        let (mut span, mut value) = (pointer(key.span(), value), value);
        for step in rest {
            let next = match value.get_ref() {
                DeValue::Table(table) => {
                    table.get_key_value(*step).map(|(key, value)| (pointer(key.span(), value), value))
                }
                DeValue::Array(list) => step
                    .parse::<usize>()
                    .ok()
                    .and_then(|idx| list.get(idx))
                    .map(|value| (value.span(), value)),
                _ => None,
            };
            let Some(found) = next else { break };
            (span, value) = found;
        }
        span
    }

    fn check_version(&self, problems: &mut Problems) {
        let Some(value) = self.root().get("schema_version") else { return };
        let written = value.get_ref().as_integer().map(|n| n.as_str().to_owned());
        if let Some(written) = written.filter(|written| *written != SCHEMA_VERSION.to_string()) {
            let message = format!("schema_version is {written}, but this edgedyno reads {SCHEMA_VERSION}");
            problems.push(self.problem(value.span(), message, None));
        }
    }
}

/// What to point at: a table's own key, else the value.
fn pointer(key: Range<usize>, value: &Spanned<DeValue<'_>>) -> Range<usize> {
    if value.get_ref().is_table() { key } else { value.span() }
}

/// Line and character, both from 1, of a byte of `text`.
pub(crate) fn place(text: &str, byte: usize) -> (u32, u32) {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    (line as u32, before[line_start..].chars().count() as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = "ab\nüx\n";
        let check = |byte, expected| assert_eq!(place(text, byte), expected, "byte {byte}");
        check(0, (1, 1));
        check(1, (1, 2));
        check(3, (2, 1));
        check(5, (2, 2)); // `ü` is two bytes, one character.
        check(4, (2, 1)); // Within `ü`.
        check(99, (3, 1));
    }
}
