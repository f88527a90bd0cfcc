//! macOS.
#![expect(unsafe_code, reason = "statvfs and sysctl have no safe equivalent in std")]

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Why no sensor can be read here; `None` where some can.
pub(crate) const NO_SENSORS: Option<&str> = Some("this agent reads no sensors on macOS");

/// Where `/proc` and `/sys` would be.
pub(crate) const ROOT: &str = "/";

/// Bytes that an ordinary user can still write where `path` lies; `None` if the system does not say.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    // Best effort: a path with a NUL in it is on no disk.
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut stat = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` is a C string and `stat` has room for the result.
    let rc = unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) };
    if rc != 0 {
        return None;
    }
    // SAFETY: statvfs returned 0, so it filled `stat`.
    let stat = unsafe { stat.assume_init() };
    u64::from(stat.f_bavail).checked_mul(stat.f_frsize)
}

/// A text that the kernel keeps under a name.
pub(crate) fn sysctl_text(name: &CStr) -> Option<String> {
    let mut bytes = [0_u8; 256];
    let n_bytes = sysctl(name, &mut bytes)?;
    let text = CStr::from_bytes_until_nul(&bytes[..n_bytes]).ok()?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A whole number that the kernel keeps under a name, of 4 or of 8 bytes.
pub(crate) fn sysctl_number(name: &CStr) -> Option<u64> {
    let mut bytes = [0_u8; 8];
    match sysctl(name, &mut bytes)? {
        4 => u64::try_from(i32::from_ne_bytes(*bytes.first_chunk()?)).ok(),
        8 => u64::try_from(i64::from_ne_bytes(bytes)).ok(),
        _ => None,
    }
}

fn sysctl(name: &CStr, bytes: &mut [u8]) -> Option<usize> {
    let mut n_bytes = bytes.len();
    // SAFETY: the name is a C string, `n_bytes` says how much room there is, and nothing is to be set.
    let rc = unsafe {
        libc::sysctlbyname(
            name.as_ptr(),
            bytes.as_mut_ptr().cast(),
            &raw mut n_bytes,
            std::ptr::null_mut(),
            0,
        )
    };
    (rc == 0 && n_bytes <= bytes.len()).then_some(n_bytes)
}
