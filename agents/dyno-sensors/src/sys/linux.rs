//! Linux and Android.
#![expect(unsafe_code, reason = "statvfs, uname and ioctl have no safe equivalent in std")]

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Whether processes are watched through files below `/proc`.
pub(crate) const HAS_PROCFS: bool = true;

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

/// The request `_IOWR(100, 0, char *)` of drivers/char/broadcom/vcio.c: its number holds the size of a pointer.
const IOCTL_MBOX_PROPERTY: libc::Ioctl =
    (3_u64 << 30 | (size_of::<*const u8>() as u64) << 16 | 100 << 8) as libc::Ioctl;

/// Sends a message to the firmware of a Raspberry Pi and puts its answer in its place.
///
/// # Errors
/// `InvalidInput` for a message that does not tell its own size; those of the driver.
pub(crate) fn exchange_property(mailbox: &File, message: &mut [u32]) -> io::Result<()> {
    // The driver reads and writes as many bytes as the first word says.
    if message.first().map(|n_bytes| *n_bytes as usize) != Some(size_of_val(message)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the file is open, and the driver writes no more than the bytes of `message`, as was looked at above.
    let rc = unsafe { libc::ioctl(mailbox.as_raw_fd(), IOCTL_MBOX_PROPERTY, message.as_mut_ptr()) };
    if rc < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
