//! One corpus with all that is in it and all that is wrong with it, for those who work on its prompts.

use std::collections::BTreeMap;

use dyno_model::digest::Digest;
use dyno_model::ids::PromptId;
use dyno_model::plan::PlannedPrompt;

use crate::corpus::row::Graders;
use crate::corpus::{self, CorpusFile};
use crate::document::Document;
use crate::problem::{Problem, Problems, known_words};
use crate::schemas::schema_of;
use crate::source::{Inputs, Source, SourceKind};

/// A corpus as it was read, without problems.
#[derive(Debug, Clone, PartialEq)]
pub struct CorpusContents {
    /// Name of its folder.
    pub name: String,
    /// Name in tables.
    pub title: String,
    /// SPDX expression of its licence.
    pub license: String,
    /// SHA-256 over its JSONL files in order of name.
    pub digest: Digest,
    /// In the order of the files and lines.
    pub prompts: Vec<(PromptId, PlannedPrompt)>,
    /// Where each prompt stands: `prompts/assistant/qa.jsonl:12`; as long as `prompts`.
    pub places: Vec<String>,
    /// The prompts of each slice, in the slice's order.
    pub slices: BTreeMap<String, Vec<PromptId>>,
}

/// The names of all corpora of `inputs`, sorted; a user's takes the place of a shipped one.
pub fn corpus_names(inputs: &Inputs) -> Vec<String> {
    let mut names: Vec<String> = inputs
        .of_kind(SourceKind::Corpus)
        .iter()
        .map(|source| corpus::file_name(source.folder()).to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Reads the corpus `name` and checks everything in it: its prompts, whether each grader can be used, and whether
/// `corpus.toml` says the truth about them. Nothing else of `inputs` is looked at.
///
/// # Errors
/// All problems of its files, or that there is no such corpus.
pub fn corpus_at(inputs: &Inputs, name: &str) -> Result<CorpusContents, Problems> {
    let mut problems = Problems::default();
    let sources = inputs.of_kind(SourceKind::Corpus);
    // Shipped ones come first: the last one of that name is the user's.
    let found = sources.into_iter().rfind(|source| corpus::file_name(source.folder()) == name);
    let Some(source) = found else {
        let hint = known_words(name, &corpus_names(inputs).iter().map(String::as_str).collect::<Vec<_>>());
        return Err(Problems(vec![Problem::of_flag(
            "--corpus",
            format!("unknown corpus `{name}`"),
            Some(hint),
        )]));
    };
    let document = Document::read(source, &schema_of::<CorpusFile>(), &mut problems);
    let prompts: Vec<&Source> = inputs.of_kind(SourceKind::Prompts);
    let read = corpus::read_one(&document, &prompts, Graders::Compile, &mut problems);
    let contents = read.map(|corpus| CorpusContents {
        name: name.to_owned(),
        title: corpus.file.title.clone(),
        license: corpus.file.license.clone(),
        digest: corpus.digest.clone(),
        slices: corpus.file.slice.keys().map(|slice| (slice.clone(), corpus.ids(Some(slice)))).collect(),
        prompts: corpus.prompts,
        places: corpus.places,
    });
    match contents {
        Some(contents) => problems.or(contents),
        // Without contents there is a problem; `or` would give nothing back otherwise.
        None => Err(problems.or(()).err().unwrap_or_default()),
    }
}
