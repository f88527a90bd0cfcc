//! Linux and Android.

use dyno_model::clock::{boottime_now, monotonic_now};

/// The words that process `pid` was started with; `None` if there is no such process.
pub(crate) fn command_line(pid: u32) -> Option<Vec<String>> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    Some(words.collect())
}

/// How long this machine has been suspended since it started, in ns; grows only while it sleeps.
pub(crate) fn suspended_ns() -> Option<u64> {
    // The clocks are read one after the other; the shortest of a few readings was not interrupted in between.
    let readings = (0..8).map(|_| {
        let before = monotonic_now();
        let boot = boottime_now();
        let after = monotonic_now();
        (after.since(before), boot.0.saturating_sub(before.0.midpoint(after.0)))
    });
    readings.min().map(|(_, suspended_ns)| suspended_ns)
}

/// Since when this machine runs, the time that it slept included.
#[expect(clippy::unnecessary_wraps, reason = "not every system says")]
pub(crate) fn uptime_s() -> Option<u64> {
    Some(boottime_now().0 / 1_000_000_000)
}
