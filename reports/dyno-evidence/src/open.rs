//! Opening a pack that comes from anywhere, and holding it against its own manifest.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use dyno_model::digest::Digest;

use crate::archive::Archive;
use crate::error::{Fault, OpenError};
use crate::key::PublicKey;
use crate::manifest::{
    KIND, MANIFEST_FILE, Manifest, PACK_FORMAT, PUBLIC_KEY_FILE, SIGNATURE_FILE, SUMS_FILE,
};

/// No manifest, signature, key or list of digests is longer.
const MAX_SMALL_BYTES: u64 = 1 << 20;

/// A pack whose structure is sound and whose manifest can be read. Nothing is known of its contents yet.
#[derive(Debug)]
pub struct Opened {
    archive: Archive,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
}

/// What a signature is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureState {
    /// Nobody signed.
    None,
    /// The manifest names a signer, but there is no signature, or no key to check it with.
    Missing,
    /// It is not that of the manifest by the key that is named there.
    Broken,
    /// It is good, by a key that nobody vouched for.
    UnknownKey {
        /// SHA-256 of the key in DER.
        fingerprint: String,
    },
    /// It is good, by another key than those that were asked for.
    WrongKey {
        /// SHA-256 of the key in DER.
        fingerprint: String,
    },
    /// It is good, by a key that was asked for.
    Good {
        /// SHA-256 of the key in DER.
        fingerprint: String,
    },
}

impl Opened {
    /// Opens the pack at `path`.
    ///
    /// # Errors
    /// It cannot be read, is no pack, is of a newer format, or its archive or manifest was changed.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let archive = Archive::open(path)?;
        let manifest_bytes =
            small(&archive, MANIFEST_FILE)?.ok_or_else(|| changed(path, Fault::NoManifest))?;
        let manifest = parse(path, &manifest_bytes)?;
        Ok(Self { archive, manifest, manifest_bytes })
    }

    /// What the pack says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.archive.path()
    }

    /// Members in all, and their bytes.
    pub fn size(&self) -> (usize, u64) {
        let members = self.archive.members();
        (members.len(), members.iter().map(|member| member.bytes).sum())
    }

    /// Every way in which the contents are not what the manifest says, in the order of the names; none where all fits.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn faults(&self) -> Result<Vec<Fault>, OpenError> {
        let mut faults = Vec::new();
        if self.manifest.canonical() != self.manifest_bytes {
            faults.push(Fault::ManifestForm);
        }
        faults.extend(self.unlisted());
        for file in &self.manifest.files {
            faults.extend(self.fault_of(&file.name, file.bytes, &file.sha256)?);
        }
        match small(&self.archive, SUMS_FILE)? {
            None => faults.push(Fault::Missing { name: SUMS_FILE.to_owned() }),
            Some(sums) if sums != self.manifest.sums().as_bytes() => {
                faults.push(Fault::Sums { name: SUMS_FILE.to_owned() });
            }
            Some(_) => {}
        }
        let (listed, found) = (self.manifest.merkle_root.clone(), self.manifest.computed_root());
        if listed != found {
            faults.push(Fault::Root { listed, found });
        }
        Ok(faults)
    }

    /// What the signature is worth to somebody who trusts `trusted`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn signature(&self, trusted: &[PublicKey]) -> Result<SignatureState, OpenError> {
        let signature = small(&self.archive, SIGNATURE_FILE)?;
        let Some(signer) = &self.manifest.signer else {
            return Ok(if signature.is_some() { SignatureState::Broken } else { SignatureState::None });
        };
        let key = small(&self.archive, PUBLIC_KEY_FILE)?.and_then(|pem| String::from_utf8(pem).ok());
        let (Some(signature), Some(key)) = (signature, key) else { return Ok(SignatureState::Missing) };
        let Ok(key) = PublicKey::of_text(&key) else { return Ok(SignatureState::Broken) };
        let fingerprint = key.fingerprint();
        if signer.fingerprint != fingerprint || !key.has_signed(&self.manifest_bytes, &signature) {
            return Ok(SignatureState::Broken);
        }
        Ok(match trusted {
            [] => SignatureState::UnknownKey { fingerprint },
            _ if trusted.contains(&key) => SignatureState::Good { fingerprint },
            _ => SignatureState::WrongKey { fingerprint },
        })
    }

    /// Writes a member's bytes to `out`; gives whether there is such a member.
    ///
    /// # Errors
    /// The pack cannot be read, or `out` cannot be written.
    pub fn copy_to(&self, name: &str, out: &mut dyn Write) -> io::Result<bool> {
        let Some(mut content) = self.archive.content(name)? else { return Ok(false) };
        io::copy(&mut content, out)?;
        Ok(true)
    }

    /// A member's bytes; `None` without one of that name.
    ///
    /// # Errors
    /// The pack cannot be read.
    pub fn bytes(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        Ok(self.copy_to(name, &mut bytes)?.then_some(bytes))
    }

    /// Members that nobody listed, and a key file that no signer explains.
    fn unlisted(&self) -> impl Iterator<Item = Fault> {
        let own = [MANIFEST_FILE, SUMS_FILE, SIGNATURE_FILE];
        let listed: BTreeSet<&str> =
            self.manifest.files.iter().map(|file| file.name.as_str()).chain(own).collect();
        let others =
            self.archive.members().iter().filter(move |member| !listed.contains(member.name.as_str()));
        others.map(|member| Fault::Unlisted { name: member.name.clone() })
    }

    fn fault_of(&self, name: &str, bytes: u64, sha256: &Digest) -> Result<Option<Fault>, OpenError> {
        let io = |source| OpenError::Io { action: "read", path: self.path().to_owned(), source };
        let name = name.to_owned();
        let Some(member) = self.archive.members().iter().find(|member| member.name == name) else {
            return Ok(Some(Fault::Missing { name }));
        };
        let (found, crc) = match self.archive.content(&name).map_err(io)? {
            Some(mut content) => hashes(&mut content).map_err(io)?,
            None => return Ok(Some(Fault::Missing { name })),
        };
        Ok(if member.bytes != bytes {
            Some(Fault::Length { name, listed: bytes, found: member.bytes })
        } else if &found != sha256 {
            Some(Fault::Content { name, listed: sha256.clone(), found })
        } else if crc != member.crc {
            Some(Fault::Checksum { name })
        } else {
            None
        })
    }
}

