//! From the kernel's receive timestamps to the monotonic clock.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use dyno_model::clock::{MonoNs, WallNs, monotonic_now};

use super::sys;

/// The wall clock is compared anew after so long: it may be set at any time.
const COMPARE_EVERY_NS: u64 = 10_000_000;
/// A comparison within which nothing interrupted us (three clock reads take some 100 ns).
const TIGHT_NS: u64 = 2_000;
/// A change of the offset beyond this is a clock that was set.
const STEP_NS: u64 = 100_000;
/// Stamps may seem to lie this much in the future, for the comparison is not exact.
const SLACK_NS: u64 = 10_000;
/// The kernel begins to stamp some time after it was first asked (a static key, switched by a work queue).
const ARM_LIMIT_NS: u64 = 20_000_000;

/// Turns receive timestamps into instants, and keeps count of those that are missing or impossible.
pub(crate) struct Stamps {
    /// Wall clock minus monotonic clock.
    offset_ns: i128,
    compared_at: MonoNs,
    /// Until then nobody meant to read: no read was late.
    pub(crate) rested_until: MonoNs,
    /// Holds the kernel's stamping on while it lives.
    _armed: Option<(TcpStream, TcpStream)>,
    /// What was counted.
    pub(crate) counts: StampCounts,
}

/// How many reads had which stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StampCounts {
    /// Reads with bytes in them.
    pub(crate) n_reads: u64,
    /// Of these, without a stamp of the kernel.
    pub(crate) n_unstamped: u64,
    /// Of these, with one that cannot be true.
    pub(crate) n_implausible: u64,
    /// Changes of the wall clock.
    pub(crate) n_steps: u64,
    /// The longest time from the kernel's stamp to the read's return.
    pub(crate) max_delay_ns: u64,
}

impl Stamps {
    /// Switches the kernel's stamping on and waits until it works, at most 20 ms; where it does not, every read counts
    /// as unstamped.
    pub(crate) fn new() -> Self {
        let (offset_ns, _) = compare();
        // Best effort: without it the stamps are made when a read returned, and are counted.
        let armed = arm().ok();
        Self {
            offset_ns,
            compared_at: monotonic_now(),
            rested_until: MonoNs(0),
            _armed: armed,
            counts: StampCounts::default(),
        }
    }

    /// Compares the clocks anew, if it is time.
    pub(crate) fn refresh(&mut self, now: MonoNs) {
        if now.since(self.compared_at) < COMPARE_EVERY_NS {
            return;
        }
        let (offset_ns, width_ns) = compare();
        if width_ns > TIGHT_NS {
            return;
        }
        if offset_ns.abs_diff(self.offset_ns) > u128::from(STEP_NS) {
            self.counts.n_steps += 1;
        }
        self.offset_ns = offset_ns;
        self.compared_at = now;
    }

    /// Whether every read so far came with the kernel's word: then it does not matter when it was made.
    pub(crate) fn are_kernels(&self) -> bool {
        self.counts.n_reads > 0 && self.counts.n_unstamped == 0
    }

    /// When the bytes of a read arrived: by the kernel's word if it lies between `earliest` and now.
    pub(crate) fn instant(&mut self, wall_ns: Option<u64>, earliest: MonoNs) -> MonoNs {
        let returned = monotonic_now();
        self.counts.n_reads += 1;
        let Some(wall_ns) = wall_ns else {
            self.counts.n_unstamped += 1;
            return returned;
        };
        let at = u64::try_from(i128::from(wall_ns) - self.offset_ns).unwrap_or(0);
        if at.saturating_add(SLACK_NS) < earliest.0 || at > returned.0 + SLACK_NS {
            self.counts.n_implausible += 1;
            // The next one finds the clocks compared.
            self.compared_at = MonoNs(0);
            return returned;
        }
        let at = at.clamp(earliest.0, returned.0.max(earliest.0));
        self.counts.max_delay_ns =
            self.counts.max_delay_ns.max(returned.since(self.rested_until.max(MonoNs(at))));
        MonoNs(at)
    }
}

/// CPU time of the calling thread, in ns: for what measuring costs. `None` where the system does not tell.
pub fn thread_cpu_ns() -> Option<u64> {
    sys::thread_cpu_ns()
}

/// Wall clock minus monotonic clock, and the width of the best of a few comparisons.
fn compare() -> (i128, u64) {
    let mut best = (0, u64::MAX);
    for _ in 0..5 {
        let before = monotonic_now();
        let wall = WallNs::now();
        let width_ns = monotonic_now().since(before);
        if width_ns < best.1 {
            best = (i128::from(wall.0) - i128::from(before.0) - i128::from(width_ns / 2), width_ns);
        }
        if width_ns < TIGHT_NS / 10 {
            break;
        }
    }
    best
}

/// A connection with ourselves over which stamps have been seen to come.
fn arm() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    super::begun::one_more();
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    far.set_nonblocking(true)?;
    sys::stamp_receives(&far)?;
    let limit = monotonic_now().plus(ARM_LIMIT_NS);
    let mut room = [0; 64];
    while monotonic_now() < limit {
        near.write_all(b"?")?;
        match sys::receive(&far, &mut room) {
            Ok(received) if received.wall_ns.is_some() => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok((near, far))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_that_cannot_be_true_is_counted_and_not_used() {
        let mut stamps = Stamps::new();
        let earliest = monotonic_now();
        let wall = WallNs::now().0;
        let at = stamps.instant(Some(wall), earliest);
        assert!(at >= earliest && at <= monotonic_now());
        assert_eq!(stamps.counts.n_implausible, 0);
        for lie in [wall - 3_600_000_000_000, wall + 3_600_000_000_000, 1, u64::MAX] {
            let before = monotonic_now();
            assert!(stamps.instant(Some(lie), earliest) >= before, "{lie}");
        }
        assert!(stamps.instant(None, earliest) >= earliest);
        assert_eq!(
            (stamps.counts.n_reads, stamps.counts.n_implausible, stamps.counts.n_unstamped),
            (6, 4, 1)
        );
    }
}
