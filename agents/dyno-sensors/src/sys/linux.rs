//! Linux and Android.
#![expect(unsafe_code, reason = "statvfs and uname have no safe equivalent in std")]

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Why no sensor can be read here; `None` where some can.
pub(crate) const NO_SENSORS: Option<&str> = None;

/// Where `/proc` and `/sys` are.
pub(crate) const ROOT: &str = "/";

/// The machine as the kernel calls it, `uname -m`: of the device, where the agent may be of a narrower kind.
pub(crate) fn machine() -> Option<String> {
    let mut names = MaybeUninit::<libc::utsname>::uninit();
    // SAFETY: there is room for the result.
    let rc = unsafe { libc::uname(names.as_mut_ptr()) };
    if rc != 0 {
        return None;
    }
    // SAFETY: uname returned 0, so it filled `names`.
    let names = unsafe { names.assume_init() };
    // SAFETY: the field ends with a NUL (uname(2)), and lives as long as `names`.
    let machine = unsafe { CStr::from_ptr(names.machine.as_ptr()) };
    // Best effort: a name that is no text is no name.
    machine.to_str().ok().filter(|name| !name.is_empty()).map(str::to_owned)
}

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
