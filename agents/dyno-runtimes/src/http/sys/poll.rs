//! Systems without epoll: poll, and stamps made when a read returned.
#![expect(unsafe_code, reason = "poll has no equivalent in std")]

use std::io::{self, Read as _};
use std::net::TcpStream;

use dyno_model::clock::{MonoNs, monotonic_now};

use super::{Interest, Ready, Received};

#[cfg(unix)]
mod native {
    pub(super) use std::os::fd::AsRawFd as Watched;
    pub(super) type Fd = libc::pollfd;
    pub(super) const READ: i16 = libc::POLLIN;
    pub(super) const WRITE: i16 = libc::POLLOUT;
    pub(super) fn number(what: &impl Watched) -> std::os::fd::RawFd {
        what.as_raw_fd()
    }
    pub(super) fn poll(fds: &mut [Fd], timeout_ms: i32) -> i32 {
        // SAFETY: the pointer is to that many live descriptors.
        unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout_ms) }
    }
}

#[cfg(windows)]
mod native {
    pub(super) use std::os::windows::io::AsRawSocket as Watched;
    use windows_sys::Win32::Networking::WinSock;
    pub(super) type Fd = WinSock::WSAPOLLFD;
    pub(super) const READ: i16 = WinSock::POLLRDNORM;
    pub(super) const WRITE: i16 = WinSock::POLLWRNORM;
    pub(super) fn number(what: &impl Watched) -> WinSock::SOCKET {
        what.as_raw_socket() as WinSock::SOCKET
    }
    pub(super) fn poll(fds: &mut [Fd], timeout_ms: i32) -> i32 {
        // SAFETY: the pointer is to that many live descriptors.
        unsafe { WinSock::WSAPoll(fds.as_mut_ptr(), fds.len() as u32, timeout_ms) }
    }
}

/// Waits for many descriptors and one instant, to the millisecond.
pub(crate) struct Poller {
    fds: Vec<native::Fd>,
    keys: Vec<u64>,
}

impl Poller {
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { fds: Vec::new(), keys: Vec::new() })
    }

    /// Watches `what` from now on.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(crate) fn add(
        &mut self,
        what: &impl native::Watched,
        key: u64,
        interest: Interest,
    ) -> io::Result<()> {
        self.fds.push(native::Fd { fd: native::number(what), events: bits(interest), revents: 0 });
        self.keys.push(key);
        Ok(())
    }

    /// Watches it for something else.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(crate) fn change(
        &mut self,
        _what: &impl native::Watched,
        key: u64,
        interest: Interest,
    ) -> io::Result<()> {
        if let Some(at) = self.keys.iter().position(|one| *one == key) {
            self.fds[at].events = bits(interest);
        }
        Ok(())
    }

    /// Forgets it; must be called before it is closed.
    pub(crate) fn remove(&mut self, _what: &impl native::Watched, key: u64) {
        if let Some(at) = self.keys.iter().position(|one| *one == key) {
            self.keys.swap_remove(at);
            self.fds.swap_remove(at);
        }
    }

    /// Fills `ready` with what is ready, at the latest at `until` (rounded up to a millisecond).
    pub(crate) fn wait(&mut self, until: MonoNs, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        let left_ms = until.since(monotonic_now()).div_ceil(1_000_000);
        let timeout_ms = i32::try_from(left_ms).unwrap_or(i32::MAX);
        if self.fds.is_empty() {
            // Some systems refuse to wait for nothing.
            std::thread::sleep(std::time::Duration::from_millis(left_ms.min(10)));
            return Ok(());
        }
        if native::poll(&mut self.fds, timeout_ms) < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) };
        }
        let hits = self.fds.iter().zip(&self.keys).filter(|(fd, _)| fd.revents != 0);
        ready.extend(hits.map(|(_, key)| Ready { key: *key }));
        Ok(())
    }
}

/// The kernel does not stamp for us here.
pub(crate) fn stamp_receives(_socket: &TcpStream) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Receives without waiting: the socket is one that never does.
pub(crate) fn receive(mut socket: &TcpStream, room: &mut [u8]) -> io::Result<Received> {
    Ok(Received { n: socket.read(room)?, wall_ns: None })
}

/// There is no way here.
pub(crate) fn be_urgent() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nothing to take back.
pub(crate) fn be_ordinary() -> io::Result<()> {
    Ok(())
}

/// Does not rest: what is not read at once is stamped late here.
pub(crate) fn rest_until(_end: MonoNs) {}

/// Nobody asks for it here.
pub(crate) fn thread_cpu_ns() -> Option<u64> {
    None
}

fn bits(interest: Interest) -> i16 {
    match interest {
        Interest::Read => native::READ,
        Interest::Write => native::WRITE,
    }
}
