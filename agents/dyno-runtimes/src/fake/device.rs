//! The device that a script runs on: how fast it is, and when it dies.

use dyno_model::clock::MonoNs;
use dyno_model::outcome::Outcome;

use super::START_NS;

/// Thousandths of the script's own speed.
const FULL: u32 = 1000;

/// How fast the device is over the time since the script began, and when it dies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Device {
    /// From when on, in ns since the script began, and how fast in thousandths; in the order of time.
    pub(super) pace: Vec<(u64, u32)>,
    /// When, and how.
    pub(super) death: Option<(u64, Death)>,
}

/// How a device ends a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// It kills the runtime.
    Kill,
    /// It restarts.
    Reboot,
}

impl Death {
    /// As it is seen from outside: why a runtime was killed is for others to find out.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Kill => Outcome::Crashed { exit: self.exit().to_owned(), stderr_tail: String::new() },
            Self::Reboot => Outcome::Rebooted,
        }
    }

    /// The system's words.
    pub(super) fn exit(self) -> &'static str {
        match self {
            Self::Kill => "killed by signal 9 (SIGKILL)",
            Self::Reboot => "the device restarted",
        }
    }
}

impl Device {
    /// When work of `work_ns` at full speed is done that begins at `from`.
    pub(super) fn done_at(&self, from: MonoNs, work_ns: u64) -> MonoNs {
        let (mut at, mut left) = (from.since(MonoNs(START_NS)), u128::from(work_ns));
        loop {
            let after = self.pace.partition_point(|knot| knot.0 <= at);
            let permille = after.checked_sub(1).map_or(FULL, |idx| self.pace[idx].1).max(1);
            let needed = (left * u128::from(FULL)).div_ceil(u128::from(permille));
            let needed_ns = u64::try_from(needed).unwrap_or(u64::MAX);
            match self.pace.get(after) {
                Some(next) if at.saturating_add(needed_ns) > next.0 => {
                    left -= u128::from(next.0 - at) * u128::from(permille) / u128::from(FULL);
                    at = next.0;
                }
                Some(_) | None => return MonoNs(START_NS).plus(at.saturating_add(needed_ns)),
            }
        }
    }

    /// Its death, if that comes by `at`.
    pub(super) fn death_by(&self, at: MonoNs) -> Option<(MonoNs, Death)> {
        let (after_ns, death) = self.death?;
        let died_at = MonoNs(START_NS).plus(after_ns);
        (died_at <= at).then_some((died_at, death))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn work_takes_longer_on_a_slower_device() {
        let device =
            Device { pace: vec![(0, 1000), (10 * S, 500), (20 * S, 250), (30 * S, 2000)], death: None };
        let check = |from_s: u64, work_ns, expected_ns| {
            let done = device.done_at(MonoNs(START_NS + from_s * S), work_ns);
            assert_eq!(done.since(MonoNs(START_NS)), expected_ns, "{work_ns} ns from {from_s} s");
        };
        check(1, 3 * S, 4 * S);
        check(8, 2 * S, 10 * S);
        check(10, S, 12 * S);
        // 2 s at full speed, 2 of the other 4 s of work at half speed take 4 s; and so on.
        check(8, 4 * S, 14 * S);
        // 5 s of work until 10 s, 5 until 20 s, 2.5 until 30 s, and 2.5 s at twice the speed.
        check(5, 15 * S, 31 * S + S / 4);
        check(10, 1, 10 * S + 2);
        assert_eq!(Device::default().done_at(MonoNs(START_NS + 7), 5), MonoNs(START_NS + 12));
    }

    #[test]
    fn death_comes_once_and_stays() {
        let device = Device { pace: Vec::new(), death: Some((5 * S, Death::Reboot)) };
        assert_eq!(device.death_by(MonoNs(START_NS + 5 * S - 1)), None);
        let died = Some((MonoNs(START_NS + 5 * S), Death::Reboot));
        assert_eq!(
            (device.death_by(MonoNs(START_NS + 5 * S)), device.death_by(MonoNs(u64::MAX))),
            (died, died)
        );
    }
}
