//! `prompts/<corpus>/`: prompts, one JSON object a line, and what they are.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::digest::Digest;
use dyno_model::ids::PromptId;
use dyno_model::plan::PlannedPrompt;
use dyno_model::request::Message;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::devices::check_name;
use crate::document::Document;
use crate::problem::{Problem, Problems, known_words, nearest};
use crate::registry::{Entry, Registry};
use crate::source::Source;

/// What a corpus is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorpusFile {
    /// Version of this file's form: 1.
    #[expect(dead_code, reason = "checked in the document, for all files alike")]
    schema_version: u32,
    /// Its name: that of its folder.
    name: String,
    /// Name in tables.
    pub(crate) title: String,
    /// What it is for, in a sentence.
    #[expect(dead_code, reason = "for people who read the file")]
    description: String,
    /// SPDX expression of the licence.
    pub(crate) license: String,
    /// BCP 47 tags that occur, sorted.
    languages: Vec<String>,
    /// Its JSONL files, sorted by name.
    files: Vec<String>,
    /// Number of prompts.
    n_prompts: u64,
    /// SHA-256 of the JSONL files' bytes, one after the other in order of name.
    digest: String,
    /// Number of prompts of each category.
    categories: BTreeMap<String, u64>,
    /// Parts of it by name, for suites.
    #[serde(default)]
    pub(crate) slice: BTreeMap<String, Slice>,
    /// Histograms of the prompts' lengths, by what counted them.
    #[serde(default)]
    lengths: BTreeMap<String, Lengths>,
}

/// A histogram of prompt lengths: bin i holds the lengths from `edges[i]` up to, not including, `edges[i + 1]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lengths {
    /// What is counted.
    #[expect(dead_code, reason = "for people and for the docs")]
    unit: LengthUnit,
    /// Limits of the bins, rising.
    edges: Vec<u64>,
    /// Prompts in each bin.
    counts: Vec<u64>,
}

/// What a length counts.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LengthUnit {
    /// Words, split at white space.
    Words,
    /// Tokens of a named tokenizer.
    Tokens,
}

/// A part of a corpus.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slice {
    /// What it is for.
    pub(crate) description: String,
    /// Its prompts, in the order in which a suite with `prompt_order = "fixed"` sends them.
    pub(crate) ids: Vec<String>,
}

/// A corpus that can be used.
#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) file: CorpusFile,
    pub(crate) digest: Digest,
    /// In the order of the files and lines.
    pub(crate) prompts: Vec<(PromptId, PlannedPrompt)>,
}

impl Corpus {
    /// The ids of a slice, or all.
    pub(crate) fn ids(&self, slice: Option<&str>) -> Vec<PromptId> {
        match slice.and_then(|slice| self.file.slice.get(slice)) {
            Some(slice) => slice.ids.iter().map(|id| PromptId::from(id.as_str())).collect(),
            None => self.prompts.iter().map(|(id, _)| id.clone()).collect(),
        }
    }
}

/// Reads the corpora of `documents`, each with the prompt files of its own folder.
pub(crate) fn read<'d>(
    documents: &'d [Document<'d>],
    prompts: &[&Source],
    problems: &mut Problems,
) -> Registry<'d, Corpus> {
    let mut registry = Registry::empty("corpus");
    for document in documents {
        let folder = document.source.folder();
        let own: Vec<&Source> = prompts
            .iter()
            .copied()
            .filter(|source| source.tier == document.source.tier && source.folder() == folder)
            .collect();
        let file: Option<CorpusFile> = document.whole(problems);
        let lines = read_prompts(&own, problems);
        let name = file_name(folder).to_owned();
        let words = file.zip(lines).map(|(file, prompts)| {
            check(&file, &name, &own, &prompts, document, problems);
            Corpus { digest: digest_of(&own), file, prompts }
        });
        registry.add(name, Entry { words, document }, problems);
    }
    registry
}

fn digest_of(files: &[&Source]) -> Digest {
    let all: String = files.iter().map(|source| source.text.as_str()).collect();
    Digest::of(all.as_bytes())
}

