//! The engine's kernels.

use std::io;
use std::time::Instant;

use dyno_runtimes::engine::{Arrays, F32_SHAPES, f32_ops, i8_ops};

/// Whether there are any.
pub(super) const IS_THERE: bool = true;
/// Bytes of one block of one array.
pub(super) const BLOCK_BYTES: u64 = dyno_runtimes::engine::BLOCK_BYTES as u64;
/// Multiply-adds of each chain between two looks at the clock: some 20 µs (house rule).
const ROUNDS: u64 = 8000;

/// One thread's memory.
pub(super) struct Parts(Arrays);

impl Parts {
    /// Sets aside and touches three arrays of so many blocks.
    ///
    /// # Errors
    /// When the system has no memory.
    pub(super) fn touch(n_blocks: usize) -> io::Result<Self> {
        Arrays::touch(n_blocks).map(Self)
    }

    /// Reads a block; gives the bytes.
    pub(super) fn read(&mut self) -> u64 {
        self.0.read_block()
    }

    /// STREAM's triad of a block; gives the bytes.
    pub(super) fn triad(&mut self) -> u64 {
        self.0.triad_block()
    }
}

/// Multiply-adds of floats in `shape`; gives the operations.
pub(super) fn f32_step(shape: usize) -> u64 {
    f32_ops(shape, ROUNDS)
}

/// Multiply-adds of bytes; gives the operations, 0 where the CPU has no instruction for them.
pub(super) fn i8_step() -> u64 {
    i8_ops(ROUNDS).unwrap_or(0)
}

/// The shape in which this CPU multiplies fastest.
pub(super) fn best_shape() -> usize {
    let rate = |shape: &usize| {
        let tries = (0..5).map(|_| {
            let began = Instant::now();
            let ops = f32_step(*shape);
            u128::from(ops) * 1_000_000_000 / began.elapsed().as_nanos().max(1)
        });
        tries.max()
    };
    (0..F32_SHAPES.len()).max_by_key(rate).unwrap_or(0)
}

/// Some 100 µs of hard work: what a CPU draws most power for.
pub(crate) fn burn() {
    for _ in 0..2 {
        f32_step(F32_SHAPES.len() - 1);
        i8_step();
    }
}
