//! Named entries of all files of a kind, a user's in place of a shipped one.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::document::Document;
use crate::problem::{Problem, Problems, known_words};

/// One entry, with the file that it is in.
#[derive(Debug)]
pub(crate) struct Entry<'d, T> {
    /// `None` when it does not fit, which has been reported: it is known, but cannot be used.
    pub(crate) words: Option<T>,
    pub(crate) document: &'d Document<'d>,
}

/// Entries by name.
#[derive(Debug)]
pub(crate) struct Registry<'d, T> {
    /// What they are, for messages: `model`.
    noun: &'static str,
    entries: BTreeMap<String, Entry<'d, T>>,
}

impl<'d, T: DeserializeOwned> Registry<'d, T> {
    /// The tables `[noun.NAME]` of `documents` (shipped ones first).
    pub(crate) fn read(noun: &'static str, documents: &'d [Document<'d>], problems: &mut Problems) -> Self {
        let mut registry = Self { noun, entries: BTreeMap::new() };
        for document in documents {
            for (name, words) in document.entries(noun, problems) {
                registry.add(name, Entry { words, document }, problems);
            }
        }
        registry
    }
}

impl<'d, T> Registry<'d, T> {
    /// Nothing yet.
    pub(crate) fn empty(noun: &'static str) -> Self {
        Self { noun, entries: BTreeMap::new() }
    }

    /// Adds one; a second one of the same tier is a problem.
    pub(crate) fn add(&mut self, name: String, entry: Entry<'d, T>, problems: &mut Problems) {
        let tier = |entry: &Entry<'_, T>| entry.document.source.tier;
        if let Some(other) = self.entries.get(&name).filter(|other| tier(other) == tier(&entry)) {
            let first = other.document.problem_at(&[self.noun, &name], String::new(), None);
            let hint = format!("the first one is in {}:{}", first.file, first.line.unwrap_or(1));
            let message = format!("{} `{name}` is defined twice", self.noun);
            problems.push(entry.document.problem_at(&[self.noun, &name], message, Some(hint)));
            return;
        }
        self.entries.insert(name, entry);
    }

    /// All usable ones.
    pub(crate) fn usable(&self) -> impl Iterator<Item = (&str, &T, &'d Document<'d>)> {
        self.entries
            .iter()
            .filter_map(|(name, entry)| Some((name.as_str(), entry.words.as_ref()?, entry.document)))
    }

    /// All names, of usable and broken ones.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.entries.keys().map(String::as_str).collect()
    }

    /// The entry of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Entry<'d, T>> {
        self.entries.get(name)
    }

    /// The hint for a name that is not here.
    pub(crate) fn hint(&self, name: &str) -> String {
        known_words(name, &self.names())
    }

    /// The entry, or a problem that `at` makes of message and hint. `None` without a problem is a broken entry.
    pub(crate) fn find(&self, name: &str, at: &At<'_>, problems: &mut Problems) -> Option<&T> {
        if let Some(entry) = self.entries.get(name) {
            return entry.words.as_ref();
        }
        problems.push(at.problem(format!("unknown {} `{name}`", self.noun), Some(self.hint(name))));
        None
    }
}

/// Where a name was written: in a file or on the command line.
#[derive(Debug, Clone)]
pub(crate) enum At<'d> {
    /// A flag.
    Flag(&'static str),
    /// A place of a file.
    File(&'d Document<'d>, Vec<String>),
}

impl At<'_> {
    /// The problem there.
    pub(crate) fn problem(&self, message: String, hint: Option<String>) -> Problem {
        match self {
            Self::Flag(flag) => Problem::of_flag(flag, message, hint),
            Self::File(document, path) => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                document.problem_at(&path, message, hint)
            }
        }
    }
}
