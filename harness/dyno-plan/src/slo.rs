//! `catalog/slos/*.toml`: limits that figures are held against.

mod condition;
mod drop;
mod objective;
mod planned;
mod words;

use std::collections::BTreeMap;

use dyno_model::digest::Digest;
use dyno_model::slo::{Objective, Slo};

use crate::devices::check_name;
use crate::document::Document;
use crate::problem::{Problem, Problems};
use crate::registry::{At, Entry, Registry};
use crate::schemas::schema_of;
use crate::source::{Inputs, Source, SourceKind};

pub(crate) use planned::plan;
pub(crate) use words::SlosFile;

/// The set of SLOs in one file, wherever it lies.
///
/// # Errors
/// All that is wrong with it, with file and line.
pub fn read_slo(source: &Source) -> Result<Slo, Problems> {
    let mut problems = Problems::default();
    let document = Document::read(source, &schema_of::<SlosFile>(), &mut problems);
    let found = of_document(&document, &mut problems);
    match found {
        Some((_, slo)) => problems.or(slo),
        None => Err(problems),
    }
}

/// The set of that name, of the user's catalogue or the shipped one.
///
/// # Errors
/// There is none of that name, or something is wrong with a file of SLOs.
pub fn find_slo(inputs: &Inputs, name: &str) -> Result<Slo, Problems> {
    let mut problems = Problems::default();
    let schema = schema_of::<SlosFile>();
    let sources = inputs.of_kind(SourceKind::Slos);
    let documents: Vec<Document<'_>> =
        sources.into_iter().map(|source| Document::read(source, &schema, &mut problems)).collect();
    let registry = read(&documents, &mut problems);
    let found = registry.find(name, &At::Flag("--slo"), &mut problems).cloned();
    match found {
        Some(slo) => problems.or(slo),
        None => Err(problems),
    }
}

/// Reads the sets of `documents`.
pub(crate) fn read<'d>(documents: &'d [Document<'d>], problems: &mut Problems) -> Registry<'d, Slo> {
    let mut registry = Registry::empty("slo");
    for document in documents {
        let before = problems.0.len();
        let Some((name, slo)) = of_document(document, problems) else { continue };
        let words = (problems.0.len() == before).then_some(slo);
        registry.add(name, Entry { words, document }, problems);
    }
    registry
}

/// All usable sets.
pub(crate) fn all(registry: &Registry<'_, Slo>) -> BTreeMap<String, Slo> {
    registry.usable().map(|(name, set, _)| (name.to_owned(), set.clone())).collect()
}

/// The set of a document with its name; what is wrong goes to `problems`.
fn of_document(document: &Document<'_>, problems: &mut Problems) -> Option<(String, Slo)> {
    let file = document.whole::<SlosFile>(problems)?;
    check_name("set of SLOs", &file.name, document, &["name"], problems);
    if file.slo.is_empty() && !file.forbid_egress {
        problems.push(document.problem_at(&["slo"], "no limit is set".to_owned(), None));
    }
    let mut objectives: Vec<Objective> = Vec::new();
    for (idx, words) in (0..).zip(&file.slo) {
        let mut at = Place { document, idx, problems };
        if let Some(objective) = objective::objective(words, &mut at) {
            objectives.push(objective);
        }
    }
    if file.forbid_egress {
        objectives.push(objective::no_egress(document.line_at(&["forbid_egress"])));
    }
    objective::name(&mut objectives, &file.slo, document, problems);
    let slo = Slo {
        name: file.name.clone(),
        description: file.description,
        file: document.source.name.clone(),
        digest: Digest::of(document.source.text.as_bytes()),
        objectives,
    };
    Some((file.name, slo))
}

/// An objective of a file, and where its problems go.
struct Place<'p, 'd> {
    document: &'p Document<'d>,
    idx: u32,
    problems: &'p mut Problems,
}

impl Place<'_, '_> {
    /// Reports a problem of the value at `path` below the objective.
    fn report(&mut self, path: &[&str], message: String, hint: Option<String>) {
        let problem = self.problem(path, message, hint);
        self.problems.push(problem);
    }

    fn problem(&self, path: &[&str], message: String, hint: Option<String>) -> Problem {
        let idx = self.idx.to_string();
        let path: Vec<&str> = ["slo", &idx].into_iter().chain(path.iter().copied()).collect();
        self.document.problem_at(&path, message, hint)
    }

    /// Line of the file that the objective begins at.
    fn line(&self) -> u32 {
        self.document.line_at(&["slo", &self.idx.to_string()])
    }
}
