//! How far a device's clock is from ours: bursts of probes, of which the one with the shortest way counts.
//!
//! For each probe, with our instants `t1` (sent) and `t4` (answered) and the device's `t2` (came) and `t3` (went):
//! offset `((t2 − t1) + (t3 − t4)) / 2`, delay `(t4 − t1) − (t3 − t2)`; the true offset lies within half the delay of
//! it, however the delay is spread over the two ways (RFC 5905, section 8). NTP's clock filter takes the sample with
//! the least delay, too.

use dyno_model::clock::{ClockSample, MonoNs, WallNs, monotonic_now};
use dyno_protocol::message::{Command, Reply};

use crate::error::SessionError;
use crate::link::Link;

/// Probes at the begin and the end of a session.
pub(crate) const BURST: u32 = 32;
/// Probes between two launches.
pub(crate) const SHORT_BURST: u32 = 8;

/// One question and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Probe {
    t1: MonoNs,
    t2: MonoNs,
    t3: MonoNs,
    t4: MonoNs,
    /// Our wall clock at `t4`, and the device's at `t3`.
    walls: (WallNs, WallNs),
}

impl Probe {
    fn delay_ns(&self) -> u64 {
        self.t4.since(self.t1).saturating_sub(self.t3.since(self.t2))
    }

    fn offset_ns(&self) -> i64 {
        let there = i128::from(self.t2.0) - i128::from(self.t1.0);
        let back = i128::from(self.t3.0) - i128::from(self.t4.0);
        i64::try_from(there.midpoint(back)).unwrap_or(if there < 0 { i64::MIN } else { i64::MAX })
    }

    /// The walls were read half a delay apart.
    fn wall_offset_ns(&self) -> i64 {
        let (ours, theirs) = (i128::from(self.walls.0.0), i128::from(self.walls.1.0));
        let offset = theirs + i128::from(self.delay_ns() / 2) - ours;
        i64::try_from(offset).unwrap_or(if offset < 0 { i64::MIN } else { i64::MAX })
    }
}

/// The best of `probes`; `None` of none.
fn best(probes: &[Probe]) -> Option<ClockSample> {
    let probe = probes.iter().min_by_key(|probe| probe.delay_ns())?;
    Some(ClockSample {
        at: probe.t4,
        offset_ns: probe.offset_ns(),
        err_ns: probe.delay_ns().div_ceil(2),
        wall_offset_ns: probe.wall_offset_ns(),
        n_probes: u32::try_from(probes.len()).unwrap_or(u32::MAX),
    })
}

/// Asks the device `n` times what time it is. Nothing is measured meanwhile.
pub(crate) fn sync(link: &mut Link, n: u32) -> Result<Option<ClockSample>, SessionError> {
    let mut probes = Vec::with_capacity(n as usize);
    for _ in 0..n {
        let t1 = monotonic_now();
        link.send(&Command::Clock)?;
        match link.answer("what time it is")? {
            Reply::Clock { received, sent, wall } => {
                let (t4, ours) = (monotonic_now(), WallNs::now());
                probes.push(Probe { t1, t2: received, t3: sent, t4, walls: (ours, wall) });
            }
            other => return Err(link.unexpected(&other)),
        }
    }
    Ok(best(&probes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(t: [u64; 4]) -> Probe {
        let [t1, t2, t3, t4] = t.map(MonoNs);
        Probe { t1, t2, t3, t4, walls: (WallNs(5_000), WallNs(9_000)) }
    }

    #[test]
    fn the_probe_with_the_shortest_way_counts() {
        // A device 1000 ahead. First: 10 there, 2 at work, 30 back. Second: 5 there, 2 at work, 5 back.
        let probes = [probe([100, 1110, 1112, 142]), probe([200, 1205, 1207, 212])];
        let sample = best(&probes).expect("two probes");
        assert_eq!((sample.at, sample.offset_ns, sample.err_ns, sample.n_probes), (MonoNs(212), 1000, 5, 2));
        // Theirs was read 5 before ours, by half the delay of 10.
        assert_eq!(sample.wall_offset_ns, 9_005 - 5_000);
        // The lopsided one alone is off by (10 − 30) / 2, within its half delay of 20.
        let lopsided = best(&probes[..1]).expect("one probe");
        assert_eq!((lopsided.offset_ns, lopsided.err_ns), (990, 20));
        assert_eq!(best(&[]), None);
    }

    #[test]
    fn a_hostile_clock_cannot_overflow() {
        for t in [[0, u64::MAX, u64::MAX, 1], [u64::MAX - 1, 0, 0, u64::MAX], [5, u64::MAX, 0, 6]] {
            let sample = best(&[probe(t)]).expect("one probe");
            assert!(sample.err_ns <= 1, "{sample:?}");
        }
    }
}
