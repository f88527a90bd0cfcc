//! Single ranks of a hundred million gaps, without a sorted copy of them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::record::Record;

/// Gaps of one bin differ in their last twelve bits only (4 µs).
const BIN_BITS: u32 = 12;
/// Bins of 4 µs up to 4.3 s; the last one has all that is longer.
const N_BINS: usize = 1 << 20;

/// The gaps between the token chunks of some requests, in order of length.
pub(crate) struct GapRanks<'r> {
    record: &'r Record<'r>,
    rows: Vec<usize>,
    n: usize,
    /// How many gaps lie in each bin.
    bins: Vec<u32>,
    /// Bins that were looked into.
    known: RefCell<BTreeMap<usize, Bin>>,
}

/// What lies in one bin. Chunks that arrive together fill the first one, so a copy of it may be as large as all gaps.
enum Bin {
    /// How many gaps there are of each length from the first on, one ns after the other.
    Counted { first: u64, counts: Vec<u32> },
    /// The few that have no bin of their own, in order.
    Longest(Vec<u64>),
}

impl<'r> GapRanks<'r> {
    pub(crate) fn of(record: &'r Record<'r>, rows: Vec<usize>) -> Self {
        let (mut bins, mut n) = (vec![0; N_BINS], 0);
        for gap in gaps(record, &rows) {
            bins[bin(gap)] += 1;
            n += 1;
        }
        Self { record, rows, n, bins, known: RefCell::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// The gap at `place` from 0 in order of length; `None` outside.
    pub(crate) fn at(&self, place: usize) -> Option<u64> {
        let (bin, within) = located(&self.bins, place)?;
        let mut known = self.known.borrow_mut();
        known.entry(bin).or_insert_with(|| self.opened(bin)).at(within)
    }

    fn opened(&self, of: usize) -> Bin {
        let within = gaps(self.record, &self.rows).filter(|gap| bin(*gap) == of);
        if of == N_BINS - 1 {
            let mut longest: Vec<u64> = within.collect();
            longest.sort_unstable();
            return Bin::Longest(longest);
        }
        let first = (of as u64) << BIN_BITS;
        let mut counts = vec![0; 1 << BIN_BITS];
        for gap in within {
            counts[(gap - first) as usize] += 1;
        }
        Bin::Counted { first, counts }
    }
}

impl Bin {
    fn at(&self, place: usize) -> Option<u64> {
        match self {
            Self::Counted { first, counts } => {
                located(counts, place).map(|(offset, _)| first + offset as u64)
            }
            Self::Longest(sorted) => sorted.get(place).copied(),
        }
    }
}

/// In which of the groups, laid end to end, a place is, and where within it; `None` beyond the last.
fn located(counts: &[u32], place: usize) -> Option<(usize, usize)> {
    let mut within = place;
    for (group, n) in counts.iter().enumerate() {
        match within.checked_sub(*n as usize) {
            Some(left) => within = left,
            None => return Some((group, within)),
        }
    }
    None
}

fn gaps<'r>(record: &'r Record<'r>, rows: &[usize]) -> impl Iterator<Item = u64> {
    rows.iter().flat_map(|row| record.tokens(*row).gaps())
}

fn bin(gap: u64) -> usize {
    usize::try_from(gap >> BIN_BITS).map_or(N_BINS - 1, |bin| bin.min(N_BINS - 1))
}
