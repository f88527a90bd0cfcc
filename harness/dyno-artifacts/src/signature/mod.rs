//! Signatures that stock tools make, and whether they hold: `minisign -S` and `ssh-keygen -Y sign`.
//!
//! Both are ed25519 over a hash of the file, so a model of gigabytes is read once and never held in memory.

mod minisign;
mod ssh;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use dyno_model::digest::Digest;
use dyno_model::trust::{SignatureForm, SignatureState, Trust, TrustedKey};
use ring::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest as _, Sha512};

use minisign::Minisign;
use ssh::Ssh;

/// House rule: a signature file of either tool has a few hundred bytes.
pub(crate) const MAX_BYTES: usize = 16 << 10;
/// Characters of a signed comment that are kept.
const MAX_COMMENT_CHARS: usize = 200;

/// A signature does not hold, or is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is longer than any signature.
    #[error("it has more than {MAX_BYTES} bytes, which no signature has")]
    TooLong,
    /// It is of neither form.
    #[error("it is no signature of minisign or of ssh-keygen: {what}")]
    NotOne {
        /// What is wrong with it.
        what: &'static str,
    },
    /// It is made in a way that is not taken.
    #[error("it is made with {found}; {taken}")]
    Algorithm {
        /// How it is made.
        found: String,
        /// What is taken.
        taken: &'static str,
    },
    /// The key did not sign this file.
    #[error(
        "the key `{key}` has not signed this file: the file was changed, or the signature is of another one"
    )]
    OtherFile {
        /// The key's name in the project.
        key: String,
    },
    /// The comment is not the one that was signed.
    #[error("its trusted comment is not the one that the key `{key}` has signed")]
    Comment {
        /// The key's name in the project.
        key: String,
    },
    /// It says nothing of the file's SHA-256.
    #[error("it does not tell the SHA-256 of the file that it is of; {how}")]
    NoDigest {
        /// How to make one that does.
        how: &'static str,
    },
    /// It is of another SHA-256 than the pinned one.
    #[error("the key `{key}` has signed the SHA-256 {found}, and {expected} is pinned")]
    OtherDigest {
        /// The key's name in the project.
        key: String,
        /// What is pinned.
        expected: Digest,
        /// What the signed comment says.
        found: String,
    },
}

/// A signature as its file says it; nothing of it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signature {
    Minisign(Minisign),
    Ssh(Ssh),
}

/// The hash of the file that a signature is made over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentHash {
    Blake2b512,
    Sha512,
    Sha256,
}

impl Signature {
    /// Reads a signature file of either tool.
    pub(crate) fn parse(raw: &[u8]) -> Result<Self, SignatureError> {
        if raw.len() > MAX_BYTES {
            return Err(SignatureError::TooLong);
        }
        let not = |what| SignatureError::NotOne { what };
        let text = str::from_utf8(raw).map_err(|_not_utf8| not("it is not UTF-8"))?.trim();
        if text.is_empty() {
            return Err(not("it is empty"));
        }
        if text.starts_with(ssh::BEGIN) {
            return ssh::parse(text).map(Self::Ssh);
        }
        minisign::parse(text).map(Self::Minisign)
    }

    pub(crate) fn form(&self) -> SignatureForm {
        match self {
            Self::Minisign(_) => SignatureForm::Minisign,
            Self::Ssh(_) => SignatureForm::Ssh,
        }
    }

    /// Who says to have made it: an id or a fingerprint, for people.
    pub(crate) fn signer(&self) -> String {
        match self {
            Self::Minisign(of) => of.key_id.clone(),
            Self::Ssh(of) => of.fingerprint.clone(),
        }
    }

    /// The hash of the file that it takes to verify it.
    pub(crate) fn content_hash(&self) -> ContentHash {
        match self {
            Self::Minisign(_) => ContentHash::Blake2b512,
            Self::Ssh(of) => of.hash,
        }
    }

