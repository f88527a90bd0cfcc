//! Rests between reads, so that with many streams one wake serves several chunks.
//!
//! The kernel stamps a chunk when it arrives, not when it is read: a chunk that waits is no less true, and a wake costs
//! more than all else that a chunk needs. Two chunks of one stream must not wait together, for they would be read as one
//! and share a stamp: a rest is much shorter than any stream's gap, and a stream that hurries ends all rests for a while.

use dyno_model::clock::MonoNs;

/// With fewer exchanges under way there is nothing to gather.
const FROM_ACTIVE: usize = 16;
/// Wakes are at least so far apart.
const REST_NS: u64 = 1_000_000;
/// Streams whose chunks come faster than this are read at once.
const MIN_GAP_NS: u64 = 4 * REST_NS;
/// So long nobody rests after a stream hurried.
const PAUSE_NS: u64 = 100_000_000;
/// Before anything is due, the precise timer takes over.
const MARGIN_NS: u64 = 200_000;

/// When to rest.
#[derive(Debug, Default)]
pub(super) struct Rest {
    woke_at: MonoNs,
    paused_until: MonoNs,
}

impl Rest {
    /// Until when to rest before the next wait, which lasts until `wake` at most.
    pub(super) fn before(&self, now: MonoNs, wake: MonoNs, n_active: usize) -> Option<MonoNs> {
        let end = MonoNs(self.woke_at.plus(REST_NS).0.min(wake.0.saturating_sub(MARGIN_NS)));
        let may = n_active >= FROM_ACTIVE && now >= self.paused_until && end > now;
        may.then_some(end)
    }

    /// A wait is over.
    pub(super) fn woke(&mut self, at: MonoNs) {
        self.woke_at = at;
    }

    /// A stream that goes on was read, so long after the time before, and gave so many pieces.
    pub(super) fn saw(&mut self, at: MonoNs, gap_ns: u64, n_pieces: u32) {
        if gap_ns < MIN_GAP_NS || n_pieces > 1 {
            self.paused_until = self.paused_until.max(at.plus(PAUSE_NS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const FAR: MonoNs = MonoNs(1 << 60);

    fn woke(at_ns: u64) -> Rest {
        let mut rest = Rest::default();
        rest.woke(MonoNs(at_ns));
        rest
    }

    #[test]
    fn many_slow_streams_are_read_once_in_a_millisecond() {
        let now = MonoNs(100 * MS + 30_000);
        assert_eq!(woke(100 * MS).before(now, FAR, 16), Some(MonoNs(101 * MS)));
        assert_eq!(woke(100 * MS).before(now, FAR, 15), None, "few");
        assert_eq!(woke(98 * MS).before(now, FAR, 16), None, "it has slept long enough");
    }

    #[test]
    fn what_is_due_is_never_slept_through() {
        let now = MonoNs(100 * MS);
        assert_eq!(
            woke(100 * MS).before(now, MonoNs(100 * MS + 500_000), 16),
            Some(MonoNs(100 * MS + 300_000))
        );
        assert_eq!(woke(100 * MS).before(now, MonoNs(100 * MS + 200_000), 16), None);
        assert_eq!(woke(100 * MS).before(now, MonoNs(0), 16), None);
    }

    #[test]
    fn a_stream_that_hurries_ends_all_rests_for_a_while() {
        let check = |gap_ns, n_pieces, expected| {
            let mut rest = woke(100 * MS);
            rest.saw(MonoNs(100 * MS), gap_ns, n_pieces);
            assert_eq!(rest.before(MonoNs(100 * MS), FAR, 16).is_some(), expected, "{gap_ns} {n_pieces}");
            rest.woke(MonoNs(200 * MS));
            assert!(rest.before(MonoNs(200 * MS), FAR, 16).is_some(), "100 ms later");
        };
        check(4 * MS, 1, true);
        check(4 * MS - 1, 1, false);
        check(10 * MS, 2, false);
    }
}
