//! What a private key file says of itself without its passphrase.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ssh::host_key::kind_of;

/// More than this is no key.
const MAX_KEY_BYTES: u64 = 1 << 20;

/// One of the user's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    /// The private key, in PEM.
    pub(super) private: String,
    pub(super) is_encrypted: bool,
    /// The public half as one line, if it can be had without a passphrase.
    pub(super) public: Option<String>,
}

impl KeyFile {
    /// Reads a private key and, from beside it or from inside it, its public half.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let private = text_of(path)?;
        let inside = container(&private);
        let public = public_beside(path).or_else(|| {
            let key = inside.as_deref().and_then(public_inside)?;
            Some(format!("{} {}", kind_of(&key), STANDARD.encode(&key)))
        });
        let is_encrypted = match &inside {
            Some(bytes) => string_at(bytes, MAGIC.len()).is_some_and(|(cipher, _)| cipher != b"none"),
            None => private.lines().take(3).any(|line| line.contains("ENCRYPTED")),
        };
        Ok(Self { path: path.to_owned(), private, is_encrypted, public })
    }

    /// The bytes of the public key.
    pub(super) fn public_bytes(&self) -> Option<Vec<u8>> {
        self.public.as_deref().and_then(bytes_of)
    }

    /// Whether the key lives in a security key that must be touched.
    pub(super) fn is_security_key(&self) -> bool {
        self.public.as_deref().is_some_and(|line| line.starts_with("sk-"))
    }
}

/// The bytes of a public key or certificate, from its line.
pub(super) fn bytes_of(line: &str) -> Option<Vec<u8>> {
    STANDARD.decode(line.split_whitespace().nth(1)?).ok()
}

/// The first line of a public key or certificate file.
pub(super) fn line_of(path: &Path) -> Option<String> {
    let text = text_of(path).ok()?;
    let line = text.lines().next()?.trim().to_owned();
    bytes_of(&line).is_some().then_some(line)
}

/// The path with `suffix` at its end.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn public_beside(path: &Path) -> Option<String> {
    line_of(&beside(path, ".pub"))
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_KEY_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// The beginning of OpenSSH's own container of a private key (its `PROTOCOL.key`).
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// The bytes of OpenSSH's container; `None` for other formats.
fn container(private: &str) -> Option<Vec<u8>> {
    let body = private.split("-----BEGIN OPENSSH PRIVATE KEY-----").nth(1)?.split("-----END").next()?;
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(body).ok().filter(|bytes| bytes.starts_with(MAGIC))
}

/// The first public key in it: after the names of cipher and key function, the options, and the number of keys.
fn public_inside(container: &[u8]) -> Option<Vec<u8>> {
    let mut at = MAGIC.len();
    for _ in 0..3 {
        at = string_at(container, at)?.1;
    }
    string_at(container, at + 4).map(|(key, _)| key.to_vec())
}

/// The string at `at`, and where it ends.
fn string_at(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let length = u32::from_be_bytes(*bytes.get(at..)?.first_chunk::<4>()?) as usize;
    let end = (at + 4).checked_add(length)?;
    Some((bytes.get(at + 4..end)?, end))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Makes a key with OpenSSH's own program.
    fn make(folder: &Path, name: &str, args: &[&str]) -> PathBuf {
        let path = folder.join(name);
        let made = Command::new("ssh-keygen").args(["-q", "-f"]).arg(&path).args(args).status();
        assert!(made.expect("OpenSSH's client is here").success());
        path
    }

    #[test]
    fn a_key_says_what_it_is_without_its_passphrase() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let check = |name: &str, args: &[&str], is_encrypted: bool, is_readable: bool| {
            let path = make(dir.path(), name, args);
            let beside = KeyFile::read(&path).expect("a key");
            assert_eq!(beside.is_encrypted, is_encrypted, "{name}");
            std::fs::remove_file(path.with_extension("pub")).expect("it was made, too");
            let alone = KeyFile::read(&path).expect("a key");
            let expected = beside.public_bytes().filter(|_| is_readable);
            assert_eq!(alone.public_bytes(), expected, "{name}");
        };
        check("plain", &["-t", "ed25519", "-N", ""], false, true);
        check("locked", &["-t", "ecdsa", "-N", "open sesame"], true, true);
        check("pem", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""], false, false);
        check("locked-pem", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "open sesame"], true, false);
    }

    #[test]
    fn garbage_is_no_key() {
        assert_eq!(string_at(b"\xff\xff\xff\xffx", 0), None);
        assert_eq!(container("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END"), None);
        assert_eq!(public_inside(MAGIC), None);
        assert_eq!(bytes_of("ssh-ed25519"), None);
    }
}
