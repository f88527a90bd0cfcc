//! Signature files of minisign (its documented format): two comments, each with a line of base64 behind it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dyno_model::digest::Digest;
use dyno_model::trust::TrustedKey;

use super::{SignatureError, verifies};

const UNTRUSTED: &str = "untrusted comment:";
const TRUSTED: &str = "trusted comment: ";
/// Algorithm, id of the key, signature.
const SIGNATURE_BYTES: usize = 2 + 8 + 64;
/// How the SHA-256 of a file stands in a trusted comment.
const DIGEST: &str = "sha256:";

/// What a signature file of minisign says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Minisign {
    /// As minisign prints it.
    pub(crate) key_id: String,
    /// Over BLAKE2b-512 of the file.
    signature: [u8; 64],
    pub(crate) trusted_comment: String,
    /// Over the signature and the trusted comment.
    global: [u8; 64],
}

pub(super) fn parse(text: &str) -> Result<Minisign, SignatureError> {
    let not = |what| SignatureError::NotOne { what };
    let lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches('\r')).collect();
    let [untrusted, signature, trusted, global] = lines.as_slice() else {
        return Err(not("minisign's has four lines, and ssh-keygen's begins with dashes"));
    };
    if !untrusted.starts_with(UNTRUSTED) {
        return Err(not("its first line is no untrusted comment"));
    }
    let trusted_comment = trusted.strip_prefix(TRUSTED).ok_or(not("its third line is no trusted comment"))?;
    let raw: [u8; SIGNATURE_BYTES] = decoded(signature).ok_or(not("its second line is no signature"))?;
    let (algorithm, rest) = raw.split_at(2);
    let (id, signature) = rest.split_at(8);
    match algorithm {
        b"ED" => {}
        b"Ed" => {
            return Err(SignatureError::Algorithm {
                found: "minisign's old form".to_owned(),
                taken: "sign again with minisign 0.11 or later, or with its flag -H",
            });
        }
        _ => return Err(not("its algorithm is not minisign's")),
    }
    let id: [u8; 8] = id.try_into().map_err(|_other_length| not("its key has no id"))?;
    Ok(Minisign {
        key_id: format!("{:016X}", u64::from_le_bytes(id)),
        signature: signature.try_into().map_err(|_other_length| not("its second line is no signature"))?,
        trusted_comment: trusted_comment.to_owned(),
        global: decoded(global).ok_or(not("its fourth line is no signature"))?,
    })
}

fn decoded<const N: usize>(line: &str) -> Option<[u8; N]> {
    STANDARD.decode(line.trim()).ok()?.try_into().ok()
}

impl Minisign {
    pub(super) fn of_content(&self, key: &TrustedKey, hash: &[u8]) -> Result<(), SignatureError> {
        if !verifies(key, hash, &self.signature) {
            return Err(SignatureError::OtherFile { key: key.name.clone() });
        }
        self.check_comment(key)
    }

    /// The file is not at hand: the signed comment says its SHA-256.
    pub(super) fn of_digest(&self, key: &TrustedKey, digest: &Digest) -> Result<(), SignatureError> {
        self.check_comment(key)?;
        let said = self.trusted_comment.split_whitespace().find_map(|word| word.strip_prefix(DIGEST));
        match said {
            None => Err(SignatureError::NoDigest {
                how: "sign with minisign -S -m PROGRAM -t \"sha256:$(sha256sum PROGRAM | cut -c1-64)\"",
            }),
            Some(said) if said == digest.as_str() => Ok(()),
            Some(said) => Err(SignatureError::OtherDigest {
                key: key.name.clone(),
                expected: digest.clone(),
                found: super::plain(said),
            }),
        }
    }

    fn check_comment(&self, key: &TrustedKey) -> Result<(), SignatureError> {
        let message = [self.signature.as_slice(), self.trusted_comment.as_bytes()].concat();
        if verifies(key, &message, &self.global) {
            return Ok(());
        }
        Err(SignatureError::Comment { key: key.name.clone() })
    }
}
