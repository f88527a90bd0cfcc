//! Leaving out of a record what its owner does not want to give away, so that every figure stays as it is.
//!
//! Each part of plan and record is taken apart field by field: who adds a field to them decides here what becomes of it,
//! or this does not compile. What a newer version wrote and this one does not know is left out by that alone.
//!
//! Texts are prompts, answers and what a runtime said of its own failures, which may quote them: they are replaced as a
//! whole. Names are hosts, serial numbers, addresses and the like: each gets a stand-in, the same one everywhere, because
//! some answers depend on two of them being one. Words are sentences of edgedyno and of systems: names and what looks
//! like an address are replaced within them.

mod device;
mod event;
mod names;
mod plan;
mod words;

use dyno_model::digest::Digest;

use crate::manifest::RedactionMode;
use names::Names;

pub(crate) use names::Kind;

/// What stands in the place of a text that was left out.
const LEFT_OUT: &str = "[left out]";

/// Takes texts and names out of plan and record.
#[derive(Debug)]
pub struct Redactor {
    mode: RedactionMode,
    names: Names,
}

impl Redactor {
    /// One that has seen nothing yet. The plan comes first: it has most of the names.
    pub fn new(mode: RedactionMode) -> Self {
        Self { mode, names: Names::default() }
    }

    /// How texts are replaced.
    pub fn mode(&self) -> RedactionMode {
        self.mode
    }

    /// What is not in a redacted record, in words.
    pub fn removed(&self) -> Vec<String> {
        let texts = match self.mode {
            RedactionMode::Drop => "left out",
            RedactionMode::Hash => "replaced by their SHA-256",
        };
        vec![
            format!("texts of prompts and answers, and what runtimes and commands said of their failures: {texts}"),
            "what tells a good answer from a bad one, and tokens with their probabilities: left out".to_owned(),
            "bytes of each chunk of an answer: only whether it had text is kept, for lengths of tokens betray words"
                .to_owned(),
            "host names, serial numbers, boot ids, addresses of servers and meters, names of other processes: replaced \
             by stand-ins, the same one for the same name"
                .to_owned(),
            "arguments of commands and values of environment variables: left out".to_owned(),
            "in messages: those names, e-mail and network addresses, and names of home folders".to_owned(),
        ]
    }

    /// Replaces a whole text. An empty one has nothing to hide and stays empty.
    pub fn text(&self, text: &mut String) {
        if !text.is_empty() {
            *text = match self.mode {
                RedactionMode::Drop => LEFT_OUT.to_owned(),
                RedactionMode::Hash => format!("sha256:{}", Digest::of(text.as_bytes())),
            };
        }
    }

    /// Replaces what is known or looks like a name within a sentence.
    pub fn words(&self, words: &mut String) {
        // Addresses first: `ada@pi5` is one, and would be none with a stand-in for its host.
        *words = self.names.replaced_in(&words::without_addresses(words));
    }

    /// Replaces a name by its stand-in.
    pub(crate) fn name(&mut self, kind: Kind, name: &mut String) {
        if !name.is_empty() {
            *name = self.names.stand_in(kind, name);
        }
    }

    fn all_words(&self, all: &mut [String]) {
        for words in all {
            self.words(words);
        }
    }

    fn maybe_words(&self, words: Option<&mut String>) {
        if let Some(words) = words {
            self.words(words);
        }
    }

    fn maybe_name(&mut self, kind: Kind, name: Option<&mut String>) {
        if let Some(name) = name {
            self.name(kind, name);
        }
    }

    /// Keeps the program and leaves out its arguments: keys and passwords are handed over there.
    fn command(&self, argv: &mut [String]) {
        if let Some((program, arguments)) = argv.split_first_mut() {
            self.words(program);
            arguments.fill(LEFT_OUT.to_owned());
        }
    }
}
