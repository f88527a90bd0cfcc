//! What a played device does: power that follows prefill and decode, with an exact integral.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Part;

/// What a device does, as far as its power depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Nothing: there is no runtime.
    Idle,
    /// A runtime is ready and has nothing to do.
    Ready,
    /// It reads a prompt.
    Prefill,
    /// It makes tokens.
    Decode,
}

/// A value for each of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// While idle.
    pub idle: i64,
    /// While ready.
    pub ready: i64,
    /// While it reads a prompt.
    pub prefill: i64,
    /// While it makes tokens.
    pub decode: i64,
}

impl Levels {
    fn all(self) -> [i64; 4] {
        [self.idle, self.ready, self.prefill, self.decode]
    }
}

/// What it does over time: told as it happens, and read by the files that follow it.
#[derive(Debug, Clone, Default)]
pub struct Activity(Arc<Mutex<Vec<Change>>>);

#[derive(Debug, Clone, Copy)]
struct Change {
    at_ns: u64,
    doing: Doing,
    /// Time spent with each before.
    spent_ns: [u64; 4],
}

impl Activity {
    /// From `at_ns` since the play began it does this; what was told before stays, so that an earlier time counts as
    /// that of the last change.
    pub fn tell(&self, at_ns: u64, doing: Doing) {
        let mut changes = self.lock();
        let (last_ns, spent_ns) = changes.last().map_or((0, [0; 4]), |last| (last.at_ns, last.spent_ns));
        let at_ns = at_ns.max(last_ns);
        let spent_ns = changes.last().map_or([at_ns, 0, 0, 0], |last| last.spent_until(at_ns, spent_ns));
        changes.push(Change { at_ns, doing, spent_ns });
    }

    /// What it does at a time; it is idle before anything is told.
    pub fn at(&self, at_ns: u64) -> Doing {
        self.before(at_ns).map_or(Doing::Idle, |change| change.doing)
    }

    /// Time spent with each up to a time, in the order of [`Levels`].
    pub fn spent(&self, at_ns: u64) -> [u64; 4] {
        self.before(at_ns).map_or([at_ns, 0, 0, 0], |change| change.spent_until(at_ns, change.spent_ns))
    }

    fn before(&self, at_ns: u64) -> Option<Change> {
        let changes = self.lock();
        let after = changes.partition_point(|change| change.at_ns <= at_ns);
        after.checked_sub(1).map(|idx| changes[idx])
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Change>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Change {
    fn spent_until(&self, at_ns: u64, mut spent_ns: [u64; 4]) -> [u64; 4] {
        spent_ns[self.doing as usize] += at_ns - self.at_ns;
        spent_ns
    }
}

/// The level of what is done, in the source's unit: divided by `unit`, towards zero.
pub fn level(activity: &Activity, levels: Levels, unit: i64) -> Part {
    let activity = activity.clone();
    Box::new(move |at| Some((levels.all()[activity.at(at) as usize] / unit.max(1)).to_string()))
}

/// A cumulative counter over these levels, as [`super::counter`] is over a curve: levels in µW give µJ.
pub fn level_counter(activity: &Activity, levels: Levels, begin: u64, wraps_at: Option<u64>) -> Part {
    let activity = activity.clone();
    Box::new(move |at| {
        let parts = levels.all().into_iter().zip(activity.spent(at));
        let integral: i128 = parts.map(|(level, ns)| i128::from(level) * i128::from(ns)).sum();
        Some(super::rounds(begin, integral, wraps_at).to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn time_is_spent_with_what_was_told_last() {
        let activity = Activity::default();
        assert_eq!((activity.at(5), activity.spent(5)), (Doing::Idle, [5, 0, 0, 0]));
        activity.tell(2 * S, Doing::Ready);
        activity.tell(3 * S, Doing::Prefill);
        activity.tell(4 * S, Doing::Decode);
        // A request that was due while another was served begins when that is over.
        activity.tell(S, Doing::Prefill);
        activity.tell(7 * S, Doing::Ready);
        let doing = [0, 2 * S, 3 * S, 4 * S, 7 * S, 9 * S].map(|at| activity.at(at));
        let expected =
            [Doing::Idle, Doing::Ready, Doing::Prefill, Doing::Prefill, Doing::Ready, Doing::Ready];
        assert_eq!(doing, expected);
        assert_eq!(activity.spent(10 * S), [2 * S, 4 * S, 4 * S, 0]);
        assert_eq!(activity.spent(3 * S + 1), [2 * S, S, 1, 0]);
    }

    #[test]
    fn files_follow_what_is_done() {
        let activity = Activity::default();
        let levels = Levels { idle: 4_000_000, ready: 5_000_000, prefill: 12_000_000, decode: 9_000_000 };
        let (power, energy) = (level(&activity, levels, 1000), level_counter(&activity, levels, 7, None));
        activity.tell(10 * S, Doing::Ready);
        activity.tell(20 * S, Doing::Prefill);
        activity.tell(21 * S, Doing::Decode);
        activity.tell(25 * S, Doing::Ready);
        assert_eq!(
            [5, 15, 20, 24, 30].map(|s| power(s * S)),
            ["4000", "5000", "12000", "9000", "5000"].map(|mw| Some(mw.to_owned()))
        );
        // 10 s × 4 W + 10 s × 5 W + 1 s × 12 W + 4 s × 9 W + 5 s × 5 W = 163 J.
        assert_eq!(energy(30 * S).as_deref(), Some("163000007"));
    }
}
