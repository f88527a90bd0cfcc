//! Keys: Ed25519 (RFC 8032), in the files that openssl reads and writes (RFC 8410).

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use dyno_model::digest::Digest;

use crate::error::KeyError;

/// What PKCS#8, version 1, has before the 32 bytes of an Ed25519 seed (RFC 8410, section 7).
const PRIVATE_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// What SubjectPublicKeyInfo has before the 32 bytes of an Ed25519 public key (RFC 8410, section 4).
const PUBLIC_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";
/// No key file is longer.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// A key that signs.
#[derive(Debug)]
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

/// The public half of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl SigningKey {
    /// Reads a private key in PEM: PKCS#8, not encrypted.
    ///
    /// # Errors
    /// The file cannot be read or holds no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = read_text(path)?;
        let der = pem(&text, PRIVATE).map_err(|kind| kind.of(path))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok();
        Ok(Self { pair: pair.ok_or_else(|| Wrong::NotEd25519.of(path))? })
    }

    /// The key of a seed (RFC 8032, section 5.1.5: its private key).
    #[cfg(test)]
    pub(crate) fn of_seed(seed: &[u8; 32]) -> Self {
        Self { pair: Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed") }
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(bytes)
    }

    /// The signature of `message`.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl PublicKey {
    /// Reads a public key in PEM.
    ///
    /// # Errors
    /// The file cannot be read or holds no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        Self::of_text(&read_text(path)?).map_err(|kind| kind.of(path))
    }

    pub(crate) fn of_text(text: &str) -> Result<Self, Wrong> {
        let der = pem(text, PUBLIC)?;
        let key = der.strip_prefix(&PUBLIC_PREFIX).ok_or(Wrong::NotEd25519)?;
        key.try_into().ok().map(Self).ok_or(Wrong::NotEd25519)
    }

    /// The key in PEM, as openssl writes it.
    pub fn pem(&self) -> String {
        to_pem(PUBLIC, &self.der())
    }

    /// SHA-256 of the key in DER, in hex: what people compare. `openssl pkey -pubin -in KEY -outform DER | sha256sum`
    /// gives the same.
    pub fn fingerprint(&self) -> String {
        Digest::of(&self.der()).as_str().to_owned()
    }

    /// Whether `signature` is this key's, of `message`.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }

    fn der(&self) -> Vec<u8> {
        [PUBLIC_PREFIX.as_slice(), self.0.as_slice()].concat()
    }
}

/// Makes a key and writes it: the private half to `path`, for its owner's eyes only, and the public half to
/// `path` + `.pub`. Neither file may be there already.
///
/// # Errors
/// A file is there, cannot be written, or the system has no randomness. Then no new file is left behind.
pub fn write_key_pair(path: &Path) -> Result<PublicKey, KeyError> {
    let mut seed = [0_u8; 32];
    SystemRandom::new().fill(&mut seed).ok().ok_or(KeyError::NoRandomness)?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a seed");
    let public = SigningKey { pair }.public();
    let private = to_pem(PRIVATE, &[PRIVATE_PREFIX.as_slice(), &seed].concat());
    let beside = public_key_path(path);
    if beside.exists() {
        return Err(KeyError::Exists { path: beside });
    }
    write_new(path, private.as_bytes(), 0o600)?;
    write_new(&beside, public.pem().as_bytes(), 0o644).inspect_err(|_| {
        // Best effort: the first error is the one to report.
        drop(fs::remove_file(path));
    })?;
    Ok(public)
}

/// Where [`write_key_pair`] puts the public half.
pub fn public_key_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyError> {
    let created = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = created.map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
        _ => KeyError::Io { action: "create", path: path.to_owned(), source },
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|source| {
        // Best effort: the first error is the one to report.
        drop(fs::remove_file(path));
        KeyError::Io { action: "write", path: path.to_owned(), source }
    })
}

fn read_text(path: &Path) -> Result<String, KeyError> {
    let io = |source| KeyError::Io { action: "read", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)).map_err(io)?;
    String::from_utf8(bytes).ok().ok_or_else(|| Wrong::NotPem.of(path))
}

/// Why a text is not the key that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    NotPem,
    NotEd25519,
    Encrypted,
    OpenSsh,
    Private,
    Public,
}

impl Wrong {
    fn of(self, path: &Path) -> KeyError {
        let path = path.to_owned();
        match self {
            Self::NotPem => KeyError::NotPem { path },
            Self::NotEd25519 => KeyError::NotEd25519 { path },
            Self::Encrypted => KeyError::Encrypted { path },
            Self::OpenSsh => KeyError::OpenSsh { path },
            Self::Private => KeyError::Private { path },
            Self::Public => KeyError::Public { path },
        }
    }
}

/// What lies between the lines of PEM (RFC 7468) with that label.
fn pem(text: &str, wanted: &str) -> Result<Vec<u8>, Wrong> {
    let has = |label: &str| text.contains(&format!("-----BEGIN {label}-----"));
    if !has(wanted) {
        return Err(match wanted {
            _ if text.starts_with("ssh-") || has("OPENSSH PRIVATE KEY") => Wrong::OpenSsh,
            PRIVATE if has("ENCRYPTED PRIVATE KEY") => Wrong::Encrypted,
            PRIVATE if has(PUBLIC) => Wrong::Public,
            PUBLIC if has(PRIVATE) => Wrong::Private,
            _ if text.contains("-----BEGIN ") => Wrong::NotEd25519,
            _ => Wrong::NotPem,
        });
    }
    let (begin, end) = (format!("-----BEGIN {wanted}-----"), format!("-----END {wanted}-----"));
    let lines = text.lines().map(str::trim).skip_while(|line| *line != begin).skip(1);
    let body: String = lines.take_while(|line| *line != end).collect();
    STANDARD.decode(body).ok().ok_or(Wrong::NotPem)
}

fn to_pem(label: &str, der: &[u8]) -> String {
    // RFC 7468 wraps after 64 characters; both kinds of key fit on one line or little more.
    let body = STANDARD.encode(der);
    let lines: Vec<&str> =
        (0..body.len()).step_by(64).map(|at| &body[at..(at + 64).min(body.len())]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
