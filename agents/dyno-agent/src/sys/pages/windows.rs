//! Windows: nobody tells which pages of a file are in memory.

use std::fs::File;
use std::io;
use std::path::Path;

use dyno_model::clock::MonoNs;

use super::{FileSystem, Way};

/// None that a program may use.
pub(crate) const WAYS: &[Way] = &[];

/// Nobody tells.
pub(crate) fn resident_bytes(_file: &File, _len: u64, _until: MonoNs) -> io::Result<u64> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system does not tell"))
}

/// Not asked for: what lies in memory is not seen anyway.
pub(crate) fn file_system(_file: &File) -> FileSystem {
    FileSystem::Storage
}

/// Nobody tells.
pub(crate) fn holders(_file: &File, _path: &Path) -> Vec<(u32, String)> {
    Vec::new()
}

/// Not asked for.
pub(crate) fn memory_bytes() -> Option<u64> {
    None
}

/// Not asked for.
pub(crate) fn read_bytes(_pid: u32) -> Option<u64> {
    None
}

/// Not asked for.
pub(crate) fn major_faults(_pid: u32) -> Option<u64> {
    None
}

/// Not asked for.
pub(crate) fn children(_pid: u32) -> Vec<u32> {
    Vec::new()
}
