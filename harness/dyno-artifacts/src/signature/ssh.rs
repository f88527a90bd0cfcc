//! Signatures of `ssh-keygen -Y sign` (OpenSSH, PROTOCOL.sshsig).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use dyno_model::digest::Digest;
use dyno_model::trust::TrustedKey;
use sha2::{Digest as _, Sha256};

use super::{ContentHash, SignatureError, raw, verifies};

pub(super) const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8; 6] = b"SSHSIG";
const VERSION: u32 = 1;
const KIND: &[u8] = b"ssh-ed25519";
/// What ssh-keygen's manual page names for files: a signature made for something else is not taken for one.
const NAMESPACE: &[u8] = b"file";

/// What a signature file of ssh-keygen says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ssh {
    /// The signer's public key, as the signature brings it.
    pub(crate) key: [u8; 32],
    /// Of that key, as ssh-keygen prints it.
    pub(crate) fingerprint: String,
    /// Of the file.
    pub(crate) hash: ContentHash,
    signature: [u8; 64],
}

pub(super) fn parse(text: &str) -> Result<Ssh, SignatureError> {
    let not = |what| SignatureError::NotOne { what };
    let body = text.strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END));
    let body: String = body.ok_or(not("it has no end"))?.split_whitespace().collect();
    let blob = STANDARD.decode(body).map_err(|_not_base64| not("what is within is not base64"))?;
    let short = || not("it ends too soon");
    let rest = blob.strip_prefix(MAGIC.as_slice()).ok_or(not("it does not begin with SSHSIG"))?;
    let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    if u32::from_be_bytes(*version) != VERSION {
        return Err(not("its version is not 1"));
    }
    let (public, rest) = part(rest).ok_or_else(short)?;
    let (namespace, rest) = part(rest).ok_or_else(short)?;
    let (_reserved, rest) = part(rest).ok_or_else(short)?;
    let (hash, rest) = part(rest).ok_or_else(short)?;
    let (signature, rest) = part(rest).ok_or_else(short)?;
    if !rest.is_empty() {
        return Err(not("something is behind its end"));
    }
    let key = of_kind(public)?.try_into().map_err(|_other_length| not("its key has not 32 bytes"))?;
    let signature =
        of_kind(signature)?.try_into().map_err(|_other_length| not("its signature has not 64 bytes"))?;
    if namespace != NAMESPACE {
        let found = format!("the namespace `{}`", words(namespace));
        return Err(SignatureError::Algorithm { found, taken: "sign with ssh-keygen -Y sign -n file" });
    }
    let hash = match hash {
        b"sha512" => ContentHash::Sha512,
        b"sha256" => ContentHash::Sha256,
        _ => {
            let found = format!("the hash `{}`", words(hash));
            return Err(SignatureError::Algorithm { found, taken: "sha512 and sha256 are taken" });
        }
    };
    let fingerprint = format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(public)));
    Ok(Ssh { key, fingerprint, hash, signature })
}

/// What stands behind the word ssh-ed25519.
fn of_kind(raw: &[u8]) -> Result<&[u8], SignatureError> {
    let not = |what| SignatureError::NotOne { what };
    let (kind, rest) = part(raw).ok_or(not("it ends too soon"))?;
    if kind != KIND {
        let found = format!("a key of the kind `{}`", words(kind));
        return Err(SignatureError::Algorithm { found, taken: "sign with a key of ssh-keygen -t ed25519" });
    }
    let (value, rest) = part(rest).ok_or(not("it ends too soon"))?;
    if rest.is_empty() { Ok(value) } else { Err(not("something is behind its key")) }
}

/// A part with its length before it (RFC 4251, 5).
fn part(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = raw.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// The beginning of a foreign word.
fn words(raw: &[u8]) -> String {
    raw.iter().take(40).map(|byte| byte.escape_ascii().to_string()).collect()
}

impl Ssh {
    pub(super) fn of_content(&self, key: &TrustedKey, hash: &[u8]) -> Result<(), SignatureError> {
        if verifies(key, &self.signed(hash), &self.signature) {
            return Ok(());
        }
        Err(SignatureError::OtherFile { key: key.name.clone() })
    }

    /// The file is not at hand: its SHA-256 is what was signed.
    pub(super) fn of_digest(&self, key: &TrustedKey, digest: &Digest) -> Result<(), SignatureError> {
        if self.hash != ContentHash::Sha256 {
            return Err(SignatureError::NoDigest {
                how: "sign with ssh-keygen -Y sign -n file -O hashalg=sha256 -f KEY PROGRAM",
            });
        }
        self.of_content(key, &raw(digest))
    }

    /// The bytes that the key signs.
    fn signed(&self, hash: &[u8]) -> Vec<u8> {
        let name: &[u8] = match self.hash {
            ContentHash::Sha256 => b"sha256",
            ContentHash::Sha512 | ContentHash::Blake2b512 => b"sha512",
        };
        let mut message = MAGIC.to_vec();
        for part in [NAMESPACE, b"", name, hash] {
            message.extend((part.len() as u32).to_be_bytes());
            message.extend(part);
        }
        message
    }
}
