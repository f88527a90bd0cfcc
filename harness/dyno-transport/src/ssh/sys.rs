//! Waiting for sockets, and looking at what came in without taking it.
#![expect(unsafe_code, reason = "poll and MSG_PEEK on any socket have no safe equivalent in std")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// What is waited for on the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// That the other side sends, or goes away.
    Input,
    /// As `Input`, or that there is room to send.
    InputOrRoom,
    /// That the other side goes away; what it sends may wait.
    End,
}

/// What [`wait`] saw on the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ready {
    /// Something came in, or the other side is gone.
    pub(super) has_input: bool,
}

/// Waits until the link is ready or `waker` is written to, at most `limit`.
pub(super) fn wait(link: i32, want: Want, waker: BorrowedFd<'_>, limit: Duration) -> io::Result<Ready> {
    let events = match want {
        Want::Input => libc::POLLIN,
        Want::InputOrRoom => libc::POLLIN | libc::POLLOUT,
        Want::End => END,
    };
    let mut fds = [
        libc::pollfd { fd: link, events, revents: 0 },
        libc::pollfd { fd: waker.as_raw_fd(), events: libc::POLLIN, revents: 0 },
    ];
    // Rounded up: a wait of less than a millisecond must not become a busy loop.
    let limit_ms = limit.as_millis() + u128::from(!limit.subsec_nanos().is_multiple_of(1_000_000));
    poll(&mut fds, i32::try_from(limit_ms).unwrap_or(i32::MAX))?;
    let input = libc::POLLIN | END | libc::POLLHUP | libc::POLLERR | libc::POLLNVAL;
    Ok(Ready { has_input: fds[0].revents & input != 0 })
}

#[cfg(target_os = "linux")]
const END: i16 = libc::POLLRDHUP;
/// Other systems tell of the end with `POLLHUP`, which is always waited for.
#[cfg(not(target_os = "linux"))]
const END: i16 = 0;

fn poll(fds: &mut [libc::pollfd], limit_ms: i32) -> io::Result<()> {
    let n_fds = fds.len() as libc::nfds_t;
    // SAFETY: `fds` is a slice of that many entries, which poll only reads and fills in.
    let rc = unsafe { libc::poll(fds.as_mut_ptr(), n_fds, limit_ms) };
    if rc >= 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}

/// The bytes that have come in and were not taken yet, waiting at most `limit` for the first; 0 at the stream's end.
pub(super) fn peek(link: i32, bytes: &mut [u8], limit: Duration) -> io::Result<usize> {
    let mut fds = [libc::pollfd { fd: link, events: libc::POLLIN, revents: 0 }];
    poll(&mut fds, i32::try_from(limit.as_millis()).unwrap_or(i32::MAX))?;
    if fds[0].revents == 0 {
        return Err(io::ErrorKind::TimedOut.into());
    }
    // SAFETY: `bytes` is valid for writes of its length.
    let rc = unsafe { libc::recv(link, bytes.as_mut_ptr().cast(), bytes.len(), libc::MSG_PEEK) };
    usize::try_from(rc).map_err(|_negative| io::Error::last_os_error())
}

/// Cuts a connection: whoever reads or writes it gets an error or the end.
pub(super) fn cut(link: i32) {
    // SAFETY: shutdown takes plain numbers.
    unsafe {
        libc::shutdown(link, libc::SHUT_RDWR);
    }
}

/// Whether a small packet can be sent whole: the system says so only while a good part of its buffer is free.
pub(super) fn has_room(link: i32) -> bool {
    let mut fds = [libc::pollfd { fd: link, events: libc::POLLOUT, revents: 0 }];
    // An error is as good as room: the packet then meets it.
    poll(&mut fds, 0).is_err() || fds[0].revents != 0
}

/// Lets the system confirm what came in without waiting for something to send along.
///
/// A server that joins small packets (Nagle) waits for that: 40 ms for an answer of two packets otherwise. Linux
/// forgets it after a while, so it is said before each wait.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn confirm_at_once(link: i32) {
    let on: libc::c_int = 1;
    let n_bytes = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the value is a C int of the length given; a descriptor that is no TCP socket is only refused.
    unsafe {
        libc::setsockopt(link, libc::IPPROTO_TCP, libc::TCP_QUICKACK, (&raw const on).cast(), n_bytes);
    }
}

/// Other systems have no such switch.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn confirm_at_once(_link: i32) {}
