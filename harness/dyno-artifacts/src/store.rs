//! The folder of models, and what is in it.
//!
//! `models/<sha256>/<file>` is a model and `models/<sha256>.json` its record, written last: a model is there if both
//! are. `partial/` holds what is on its way, `locks/` a file for each that is worked on.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_model::plan::ModelOrigin;

use crate::error::{SourceError, StoreError};
use crate::intake::hash_file;
use crate::progress::Progress;
use crate::record::{ModelRecord, RECORD_FORMAT};
use crate::settings::Settings;

/// House rule: so much stays free on the disk.
const SPARE_BYTES: u64 = 64 << 20;

/// The folder of edgedyno's cache: `EDGEDYNO_CACHE`, else `edgedyno` in `XDG_CACHE_HOME` or in `~/.cache`.
///
/// # Errors
/// [`StoreError::NoCacheDir`] when none of them is set.
pub fn cache_dir() -> Result<PathBuf, StoreError> {
    let var = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    var("EDGEDYNO_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("edgedyno")))
        .or_else(|| env::home_dir().map(|dir| dir.join(".cache").join("edgedyno")))
        .ok_or(StoreError::NoCacheDir)
}

/// The model files of this machine.
#[derive(Debug)]
pub struct ModelStore {
    dir: PathBuf,
    pub(crate) settings: Settings,
}

/// A model that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredModel {
    /// Its file.
    pub path: PathBuf,
    /// What is known of it.
    pub record: ModelRecord,
}

/// What hashing a model again has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// It is what it was.
    Intact,
    /// It is something else.
    Changed {
        /// Its SHA-256 now.
        digest: Digest,
        /// Its size now.
        bytes: u64,
    },
}

