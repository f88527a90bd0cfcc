//! The one system call that the standard library does not have.

use std::io;
use std::path::Path;

/// Free bytes of the disk that `dir` lies on, as far as this user may fill it.
#[cfg(unix)]
#[expect(unsafe_code, reason = "statvfs has no safe equivalent in the standard library")]
pub(crate) fn free_bytes(dir: &Path) -> io::Result<Option<u64>> {
    use std::os::unix::ffi::OsStrExt as _;

    let path = std::ffi::CString::new(dir.as_os_str().as_bytes())?;
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: `path` is a NUL-terminated string and `stat` a writable statvfs; both live through the call.
    let rc = unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) };
    if rc != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroes are a valid statvfs, and the call has succeeded in filling it.
    let stat = unsafe { stat.assume_init() };
    #[expect(clippy::unnecessary_cast, reason = "the widths of these fields differ between platforms")]
    let free = (stat.f_bavail as u64).saturating_mul(stat.f_frsize as u64);
    Ok(Some(free))
}

/// Not asked on this system.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_dir: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_free_bytes_and_a_missing_folder_has_not() {
        let free = free_bytes(Path::new("/")).expect("the root is there");
        assert!(free.is_some_and(|free| free < 1 << 60));
        assert_eq!(
            free_bytes(Path::new("/no such folder")).expect_err("not there").kind(),
            io::ErrorKind::NotFound
        );
    }
}
