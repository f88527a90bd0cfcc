//! What Linux and Android tell of a process's open files and sockets, without an allocation.
#![expect(
    unsafe_code,
    reason = "std lists folders with allocations, and knows neither attributes nor netlink"
)]

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

/// `NETLINK_SOCK_DIAG` of linux/netlink.h: what the kernel says of sockets of this network namespace.
const NETLINK_SOCK_DIAG: libc::c_int = 4;
/// Offsets within `struct linux_dirent64`: its length, and its name.
const LENGTH_AT: usize = 16;
const NAME_AT: usize = 19;

/// Hands over each name of an open folder that is a number, from the first one on.
///
/// # Errors
/// Those of the system: a process that has ended has no folder any more.
pub(crate) fn numbers_in(folder: &File, buffer: &mut [u8], on: &mut dyn FnMut(u32)) -> io::Result<()> {
    (&mut &*folder).seek(SeekFrom::Start(0))?;
    loop {
        let (fd, room) = (folder.as_raw_fd(), buffer.len());
        // SAFETY: the descriptor is open, and the kernel writes no more than `room` bytes into the buffer.
        let n = unsafe { libc::syscall(libc::SYS_getdents64, fd, buffer.as_mut_ptr(), room) };
        let Ok(n) = usize::try_from(n) else { return Err(io::Error::last_os_error()) };
        if n == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..n.min(room)];
        while let Some((entry, left)) = next_entry(rest) {
            // Best effort: what is no number, `.` and `..` among them, is of no interest.
            if let Some(number) = name_of(entry).and_then(|name| name.to_str().ok()?.parse().ok()) {
                on(number);
            }
            rest = left;
        }
    }
}

fn next_entry(entries: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = entries.get(LENGTH_AT..LENGTH_AT + 2)?;
    let length = usize::from(u16::from_ne_bytes([length[0], length[1]]));
    (length > NAME_AT).then(|| entries.split_at_checked(length)).flatten()
}

fn name_of(entry: &[u8]) -> Option<&CStr> {
    CStr::from_bytes_until_nul(entry.get(NAME_AT..)?).ok()
}

/// Where a symbolic link points, as far as it fits into `room`.
///
/// # Errors
/// Those of the system.
pub(crate) fn link<'r>(folder: &File, name: &CStr, room: &'r mut [u8]) -> io::Result<&'r [u8]> {
    // SAFETY: the descriptor is open, `name` ends with a NUL, and the kernel writes no more than `room.len()` bytes.
    let n =
        unsafe { libc::readlinkat(folder.as_raw_fd(), name.as_ptr(), room.as_mut_ptr().cast(), room.len()) };
    let n = usize::try_from(n).map_err(|_negative| io::Error::last_os_error())?;
    Ok(&room[..n.min(room.len())])
}

/// What the kernel calls the protocol of the socket that an entry of `/proc/PID/fd` is: `TCPv6`, `UNIX-STREAM`.
///
/// # Errors
/// Those of the system; kernels without such an attribute are older than 2.6.39.
pub(crate) fn socket_protocol<'r>(path: &CStr, room: &'r mut [u8]) -> io::Result<&'r [u8]> {
    let name = c"system.sockprotoname";
    // SAFETY: both texts end with a NUL, and the kernel writes no more than `room.len()` bytes.
    let n = unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), room.as_mut_ptr().cast(), room.len()) };
    let n = usize::try_from(n).map_err(|_negative| io::Error::last_os_error())?;
    Ok(room[..n.min(room.len())].trim_ascii_end().strip_suffix(b"\0").unwrap_or(&room[..n.min(room.len())]))
}

/// A netlink socket to ask for sockets of this process's network namespace; it never waits.
///
/// # Errors
/// Those of the system: some forbid it.
pub(crate) fn diag_socket() -> io::Result<File> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: takes plain numbers.
    let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, NETLINK_SOCK_DIAG) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}
