//! Writing a pack: looked at once for digests, written once, put in place in one step.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use dyno_model::digest::Digest;

use crate::archive::{Entry, Facts, WriteError, is_fit_name, write};
use crate::error::PackError;
use crate::key::SigningKey;
use crate::manifest::{
    ListedFile, MANIFEST_FILE, Manifest, PUBLIC_KEY_FILE, Redaction, SIGNATURE_FILE, SUMS_FILE, Signer, Tool,
};

/// What goes into a pack.
#[derive(Debug)]
pub struct Contents {
    /// The campaign's name.
    pub campaign: String,
    /// What makes the pack.
    pub packed_by: Tool,
    /// The files, in any order.
    pub members: Vec<Member>,
    /// What was left out of them.
    pub redaction: Option<Redaction>,
}

/// One file of a pack.
#[derive(Debug)]
pub struct Member {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Where its bytes are.
    pub source: Source,
}

/// Where a member's bytes are.
#[derive(Debug)]
pub enum Source {
    /// Here.
    Bytes(Vec<u8>),
    /// In a file, which is read piece by piece and must not change meanwhile.
    File(PathBuf),
}

/// A pack that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Its manifest.
    pub manifest: Manifest,
    /// SHA-256 of the whole archive.
    pub digest: Digest,
    /// Its length.
    pub bytes: u64,
}

impl Contents {
    /// Writes the pack to `out`, signed where there is a key. The same contents and key give the same bytes.
    ///
    /// A pack that is there is replaced in one step; a failure or a kill on the way leaves what was there.
    ///
    /// # Errors
    /// A file cannot be read or changes meanwhile, or `out` cannot be written.
    pub fn write(mut self, key: Option<&SigningKey>, out: &Path) -> Result<Packed, PackError> {
        if let Some(key) = key {
            let source = Source::Bytes(key.public().pem().into_bytes());
            self.members.push(Member { name: PUBLIC_KEY_FILE.to_owned(), source });
        }
        self.members.sort_by(|a, b| a.name.cmp(&b.name));
        let seen = self.members.iter().map(look).collect::<Result<Vec<_>, _>>()?;
        let files = seen.iter().map(|seen| seen.listed.clone()).collect();
        let signer = key.map(|key| Signer::of(&key.public()));
        let manifest = Manifest::new(&self.campaign, &self.packed_by, files, self.redaction.as_ref(), signer);
        let own = own_files(&manifest, key);
        let mut entries = seen.into_iter().map(Seen::entry).collect::<Result<Vec<_>, _>>()?;
        entries.extend(own.iter().map(|(name, bytes)| of_bytes(name, bytes)));
        entries.sort_by(|a, b| a.facts.name.cmp(&b.facts.name));
        let (digest, bytes) = write_in_place(entries, out)?;
        Ok(Packed { manifest, digest, bytes })
    }
}

/// Manifest, list of digests and signature.
fn own_files(manifest: &Manifest, key: Option<&SigningKey>) -> Vec<(&'static str, Vec<u8>)> {
    let json = manifest.canonical();
    let signature = key.map(|key| (SIGNATURE_FILE, key.sign(&json)));
    let own = [(SUMS_FILE, manifest.sums().into_bytes()), (MANIFEST_FILE, json)];
    own.into_iter().chain(signature).collect()
}

/// A member after the first look.
struct Seen<'a> {
    listed: ListedFile,
    facts: Facts,
    source: &'a Source,
}

fn look(member: &Member) -> Result<Seen<'_>, PackError> {
    let Member { name, source } = member;
    let is_own = [MANIFEST_FILE, SIGNATURE_FILE, SUMS_FILE].contains(&name.as_str());
    if !is_fit_name(name) || is_own {
        return Err(PackError::BadName { name: name.clone() });
    }
    let (mut sha, mut crc, mut bytes) = (Sha256::new(), crc32fast::Hasher::new(), 0);
    let mut content = open(source)?;
    let mut block = vec![0_u8; 1 << 16];
    loop {
        let n = content.read(&mut block).map_err(|source_error| io("read", path_of(source), source_error))?;
        if n == 0 {
            break;
        }
        sha.update(&block[..n]);
        crc.update(&block[..n]);
        bytes += n as u64;
    }
    let sha256 = Digest::from_hasher(sha);
    let facts = Facts { name: name.clone(), bytes, crc: crc.finalize() };
    Ok(Seen { listed: ListedFile { name: name.clone(), bytes, sha256 }, facts, source })
}

impl<'a> Seen<'a> {
    fn entry(self) -> Result<Entry<'a>, PackError> {
        Ok(Entry { content: open(self.source)?, path: path_of(self.source).to_owned(), facts: self.facts })
    }
}

fn of_bytes<'a>(name: &str, bytes: &'a [u8]) -> Entry<'a> {
    let facts = Facts { name: name.to_owned(), bytes: bytes.len() as u64, crc: crc32fast::hash(bytes) };
    Entry { facts, content: Box::new(bytes), path: PathBuf::from(name) }
}

fn open(source: &Source) -> Result<Box<dyn Read + '_>, PackError> {
    match source {
        Source::Bytes(bytes) => Ok(Box::new(bytes.as_slice())),
        Source::File(path) => {
            let file = File::open(path).map_err(|error| io("read", path, error))?;
            Ok(Box::new(file))
        }
    }
}

fn path_of(source: &Source) -> &Path {
    match source {
        Source::Bytes(_) => Path::new("memory"),
        Source::File(path) => path,
    }
}

/// Writes beside `out` and renames; gives digest and length.
fn write_in_place(entries: Vec<Entry<'_>>, out: &Path) -> Result<(Digest, u64), PackError> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| io("create the folder", folder, error))?;
    let mut file = tempfile::Builder::new()
        .prefix(".evidence-")
        .suffix(".partial")
        .tempfile_in(folder)
        .map_err(|error| io("write in the folder", folder, error))?;
    let mut counting = Counting { file: file.as_file_mut(), sha: Sha256::new(), bytes: 0 };
    write(entries, &mut counting).map_err(|error| match error {
        WriteError::Io(error) => io("write", out, error),
        WriteError::Read(path, error) => io("read", &path, error),
        WriteError::Moved(path) => PackError::Moved { path },
    })?;
    let (digest, bytes) = (Digest::from_hasher(counting.sha), counting.bytes);
    let readable = fs::Permissions::from_mode(0o644);
    let synced = file.as_file().set_permissions(readable).and_then(|()| file.as_file().sync_all());
    synced.map_err(|error| io("write", out, error))?;
    file.persist(out).map_err(|error| io("put in place", out, error.error))?;
    Ok((digest, bytes))
}

/// A file that is hashed while it is written.
struct Counting<'a> {
    file: &'a mut File,
    sha: Sha256,
    bytes: u64,
}

impl io::Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.sha.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn io(action: &'static str, path: &Path, source: io::Error) -> PackError {
    PackError::Io { action, path: path.to_owned(), source }
}
