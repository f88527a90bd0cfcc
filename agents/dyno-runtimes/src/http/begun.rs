//! How many connections this process has begun, so that they can be told from those of others in the kernel's count.

use std::sync::atomic::{AtomicU64, Ordering};

static BEGUN: AtomicU64 = AtomicU64::new(0);

/// A connection is about to be begun.
pub(super) fn one_more() {
    BEGUN.fetch_add(1, Ordering::Relaxed);
}

/// Connections that this process has begun so far, those that nobody took included.
pub fn connections_begun() -> u64 {
    BEGUN.load(Ordering::Relaxed)
}
