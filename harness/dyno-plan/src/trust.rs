//! `catalog/trust.toml`: whose signatures count, and what must be signed; and the words for signatures and pins.

use std::collections::BTreeMap;

use dyno_model::digest::Digest;
use dyno_model::trust::{ANY_ARCH, ProgramPin, ProgramPins, SignatureSource, Trust, TrustedKey};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::devices::check_name;
use crate::document::Document;
use crate::problem::{Problems, known_words};
use crate::registry::Registry;
use crate::schemas::schema_of;
use crate::source::{Inputs, SourceKind};
use crate::trust_keys;

/// House rule: a signature file of either tool has a few hundred bytes.
const MAX_SIGNATURE_BYTES: usize = 16 << 10;
/// Architectures that agents are built for, by the names of Rust's targets.
const ARCHITECTURES: [&str; 5] = ["x86_64", "aarch64", "arm", "riscv64", "x86"];

/// Whom this project trusts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrustFile {
    /// Version of this file's form: 1.
    #[expect(dead_code, reason = "checked before the file is read")]
    schema_version: u32,
    /// What must be signed by one of the keys; nothing, when it is left out.
    #[serde(default)]
    require_signature: RequireWords,
    /// Addresses of terms that this project accepts, as `terms_url` of a model has them.
    #[serde(default)]
    accepted_terms: Vec<String>,
    /// One table for each key, under a name of your choice.
    #[serde(default)]
    #[expect(dead_code, reason = "read key by key, so that two files may have some each")]
    key: BTreeMap<String, KeyWords>,
}

/// What must be signed: `true` is everything.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(untagged)]
enum RequireWords {
    /// Models and runtimes alike.
    All(bool),
    /// Each on its own.
    Each(RequireEach),
}

/// What must be signed.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RequireEach {
    /// Every model file.
    #[serde(default)]
    models: bool,
    /// The program of every server, which must then be pinned, too.
    #[serde(default)]
    runtimes: bool,
}

impl Default for RequireWords {
    fn default() -> Self {
        Self::All(false)
    }
}

impl RequireWords {
    fn each(self) -> RequireEach {
        match self {
            Self::All(all) => RequireEach { models: all, runtimes: all },
            Self::Each(each) => each,
        }
    }
}

/// A key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyWords {
    /// The last line of minisign's `.pub` file, or the line of ssh's: `ssh-ed25519 …`.
    public_key: String,
}

/// Whom the project trusts, whatever else is wrong with its other files; `None` when it does not say.
///
/// # Errors
/// All that is wrong with its files of trust, with file and line.
pub fn read_trust(inputs: &Inputs) -> Result<Option<Trust>, Problems> {
    let mut problems = Problems::default();
    let schema = schema_of::<TrustFile>();
    let sources = inputs.of_kind(SourceKind::Trust);
    let documents: Vec<Document<'_>> =
        sources.into_iter().map(|source| Document::read(source, &schema, &mut problems)).collect();
    let keys = Registry::read("key", &documents, &mut problems);
    let trust = read(&keys, &documents, &mut problems);
    problems.or(trust)
}

/// What all files of trust say together; `None` where there is none.
pub(crate) fn read(
    keys: &Registry<'_, KeyWords>,
    documents: &[Document<'_>],
    problems: &mut Problems,
) -> Option<Trust> {
    let mut trust = Trust { keys: self::keys(keys, problems), ..Trust::default() };
    for document in documents {
        let Some(file) = document.whole::<TrustFile>(problems) else { continue };
        let require = file.require_signature.each();
        trust.require_for_models |= require.models;
        trust.require_for_runtimes |= require.runtimes;
        trust.accepted_terms.extend(file.accepted_terms);
        if (require.models || require.runtimes) && keys.names().is_empty() {
            let message = "signatures are required, and no key is named".to_owned();
            let hint = Some("add one: [key.NAME] with public_key = \"…\"".to_owned());
            problems.push(document.problem_at(&["require_signature"], message, hint));
        }
    }
    trust.accepted_terms.sort();
    trust.accepted_terms.dedup();
    (!documents.is_empty()).then_some(trust)
}

fn keys(keys: &Registry<'_, KeyWords>, problems: &mut Problems) -> Vec<TrustedKey> {
    let mut found: Vec<TrustedKey> = Vec::new();
    for (name, words, document) in keys.usable() {
        check_name("key", name, document, &["key", name], problems);
        let path = ["key", name, "public_key"];
        match trust_keys::parse(name, &words.public_key) {
            Err(no) => problems.push(document.problem_at(&path, no.message, Some(no.hint.to_owned()))),
            Ok(key) => match found.iter().find(|other| other.ed25519 == key.ed25519) {
                Some(other) => {
                    let message = format!("key `{name}` is the same key as `{}`", other.name);
                    let hint = Some("give one key one name".to_owned());
                    problems.push(document.problem_at(&path, message, hint));
                }
                None => found.push(key),
            },
        }
    }
    found
}

/// Where a signature is, from its words: the text itself, an address or a path.
///
/// # Errors
/// Why it is none of them.
pub(crate) fn signature_source(words: &str) -> Result<SignatureSource, String> {
    let is_text = words.contains('\n') || words.starts_with("untrusted comment:");
    if words.len() > MAX_SIGNATURE_BYTES {
        return Err(format!(
            "the signature has {} bytes, and none has more than {MAX_SIGNATURE_BYTES}",
            words.len()
        ));
    }
    if words.trim().is_empty() {
        return Err("the signature is empty".to_owned());
    }
    if is_text {
        return Ok(SignatureSource::Text { text: words.to_owned() });
    }
    match words.split_once("://") {
        None => Ok(SignatureSource::File { path: words.to_owned() }),
        Some(("https", _)) => Ok(SignatureSource::Https { url: words.to_owned() }),
        Some(_) => Err(format!("`{}` does not begin with https://", words.escape_debug())),
    }
}

/// What to do about a signature that cannot be read.
pub(crate) const SIGNATURE_HINT: &str =
    "the text of a .minisig or .sig file in ''' quotes, the path of one, or an https address";

/// One text for all architectures, or one for each.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum PerArch {
    /// The same everywhere.
    All(String),
    /// By architecture: `x86_64`, `aarch64`, `arm`, `riscv64`, `x86`.
    Each(BTreeMap<String, String>),
}

