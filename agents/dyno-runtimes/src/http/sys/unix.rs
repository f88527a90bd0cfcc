//! What Linux, Android and macOS share.
#![expect(unsafe_code, reason = "std cannot begin a connection without waiting for it")]

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::{Interest, Poller};
use crate::interrupt::Interrupt;

/// Begins a connection; the socket is writable when it stands or has failed, and `take_error` says which.
pub(crate) fn connect(address: SocketAddr, _limit: Duration) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    // SAFETY: takes plain numbers.
    let fd = unsafe { libc::socket(family, libc::SOCK_STREAM, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: takes plain numbers.
    let rc = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
    if rc < 0 {
        return Err(io::Error::last_os_error());
    }
    let socket = TcpStream::from(fd);
    socket.set_nonblocking(true)?;
    let rc = match address {
        SocketAddr::V4(v4) => {
            // SAFETY: all-zero bytes are a valid address of plain numbers.
            let mut raw: libc::sockaddr_in = unsafe { std::mem::zeroed() };
            raw.sin_family = libc::AF_INET as libc::sa_family_t;
            raw.sin_port = v4.port().to_be();
            raw.sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
            connect_raw(&socket, &raw)
        }
        SocketAddr::V6(v6) => {
            // SAFETY: all-zero bytes are a valid address of plain numbers.
            let mut raw: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
            raw.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            raw.sin6_port = v6.port().to_be();
            raw.sin6_addr.s6_addr = v6.ip().octets();
            raw.sin6_scope_id = v6.scope_id();
            connect_raw(&socket, &raw)
        }
    };
    match rc {
        Ok(()) => Ok(socket),
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(socket),
        Err(error) => Err(error),
    }
}

fn connect_raw<T>(socket: &TcpStream, raw: &T) -> io::Result<()> {
    let address: *const libc::sockaddr = std::ptr::from_ref(raw).cast();
    // SAFETY: the pointer is to a live socket address of that length.
    let rc = unsafe { libc::connect(socket.as_raw_fd(), address, size_of::<T>() as libc::socklen_t) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has `poller` wake when `interrupt` is raised; says how long a wait may be all the same.
pub(crate) fn watch_interrupt(
    poller: &mut Poller,
    interrupt: &Interrupt,
    key: u64,
) -> io::Result<Option<u64>> {
    poller.add(&interrupt.waitable(), key, Interest::Read)?;
    Ok(None)
}

/// Closing `socket` will reset the connection instead of ending it.
pub(crate) fn reset_on_close(socket: &TcpStream) -> io::Result<()> {
    let at_once = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: the pointer is to a live linger of the length that is given.
    let rc = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const at_once).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        )
    };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
