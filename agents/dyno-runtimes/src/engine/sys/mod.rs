//! Memory that no safe type gives: huge pages, and buffers that threads share.

mod arena;
#[cfg(unix)]
#[path = "unix.rs"]
mod map;
#[cfg(windows)]
#[path = "windows.rs"]
mod map;
mod shared;

pub(crate) use arena::{Arena, Slab};
pub(crate) use shared::{Claim, Shared};
