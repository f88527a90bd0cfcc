//! macOS.
#![expect(unsafe_code, reason = "msync, fstatfs and sysctl have no equivalents in std")]

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use dyno_model::clock::{MonoNs, monotonic_now};

use super::window::{each, mincore_bytes};
use super::{FileSystem, Way};

/// Letting go of a file's pages may take so long.
const LET_GO_LIMIT_NS: u64 = 20_000_000_000;

/// In the order in which they are tried.
pub(crate) const WAYS: &[Way] = &[Way { name: "msync INVALIDATE", act: invalidate, needs_sight: false }];

fn invalidate(file: &File, len: u64) -> io::Result<()> {
    let until = monotonic_now().plus(LET_GO_LIMIT_NS);
    each(file, len, until, |window| {
        // SAFETY: the mapping is live, and nothing in it is referred to.
        window.ask(|start, bytes| unsafe { libc::msync(start, bytes, libc::MS_INVALIDATE) })
    })
}

/// Bytes of the first `len` of `file` that are in memory.
pub(crate) fn resident_bytes(file: &File, len: u64, until: MonoNs) -> io::Result<u64> {
    mincore_bytes(file, len, until)
}

/// What `file` lies on.
pub(crate) fn file_system(file: &File) -> FileSystem {
    // SAFETY: all-zero bytes are a valid `statfs`, which is plain numbers and text.
    let mut about: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and the pointer is to a live, writable `statfs`.
    if unsafe { libc::fstatfs(file.as_raw_fd(), &raw mut about) } != 0 {
        return FileSystem::Unknown(io::Error::last_os_error().to_string());
    }
    // SAFETY: the kernel ends the name with a zero within its field.
    let name = unsafe { CStr::from_ptr(about.f_fstypename.as_ptr()) };
    match name.to_string_lossy().as_ref() {
        "apfs" | "hfs" | "msdos" | "exfat" => FileSystem::Storage,
        "tmpfs" => FileSystem::Memory("tmpfs"),
        "nfs" => FileSystem::Elsewhere("NFS"),
        "smbfs" => FileSystem::Elsewhere("SMB"),
        other => FileSystem::Unknown(other.to_owned()),
    }
}

/// Nobody says without more rights than an agent has.
pub(crate) fn holders(_file: &File, _path: &Path) -> Vec<(u32, String)> {
    Vec::new()
}

/// Memory of this machine.
pub(crate) fn memory_bytes() -> Option<u64> {
    let mut bytes = 0_u64;
    let mut size = size_of::<u64>();
    // SAFETY: the name ends with a zero, the pointers are to live values, and the size is that of the first.
    let rc = unsafe {
        libc::sysctlbyname(
            c"hw.memsize".as_ptr(),
            (&raw mut bytes).cast(),
            &raw mut size,
            std::ptr::null_mut(),
            0,
        )
    };
    (rc == 0 && size == size_of::<u64>()).then_some(bytes)
}

/// Not asked for here.
pub(crate) fn read_bytes(_pid: u32) -> Option<u64> {
    None
}

/// Not asked for here.
pub(crate) fn major_faults(_pid: u32) -> Option<u64> {
    None
}

/// Not asked for here.
pub(crate) fn children(_pid: u32) -> Vec<u32> {
    Vec::new()
}
