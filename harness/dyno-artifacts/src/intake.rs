//! Bytes on their way into the store: written, counted, bounded and hashed in one pass.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use dyno_model::digest::Digest;
use sha2::{Digest as _, Sha256};

use crate::error::SourceError;
use crate::progress::{Phase, Progress};

/// Bytes of one block.
const BLOCK: usize = 1 << 20;

/// What a file must be to enter the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'e> {
    pub(crate) digest: &'e Digest,
    pub(crate) bytes: u64,
}

/// A file that is being filled.
pub(crate) struct Intake {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    written: u64,
    expected_bytes: u64,
}

impl Intake {
    /// An empty file at `path`.
    pub(crate) fn create(path: &Path, expected_bytes: u64) -> Result<Self, SourceError> {
        let file = File::create(path).map_err(SourceError::io("create", path))?;
        Ok(Self { path: path.to_owned(), file, hasher: Sha256::new(), written: 0, expected_bytes })
    }

    /// The file at `path` as far as it is; what is there is hashed.
    pub(crate) fn resume(
        path: &Path,
        expected_bytes: u64,
        progress: &mut dyn Progress,
    ) -> Result<Self, SourceError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(SourceError::io("open", path))?;
        let mut intake =
            Self { path: path.to_owned(), file, hasher: Sha256::new(), written: 0, expected_bytes };
        let mut block = vec![0_u8; BLOCK];
        loop {
            let n = intake.file.read(&mut block).map_err(SourceError::io("read", path))?;
            if n == 0 {
                break;
            }
            if intake.written == 0 {
                progress.phase(&Phase::Hash);
            }
            intake.hasher.update(&block[..n]);
            intake.written += n as u64;
            progress.bytes(intake.written, Some(expected_bytes));
            if progress.is_cancelled() {
                return Err(SourceError::Cancelled);
            }
        }
        if intake.written > expected_bytes {
            intake.restart()?;
        }
        Ok(intake)
    }

    /// Bytes that are there.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that there must be in the end.
    pub(crate) fn expected_bytes(&self) -> u64 {
        self.expected_bytes
    }

    /// Throws away what is there.
    pub(crate) fn restart(&mut self) -> Result<(), SourceError> {
        self.file.set_len(0).map_err(SourceError::io("truncate", &self.path))?;
        self.file.seek(SeekFrom::Start(0)).map_err(SourceError::io("truncate", &self.path))?;
        self.hasher = Sha256::new();
        self.written = 0;
        Ok(())
    }

    /// Takes all that `reader` gives; a reader's own error is worded by `broken`, given the bytes there are.
    pub(crate) fn absorb(
        &mut self,
        reader: &mut dyn Read,
        progress: &mut dyn Progress,
        broken: &dyn Fn(u64, std::io::Error) -> SourceError,
    ) -> Result<(), SourceError> {
        let mut block = vec![0_u8; BLOCK];
        loop {
            let n = match reader.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(broken(self.written, error)),
            };
            let after = self.written + n as u64;
            if after > self.expected_bytes {
                return Err(SourceError::WrongSize { expected: self.expected_bytes, found: after });
            }
            self.file.write_all(&block[..n]).map_err(SourceError::io("write", &self.path))?;
            self.hasher.update(&block[..n]);
            self.written = after;
            progress.bytes(after, Some(self.expected_bytes));
            if progress.is_cancelled() {
                return Err(SourceError::Cancelled);
            }
        }
    }

    /// Ends it: the file is on the disk, and is the one that was expected.
    pub(crate) fn finish(self, expected: Expected<'_>) -> Result<PathBuf, SourceError> {
        if self.written != expected.bytes {
            return Err(SourceError::WrongSize { expected: expected.bytes, found: self.written });
        }
        self.file.sync_all().map_err(SourceError::io("write", &self.path))?;
        let found = Digest::from_hasher(self.hasher);
        if found != *expected.digest {
            return Err(SourceError::WrongDigest { expected: expected.digest.clone(), found });
        }
        Ok(self.path)
    }
}

/// Size and SHA-256 of the file at `path`.
pub(crate) fn hash_file(path: &Path, progress: &mut dyn Progress) -> Result<(u64, Digest), SourceError> {
    hash_with(path, progress, &mut |_| {})
}

/// The same; each block is handed over, too, so that the file is read once.
pub(crate) fn hash_with(
    path: &Path,
    progress: &mut dyn Progress,
    on_block: &mut dyn FnMut(&[u8]),
) -> Result<(u64, Digest), SourceError> {
    let mut file = File::open(path).map_err(SourceError::io("open", path))?;
    let total = file.metadata().map_err(SourceError::io("read", path))?.len();
    progress.phase(&Phase::Hash);
    let mut hasher = Sha256::new();
    let mut block = vec![0_u8; BLOCK];
    let mut done = 0;
    loop {
        let n = file.read(&mut block).map_err(SourceError::io("read", path))?;
        if n == 0 {
            return Ok((done, Digest::from_hasher(hasher)));
        }
        hasher.update(&block[..n]);
        on_block(&block[..n]);
        done += n as u64;
        progress.bytes(done, Some(total));
        if progress.is_cancelled() {
            return Err(SourceError::Cancelled);
        }
    }
}
