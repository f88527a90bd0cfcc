//! Without the engine there are no kernels to measure by.

use std::hint::black_box;
use std::io;

/// Whether there are any.
pub(super) const IS_THERE: bool = false;
/// Of no block.
pub(super) const BLOCK_BYTES: u64 = 1;

/// No memory.
pub(super) struct Parts;

impl Parts {
    /// None is needed.
    ///
    /// # Errors
    /// Always.
    pub(super) fn touch(_n_blocks: usize) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Nothing is read.
    pub(super) fn read(&mut self) -> u64 {
        0
    }

    /// Nothing is written.
    pub(super) fn triad(&mut self) -> u64 {
        0
    }
}

/// Nothing is multiplied.
pub(super) fn f32_step(_shape: usize) -> u64 {
    0
}

/// Nothing is multiplied.
pub(super) fn i8_step() -> u64 {
    0
}

/// The only one.
pub(super) fn best_shape() -> usize {
    0
}

/// Some 100 µs of work.
pub(crate) fn burn() {
    let mut sums = [1.0_f32; 16];
    for _ in 0..20_000 {
        for sum in &mut sums {
            *sum = *sum * 0.5 + 0.5;
        }
        sums = black_box(sums);
    }
}
