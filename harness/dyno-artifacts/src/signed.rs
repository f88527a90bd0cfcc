//! Whether a file of the store, or the program of a runtime, is signed by somebody whom the project trusts.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use dyno_model::digest::Digest;
use dyno_model::trust::{ProgramPin, SignatureSource, SignatureState, Trust};

use crate::conditions::Conditions;
use crate::error::{PullError, SourceError, chain};
use crate::https;
use crate::intake::hash_with;
use crate::local_file::expand_home;
use crate::progress::Progress;
use crate::record::KeptSignature;
use crate::refusal::{Refusal, Refused};
use crate::signature::{Hashing, MAX_BYTES, Signature, SignatureError};
use crate::store::{ModelStore, StoredModel, into_store};

/// A file whose signature is looked at.
pub(crate) struct Subject<'s> {
    /// The model's name.
    pub(crate) model: &'s str,
    /// Where it lies now.
    pub(crate) path: &'s Path,
    /// What it is called.
    pub(crate) file: &'s str,
    /// What it must be.
    pub(crate) digest: &'s Digest,
    /// Where its signature is to be had.
    pub(crate) from: Option<&'s SignatureSource>,
    /// The signature that came with it into the store.
    pub(crate) kept: Option<&'s KeptSignature>,
}

/// What was found, and what is to be kept of it.
pub(crate) struct Checked {
    pub(crate) state: SignatureState,
    pub(crate) kept: Option<KeptSignature>,
}

impl ModelStore {
    /// Looks at the signature of a model that is in the store again, and hashes its file for that.
    ///
    /// # Errors
    /// [`PullError::Refused`] when the signature does not hold, or is required and is not there.
    pub fn check_signature(
        &self,
        model: &str,
        stored: &StoredModel,
        from: Option<&SignatureSource>,
        trust: Option<&Trust>,
        progress: &mut dyn Progress,
    ) -> Result<SignatureState, PullError> {
        let subject = Subject {
            model,
            path: &stored.path,
            file: &stored.record.file,
            digest: &stored.record.digest,
            from,
            kept: stored.record.signature.as_ref(),
        };
        let conditions = Conditions { trust, ..Conditions::default() };
        Ok(self.check(&subject, &conditions, progress)?.state)
    }

    /// Whether the digest of a runtime's program is signed; the program itself lies on a device.
    ///
    /// # Errors
    /// [`PullError::Refused`] when the signature does not hold, or is required and is not there.
    pub fn check_program(
        &self,
        runtime: &str,
        program: &str,
        pin: &ProgramPin,
        trust: Option<&Trust>,
    ) -> Result<SignatureState, PullError> {
        let refused = |why| PullError::from(Refused { what: format!("runtime `{runtime}`"), why });
        let is_required = trust.is_some_and(|trust| trust.require_for_runtimes);
        let Some(from) = &pin.signature_from else {
            let unsigned = || refused(Refusal::Unsigned { file: program.to_owned() });
            return if is_required { Err(unsigned()) } else { Ok(SignatureState::Unsigned) };
        };
        let wrong = |why| refused(Refusal::Wrong { file: program.to_owned(), why });
        let text = self.text_of(program, from).map_err(refused)?;
        let signature = Signature::parse(&text).map_err(wrong)?;
        let keys = trust.map(|trust| signature.keys(trust)).unwrap_or_default();
        if keys.is_empty() && is_required {
            return Err(refused(unknown(program, &signature, trust)));
        }
        signature.of_digest(&keys, &pin.sha256).map_err(wrong)
    }