impl PerArch {
    fn by_arch(&self) -> BTreeMap<&str, &str> {
        match self {
            Self::All(text) => BTreeMap::from([(ANY_ARCH, text.as_str())]),
            Self::Each(texts) => texts.iter().map(|(arch, text)| (arch.as_str(), text.as_str())).collect(),
        }
    }
}

/// The pins of a program; what cannot be read is left out, and [`pin_problems`] tells it.
pub(crate) fn pins(sha256: Option<&PerArch>, signature: Option<&PerArch>) -> ProgramPins {
    let signatures = signature.map(PerArch::by_arch).unwrap_or_default();
    let pin = |(arch, text): (&str, &str)| {
        let sha256 = Digest::try_from(text.to_owned()).ok()?;
        let words = signatures.get(arch);
        let signature_from = words.and_then(|words| signature_source(words).ok());
        Some((arch.to_owned(), ProgramPin { sha256, signature_from, signature: None }))
    };
    sha256.map(PerArch::by_arch).unwrap_or_default().into_iter().filter_map(pin).collect()
}

/// What is wrong with the words of pins: the key, the architecture where it is of one, message and hint.
pub(crate) fn pin_problems(
    sha256: Option<&PerArch>,
    signature: Option<&PerArch>,
) -> Vec<(&'static str, Option<String>, String, String)> {
    let mut found = Vec::new();
    let digests = sha256.map(PerArch::by_arch).unwrap_or_default();
    let signatures = signature.map(PerArch::by_arch).unwrap_or_default();
    let within = |arch: &str| (arch != ANY_ARCH).then(|| arch.to_owned());
    for (key, texts) in [("sha256", &digests), ("signature", &signatures)] {
        for arch in texts.keys().filter(|arch| **arch != ANY_ARCH && !ARCHITECTURES.contains(*arch)) {
            let hint = known_words(arch, &ARCHITECTURES);
            found.push((key, within(arch), format!("unknown architecture `{arch}`"), hint));
        }
    }
    for (arch, text) in &digests {
        if let Err(error) = Digest::try_from((*text).to_owned()) {
            let hint = "`sha256sum PROGRAM` on the device prints it".to_owned();
            found.push(("sha256", within(arch), error.to_string(), hint));
        }
    }
    for (arch, text) in &signatures {
        if let Err(message) = signature_source(text) {
            found.push(("signature", within(arch), message, SIGNATURE_HINT.to_owned()));
        }
        if !digests.contains_key(arch) {
            let message = "a signature without the sha256 that it is of".to_owned();
            let hint =
                "say sha256 in the same form: one text for all, or one for each architecture".to_owned();
            found.push(("signature", within(arch), message, hint));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_a_text_an_address_or_a_path() {
        let check = |words: &str, expected: SignatureSource| {
            assert_eq!(signature_source(words).expect("one of them"), expected);
        };
        let text = "untrusted comment: x\nRUT".to_owned();
        check(&text, SignatureSource::Text { text: text.clone() });
        check(
            "https://a.example/m.minisig",
            SignatureSource::Https { url: "https://a.example/m.minisig".to_owned() },
        );
        check("~/m.minisig", SignatureSource::File { path: "~/m.minisig".to_owned() });
        assert!(signature_source("http://a.example/m.minisig").is_err());
        assert!(signature_source(" ").is_err());
        assert!(signature_source(&"x\n".repeat(9000)).expect_err("megabytes").contains("18000 bytes"));
    }
}
