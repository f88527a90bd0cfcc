//! Reading: every length is checked against the file's size before anything is allocated for it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::super::error::EngineError;
use super::super::tensor_type::TensorType;
use super::value::{Kind, Value};
use super::{DEFAULT_ALIGNMENT, TensorInfo};
use crate::sys;

/// House rule: no real file comes near these.
const MAX_ENTRIES: u64 = 65_536;
const MAX_DIMS: u32 = 4;
const MAX_NAME_BYTES: u64 = 4096;
/// The largest vocabularies take some 20 MB with their merges.
const MAX_HEADER_BYTES: u64 = 256 << 20;

/// An opened file, its header read and checked.
pub(crate) struct Gguf {
    path: PathBuf,
    file: File,
    /// Size of the file.
    pub(crate) file_bytes: u64,
    /// Metadata in the file's order.
    pub(crate) metadata: Vec<(String, Value)>,
    /// Tensors in the file's order.
    pub(crate) tensors: Vec<TensorInfo>,
    data_start: u64,
}

impl Gguf {
    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let file_bytes = file.metadata().map_err(failed)?.len();
        let mut header =
            Header { path, reader: BufReader::with_capacity(1 << 20, &file), at: 0, size: file_bytes };
        header.magic()?;
        let n_tensors = header.count("the number of tensors")?;
        let n_metadata = header.count("the number of metadata entries")?;
        let metadata = header.metadata(n_metadata)?;
        let tensors = header.tensors(n_tensors)?;
        let at = header.at;
        let alignment = metadata
            .iter()
            .find(|(key, _)| key == "general.alignment")
            .map_or(Some(DEFAULT_ALIGNMENT), |(_, value)| value.to_u64())
            .filter(|alignment| alignment.is_power_of_two() && *alignment <= 1 << 20)
            .ok_or_else(|| malformed(path, "general.alignment is not a power of two"))?;
        let data_start = at.next_multiple_of(alignment);
        let gguf = Self { path: path.to_owned(), file, file_bytes, metadata, tensors, data_start };
        gguf.check_extents(alignment)?;
        Ok(gguf)
    }

    fn check_extents(&self, alignment: u64) -> Result<(), EngineError> {
        let mut names = HashSet::new();
        for tensor in &self.tensors {
            if !names.insert(&tensor.name) {
                return Err(self.malformed(&format!("tensor `{}` is listed twice", tensor.name)));
            }
            if !tensor.offset.is_multiple_of(alignment) {
                return Err(self.malformed(&format!("tensor `{}` is not aligned", tensor.name)));
            }
            let left = self.file_bytes.saturating_sub(self.data_start).saturating_sub(tensor.offset);
            if tensor.n_bytes() > left {
                return Err(EngineError::Truncated {
                    path: self.path.clone(),
                    what: format!("tensor `{}`", tensor.name),
                    needed_bytes: tensor.n_bytes(),
                    left_bytes: left,
                });
            }
        }
        Ok(())
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The tensor of that name.
    pub(crate) fn find(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Reads `out.len()` bytes of a tensor, from byte `skip` of it on.
    pub(crate) fn read_part(
        &self,
        tensor: &TensorInfo,
        skip: u64,
        out: &mut [u8],
    ) -> Result<(), EngineError> {
        let failed = |source| EngineError::Read { path: self.path.clone(), source };
        sys::read_exact_at(&self.file, out, self.data_start + tensor.offset + skip).map_err(failed)
    }

    /// An error about this file's content.
    pub(crate) fn malformed(&self, what: &str) -> EngineError {
        malformed(&self.path, what)
    }

    /// An error about something that the engine cannot do.
    pub(crate) fn unsupported(&self, what: &str) -> EngineError {
        EngineError::Unsupported { path: self.path.clone(), what: what.to_owned() }
    }

    /// Where the file lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn malformed(path: &Path, what: &str) -> EngineError {
    EngineError::Malformed { path: path.to_owned(), what: what.to_owned() }
}

struct Header<'a> {
    path: &'a Path,
    reader: BufReader<&'a File>,
    at: u64,
    size: u64,
}