    /// The trusted keys that may have made it.
    pub(crate) fn keys<'t>(&self, trust: &'t Trust) -> Vec<&'t TrustedKey> {
        let may = |key: &&TrustedKey| match self {
            Self::Minisign(of) => key.minisign_id.as_ref() == Some(&of.key_id),
            Self::Ssh(of) => key.ed25519 == hex(&of.key),
        };
        trust.keys.iter().filter(may).collect()
    }

    /// Whether one of `keys` has made it over that hash of a file.
    pub(crate) fn of_content(
        &self,
        keys: &[&TrustedKey],
        hash: &[u8],
    ) -> Result<SignatureState, SignatureError> {
        self.by_one(keys, |key| match self {
            Self::Minisign(of) => of.of_content(key, hash),
            Self::Ssh(of) => of.of_content(key, hash),
        })
    }

    /// Whether one of `keys` has made it over a file of that SHA-256, which is not at hand.
    pub(crate) fn of_digest(
        &self,
        keys: &[&TrustedKey],
        digest: &Digest,
    ) -> Result<SignatureState, SignatureError> {
        self.by_one(keys, |key| match self {
            Self::Minisign(of) => of.of_digest(key, digest),
            Self::Ssh(of) => of.of_digest(key, digest),
        })
    }

    fn by_one(
        &self,
        keys: &[&TrustedKey],
        holds: impl Fn(&TrustedKey) -> Result<(), SignatureError>,
    ) -> Result<SignatureState, SignatureError> {
        let mut first = None;
        for key in keys {
            match holds(key) {
                Ok(()) => {
                    let comment = match self {
                        Self::Minisign(of) => Some(plain(&of.trusted_comment)),
                        Self::Ssh(_) => None,
                    };
                    return Ok(SignatureState::Signed { key: key.name.clone(), form: self.form(), comment });
                }
                Err(error) => first = first.or(Some(error)),
            }
        }
        match first {
            Some(error) => Err(error),
            None => Ok(SignatureState::UnknownSigner { signer: self.signer(), form: self.form() }),
        }
    }
}

/// A running hash of a file's content, and its SHA-256 beside it.
pub(crate) enum Hashing {
    Blake2b512(Box<blake2b_simd::State>),
    Sha512(Sha512),
    /// The file's own digest is the one.
    Sha256,
}

impl Hashing {
    pub(crate) fn new(kind: ContentHash) -> Self {
        match kind {
            ContentHash::Blake2b512 => Self::Blake2b512(Box::new(blake2b_simd::State::new())),
            ContentHash::Sha512 => Self::Sha512(Sha512::new()),
            ContentHash::Sha256 => Self::Sha256,
        }
    }

    pub(crate) fn update(&mut self, block: &[u8]) {
        match self {
            Self::Blake2b512(hasher) => {
                hasher.update(block);
            }
            Self::Sha512(hasher) => hasher.update(block),
            Self::Sha256 => {}
        }
    }

    /// The hash, given the SHA-256 of the same bytes.
    pub(crate) fn finish(self, sha256: &Digest) -> Vec<u8> {
        match self {
            Self::Blake2b512(hasher) => hasher.finalize().as_bytes().to_vec(),
            Self::Sha512(hasher) => hasher.finalize().to_vec(),
            Self::Sha256 => raw(sha256),
        }
    }
}

/// Whether the key has made `signature` over `message`.
fn verifies(key: &TrustedKey, message: &[u8], signature: &[u8]) -> bool {
    let Some(public) = unhex(&key.ed25519) else { return false };
    UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
}

/// The 32 bytes of a digest.
fn raw(digest: &Digest) -> Vec<u8> {
    unhex(digest.as_str()).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// A foreign comment for records: one line, and not a long one.
fn plain(comment: &str) -> String {
    comment.chars().filter(|c| !c.is_control()).take(MAX_COMMENT_CHARS).collect()
}
