//! Where the newest answer lies between the thread that asks NVIDIA's library and the sampler.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::Channel;

use crate::driver::Sensor;
use crate::error::SensorError;

use super::poller::Poller;

/// After so many periods without an answer the row says that there is none (house rule).
const STALE_PERIODS: u64 = 3;

/// The place of one sensor.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) channels: Vec<Channel>,
    /// Whether the sampler wants a new answer.
    wanted: AtomicBool,
    answer: Mutex<Answer>,
}

#[derive(Debug)]
struct Answer {
    at: MonoNs,
    values: Vec<Option<i64>>,
    is_new: bool,
}

impl Desk {
    /// One with nothing on it, which wants a first answer.
    pub(super) fn new(channels: Vec<Channel>) -> Self {
        let answer = Answer { at: MonoNs(0), values: vec![None; channels.len()], is_new: false };
        Self { channels, wanted: AtomicBool::new(true), answer: Mutex::new(answer) }
    }

    /// Whether an answer is wanted; asking ends it.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.swap(false, Ordering::AcqRel)
    }

    /// Puts down what the calls that began at `begun_at` said.
    ///
    /// When in a call its value was true is not known: the middle is the best guess, and there is none when the calls
    /// took longer than an answer is good for.
    pub(super) fn put(&self, begun_at: MonoNs, values: &[Option<i64>]) {
        let took_ns = monotonic_now().since(begun_at);
        let is_late = took_ns > self.stale_ns();
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.at = begun_at.plus(if is_late { took_ns } else { took_ns / 2 });
        answer.values.copy_from_slice(values);
        if is_late {
            answer.values.fill(None);
        }
        answer.is_new = true;
    }

    fn stale_ns(&self) -> u64 {
        let period_ms = self.channels.first().map_or(1, |channel| channel.period_ms);
        u64::from(period_ms) * 1_000_000 * STALE_PERIODS
    }

    /// Takes a new answer away, if there is one; never waits.
    fn take(&self, row: &mut [Option<i64>]) -> Option<MonoNs> {
        let mut answer = self.answer.try_lock().ok().filter(|answer| answer.is_new)?;
        answer.is_new = false;
        row.copy_from_slice(&answer.values);
        Some(answer.at)
    }
}

/// A desk as a sensor: gives each answer once, and asks for the next one.
#[derive(Debug)]
pub(super) struct DeskSensor {
    desk: Arc<Desk>,
    poller: Arc<Poller>,
    last_at: MonoNs,
}

impl DeskSensor {
    pub(super) fn new(desk: Arc<Desk>, poller: Arc<Poller>) -> Self {
        Self { desk, poller, last_at: monotonic_now() }
    }

    /// The row as of `now`: a new answer, or after a long silence one without values.
    fn row(&mut self, now: MonoNs, row: &mut [Option<i64>]) -> Option<MonoNs> {
        let stale_ns = self.desk.stale_ns();
        let taken = self.desk.take(row).filter(|at| now.since(*at) <= stale_ns && *at > self.last_at);
        let at = match taken {
            Some(at) => at,
            None if now.since(self.last_at) > stale_ns => {
                row.fill(None);
                now
            }
            None => return None,
        };
        self.last_at = at;
        Some(at)
    }
}

impl Sensor for DeskSensor {
    fn channels(&self) -> &[Channel] {
        &self.desk.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let at = self.row(monotonic_now(), row);
        self.desk.wanted.store(true, Ordering::Release);
        self.poller.wake();
        at.ok_or(SensorError::NotAttached)
    }
}

#[cfg(test)]
mod tests {
    use dyno_model::sample::{AccuracyClass, Quantity};

    use super::*;

    /// A sensor with a period of 100 ms whose last row was at `last_at`, so that 300 ms are too long.
    fn sensor(last_at: u64) -> DeskSensor {
        let channel = Channel::new(Quantity::EnergyUj, "gpu0", AccuracyClass::B, 100);
        let desk = Arc::new(Desk::new(vec![channel]));
        DeskSensor { desk, poller: Arc::new(Poller::idle()), last_at: MonoNs(last_at * 1_000_000) }
    }

    fn lay(sensor: &DeskSensor, at_ms: u64, value: i64) {
        let mut answer = sensor.desk.answer.lock().expect("nobody panicked");
        (answer.at, answer.is_new) = (MonoNs(at_ms * 1_000_000), true);
        answer.values[0] = Some(value);
    }

    fn row(sensor: &mut DeskSensor, now_ms: u64) -> Option<(u64, Option<i64>)> {
        let mut row = [Some(-1)];
        let at = sensor.row(MonoNs(now_ms * 1_000_000), &mut row)?;
        Some((at.0 / 1_000_000, row[0]))
    }

    #[test]
    fn an_answer_is_given_once_with_its_own_time() {
        let mut sensor = sensor(1000);
        assert_eq!(row(&mut sensor, 1010), None, "there is none yet");
        lay(&sensor, 1050, 7);
        assert_eq!(row(&mut sensor, 1110), Some((1050, Some(7))));
        assert_eq!(row(&mut sensor, 1210), None, "it was given already");
        lay(&sensor, 1250, 7);
        assert_eq!(row(&mut sensor, 1310), Some((1250, Some(7))), "the same value at another time");
    }

    #[test]
    fn a_long_silence_is_a_row_without_values() {
        let mut sensor = sensor(1000);
        assert_eq!(row(&mut sensor, 1300), None, "three periods are not over");
        assert_eq!(row(&mut sensor, 1301), Some((1301, None)));
        assert_eq!(row(&mut sensor, 1400), None, "the silence was told");
        lay(&sensor, 1290, 7);
        assert_eq!(row(&mut sensor, 1410), None, "rows are in the order of their times");
        lay(&sensor, 1500, 8);
        assert_eq!(row(&mut sensor, 1801), Some((1801, None)), "an answer of long ago is none");
    }

    #[test]
    fn what_took_too_long_has_no_time_and_so_no_value() {
        let sensor = sensor(0);
        let mut row = [Some(-1)];
        sensor.desk.put(monotonic_now(), &[Some(5)]);
        assert!(sensor.desk.take(&mut row).is_some());
        assert_eq!(row, [Some(5)]);
        let long_ago = MonoNs(monotonic_now().0 - 301_000_000);
        sensor.desk.put(long_ago, &[Some(6)]);
        assert!(sensor.desk.take(&mut row).is_some_and(|at| at.since(long_ago) > 300_000_000));
        assert_eq!(row, [None]);
    }
}
