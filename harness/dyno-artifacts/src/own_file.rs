//! Taking a person's own GGUF file into the store.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_model::trust::{SignatureState, Trust};

use crate::conditions::Conditions;
use crate::error::{PullError, SourceError, StoreError, chain};
use crate::intake::{Expected, Intake, hash_file};
use crate::lock::Lock;
use crate::progress::{Phase, Progress};
use crate::record::{KeptSignature, ModelRecord, RECORD_FORMAT};
use crate::refusal::{Refusal, Refused};
use crate::signature::SignatureError;
use crate::signed::{Subject, read_short};
use crate::store::{ModelStore, StoredModel, into_store};

/// How the signatures of a file are called beside it: minisign's, and ssh-keygen's.
const SIGNATURE_ENDINGS: [&str; 2] = [".minisig", ".sig"];
/// Versions of GGUF with 64-bit counts, which is what engines read.
const GGUF_VERSIONS: [u32; 2] = [2, 3];
/// Tokens of context in a new entry, where the model was trained for as many.
const USUAL_CONTEXT: u32 = 2048;

/// A file that is in the store now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedModel {
    /// Its file in the store.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// A name for it in the catalogue.
    pub name: String,
    /// What to write into `catalog/models/<name>.toml` to use it.
    pub catalog_entry: String,
    /// What the signature beside it says.
    pub signature: SignatureState,
}

/// What the header of a file says, as far as somebody has read it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileWords {
    /// Its licence.
    pub license: Option<String>,
    /// The context length that the model was trained for.
    pub trained_context_tokens: Option<u32>,
}

impl ModelStore {
    /// Hashes the GGUF file at `path` and keeps a copy of it, with the signature that lies beside it.
    ///
    /// # Errors
    /// [`PullError::Refused`] when the signature does not hold, or is required and is not there; or
    /// [`StoreError::NotGguf`], [`StoreError::NoSpace`], [`StoreError::Io`] or [`StoreError::Cancelled`].
    pub fn add(
        &self,
        path: &Path,
        said: &FileWords,
        trust: Option<&Trust>,
        progress: &mut dyn Progress,
    ) -> Result<AddedModel, PullError> {
        check_gguf(path)?;
        let path = fs::canonicalize(path).map_err(StoreError::io("find", path))?;
        let (bytes, digest) = hash_file(&path, progress).map_err(into_store)?;
        let name = catalog_name(&path);
        let beside = signature_beside(&name, &path)?;
        let kept = beside.as_ref().map(|(_, kept)| kept);
        let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let subject = Subject { model: &name, path: &path, file: &file, digest: &digest, from: None, kept };
        let conditions = Conditions { trust, ..Conditions::default() };
        let signature = self.check(&subject, &conditions, progress)?.state;
        let _lock = Lock::take(&self.lock_path(digest.as_str()), progress)?;
        let stored = match self.find(&digest)? {
            Some(there) => there,
            None => self.copy(&path, Expected { digest: &digest, bytes }, progress)?,
        };
        if let Some(kept) = kept {
            self.write_record(&ModelRecord { signature: Some(kept.clone()), ..stored.record.clone() })?;
        }
        let catalog_entry = catalog_entry(&name, &path, &stored.record, said, beside.as_ref());
        progress.phase(&Phase::Done { digest: digest.clone() });
        Ok(AddedModel { path: stored.path, digest, bytes, name, catalog_entry, signature })
    }

    fn copy(
        &self,
        path: &Path,
        expected: Expected<'_>,
        progress: &mut dyn Progress,
    ) -> Result<StoredModel, StoreError> {
        if let Err((needed_bytes, free_bytes)) = self.check_space(expected.bytes)? {
            return Err(StoreError::NoSpace { dir: self.dir().to_owned(), needed_bytes, free_bytes });
        }
        let part = self.partial_path(&format!("{}.copy", expected.digest));
        progress.phase(&Phase::Fetch { source: path.display().to_string() });
        let copied = File::open(path).map_err(SourceError::io("open", path)).and_then(|mut file| {
            let mut intake = Intake::create(&part, expected.bytes)?;
            intake.absorb(&mut file, progress, &|_, error| SourceError::io("read", path)(error))?;
            intake.finish(expected)
        });
        let part = copied.map_err(|error| {
            // Best effort: what stays behind is overwritten by the next try.
            drop(fs::remove_file(&part));
            into_store(error)
        })?;
        let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let record = ModelRecord {
            format: RECORD_FORMAT,
            digest: expected.digest.clone(),
            bytes: expected.bytes,
            file: file.trim_start_matches('.').to_owned(),
            source: path.display().to_string(),
            derived: None,
            verified_at: WallNs::now(),
            signature: None,
            terms: None,
        };
        self.settle(&part, record)
    }
}

