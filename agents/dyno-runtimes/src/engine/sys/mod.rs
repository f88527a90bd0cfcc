//! Memory that no safe type gives: huge pages, and buffers that threads share.

mod arena;
mod shared;

pub(crate) use arena::{Arena, Slab};
pub(crate) use shared::{Claim, Shared};
