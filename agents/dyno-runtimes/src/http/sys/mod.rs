//! Readiness, connecting and receiving, with one interface for all systems.
//!
//! `linux.rs` has epoll, an absolute timer and the kernel's receive timestamps; `poll.rs` has poll and stamps made when
//! a read returned.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod poll;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{Poller, be_ordinary, be_urgent, receive, rest_until, stamp_receives, thread_cpu_ns};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use poll::{Poller, be_ordinary, be_urgent, receive, rest_until, stamp_receives, thread_cpu_ns};
#[cfg(unix)]
pub(crate) use unix::{connect, reset_on_close, watch_interrupt};
#[cfg(windows)]
pub(crate) use windows::{connect, reset_on_close, watch_interrupt};

/// What a connection is watched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Bytes to read, or its end.
    Read,
    /// Room to write, or that it stands.
    Write,
}

/// A watched thing is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ready {
    /// As it was given.
    pub(crate) key: u64,
}

/// Bytes were received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Received {
    /// How many; 0 is the end.
    pub(crate) n: usize,
    /// When the kernel took the last of them in, on the wall clock; `None` where it does not say.
    pub(crate) wall_ns: Option<u64>,
}
