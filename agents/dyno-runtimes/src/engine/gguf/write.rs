//! Writing, version 3: header first, then tensors one after the other, so that no model needs to fit in memory.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::super::error::EngineError;
use super::super::tensor_type::TensorType;
use super::value::{Value, encoded};
use super::{DEFAULT_ALIGNMENT, TensorInfo};

/// `n` raised to the next multiple of the alignment.
pub(crate) fn align_up(n: u64) -> u64 {
    n.next_multiple_of(DEFAULT_ALIGNMENT)
}

/// Writes a file beside its final place and moves it there when it is complete.
pub(crate) struct Writer {
    path: PathBuf,
    partial: PathBuf,
    file: Option<BufWriter<File>>,
    written: u64,
}

impl Writer {
    /// Starts a file with this metadata and these tensors, whose offsets are set here.
    pub(crate) fn create(
        path: &Path,
        metadata: &[(String, Value)],
        tensors: &[(String, Vec<u64>, TensorType)],
    ) -> Result<Self, EngineError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let partial = path.with_file_name(name);
        let file =
            File::create(&partial).map_err(|source| EngineError::Write { path: partial.clone(), source })?;
        let file = Some(BufWriter::with_capacity(1 << 20, file));
        let mut writer = Self { path: path.to_owned(), partial, file, written: 0 };
        let mut header = b"GGUF".to_vec();
        header.extend(3_u32.to_le_bytes());
        header.extend((tensors.len() as u64).to_le_bytes());
        header.extend((metadata.len() as u64).to_le_bytes());
        for (key, value) in metadata {
            header.extend(encoded(key.as_bytes()));
            header.extend(value.encode());
        }
        let mut offset = 0;
        for (name, dims, kind) in tensors {
            let info = TensorInfo { name: name.clone(), dims: dims.clone(), kind: *kind, offset };
            header.extend(listing(&info));
            offset += align_up(info.n_bytes());
        }
        writer.write(&header)?;
        writer.pad()?;
        Ok(writer)
    }

    /// Appends to the current tensor.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        let file = self.file.as_mut().expect("only `finish` takes the file, and it takes the writer too");
        file.write_all(bytes).map_err(|source| EngineError::Write { path: self.partial.clone(), source })?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Ends the current tensor.
    pub(crate) fn pad(&mut self) -> Result<(), EngineError> {
        let n = (align_up(self.written) - self.written) as usize;
        self.write(&[0; DEFAULT_ALIGNMENT as usize][..n])
    }

    /// Flushes to the disk and puts the file in its place.
    pub(crate) fn finish(mut self) -> Result<(), EngineError> {
        let failed = |source| EngineError::Write { path: self.path.clone(), source };
        let file = self.file.take().expect("`finish` runs once");
        let file = file.into_inner().map_err(|unwritten| failed(unwritten.into_error()))?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&self.partial, &self.path).map_err(failed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Best effort: an unfinished file is of no use, and the error that led here is already on its way.
            drop(std::fs::remove_file(&self.partial));
        }
    }
}

fn listing(info: &TensorInfo) -> Vec<u8> {
    let mut out = encoded(info.name.as_bytes());
    out.extend((info.dims.len() as u32).to_le_bytes());
    out.extend(info.dims.iter().flat_map(|dim| dim.to_le_bytes()));
    out.extend(info.kind.code().to_le_bytes());
    out.extend(info.offset.to_le_bytes());
    out
}
