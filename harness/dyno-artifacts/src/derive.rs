//! Models that are made on this machine from published ones.

use std::path::Path;

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_model::plan::{ModelOrigin, PlannedModel};
use dyno_model::trust::{ModelProvenance, SignatureState};

use crate::conditions::Conditions;
use crate::error::{PullError, StoreError};
use crate::intake::hash_file;
use crate::lock::Lock;
use crate::progress::{Phase, Progress};
use crate::pull::{Published, PulledModel, remove};
use crate::quantizer::Quantizer;
use crate::record::{Derivation, ModelRecord, RECORD_FORMAT};
use crate::signed::{Subject, unchanged};
use crate::store::{ModelStore, StoredModel, into_store};

/// A derived model: the fields of [`ModelOrigin::Derived`].
struct Wanted<'m> {
    name: &'m str,
    model: &'m PlannedModel,
    from: &'m str,
    quantize: &'m str,
    pinned: Option<&'m Digest>,
    /// The published model that it is made from.
    parent: PlannedModel,
}

impl<'m> Wanted<'m> {
    fn of(name: &'m str, model: &'m PlannedModel) -> Option<Self> {
        let ModelOrigin::Derived { from, quantize, digest, published } = &model.origin else { return None };
        let provenance = ModelProvenance {
            signature_from: model.provenance.parent_signature_from.clone(),
            ..ModelProvenance::default()
        };
        let parent = PlannedModel { origin: published.as_ref().clone(), provenance, ..model.clone() };
        Some(Self { name, model, from, quantize, pinned: digest.as_ref(), parent })
    }

    /// Whether a signature, of its own or of its parent, says something of it.
    fn is_signed(&self) -> bool {
        let of = &self.model.provenance;
        of.signature_from.is_some() || of.parent_signature_from.is_some()
    }
}

impl ModelStore {
    /// The terms of a derived model are those of the one that it is made from.
    pub(crate) fn pull_derived(
        &self,
        name: &str,
        model: &PlannedModel,
        conditions: &Conditions<'_>,
        quantizer: &mut dyn Quantizer,
        progress: &mut dyn Progress,
    ) -> Result<PulledModel, PullError> {
        let nothing = || PullError::NothingToPull { model: name.to_owned(), reason: "it is not derived" };
        let wanted = Wanted::of(name, model).ok_or_else(nothing)?;
        if let Some(there) = self.locate(&model.origin)? {
            return self.admit_derived(&wanted, there, conditions, progress);
        }
        let parent = self.pull_published(wanted.from, &wanted.parent, conditions, progress)?;
        let key = format!("{}-{}", parent.digest, wanted.quantize);
        let _lock = Lock::take(&self.lock_path(&key), progress)?;
        if let Some(there) = self.locate(&model.origin)? {
            return self.admit_derived(&wanted, there, conditions, progress);
        }
        // Four-bit weights as eight-bit ones take twice the room; wider types are found out by the write itself.
        if let Err((needed_bytes, free_bytes)) = self.check_space(parent.bytes.saturating_mul(2))? {
            return Err(StoreError::NoSpace { dir: self.dir().to_owned(), needed_bytes, free_bytes }.into());
        }
        let part = self.partial_path(&key);
        remove(&part);
        let made = self.make(&wanted, &parent, &part, quantizer, progress);
        let stored = made.inspect_err(|_failed| remove(&part))?;
        let signature = self.derived_signature(&wanted, &stored, conditions, progress)?;
        Ok(PulledModel::of(stored, false, signature))
    }

    /// A derived model that is in the store.
    fn admit_derived(
        &self,
        wanted: &Wanted<'_>,
        there: StoredModel,
        conditions: &Conditions<'_>,
        progress: &mut dyn Progress,
    ) -> Result<PulledModel, PullError> {
        let terms = self.derived_terms(wanted, &there, conditions)?;
        let signature = self.derived_signature(wanted, &there, conditions, progress)?;
        let record = ModelRecord { terms, ..there.record.clone() };
        if record != there.record {
            self.write_record(&record)?;
        }
        Ok(PulledModel::of(StoredModel { record, ..there }, true, signature))
    }

    /// What was accepted when it was made, or since.
    fn derived_terms(
        &self,
        wanted: &Wanted<'_>,
        there: &StoredModel,
        conditions: &Conditions<'_>,
    ) -> Result<Option<dyno_model::trust::AcceptedTerms>, PullError> {
        let Some(parent) = Published::of(wanted.from, &wanted.parent) else { return Ok(None) };
        if let Ok(accepted) = parent.acceptance(Some(&there.record), conditions) {
            return Ok(accepted);
        }
        let record = match &there.record.derived {
            Some(derived) => self.find(&derived.from)?.map(|stored| stored.record),
            None => None,
        };
        parent.acceptance(record.as_ref(), conditions)
    }

    /// A file that was made here has the signature of nobody, unless somebody signed the very same result: what
    /// vouches for it is the signature of the file that it was made from, and that it is still what was made.
    fn derived_signature(
        &self,
        wanted: &Wanted<'_>,
        stored: &StoredModel,
        conditions: &Conditions<'_>,
        progress: &mut dyn Progress,
    ) -> Result<SignatureState, PullError> {
        if !wanted.is_signed() && !conditions.requires_signature() {
            return Ok(SignatureState::Unsigned);
        }
        if let Some(from) = &wanted.model.provenance.signature_from {
            let subject = Subject {
                model: wanted.name,
                path: &stored.path,
                file: &stored.record.file,
                digest: &stored.record.digest,
                from: Some(from),
                kept: stored.record.signature.as_ref(),
            };
            return Ok(self.check(&subject, conditions, progress)?.state);
        }
        unchanged(wanted.name, stored, progress)?;
        let parent = self.pull_published(wanted.from, &wanted.parent, conditions, progress)?;
        Ok(match parent.signature {
            SignatureState::Signed { key, .. } => {
                SignatureState::MadeFromSigned { from: wanted.from.to_owned(), key }
            }
            other => other,
        })
    }

    /// Makes it and puts it into the store.
    fn make(
        &self,
        wanted: &Wanted<'_>,
        parent: &PulledModel,
        part: &Path,
        quantizer: &mut dyn Quantizer,
        progress: &mut dyn Progress,
    ) -> Result<StoredModel, PullError> {
        let (name, quantize) = (wanted.name, wanted.quantize);
        progress.phase(&Phase::Quantize { to: quantize.to_owned() });
        quantizer.quantize(&parent.path, quantize, part, progress).map_err(|source| PullError::Quantize {
            model: name.to_owned(),
            quantize: quantize.to_owned(),
            source,
        })?;
        let (bytes, found) = hash_file(part, progress).map_err(into_store)?;
        if let Some(expected) = wanted.pinned.filter(|expected| **expected != found) {
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
            signature: None,
            terms: parent.terms.clone(),
        };
        let stored = self.settle(part, record)?;
        progress.phase(&Phase::Done { digest: found });
        Ok(stored)
    }
}
