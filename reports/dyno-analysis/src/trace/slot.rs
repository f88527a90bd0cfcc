//! Requests that overlap, laid out below each other.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Slots that serve one request at a time; the lowest free one is taken.
#[derive(Debug, Default)]
pub(super) struct Slots {
    free: BTreeSet<u64>,
    /// When each of the others is free again.
    taken: BinaryHeap<Reverse<(u64, u64)>>,
    n: u64,
}

impl Slots {
    /// The slot of a request from one instant to another, and whether it is a new one. Requests come in order of their
    /// begin.
    pub(super) fn take(&mut self, from: u64, to: u64) -> (u64, bool) {
        while let Some(Reverse((_, slot))) = self.taken.peek().copied().filter(|of| of.0.0 <= from) {
            self.taken.pop();
            self.free.insert(slot);
        }
        let free = self.free.pop_first();
        let slot = free.unwrap_or(self.n);
        self.n += u64::from(free.is_none());
        self.taken.push(Reverse((to, slot)));
        (slot, free.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_requests_get_slots_of_their_own() {
        let mut slots = Slots::default();
        assert_eq!(slots.take(0, 10), (0, true));
        assert_eq!(slots.take(5, 8), (1, true));
        assert_eq!(slots.take(9, 20), (1, false), "the second is free again");
        assert_eq!(slots.take(10, 12), (0, false), "so is the first, from the instant of its end");
        assert_eq!(slots.take(11, 12), (2, true));
    }
}
