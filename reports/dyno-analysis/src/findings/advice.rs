//! What to do about a launch that may not be used.

/// Words of the agent's guards, and what helps. The first that fits is taken.
const ADVICE: [(&str, &str); 9] = [
    (
        "unverified",
        "give edgedyno the right to let go of the page cache (root), end what uses the model, or name another state",
    ),
    ("suspended", "keep the device awake: `edgedyno doctor` says how"),
    (
        "in the calibration",
        "leave the agent a core of its own: fewer threads for the runtime, no other programs",
    ),
    ("the agent itself", "offer less at once, or sample less often (`sampling_period_ms`)"),
    ("the agent used", "offer less at once, or ask from another device (`--from`)"),
    ("the sampler dropped", "sample less often (`sampling_period_ms`)"),
    ("hypervisor", "measure when the host is idle, or on a machine with CPUs of its own"),
    (
        "late at p99",
        "leave the agent a core of its own: fewer threads for the runtime, or ask from another device (`--from`)",
    ),
    ("throttl", "cool the device, and let it rest between launches"),
];

/// What helps against a reason; `None` where nothing is known to.
pub(super) fn advice(reason: &str) -> Option<&'static str> {
    let reason = reason.to_lowercase();
    ADVICE.iter().find(|(word, _)| reason.contains(word)).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_the_guards_have_advice() {
        for reason in [
            "cold=unverified: 12.3 % of the model are in memory",
            "the device was suspended for 1000001 ns",
            "in the calibration TTFT was wrong by 2000000 ns at p99",
            "the agent itself used 801 ns of CPU in 1000 ns",
            "the agent used 801 ns of CPU in the 1000 ns of the load",
            "the sampler dropped 2 of 12 rows",
            "a hypervisor took 300 ns of 2000 ns of CPU time during the load",
            "requests were sent 41200000 ns late at p99, above 5000000 ns",
        ] {
            assert!(advice(reason).is_some(), "{reason}");
        }
        assert_eq!(advice("the moon was full"), None);
    }
}