/// The signature beside a file, as minisign and ssh-keygen call it, with its path.
fn signature_beside(name: &str, path: &Path) -> Result<Option<(PathBuf, KeptSignature)>, PullError> {
    for ending in SIGNATURE_ENDINGS {
        let mut beside = path.as_os_str().to_owned();
        beside.push(ending);
        let beside = PathBuf::from(beside);
        if !beside.exists() {
            continue;
        }
        let refused = |why| PullError::from(Refused { what: format!("model `{name}`"), why });
        let (file, from) = (path.display().to_string(), beside.display().to_string());
        let text = read_short(&beside).map_err(|error| {
            refused(Refusal::NoSignature { file: file.clone(), from: from.clone(), why: chain(&error) })
        })?;
        let text = String::from_utf8(text).map_err(|_not_utf8| {
            let why = SignatureError::NotOne { what: "it is not UTF-8" };
            refused(Refusal::Wrong { file: file.clone(), why })
        })?;
        return Ok(Some((beside, KeptSignature { from: None, text })));
    }
    Ok(None)
}

/// Magic, version and counts of the header (GGUF specification, "File Structure").
fn check_gguf(path: &Path) -> Result<(), StoreError> {
    let mut header = Vec::new();
    let mut file = File::open(path).map_err(StoreError::io("open", path))?.take(24);
    file.read_to_end(&mut header).map_err(StoreError::io("read", path))?;
    let not = |detail: String| Err(StoreError::NotGguf { path: path.to_owned(), detail });
    if !header.starts_with(b"GGUF") {
        let start: String = header.iter().take(4).map(|byte| byte.escape_ascii().to_string()).collect();
        return not(format!("it begins with `{start}`"));
    }
    let Some((version, counts)) = header[4..].split_first_chunk::<4>() else {
        return not("it ends within its header".to_owned());
    };
    let version = u32::from_le_bytes(*version);
    if !GGUF_VERSIONS.contains(&version) {
        return not(format!("its version is {version}, but 2 and 3 are read"));
    }
    let Some((n_tensors, _)) = counts.split_first_chunk::<8>() else {
        return not("it ends within its header".to_owned());
    };
    if counts.len() < 16 {
        return not("it ends within its header".to_owned());
    }
    if u64::from_le_bytes(*n_tensors) == 0 {
        return not("it holds no tensor".to_owned());
    }
    Ok(())
}

/// `My Model.Q4_0.gguf` becomes `my-model.q4_0`.
fn catalog_name(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches(['-', '.']);
    if name.is_empty() { "my-model".to_owned() } else { name.to_owned() }
}

fn catalog_entry(
    name: &str,
    path: &Path,
    record: &ModelRecord,
    said: &FileWords,
    signature: Option<&(PathBuf, KeptSignature)>,
) -> String {
    let text = |text: &str| serde_json::to_string(text).expect("text is JSON");
    // What TOML cannot quote literally stays where it is.
    let is_plain = |text: &str| {
        !text.contains("'''") && text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r'))
    };
    let signature = signature.map(|(path, kept)| {
        if is_plain(&kept.text) {
            format!("signature = '''\n{}\n'''\n", kept.text.trim_end().replace('\r', ""))
        } else {
            format!("signature = {}\n", text(&path.display().to_string()))
        }
    });
    let (license, remark) = match &said.license {
        Some(license) => (text(license), "as the file says; the SPDX id of its licence"),
        None => (text("unknown"), "SPDX id of its licence"),
    };
    let context_tokens =
        said.trained_context_tokens.filter(|n| *n > 0).map_or(USUAL_CONTEXT, |n| n.min(USUAL_CONTEXT));
    format!(
        "schema_version = 1\n\n\
         [model.{}]\n\
         kind = \"published\"\n\
         title = {}\n\
         license = {license}  # {remark}\n\
         context_tokens = {context_tokens}\n\
         file = {}\n\
         sha256 = {}\n\
         size_bytes = {}\n\
         {}source = [{{ kind = \"file\", path = {} }}]\n",
        text(name),
        text(name),
        text(&record.file),
        text(record.digest.as_str()),
        record.bytes,
        signature.unwrap_or_default(),
        text(&path.display().to_string()),
    )
}