    /// What the signature of a file says, as far as the project knows its key.
    pub(crate) fn check(
        &self,
        subject: &Subject<'_>,
        conditions: &Conditions<'_>,
        progress: &mut dyn Progress,
    ) -> Result<Checked, PullError> {
        let refused = |why| PullError::from(Refused { what: format!("model `{}`", subject.model), why });
        let file = || subject.file.to_owned();
        let Some(text) = self.signature_text(subject).map_err(refused)? else {
            if conditions.requires_signature() {
                return Err(refused(Refusal::Unsigned { file: file() }));
            }
            return Ok(Checked { state: SignatureState::Unsigned, kept: None });
        };
        let wrong = |why| refused(Refusal::Wrong { file: file(), why });
        let signature = Signature::parse(&text).map_err(wrong)?;
        let keys = conditions.trust.map(|trust| signature.keys(trust)).unwrap_or_default();
        if keys.is_empty() && conditions.requires_signature() {
            return Err(refused(unknown(subject.file, &signature, conditions.trust)));
        }
        let kept = kept(subject, &text);
        if keys.is_empty() {
            let state = SignatureState::UnknownSigner { signer: signature.signer(), form: signature.form() };
            return Ok(Checked { state, kept });
        }
        let mut hashing = Hashing::new(signature.content_hash());
        let (_, found) =
            hash_with(subject.path, progress, &mut |block| hashing.update(block)).map_err(into_store)?;
        if found != *subject.digest {
            return Err(refused(Refusal::Changed { file: file(), expected: subject.digest.clone(), found }));
        }
        let state = signature.of_content(&keys, &hashing.finish(&found)).map_err(wrong)?;
        Ok(Checked { state, kept })
    }

    /// The signature that the catalogue names, else the one that came with the file.
    fn signature_text(&self, subject: &Subject<'_>) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(from) = subject.from else {
            return Ok(subject.kept.map(|kept| kept.text.clone().into_bytes()));
        };
        // An address need not be asked for each campaign: whether its words hold is seen each time.
        let kept = subject
            .kept
            .filter(|kept| matches!(from, SignatureSource::Https { .. }) && kept.from.as_ref() == Some(from));
        match kept {
            Some(kept) => Ok(Some(kept.text.clone().into_bytes())),
            None => self.text_of(subject.file, from).map(Some),
        }
    }

    fn text_of(&self, file: &str, from: &SignatureSource) -> Result<Vec<u8>, Refusal> {
        let cannot = |from: &str, error: &SourceError| Refusal::NoSignature {
            file: file.to_owned(),
            from: from.to_owned(),
            why: chain(error),
        };
        let text = match from {
            SignatureSource::Text { text } => text.clone().into_bytes(),
            SignatureSource::File { path } => {
                read_short(&expand_home(path)).map_err(|error| cannot(path, &error))?
            }
            SignatureSource::Https { url } => {
                https::fetch_short(url, MAX_BYTES, &self.settings).map_err(|error| cannot(url, &error))?
            }
        };
        if text.len() > MAX_BYTES {
            return Err(Refusal::Wrong { file: file.to_owned(), why: SignatureError::TooLong });
        }
        Ok(text)
    }
}

/// The file as far as a signature goes, and one byte more, so that a longer one is seen.
pub(crate) fn read_short(path: &Path) -> Result<Vec<u8>, SourceError> {
    let mut text = Vec::new();
    let file = File::open(path).map_err(SourceError::io("open", path))?;
    let is_file = file.metadata().map_err(SourceError::io("read", path))?.is_file();
    if !is_file {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a file");
        return Err(SourceError::io("read", path)(error));
    }
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut text).map_err(SourceError::io("read", path))?;
    Ok(text)
}

fn unknown(file: &str, signature: &Signature, trust: Option<&Trust>) -> Refusal {
    Refusal::UnknownSigner {
        file: file.to_owned(),
        signer: signature.signer(),
        tool: signature.form().tool(),
        trusted: trust.map(Trust::names).unwrap_or_default().into_iter().map(str::to_owned).collect(),
    }
}

/// What goes into the record: a text in the catalogue stands there already.
fn kept(subject: &Subject<'_>, text: &[u8]) -> Option<KeptSignature> {
    match subject.from {
        None | Some(SignatureSource::Text { .. }) => subject.kept.cloned(),
        Some(from @ (SignatureSource::File { .. } | SignatureSource::Https { .. })) => {
            Some(KeptSignature { from: Some(from.clone()), text: String::from_utf8_lossy(text).into_owned() })
        }
    }
}

impl From<Refused> for PullError {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

/// A file that is what the store's record says, whatever its signature.
pub(crate) fn unchanged(
    model: &str,
    stored: &StoredModel,
    progress: &mut dyn Progress,
) -> Result<(), PullError> {
    let (_, found) = hash_with(&stored.path, progress, &mut |_| {}).map_err(into_store)?;
    if found == stored.record.digest {
        return Ok(());
    }
    let why =
        Refusal::Changed { file: stored.record.file.clone(), expected: stored.record.digest.clone(), found };
    Err(Refused { what: format!("model `{model}`"), why }.into())
}
