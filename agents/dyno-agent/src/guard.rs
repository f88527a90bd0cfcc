//! Whether a launch's numbers may be used.
//!
//! The rules are house rules, fixed before anything is measured (MEASUREMENT §1.6, §5): a broken one makes the launch
//! INVALID with its figure, and nothing is measured again silently.

use dyno_model::outcome::Validity;
use dyno_model::sample::{OwnCost, Quantity, SampleBatch, SensorDeclared};

use crate::sys;

/// More suspend than this and the device slept.
const SUSPEND_LIMIT_NS: u64 = 1_000_000;
/// More of one core than this and the agent itself was in the way, in thousandths.
const OWN_CPU_LIMIT_MILLI: u128 = 800;
/// More stolen CPU time than this of wall time is worth a note, in thousandths.
const STEAL_NOTE_MILLI: u128 = 50;

/// Watches over one launch.
#[derive(Debug)]
pub(crate) struct Guard {
    suspended_ns: Option<u64>,
}

impl Guard {
    /// From now on.
    pub(crate) fn start() -> Self {
        Self { suspended_ns: sys::suspended_ns() }
    }

    /// Until now.
    pub(crate) fn judge(&self, own: &OwnCost) -> Validity {
        let slept_ns = match (self.suspended_ns, sys::suspended_ns()) {
            (Some(before), Some(now)) => Some(now.saturating_sub(before)),
            _ => None,
        };
        judge(slept_ns, own)
    }
}

fn judge(slept_ns: Option<u64>, own: &OwnCost) -> Validity {
    let mut reasons = Vec::new();
    if let Some(slept_ns) = slept_ns.filter(|ns| *ns > SUSPEND_LIMIT_NS) {
        reasons.push(format!("the device was suspended for {slept_ns} ns"));
    }
    if exceeds(own.cpu_ns, OWN_CPU_LIMIT_MILLI, own.wall_ns) {
        reasons.push(format!("the agent itself used {} ns of CPU in {} ns", own.cpu_ns, own.wall_ns));
    }
    if own.n_dropped > 0 {
        reasons.push(format!("the sampler dropped {} of {} rows", own.n_dropped, own.n_rows + own.n_dropped));
    }
    if reasons.is_empty() { Validity::Valid } else { Validity::Invalid { reasons } }
}

/// A note when a hypervisor took a good part of the CPUs away.
pub(crate) fn steal_note(
    declared: &[SensorDeclared],
    samples: &[SampleBatch],
    wall_ns: u64,
) -> Option<String> {
    let stolen_ns = declared.iter().find_map(|sensor| {
        let column = sensor.channels.iter().position(|channel| channel.quantity == Quantity::StealNs)?;
        let batch = samples.iter().find(|batch| batch.sensor == sensor.sensor)?;
        let mut values = batch.values.iter().skip(column).step_by(sensor.channels.len()).flatten();
        let first = values.next()?;
        u64::try_from(values.next_back()? - first).ok()
    })?;
    let is_much = exceeds(stolen_ns, STEAL_NOTE_MILLI, wall_ns);
    is_much.then(|| format!("the hypervisor took {stolen_ns} ns of CPU time in {wall_ns} ns, over all CPUs"))
}

/// Whether `part` is more than `milli` thousandths of `whole`.
fn exceeds(part: u64, milli: u128, whole: u64) -> bool {
    u128::from(part) * 1000 > u128::from(whole) * milli
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_model::clock::MonoNs;
    use dyno_model::sample::{AccuracyClass, Channel};

    fn cost(cpu_ns: u64, n_dropped: u64) -> OwnCost {
        OwnCost { wall_ns: 1000, cpu_ns, n_rows: 10, n_dropped, ..OwnCost::default() }
    }

    #[test]
    fn limits_are_exclusive() {
        assert_eq!(judge(Some(1_000_000), &cost(800, 0)), Validity::Valid);
        assert_eq!(judge(None, &cost(0, 0)), Validity::Valid);
    }

    #[test]
    fn each_broken_rule_is_a_reason_with_its_figure() {
        let Validity::Invalid { reasons } = judge(Some(1_000_001), &cost(801, 2)) else {
            panic!("three broken rules")
        };
        let expected = [
            "the device was suspended for 1000001 ns",
            "the agent itself used 801 ns of CPU in 1000 ns",
            "the sampler dropped 2 of 12 rows",
        ];
        assert_eq!(reasons, expected);
    }

    #[test]
    fn this_machine_is_not_asleep_while_it_tests() {
        assert_eq!(Guard::start().judge(&cost(0, 0)), Validity::Valid);
    }

    #[test]
    fn stolen_time_is_noted_from_five_per_cent_on() {
        let channel =
            |quantity| Channel { quantity, site: "cpu".to_owned(), class: AccuracyClass::A, period_ms: 100 };
        let channels = vec![channel(Quantity::BusyNs), channel(Quantity::StealNs)];
        let declared = [SensorDeclared { sensor: 3, driver: "procfs".to_owned(), channels }];
        let note = |last: i64| {
            let values = vec![Some(1), Some(100), Some(2), None, Some(3), Some(last)];
            let samples = [SampleBatch { sensor: 3, at_ns: vec![MonoNs(0), MonoNs(1), MonoNs(2)], values }];
            steal_note(&declared, &samples, 1000)
        };
        assert_eq!(note(150), None);
        let expected = "the hypervisor took 51 ns of CPU time in 1000 ns, over all CPUs";
        assert_eq!(note(151).as_deref(), Some(expected));
        assert_eq!(steal_note(&[], &[], 1000), None);
    }
}
