//! When a reading was made, by this machine's clock: pure.

use std::collections::VecDeque;

use dyno_model::clock::{MonoNs, WallNs};
use dyno_model::meter::{ClockOrigin, MeterClock};

/// Readings among which the one with the least delay is looked for: few enough that a meter's clock, which may be off
/// by some 50 millionths, has not moved by more than the delay itself.
const N_DELAYS: usize = 256;
/// A stamp of the wall clock may be so far ahead of ours (house rule).
const AHEAD_NS: i64 = 2_000_000_000;

/// Turns stamps into instants.
#[derive(Debug)]
pub(crate) struct Stamps {
    clock: MeterClock,
    /// The last stamp that was taken, in its own terms.
    last: Option<i64>,
    /// Receipt less stamp, of the last readings.
    delays: VecDeque<i64>,
}

impl Stamps {
    pub(crate) fn new(clock: MeterClock) -> Self {
        Self { clock, last: None, delays: VecDeque::with_capacity(N_DELAYS) }
    }

    /// A source begins anew: a clock that counts from its start begins anew, too.
    pub(crate) fn begin(&mut self) {
        if self.counts_from(ClockOrigin::Start) {
            self.last = None;
            self.delays.clear();
        }
    }

    /// The instant of a reading in its own terms, to which [`Stamps::offset_ns`] is added later; `None` when it is not
    /// after the one before, or cannot be.
    pub(crate) fn take(&mut self, stamp: Option<f64>, received: (MonoNs, WallNs)) -> Option<i64> {
        let (mono, wall) = (i64::try_from(received.0.0).ok()?, i64::try_from(received.1.0).ok()?);
        let own = match &self.clock {
            MeterClock::Receipt => mono,
            MeterClock::Own { unit_ns, origin, .. } => {
                let stamp = whole(stamp? * *unit_ns as f64)?;
                if *origin == ClockOrigin::Wall { stamp.checked_sub(wall.checked_sub(mono)?)? } else { stamp }
            }
        };
        let is_ahead = self.is_wall() && own > mono.saturating_add(AHEAD_NS);
        if own < 0 || is_ahead || self.last.is_some_and(|last| own <= last) {
            return None;
        }
        self.last = Some(own);
        if self.counts_from(ClockOrigin::Start) {
            if self.delays.len() == N_DELAYS {
                self.delays.pop_front();
            }
            self.delays.push_back(mono - own);
        }
        Some(own)
    }

    /// Whether stamps are of the wall clock, so that each says itself when it was.
    pub(crate) fn is_wall(&self) -> bool {
        self.counts_from(ClockOrigin::Wall)
    }

    fn counts_from(&self, from: ClockOrigin) -> bool {
        matches!(self.clock, MeterClock::Own { origin, .. } if origin == from)
    }

    /// What is added to what [`Stamps::take`] gave.
    pub(crate) fn offset_ns(&self) -> i64 {
        self.delays.iter().copied().min().unwrap_or(0)
    }
}

fn whole(ns: f64) -> Option<i64> {
    (ns.is_finite() && ns.abs() < 9e18).then_some(ns.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(origin: ClockOrigin) -> Stamps {
        Stamps::new(MeterClock::Own { at: String::new(), unit_ns: 1_000_000, origin })
    }

    #[test]
    fn stamps_go_forward_or_are_refused() {
        let mut stamps = own(ClockOrigin::Knock);
        let mut take = |ms: f64| stamps.take(Some(ms), (MonoNs(5), WallNs(5)));
        assert_eq!(take(10.0), Some(10_000_000));
        for bad in [10.0, 9.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(take(bad), None, "{bad}");
        }
        assert_eq!(take(10.5), Some(10_500_000));
        assert_eq!(stamps.take(None, (MonoNs(5), WallNs(5))), None, "an own clock must say something");
    }

    #[test]
    fn a_wall_clock_is_moved_by_what_this_machine_says() {
        let mut stamps = own(ClockOrigin::Wall);
        // Here 7 s have passed since some origin when the wall says 1,000,000 s.
        let now = (MonoNs(7_000_000_000), WallNs(1_000_000_000_000_000));
        assert_eq!(stamps.take(Some(999_999_500.0), now), Some(6_500_000_000));
        assert_eq!(stamps.take(Some(1_000_003_000.0), now), None, "three seconds from now");
        assert_eq!(stamps.offset_ns(), 0);
    }

    #[test]
    fn a_clock_from_its_start_is_set_by_the_quickest_reading() {
        let mut stamps = own(ClockOrigin::Start);
        // Delays of 30, 10 and 50 ms after an origin of 2 s.
        for (ms, delay) in [(0.0, 30), (100.0, 10), (200.0, 50)] {
            let received = MonoNs(2_000_000_000 + (ms as u64 + delay) * 1_000_000);
            stamps.take(Some(ms), (received, WallNs(0))).expect("in order");
        }
        assert_eq!(stamps.offset_ns(), 2_010_000_000);
        stamps.begin();
        assert_eq!(
            stamps.take(Some(1.0), (MonoNs(9_000_000_000), WallNs(0))),
            Some(1_000_000),
            "it was restarted"
        );
    }
}
