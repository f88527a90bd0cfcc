//! macOS.

/// Not asked for here: a launch that the machine slept through is not noticed.
pub(crate) fn suspended_ns() -> Option<u64> {
    None
}
