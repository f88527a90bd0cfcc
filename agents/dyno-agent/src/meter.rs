//! Meters that this agent reads, and the knocks that a meter is to see.

use std::collections::BTreeMap;
use std::time::Duration;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::meter::PlannedMeter;
use dyno_protocol::message::Reply;
use dyno_runtimes::interrupt::Interrupt;
use dyno_sensors::meter::{Meter, MeterError, Taken};

use crate::examine::ExamineError;
use crate::sensor_test::work;

/// The meters of one talk.
#[derive(Debug, Default)]
pub(crate) struct Meters(BTreeMap<String, Meter>);

impl Meters {
    /// Reads a meter from now on; one of the same name is begun anew.
    pub(crate) fn begin(
        &mut self,
        name: &str,
        sensor: u16,
        planned: &PlannedMeter,
    ) -> Result<Reply, MeterError> {
        self.0.remove(name);
        let meter = Meter::begin(name, sensor, planned)?;
        let declared = meter.declared().clone();
        self.0.insert(name.to_owned(), meter);
        Ok(Reply::MeterBegun { declared })
    }

    /// Hands over what a meter has by now.
    pub(crate) fn rows(&self, name: &str) -> Result<Reply, MeterError> {
        let unknown = || MeterError::Unknown { meter: name.to_owned() };
        let Taken { batches, counts, has_more } = self.0.get(name).ok_or_else(unknown)?.take();
        Ok(Reply::MeterRows { batches, counts, has_more })
    }
}

/// Rests, works on all CPUs, rests and so on; gives each load, from and to. Ends early when asked to.
///
/// # Errors
/// [`ExamineError`] when there is no thread to be had.
pub(crate) fn knock(turns_ms: &[u32], interrupt: &Interrupt) -> Result<Vec<(MonoNs, MonoNs)>, ExamineError> {
    let mut loads = Vec::new();
    for (idx, turn_ms) in turns_ms.iter().enumerate() {
        let (is_load, from) = (idx % 2 == 1, monotonic_now());
        let span = Duration::from_millis(u64::from(*turn_ms));
        let is_stopped = if is_load { work(interrupt, span)? } else { interrupt.wait(Some(span)) };
        if is_stopped {
            break;
        }
        if is_load {
            loads.push((from, monotonic_now()));
        }
    }
    Ok(loads)
}

#[cfg(test)]
mod tests {
    use dyno_runtimes::interrupt::Asked;

    use super::*;

    #[test]
    fn loads_are_where_the_turns_put_them() {
        let interrupt = Interrupt::new().expect("a pipe");
        let before = monotonic_now();
        let loads = knock(&[30, 50, 30, 50, 1], &interrupt).expect("there are threads");
        assert_eq!(loads.len(), 2);
        assert!(loads[0].0.since(before) >= 30_000_000 && loads[1].0.since(loads[0].1) >= 30_000_000);
        assert!(loads.iter().all(|(from, to)| to.since(*from) >= 50_000_000));
    }

    #[test]
    fn a_knock_that_is_stopped_before_it_began_does_nothing() {
        let interrupt = Interrupt::new().expect("a pipe");
        interrupt.raise(Asked::Cancel);
        assert_eq!(knock(&[3_600_000, 3_600_000], &interrupt).expect("none is needed"), []);
    }

    #[test]
    fn a_meter_that_was_not_begun_is_an_error() {
        let error = Meters::default().rows("plug").expect_err("there is none");
        assert_eq!(error.to_string(), "no meter `plug` is being read");
    }
}