impl Header<'_> {
    /// That many bytes as a length in memory, if the file still has them.
    fn check(&self, what: &str, n: u64) -> Result<usize, EngineError> {
        let left = self.size.saturating_sub(self.at);
        if n <= left && self.at + n > MAX_HEADER_BYTES {
            let words = format!("its header has more than {MAX_HEADER_BYTES} bytes, by `{what}`");
            return Err(malformed(self.path, &words));
        }
        usize::try_from(n).ok().filter(|_| n <= left).ok_or_else(|| EngineError::Truncated {
            path: self.path.to_owned(),
            what: format!("`{what}`"),
            needed_bytes: n,
            left_bytes: left,
        })
    }

    fn bytes(&mut self, what: &str, n: u64) -> Result<Vec<u8>, EngineError> {
        let mut out = vec![0; self.check(what, n)?];
        self.fill(what, &mut out)?;
        Ok(out)
    }

    fn fill(&mut self, what: &str, out: &mut [u8]) -> Result<(), EngineError> {
        self.check(what, out.len() as u64)?;
        self.reader
            .read_exact(out)
            .map_err(|source| EngineError::Read { path: self.path.to_owned(), source })?;
        self.at += out.len() as u64;
        Ok(())
    }

    fn word(&mut self, what: &str) -> Result<u32, EngineError> {
        let mut raw = [0; 4];
        self.fill(what, &mut raw)?;
        Ok(u32::from_le_bytes(raw))
    }

    fn long(&mut self, what: &str) -> Result<u64, EngineError> {
        let mut raw = [0; 8];
        self.fill(what, &mut raw)?;
        Ok(u64::from_le_bytes(raw))
    }

    fn magic(&mut self) -> Result<(), EngineError> {
        let found = self.bytes("the magic number", self.size.min(4))?;
        if found != b"GGUF" {
            return Err(EngineError::NotGguf { path: self.path.to_owned(), found });
        }
        match self.word("the version")? {
            2 | 3 => Ok(()),
            version => Err(malformed(self.path, &format!("GGUF version {version}, expected 2 or 3"))),
        }
    }

    fn count(&mut self, what: &str) -> Result<u64, EngineError> {
        let n = self.long(what)?;
        if n > MAX_ENTRIES {
            return Err(malformed(self.path, &format!("{what} is {n}, more than {MAX_ENTRIES}")));
        }
        Ok(n)
    }

    fn text(&mut self, what: &str) -> Result<String, EngineError> {
        let n = self.long(what)?;
        if n > MAX_NAME_BYTES {
            return Err(malformed(self.path, &format!("{what} has {n} bytes, more than {MAX_NAME_BYTES}")));
        }
        let raw = self.bytes(what, n)?;
        String::from_utf8(raw).map_err(|_not_utf8| malformed(self.path, &format!("{what} is not UTF-8")))
    }

    fn metadata(&mut self, n: u64) -> Result<Vec<(String, Value)>, EngineError> {
        let mut entries = Vec::new();
        for _ in 0..n {
            let key = self.text("a metadata key")?;
            let value = self.value(&key)?;
            entries.push((key, value));
        }
        Ok(entries)
    }

    fn kind(&mut self, key: &str) -> Result<Kind, EngineError> {
        let code = self.word(key)?;
        Kind::from_code(code)
            .ok_or_else(|| malformed(self.path, &format!("`{key}` has the unknown type {code}")))
    }

    fn value(&mut self, key: &str) -> Result<Value, EngineError> {
        let kind = self.kind(key)?;
        if kind != Kind::Array {
            let mut raw = Vec::new();
            self.element(key, kind, &mut raw)?;
            return Ok(Value { kind, len: None, raw });
        }
        let kind = self.kind(key)?;
        let len = self.long(key)?;
        if let Some(size) = kind.size() {
            let raw = self.bytes(key, len.saturating_mul(size))?;
            return Ok(Value { kind, len: Some(len), raw });
        }
        let mut raw = Vec::new();
        for _ in 0..len {
            self.element(key, kind, &mut raw)?;
        }
        Ok(Value { kind, len: Some(len), raw })
    }

    fn element(&mut self, key: &str, kind: Kind, raw: &mut Vec<u8>) -> Result<(), EngineError> {
        match kind.size() {
            Some(size) => raw.extend(self.bytes(key, size)?),
            None if kind == Kind::String => {
                let n = self.long(key)?;
                let n_bytes = self.check(key, n)?;
                raw.extend(n.to_le_bytes());
                let start = raw.len();
                raw.resize(start + n_bytes, 0);
                self.fill(key, &mut raw[start..])?;
            }
            None => return Err(malformed(self.path, &format!("`{key}` is an array of arrays"))),
        }
        Ok(())
    }

    fn tensors(&mut self, n: u64) -> Result<Vec<TensorInfo>, EngineError> {
        let mut tensors = Vec::new();
        for _ in 0..n {
            tensors.push(self.tensor()?);
        }
        Ok(tensors)
    }

    fn tensor(&mut self) -> Result<TensorInfo, EngineError> {
        let name = self.text("a tensor name")?;
        let n_dims = self.word(&name)?;
        if n_dims == 0 || n_dims > MAX_DIMS {
            return Err(malformed(self.path, &format!("tensor `{name}` has {n_dims} dimensions")));
        }
        let mut dims = Vec::new();
        for _ in 0..n_dims {
            dims.push(self.long(&name)?);
        }
        let code = self.word(&name)?;
        let kind = TensorType::from_code(code).ok_or_else(|| EngineError::Unsupported {
            path: self.path.to_owned(),
            what: format!("tensor `{name}` has type {code}, which this engine cannot read"),
        })?;
        let offset = self.long(&name)?;
        let n_elements = dims.iter().try_fold(1_u64, |n, dim| n.checked_mul(*dim));
        let fits = n_elements.is_some_and(|n| n > 0 && n < 1 << 48);
        if !fits || !dims[0].is_multiple_of(kind.block_len()) {
            return Err(malformed(
                self.path,
                &format!("tensor `{name}` has the shape {dims:?} in {}", kind.name()),
            ));
        }
        Ok(TensorInfo { name, dims, kind, offset })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::value::encoded;
    use super::*;

    /// A file of `size` bytes, sparse behind its beginning: one key whose value begins so.
    fn opened(value: &[u8], size: u64) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("m.gguf");
        let mut file = File::create(&path).expect("a temporary file");
        let mut start = b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
        start.extend(encoded(b"general.name"));
        start.extend(value);
        file.write_all(&start).expect("a temporary file");
        file.set_len(size).expect("a sparse file");
        match Gguf::open(&path) {
            Ok(_) => panic!("it is taken"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn no_length_of_a_file_makes_it_take_memory() {
        let value = |kind: Kind, of: Option<Kind>, len: u64| {
            let mut raw = kind.code().to_le_bytes().to_vec();
            raw.extend(of.into_iter().flat_map(|kind| kind.code().to_le_bytes()));
            raw.extend(len.to_le_bytes());
            raw
        };
        let (huge, sparse) = (u64::MAX, 1_u64 << 40);
        let check = |value: &[u8], size: u64, expected: &str| {
            let words = opened(value, size);
            assert!(words.contains(expected), "{words}");
        };
        // Longer than the file.
        check(&value(Kind::String, None, huge), 4096, "general.name");
        check(&value(Kind::Array, Some(Kind::U8), huge), 4096, "general.name");
        check(&value(Kind::Array, Some(Kind::F64), huge / 2), 4096, "general.name");
        check(&value(Kind::Array, Some(Kind::String), huge), 4096, "general.name");
        check(&value(Kind::Array, Some(Kind::Array), 1), 4096, "an array of arrays");
        // As long as a file of a terabyte, which has no byte on the disk.
        check(&value(Kind::String, None, sparse / 2), sparse, "its header has more than");
        check(&value(Kind::Array, Some(Kind::U64), sparse / 16), sparse, "its header has more than");
    }
}
