//! Taking a person's own GGUF file into the store.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;

use crate::error::{SourceError, StoreError};
use crate::intake::{Expected, Intake, hash_file};
use crate::lock::Lock;
use crate::progress::{Phase, Progress};
use crate::record::{ModelRecord, RECORD_FORMAT};
use crate::store::{ModelStore, StoredModel, into_store};

/// Versions of GGUF with 64-bit counts, which is what engines read.
const GGUF_VERSIONS: [u32; 2] = [2, 3];

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
}

impl ModelStore {
    /// Hashes the GGUF file at `path` and keeps a copy of it.
    ///
    /// # Errors
    /// [`StoreError::NotGguf`], [`StoreError::NoSpace`], [`StoreError::Io`] or [`StoreError::Cancelled`].
    pub fn add(&self, path: &Path, progress: &mut dyn Progress) -> Result<AddedModel, StoreError> {
        check_gguf(path)?;
        let path = fs::canonicalize(path).map_err(StoreError::io("find", path))?;
        let (bytes, digest) = hash_file(&path, progress).map_err(into_store)?;
        let _lock = Lock::take(&self.lock_path(digest.as_str()), progress)?;
        let stored = match self.find(&digest)? {
            Some(there) => there,
            None => self.copy(&path, Expected { digest: &digest, bytes }, progress)?,
        };
        let name = catalog_name(&path);
        let catalog_entry = catalog_entry(&name, &path, &stored.record);
        progress.phase(&Phase::Done { digest: digest.clone() });
        Ok(AddedModel { path: stored.path, digest, bytes, name, catalog_entry })
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
        };
        self.settle(&part, record)
    }
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

fn catalog_entry(name: &str, path: &Path, record: &ModelRecord) -> String {
    let text = |text: &str| serde_json::to_string(text).expect("text is JSON");
    format!(
        "schema_version = 1\n\n\
         [model.{}]\n\
         kind = \"published\"\n\
         title = {}\n\
         license = \"unknown\"  # SPDX id of its licence\n\
         context_tokens = 2048\n\
         file = {}\n\
         sha256 = {}\n\
         size_bytes = {}\n\
         source = [{{ kind = \"file\", path = {} }}]\n",
        text(name),
        text(name),
        text(&record.file),
        text(record.digest.as_str()),
        record.bytes,
        text(&path.display().to_string()),
    )
}
