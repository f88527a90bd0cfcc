//! Linux and Android.
#![expect(unsafe_code, reason = "statvfs has no safe equivalent in std")]

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Why no sensor can be read here; `None` where some can.
pub(crate) const NO_SENSORS: Option<&str> = None;

/// Where `/proc` and `/sys` are.
pub(crate) const ROOT: &str = "/";

/// Bytes that an ordinary user can still write where `path` lies; `None` if the system does not say.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    // Best effort: a path with a NUL in it is on no disk.
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut stat = MaybeUninit::<libc::statvfs64>::uninit();
    // The counts of the plain call are too narrow for a big disk where a `long` has 32 bits.
    // SAFETY: `path` is a C string and `stat` has room for the result.
    let rc = unsafe { libc::statvfs64(path.as_ptr(), stat.as_mut_ptr()) };
    if rc != 0 {
        return None;
    }
    // SAFETY: statvfs64 returned 0, so it filled `stat`.
    let stat = unsafe { stat.assume_init() };
    wide(stat.f_bavail)?.checked_mul(wide(stat.f_frsize)?)
}

/// The platforms' own number types differ in width.
fn wide(number: impl TryInto<u64>) -> Option<u64> {
    number.try_into().ok()
}
