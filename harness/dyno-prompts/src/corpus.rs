//! A corpus as files, in the form of `prompts/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use dyno_model::digest::Digest;
use dyno_model::grader::Grader;
use dyno_model::plan::PlannedPrompt;
use dyno_model::request::Message;
use serde::Serialize;

use crate::histogram::Histogram;
use crate::text_of;

/// The one file of prompts that an import writes.
const PROMPTS_FILE: &str = "prompts.jsonl";

/// What a corpus is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Name of its folder.
    pub name: String,
    /// Name in tables.
    pub title: String,
    /// What it is for, in a sentence.
    pub description: String,
    /// SPDX expression of the licence.
    pub license: String,
}

/// A prompt with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Unique within the corpus.
    pub id: String,
    /// Expected length of an answer: `short`, `medium` or `long`.
    pub osl_class: String,
    /// The prompt.
    pub prompt: PlannedPrompt,
}

/// A corpus, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    /// What it is.
    pub meta: Meta,
    /// Its prompts, in order.
    pub entries: Vec<Entry>,
}

/// A line of the prompts' file.
#[derive(Serialize)]
struct Line<'e> {
    id: &'e str,
    category: &'e str,
    language: &'e str,
    messages: &'e [Message],
    osl_class: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    grader: Option<&'e Grader>,
}

impl Corpus {
    /// The files of its folder, by name.
    pub fn files(&self) -> BTreeMap<&'static str, String> {
        let prompts = self.jsonl();
        let about = self.toml(&prompts);
        BTreeMap::from([("corpus.toml", about), (PROMPTS_FILE, prompts)])
    }

    fn jsonl(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            let line = Line {
                id: &entry.id,
                category: &entry.prompt.category,
                language: &entry.prompt.language,
                messages: &entry.prompt.messages,
                osl_class: &entry.osl_class,
                grader: entry.prompt.grader.as_ref(),
            };
            text.push_str(&serde_json::to_string(&line).expect("plain fields with string keys"));
            text.push('\n');
        }
        text
    }

    fn toml(&self, prompts: &str) -> String {
        let mut categories: BTreeMap<&str, u64> = BTreeMap::new();
        for entry in &self.entries {
            *categories.entry(&entry.prompt.category).or_default() += 1;
        }
        let languages: BTreeSet<&str> =
            self.entries.iter().map(|entry| entry.prompt.language.as_str()).collect();
        let languages: Vec<String> = languages.into_iter().map(quoted).collect();
        let mut text = String::from(
            "# Imported by `edgedyno prompts import`. The form is described in prompts/README.md.\n\nschema_version = 1\n",
        );
        let meta = &self.meta;
        let fields = [
            ("name", &meta.name),
            ("title", &meta.title),
            ("description", &meta.description),
            ("license", &meta.license),
        ];
        for (key, value) in fields {
            put(&mut text, &format!("{key} = {}", quoted(value)));
        }
        put(&mut text, &format!("languages = [{}]", languages.join(", ")));
        put(&mut text, &format!("files = [{}]", quoted(PROMPTS_FILE)));
        put(&mut text, &format!("n_prompts = {}", self.entries.len()));
        put(
            &mut text,
            &format!("digest = {}\n\n[categories]", quoted(Digest::of(prompts.as_bytes()).as_str())),
        );
        for (category, n) in categories {
            put(&mut text, &format!("{} = {n}", quoted(category)));
        }
        let words = self
            .entries
            .iter()
            .map(|entry| text_of(&entry.prompt.messages).split_whitespace().count() as u64);
        let lengths = Histogram::of(&words.collect::<Vec<_>>());
        put(
            &mut text,
            &format!(
                "\n[lengths.words]\nunit = \"words\"\nedges = {:?}\ncounts = {:?}",
                lengths.edges, lengths.counts
            ),
        );
        text
    }
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a String cannot fail");
}

/// A TOML basic string: JSON's escapes are TOML's, but for DEL, which JSON leaves as it is.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON").replace('\u{7f}', "\\u007f")
}
