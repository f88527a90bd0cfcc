//! Buffers that the compute threads share.
#![expect(unsafe_code, reason = "threads write disjoint parts of one buffer, which no safe type allows")]
#![expect(clippy::inline_always, reason = "the accessors stand in the innermost loops")]

use std::io;
use std::ops::Range;

use super::arena::{Arena, Plain, Slab};

/// The right to run one chunk of one step, or, between runs, to use everything.
///
/// [`crate::engine::team`] alone makes these, and it gives each chunk to one thread only.
#[derive(Debug)]
pub(crate) struct Claim {
    /// Number of the step since the team began; raised by every step.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the check of the tests reads it"))]
    pub(crate) step: u32,
    /// Which chunk of it.
    pub(crate) chunk: u32,
}

/// What a claim's holder does with a part.
#[derive(Clone, Copy)]
enum Access {
    Read,
    Write,
}

/// A buffer whose parts different threads write at the same time.
///
/// **Invariant:** within one step, what the holder of one claim writes, the holder of another claim neither reads nor
/// writes. It is up to the steps of the forward pass to keep it; in this crate's tests every access is checked.
/// Steps follow each other in time (the team publishes a step only when the previous one is complete), so that
/// nothing else has to be ordered.
pub(crate) struct Shared<T> {
    cells: Slab<T>,
    #[cfg(test)]
    marks: Box<[std::sync::atomic::AtomicU64]>,
}

impl<T: Plain> Shared<T> {
    /// A buffer of `n` zeroes, all of them in memory at once.
    ///
    /// # Errors
    /// When there is no memory.
    pub(crate) fn new(arena: &Arena, n: usize) -> io::Result<Self> {
        let mut cells = arena.slab::<T>(n)?;
        // Writing makes the system give the pages now, and not within a measurement.
        // SAFETY: the slab has `n` elements, and zero is a value of `T`.
        unsafe { cells.as_mut_ptr().write_bytes(0, n) };
        Ok(Self {
            cells,
            #[cfg(test)]
            marks: (0..n).map(|_| std::sync::atomic::AtomicU64::new(0)).collect(),
        })
    }

    /// Whether it has no cells at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Reads a part.
    #[inline(always)]
    pub(crate) fn read<'a>(&'a self, claim: &'a Claim, range: Range<usize>) -> &'a [T] {
        self.check(claim, &range, Access::Read);
        assert!(range.start <= range.end && range.end <= self.cells.len(), "a part lies within its buffer");
        // SAFETY: the range was checked, and by the invariant nobody writes these cells meanwhile.
        unsafe { std::slice::from_raw_parts(self.cells.as_ptr().add(range.start), range.len()) }
    }

    /// Writes a part.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "disjointness is the invariant of the type")]
    pub(crate) fn write<'a>(&'a self, claim: &'a Claim, range: Range<usize>) -> &'a mut [T] {
        self.check(claim, &range, Access::Write);
        assert!(range.start <= range.end && range.end <= self.cells.len(), "a part lies within its buffer");
        // SAFETY: the range was checked, and by the invariant nobody else reads or writes these cells meanwhile.
        unsafe { std::slice::from_raw_parts_mut(self.cells.as_ptr().add(range.start), range.len()) }
    }

    #[cfg(not(test))]
    #[inline(always)]
    #[expect(clippy::unused_self, reason = "the check of the tests needs it")]
    fn check(&self, _claim: &Claim, _range: &Range<usize>, _access: Access) {}

    /// Panics where another chunk of the same step wrote one of these cells.
    #[cfg(test)]
    fn check(&self, claim: &Claim, range: &Range<usize>, access: Access) {
        use std::sync::atomic::Ordering;
        let mine = u64::from(claim.step) << 32 | u64::from(claim.chunk);
        for mark in &self.marks[range.clone()] {
            let last = mark.load(Ordering::SeqCst);
            assert!(last >> 32 != mine >> 32 || last == mine, "chunks {last:x} and {mine:x} share a cell");
            if matches!(access, Access::Write) {
                mark.store(mine, Ordering::SeqCst);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_one_step_may_not_share_a_cell() {
        let shared = Shared::<f32>::new(&Arena::default(), 4).expect("there is memory");
        let first = Claim { step: 1, chunk: 0 };
        shared.write(&first, 0..2)[0] = 1.0;
        let second = Claim { step: 1, chunk: 1 };
        shared.write(&second, 2..4)[0] = 2.0;
        let caught =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| shared.read(&second, 1..3).len()));
        assert!(caught.is_err());
        let next = Claim { step: 2, chunk: 0 };
        assert_eq!(shared.read(&next, 0..4), [1.0, 0.0, 2.0, 0.0]);
    }
}
