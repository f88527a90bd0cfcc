//! `prompts/<corpus>/`: prompts, one JSON object a line, and what they are.

pub(crate) mod contents;
pub(crate) mod row;

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::digest::Digest;
use dyno_model::ids::PromptId;
use dyno_model::plan::PlannedPrompt;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::devices::check_name;
use crate::document::Document;
use crate::problem::{Problems, nearest};
use crate::registry::{Entry, Registry};
use crate::source::{Source, Tier};

use row::{Graders, Row};

/// A file with more lines that are wrong is not what it is taken for; the rest of it is not read.
const MAX_PROBLEMS_OF_FILE: usize = 50;

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
    unit: LengthUnit,
    /// Limits of the bins, rising.
    edges: Vec<u64>,
    /// Prompts in each bin.
    counts: Vec<u64>,
}

/// What a length counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
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
    /// Where each of them stands: `qa.jsonl:12` with the folder in front.
    pub(crate) places: Vec<String>,
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
        let graders = match document.source.tier {
            Tier::Shipped => Graders::Read,
            Tier::User => Graders::Compile,
        };
        let name = file_name(document.source.folder()).to_owned();
        let words = read_one(document, prompts, graders, problems);
        registry.add(name, Entry { words, document }, problems);
    }
    registry
}

/// Reads the corpus of `document`; `None` when it or one of its lines is wrong, which has been reported.
pub(crate) fn read_one(
    document: &Document<'_>,
    prompts: &[&Source],
    graders: Graders,
    problems: &mut Problems,
) -> Option<Corpus> {
    let source = document.source;
    let of_folder = |other: &&Source| other.tier == source.tier && other.folder() == source.folder();
    let own: Vec<&Source> = prompts.iter().copied().filter(of_folder).collect();
    let file: Option<CorpusFile> = document.whole(problems);
    let lines = read_prompts(&own, graders, problems);
    let ((prompts, places), file) = (lines?, file?);
    let corpus = Corpus { digest: digest_of(&own), file, prompts, places };
    check(&corpus, &own, document, problems);
    Some(corpus)
}

fn digest_of(files: &[&Source]) -> Digest {
    let all: String = files.iter().map(|source| source.text.as_str()).collect();
    Digest::of(all.as_bytes())
}

/// What a schema cannot see.
fn check(corpus: &Corpus, files: &[&Source], document: &Document<'_>, problems: &mut Problems) {
    let Corpus { file, digest, prompts, .. } = corpus;
    let mut report = |path: &[&str], message: String, hint: Option<String>| {
        problems.push(document.problem_at(path, message, hint));
    };
    let folder = file_name(document.source.folder());
    if file.name != folder {
        let message = format!("the corpus is named `{}`, but its folder `{folder}`", file.name);
        report(&["name"], message, None);
    }
    if files.is_empty() {
        report(&["name"], "the corpus has no JSONL file beside its corpus.toml".to_owned(), None);
        return;
    }
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
    for (name, lengths) in &file.lengths {
        check_lengths(name, lengths, prompts, &mut report);
    }
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
}

/// A histogram that does not fit the prompts. Words can be counted here, tokens of a tokenizer cannot.
fn check_lengths(
    name: &str,
    lengths: &Lengths,
    prompts: &[(PromptId, PlannedPrompt)],
    report: &mut Report<'_>,
) {
    let total = prompts.len() as u64;
    if lengths.edges.len() != lengths.counts.len() + 1 || !lengths.edges.is_sorted() {
        report(&["lengths", name, "edges"], "bins need rising edges, one more than counts".to_owned(), None);
        return;
    }
    if lengths.counts.iter().sum::<u64>() != total {
        let message = format!("the counts do not add up to the {total} prompts");
        report(&["lengths", name, "counts"], message, None);
        return;
    }
    if lengths.unit == LengthUnit::Words {
        let found = histogram(&lengths.edges, prompts.iter().map(|(_, prompt)| words(prompt)));
        if found != lengths.counts {
            report(&["lengths", name, "counts"], format!("the prompts have other lengths: {found:?}"), None);
        }
    }
}

/// How many of `lengths` lie in each bin; those beyond the edges lie in none.
fn histogram(edges: &[u64], lengths: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut counts = vec![0; edges.len().saturating_sub(1)];
    for length in lengths {
        let bin = edges.partition_point(|edge| *edge <= length).checked_sub(1);
        if let Some(count) = bin.and_then(|bin| counts.get_mut(bin)) {
            *count += 1;
        }
    }
    counts
}

/// Words of all messages, split at white space.
fn words(prompt: &PlannedPrompt) -> u64 {
    prompt.messages.iter().map(|message| message.content.split_whitespace().count() as u64).sum()
}

/// The last part of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn check_slice(name: &str, slice: &Slice, known: &[&str], document: &Document<'_>, problems: &mut Problems) {
    check_name("slice", name, document, &["slice", name], problems);
    if slice.ids.is_empty() {
        problems.push(document.problem_at(&["slice", name, "ids"], format!("slice `{name}` is empty"), None));
    }
    let there: BTreeSet<&str> = known.iter().copied().collect();
    let mut seen = BTreeSet::new();
    for (idx, id) in slice.ids.iter().enumerate() {
        let path = ["slice", name, "ids", &idx.to_string()];
        if !seen.insert(id) {
            problems.push(document.problem_at(
                &path,
                format!("prompt `{id}` is in slice `{name}` twice"),
                None,
            ));
        } else if !there.contains(id.as_str()) {
            // The list of all prompts would be longer than it helps.
            let hint = nearest(id, known).map(|near| format!("did you mean `{near}`?"));
            problems.push(document.problem_at(&path, format!("the corpus has no prompt `{id}`"), hint));
        }
    }
}

/// Prompts in the order of files and lines, and the place of each.
type Lines = (Vec<(PromptId, PlannedPrompt)>, Vec<String>);

/// All prompts of `files`, or `None` when a line is wrong, which has been reported.
fn read_prompts(files: &[&Source], graders: Graders, problems: &mut Problems) -> Option<Lines> {
    let (mut prompts, mut places) = (Vec::new(), Vec::new());
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    let before = problems.0.len();
    for source in files {
        let before_file = problems.0.len();
        for (line, text) in (1_u32..).zip(source.text.lines()) {
            let mut row = Row { file: &source.name, line, graders, problems };
            if row.problems.0.len() - before_file >= MAX_PROBLEMS_OF_FILE {
                let message = "too many lines are wrong; the rest of the file was not read".to_owned();
                row.report(1, message, Some("is it a file of prompts, one JSON object a line?".to_owned()));
                break;
            }
            let Some((id, prompt)) = row.read(text) else { continue };
            if let Some(other) = first.get(&id).and_then(|idx| places.get(*idx)) {
                let hint = format!("the first one is in {other}");
                row.report(1, format!("prompt `{id}` is there twice"), Some(hint));
                continue;
            }
            first.insert(id.clone(), prompts.len());
            prompts.push((PromptId(id), prompt));
            places.push(format!("{}:{line}", source.name));
        }
    }
    (problems.0.len() == before).then_some((prompts, places))
}
