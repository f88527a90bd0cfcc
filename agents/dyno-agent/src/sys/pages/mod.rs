//! The page cache: which pages of a file are in memory, and how they leave it.

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;
#[cfg(unix)]
mod window;

use std::fs::File;
use std::io;

#[cfg(all(test, target_os = "linux"))]
pub(crate) use system::cachestat_pages;
#[cfg(all(test, target_os = "linux"))]
pub(crate) use window::page_bytes;

pub(crate) use system::{
    WAYS, children, file_system, holders, major_faults, memory_bytes, read_bytes, resident_bytes,
};

/// A way to have the system let go of a file's pages; the file and its bytes are handed over.
#[derive(Debug)]
pub(crate) struct Way {
    /// In words.
    pub(crate) name: &'static str,
    /// Asks for it. Success says that it was asked for, not that it was done.
    pub(crate) act: fn(&File, u64) -> io::Result<()>,
    /// It may bring pages in before it lets go of them, so it is not for a file whose pages cannot be seen.
    pub(crate) needs_sight: bool,
}

/// What a file lies on, as far as memory is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(windows, expect(dead_code, reason = "one type for all systems"))]
pub(crate) enum FileSystem {
    /// Storage of this machine, with no cache of its own in memory but the page cache.
    Storage,
    /// Memory.
    Memory(&'static str),
    /// Another machine, or another program of this one, whose caches are not seen from here.
    Elsewhere(&'static str),
    /// Something else.
    Unknown(String),
}
