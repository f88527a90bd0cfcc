//! macOS.

/// Not asked for here: a launch that the machine slept through is not noticed.
pub(crate) fn suspended_ns() -> Option<u64> {
    None
}

/// Nobody says without more rights than an agent has.
pub(crate) fn command_line(_pid: u32) -> Option<Vec<String>> {
    None
}

/// Not asked for here.
pub(crate) fn uptime_s() -> Option<u64> {
    None
}