impl ModelStore {
    /// The store in `cache_dir`, which is made if it is not there.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the folder cannot be made.
    pub fn open(cache_dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(cache_dir, Settings::default())
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// As [`ModelStore::open`].
    pub fn open_with(cache_dir: &Path, settings: Settings) -> Result<Self, StoreError> {
        let store = Self { dir: cache_dir.to_owned(), settings };
        for dir in [store.models_dir(), store.partial_dir(), store.locks_dir()] {
            fs::create_dir_all(&dir).map_err(StoreError::io("create", &dir))?;
        }
        Ok(store)
    }

    /// The folder that it was opened with.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// All models, by digest.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Record`].
    pub fn list(&self) -> Result<Vec<StoredModel>, StoreError> {
        let dir = self.models_dir();
        let mut found = Vec::new();
        for entry in fs::read_dir(&dir).map_err(StoreError::io("read", &dir))? {
            let path = entry.map_err(StoreError::io("read", &dir))?.path();
            if path.extension().is_some_and(|ext| ext == "json") {
                let record = read_record(&path)?;
                found.extend(self.stored(record));
            }
        }
        found.sort_by(|a, b| a.record.digest.cmp(&b.record.digest));
        Ok(found)
    }

    /// The model of that origin, if it is there with its right size; `None` for one that is made on the device.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Record`].
    pub fn locate(&self, origin: &ModelOrigin) -> Result<Option<StoredModel>, StoreError> {
        match origin {
            ModelOrigin::Published { digest, .. } => self.find(digest),
            ModelOrigin::Derived { quantize, digest, published, .. } => {
                let ModelOrigin::Published { digest: from, .. } = published.as_ref() else { return Ok(None) };
                let fits = |model: &StoredModel| {
                    let made = model.record.derived.as_ref();
                    made.is_some_and(|made| made.from == *from && made.quantize == *quantize)
                        && digest.as_ref().is_none_or(|digest| *digest == model.record.digest)
                };
                Ok(self.list()?.into_iter().find(fits))
            }
            ModelOrigin::Synthetic { .. } | ModelOrigin::None => Ok(None),
        }
    }

    /// The model with that digest.
    pub(crate) fn find(&self, digest: &Digest) -> Result<Option<StoredModel>, StoreError> {
        let path = self.record_path(digest);
        if !path.exists() {
            return Ok(None);
        }
        Ok(self.stored(read_record(&path)?))
    }

    /// Hashes a model again, and records that it was found right.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be read, [`StoreError::Cancelled`].
    pub fn verify(
        &self,
        model: &StoredModel,
        progress: &mut dyn Progress,
    ) -> Result<Verification, StoreError> {
        let (bytes, digest) = hash_file(&model.path, progress).map_err(into_store)?;
        if digest != model.record.digest {
            return Ok(Verification::Changed { digest, bytes });
        }
        self.write_record(&ModelRecord { verified_at: WallNs::now(), ..model.record.clone() })?;
        Ok(Verification::Intact)
    }

    /// Puts the finished file `part` into its place, then its record.
    pub(crate) fn settle(&self, part: &Path, record: ModelRecord) -> Result<StoredModel, StoreError> {
        let dir = self.models_dir().join(record.digest.as_str());
        fs::create_dir_all(&dir).map_err(StoreError::io("create", &dir))?;
        let path = dir.join(&record.file);
        // The name must not reach the disk before the bytes do.
        File::open(part).and_then(|file| file.sync_all()).map_err(StoreError::io("write", part))?;
        fs::rename(part, &path).map_err(StoreError::io("move a model to", &path))?;
        self.write_record(&record)?;
        Ok(StoredModel { path, record })
    }

    /// Whether `needed` more bytes, and some air, fit on the disk: `Err` has what is needed and what is free.
    pub(crate) fn check_space(&self, needed: u64) -> Result<Result<(), (u64, u64)>, StoreError> {
        let needed = needed.saturating_add(SPARE_BYTES);
        let free = (self.settings.free_bytes)(&self.dir)
            .map_err(StoreError::io("ask for free space in", &self.dir))?;
        Ok(match free {
            Some(free) if free < needed => Err((needed, free)),
            _ => Ok(()),
        })
    }

    /// Where the bytes of a file gather.
    pub(crate) fn partial_path(&self, key: &str) -> PathBuf {
        self.partial_dir().join(format!("{key}.part"))
    }

    /// A folder for what a source needs in the meantime.
    pub(crate) fn work_dir(&self, key: &str) -> PathBuf {
        self.partial_dir().join(format!("{key}.work"))
    }

    pub(crate) fn lock_path(&self, key: &str) -> PathBuf {
        self.locks_dir().join(format!("{key}.lock"))
    }

    fn models_dir(&self) -> PathBuf {
        self.dir.join("models")
    }

    fn partial_dir(&self) -> PathBuf {
        self.dir.join("partial")
    }

    fn locks_dir(&self) -> PathBuf {
        self.dir.join("locks")
    }

    fn record_path(&self, digest: &Digest) -> PathBuf {
        self.models_dir().join(format!("{digest}.json"))
    }

    /// The model of a record, if its file is there with its size.
    fn stored(&self, record: ModelRecord) -> Option<StoredModel> {
        let path = self.models_dir().join(record.digest.as_str()).join(&record.file);
        let there = fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() == record.bytes);
        there.then_some(StoredModel { path, record })
    }

    pub(crate) fn write_record(&self, record: &ModelRecord) -> Result<(), StoreError> {
        let path = self.record_path(&record.digest);
        let temporary = path.with_extension("json.new");
        let mut json = serde_json::to_vec_pretty(record).expect("a record has only string keys");
        json.push(b'\n');
        let write = || -> io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.write_all(&json)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        write().map_err(StoreError::io("write", &path))
    }
}

fn read_record(path: &Path) -> Result<ModelRecord, StoreError> {
    let bytes = fs::read(path).map_err(StoreError::io("read", path))?;
    let record = |source| StoreError::Record { path: path.to_owned(), source };
    let read: ModelRecord = serde_json::from_slice(&bytes).map_err(record)?;
    let plain = !read.file.is_empty() && !read.file.starts_with('.') && !read.file.contains(['/', '\\']);
    if read.format != RECORD_FORMAT || !plain {
        let words = format!("format {} with file `{}`", read.format, read.file);
        return Err(record(<serde_json::Error as serde::de::Error>::custom(words)));
    }
    Ok(read)
}

/// The errors that a file of our own can have.
pub(crate) fn into_store(error: SourceError) -> StoreError {
    match error {
        SourceError::Io { action, path, source } => StoreError::Io { action, path, source },
        SourceError::Cancelled => StoreError::Cancelled,
        other => StoreError::Io { action: "read", path: PathBuf::new(), source: io::Error::other(other) },
    }
}
