//! The GGUF container: metadata by key, then tensors (format of ggml-org/ggml, `docs/gguf.md`, versions 2 and 3).

mod read;
mod value;
mod write;

pub(crate) use read::Gguf;
pub(crate) use value::{Kind, Value};
pub(crate) use write::Writer;

use super::tensor_type::TensorType;

/// Where tensors start, in bytes, unless the file says otherwise.
pub(crate) const DEFAULT_ALIGNMENT: u64 = 32;

/// One tensor as the header lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorInfo {
    /// Its name.
    pub(crate) name: String,
    /// Sizes, the fastest-changing first: `[columns, rows]` of a matrix.
    pub(crate) dims: Vec<u64>,
    /// How its numbers are stored.
    pub(crate) kind: TensorType,
    /// Where it starts, from the start of the data part.
    pub(crate) offset: u64,
}

impl TensorInfo {
    /// Number of elements.
    pub(crate) fn n_elements(&self) -> u64 {
        self.dims.iter().product()
    }

    /// Columns: the length of a row.
    pub(crate) fn columns(&self) -> u64 {
        self.dims.first().copied().unwrap_or(1)
    }

    /// Bytes of its data.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.kind.bytes_of(self.n_elements())
    }
}
