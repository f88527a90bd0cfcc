//! The model's file and its pages.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use dyno_model::clock::monotonic_now;

use crate::sys::pages;

/// Looking at each page of a file may take so long: some hundred GB.
const LOOK_LIMIT_NS: u64 = 10_000_000_000;

/// An open model.
#[derive(Debug)]
pub(crate) struct ModelFile {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) bytes: u64,
}

impl ModelFile {
    /// Opens the model of a launch; `Err` says why it cannot be looked at.
    pub(crate) fn open(path: Option<&str>) -> Result<Self, String> {
        let path = Path::new(path.ok_or("the launch has no model file")?);
        let failed = |error: io::Error| format!("the model {} cannot be opened: {error}", path.display());
        let path = path.canonicalize().map_err(failed)?;
        let about = path.metadata().map_err(failed)?;
        if !about.is_file() {
            return Err(format!("the model {} is no plain file", path.display()));
        }
        let file = File::open(&path).map_err(failed)?;
        if about.len() == 0 {
            return Err(format!("the model {} is empty", path.display()));
        }
        Ok(Self { path, file, bytes: about.len() })
    }

    /// So many of its bytes are in memory; the last page counts as far as the file goes.
    pub(crate) fn resident_bytes(&self) -> io::Result<u64> {
        pages::resident_bytes(&self.file, self.bytes, monotonic_now().plus(LOOK_LIMIT_NS))
    }

    /// `resident` as a share of the file, in words: `37 of 91736864 bytes (0.0 %)`.
    pub(crate) fn share(&self, resident: u64) -> String {
        let permille = u128::from(resident) * 1000 / u128::from(self.bytes);
        format!("{resident} of {} bytes ({}.{} %)", self.bytes, permille / 10, permille % 10)
    }

    /// Whether `resident` is no more than a hundredth.
    pub(crate) fn is_cold(&self, resident: u64) -> bool {
        u128::from(resident) * 100 <= u128::from(self.bytes)
    }

    /// Whether `resident` is all but a hundredth.
    pub(crate) fn is_warm(&self, resident: u64) -> bool {
        u128::from(resident) * 100 >= u128::from(self.bytes) * 99
    }
}