/// What a schema cannot see.
fn check(
    file: &CorpusFile,
    folder: &str,
    files: &[&Source],
    prompts: &[(PromptId, PlannedPrompt)],
    document: &Document<'_>,
    problems: &mut Problems,
) {
    let mut report = |path: &[&str], message: String, hint: Option<String>| {
        problems.push(document.problem_at(path, message, hint));
    };
    if file.name != folder {
        let message = format!("the corpus is named `{}`, but its folder `{folder}`", file.name);
        report(&["name"], message, None);
    }
    if files.is_empty() {
        report(&["name"], "the corpus has no JSONL file beside its corpus.toml".to_owned(), None);
        return;
    }
    let digest = digest_of(files);
    if file.digest != digest.as_str() {
        let message = format!("digest does not fit the prompts, which have {digest}");
        let hint = "if you changed the prompts on purpose, write the new digest here".to_owned();
        report(&["digest"], message, Some(hint));
    }
    let there: Vec<&str> = files.iter().map(|source| file_name(&source.name)).collect();
    if file.files != there {
        report(&["files"], format!("the folder holds other files: {}", there.join(", ")), None);
    }
    check_counts(file, prompts, &mut report);
    let known: Vec<&str> = prompts.iter().map(|(id, _)| id.0.as_str()).collect();
    for (name, slice) in &file.slice {
        check_slice(name, slice, &known, document, problems);
    }
}

/// Takes a problem at a path: its message and hint.
type Report<'r> = dyn FnMut(&[&str], String, Option<String>) + 'r;