/// Reads a manifest of a known format.
fn parse(path: &Path, bytes: &[u8]) -> Result<Manifest, OpenError> {
    #[derive(Deserialize)]
    struct Versioned {
        kind: String,
        format: u32,
    }
    let unreadable = |error: serde_json::Error| changed(path, Fault::Manifest { why: error.to_string() });
    let Versioned { kind, format } = serde_json::from_slice(bytes).map_err(unreadable)?;
    if kind != KIND {
        return Err(OpenError::NotAPack { path: path.to_owned(), why: "its manifest is another program's" });
    }
    if format > PACK_FORMAT {
        return Err(OpenError::Newer { path: path.to_owned(), found: format, known: PACK_FORMAT });
    }
    serde_json::from_slice(bytes).map_err(unreadable)
}

/// A member that is read whole, with its checksum compared; `None` without one of that name.
fn small(archive: &Archive, name: &str) -> Result<Option<Vec<u8>>, OpenError> {
    let path: PathBuf = archive.path().to_owned();
    let Some(facts) = archive.members().iter().find(|member| member.name == name) else { return Ok(None) };
    let name = name.to_owned();
    if facts.bytes > MAX_SMALL_BYTES {
        return Err(changed(&path, Fault::TooLarge { name, bytes: facts.bytes, limit: MAX_SMALL_BYTES }));
    }
    let mut bytes = Vec::new();
    let read = archive.content(&name).and_then(|content| match content {
        Some(mut content) => content.read_to_end(&mut bytes),
        None => Ok(0),
    });
    read.map_err(|source| OpenError::Io { action: "read", path: path.clone(), source })?;
    if crc32fast::hash(&bytes) != facts.crc {
        return Err(changed(&path, Fault::Checksum { name }));
    }
    Ok(Some(bytes))
}

/// SHA-256 and CRC-32 of all that is there.
fn hashes(content: &mut dyn Read) -> io::Result<(Digest, u32)> {
    let (mut sha, mut crc) = (Sha256::new(), crc32fast::Hasher::new());
    let mut block = vec![0_u8; 1 << 16];
    loop {
        let n = content.read(&mut block)?;
        if n == 0 {
            return Ok((Digest::from_hasher(sha), crc.finalize()));
        }
        sha.update(&block[..n]);
        crc.update(&block[..n]);
    }
}

fn changed(path: &Path, fault: Fault) -> OpenError {
    OpenError::Changed { path: path.to_owned(), fault }
}