/// Counts that do not fit the prompts: a lost or doubled line is seen here.
fn check_counts(file: &CorpusFile, prompts: &[(PromptId, PlannedPrompt)], report: &mut Report<'_>) {
    let total = prompts.len() as u64;
    if file.n_prompts != total {
        report(&["n_prompts"], format!("the corpus has {total} prompts, not {}", file.n_prompts), None);
    }
    let mut found: BTreeMap<String, u64> =
        file.categories.keys().map(|category| (category.clone(), 0)).collect();
    for (_, prompt) in prompts {
        *found.entry(prompt.category.clone()).or_default() += 1;
    }
    for (category, n) in &found {
        let written = file.categories.get(category).copied().unwrap_or_default();
        if written != *n {
            let message = format!("the corpus has {n} prompts of category `{category}`, not {written}");
            report(&["categories", category], message, None);
        }
    }
    let languages: BTreeSet<&str> = prompts.iter().map(|(_, prompt)| prompt.language.as_str()).collect();
    if !languages.iter().eq(file.languages.iter()) {
        let languages: Vec<&str> = languages.into_iter().collect();
        report(&["languages"], format!("the languages are other ones: {}", languages.join(", ")), None);
    }
    for (name, lengths) in &file.lengths {
        if lengths.edges.len() != lengths.counts.len() + 1 || !lengths.edges.is_sorted() {
            report(
                &["lengths", name, "edges"],
                "bins need rising edges, one more than counts".to_owned(),
                None,
            );
        } else if lengths.counts.iter().sum::<u64>() != total {
            let message = format!("the counts do not add up to the {total} prompts");
            report(&["lengths", name, "counts"], message, None);
        }
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn check_slice(name: &str, slice: &Slice, known: &[&str], document: &Document<'_>, problems: &mut Problems) {
    check_name("slice", name, document, &["slice", name], problems);
    if slice.ids.is_empty() {
        problems.push(document.problem_at(&["slice", name, "ids"], format!("slice `{name}` is empty"), None));
    }
    for (idx, id) in slice.ids.iter().enumerate() {
        let path = ["slice", name, "ids", &idx.to_string()];
        if slice.ids[..idx].contains(id) {
            problems.push(document.problem_at(
                &path,
                format!("prompt `{id}` is in slice `{name}` twice"),
                None,
            ));
        } else if !known.contains(&id.as_str()) {
            // The list of all prompts would be longer than it helps.
            let hint = nearest(id, known).map(|near| format!("did you mean `{near}`?"));
            problems.push(document.problem_at(&path, format!("the corpus has no prompt `{id}`"), hint));
        }
    }
}

/// All prompts of `files`, or `None` when a line is wrong, which has been reported.
fn read_prompts(files: &[&Source], problems: &mut Problems) -> Option<Vec<(PromptId, PlannedPrompt)>> {
    let mut prompts = Vec::new();
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    let before = problems.0.len();
    for source in files {
        for (idx, line) in source.text.lines().enumerate() {
            let number = idx as u32 + 1;
            let mut row = Row { file: &source.name, line: number, problems };
            let Some((id, prompt)) = row.read(line) else { continue };
            let place = format!("{}:{number}", source.name);
            if let Some(first) = places.insert(id.clone(), place) {
                row.report(
                    1,
                    format!("prompt `{id}` is there twice"),
                    Some(format!("the first one is in {first}")),
                );
                continue;
            }
            prompts.push((PromptId(id), prompt));
        }
    }
    (problems.0.len() == before).then_some(prompts)
}

/// Keys that every prompt has, as text.
const TEXT_KEYS: [&str; 4] = ["id", "category", "language", "osl_class"];
/// All keys of a prompt.
const KEYS: [&str; 7] = ["id", "category", "language", "osl_class", "messages", "prompt", "grader"];
/// Expected lengths of an answer.
const OSL_CLASSES: [&str; 3] = ["short", "medium", "long"];
const ROLES: [&str; 3] = ["system", "user", "assistant"];

/// One line of a JSONL file.
struct Row<'r> {
    file: &'r str,
    line: u32,
    problems: &'r mut Problems,
}

impl Row<'_> {
    fn report(&mut self, col: u32, message: String, hint: Option<String>) {
        let (file, line) = (self.file.to_owned(), Some(self.line));
        self.problems.push(Problem { file, line, col: Some(col), message, hint });
    }

    fn read(&mut self, line: &str) -> Option<(String, PlannedPrompt)> {
        if line.trim().is_empty() {
            self.report(1, "empty line".to_owned(), Some("one prompt a line, no empty lines".to_owned()));
            return None;
        }
        let value: Value = match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => {
                let col = (error.column() as u32).max(1);
                let words = error.to_string();
                let words = words.split(" at line ").next().unwrap_or_default();
                self.report(col, format!("not JSON: {words}"), None);
                return None;
            }
        };
        let Value::Object(object) = value else {
            self.report(
                1,
                "the line is no JSON object".to_owned(),
                Some("begin it with {\"id\": …".to_owned()),
            );
            return None;
        };
        let before = self.problems.0.len();
        let row = self.fields(&object);
        (self.problems.0.len() == before).then_some(row)
    }

    fn fields(&mut self, object: &Map<String, Value>) -> (String, PlannedPrompt) {
        for key in object.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            self.report(1, format!("unknown key `{key}`"), Some(known_words(key, &KEYS)));
        }
        let [id, category, language, osl_class] = TEXT_KEYS.map(|key| self.text(object, key));
        if !osl_class.is_empty() && !OSL_CLASSES.contains(&osl_class.as_str()) {
            let message = format!("`{osl_class}` is no value of `osl_class`");
            self.report(1, message, Some(known_words(&osl_class, &OSL_CLASSES)));
        }
        let messages = self.messages(object);
        (id, PlannedPrompt { category, language, messages })
    }

    fn text(&mut self, object: &Map<String, Value>, key: &str) -> String {
        match object.get(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => return text.clone(),
            Some(Value::String(_)) => self.report(1, format!("`{key}` is empty"), None),
            Some(_) => self.report(1, format!("`{key}` is not text"), None),
            None => self.report(1, format!("missing key `{key}`"), None),
        }
        String::new()
    }

    fn messages(&mut self, object: &Map<String, Value>) -> Vec<Message> {
        let messages = match (object.get("messages"), object.get("prompt")) {
            (Some(messages), None) => messages,
            (None, Some(_)) => {
                return vec![Message { role: "user".to_owned(), content: self.text(object, "prompt") }];
            }
            (Some(_), Some(_)) => {
                self.report(
                    1,
                    "both `prompt` and `messages`".to_owned(),
                    Some("keep one of them".to_owned()),
                );
                return Vec::new();
            }
            (None, None) => {
                self.report(1, "missing key `prompt` or `messages`".to_owned(), None);
                return Vec::new();
            }
        };
        let messages: Vec<Message> = match Vec::deserialize(messages) {
            Ok(messages) => messages,
            Err(error) => {
                self.report(1, format!("`messages`: {error}"), None);
                return Vec::new();
            }
        };
        for message in messages.iter().filter(|message| !ROLES.contains(&message.role.as_str())) {
            let text = format!("`{}` is no role", message.role);
            self.report(1, text, Some(known_words(&message.role, &ROLES)));
        }
        if messages.last().is_none_or(|message| message.role == "assistant") {
            self.report(1, "the conversation leaves nothing to answer".to_owned(), None);
        }
        if messages.iter().any(|message| message.content.trim().is_empty()) {
            self.report(1, "a message is empty".to_owned(), None);
        }
        messages
    }
}
