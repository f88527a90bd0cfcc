//! What the CPU can do at most, by the engine's own instruction set: reading memory, STREAM's triad, multiply-adds.
//!
//! Each function is one thread's work; whoever calls them starts the threads and takes the time.
#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the instruction set")]

use std::hint::black_box;
use std::io;
use std::ops::Range;

use super::kernels::{LANES, Lanes, Level, Simd, Task};
use super::sys::{Arena, Slab};

/// Bytes of one block: work is asked for block by block, so that a thread can look at the clock between them.
pub const BLOCK_BYTES: usize = 256 << 10;
/// Vectors in one block.
const BLOCK_VECTORS: usize = BLOCK_BYTES / size_of::<Lanes>();
/// Chains of multiply-adds that [`f32_ops`] can run beside each other: the best number depends on the CPU.
pub const F32_SHAPES: [usize; 3] = [2, 6, 12];
/// Chains of [`i8_ops`].
const I8_CHAINS: usize = 8;
/// The factor of the triad.
const FACTOR: f32 = 3.0;

/// Name of the instruction set in use.
pub fn kernels() -> &'static str {
    Level::detect().name()
}

/// One thread's share of three arrays, each at a multiple of 2 MiB.
pub struct Arrays {
    abc: [Slab<Lanes>; 3],
    level: Level,
    n_blocks: usize,
    next: usize,
}

impl Arrays {
    /// Sets aside three arrays of `n_blocks` blocks each, and writes to all of them: the thread that calls is the one
    /// that touches them first, so that the memory is near its core.
    ///
    /// # Errors
    /// When the system has no memory.
    pub fn touch(n_blocks: usize) -> io::Result<Self> {
        let n_blocks = n_blocks.max(1);
        let slab = |value: f32| {
            let mut slab = Arena::default().slab::<Lanes>(n_blocks * BLOCK_VECTORS)?;
            slab.fill([value; LANES]);
            io::Result::Ok(slab)
        };
        Ok(Self { abc: [slab(0.0)?, slab(1.0)?, slab(2.0)?], level: Level::detect(), n_blocks, next: 0 })
    }

    /// Reads the next block and adds it up, going round through all three arrays; gives the bytes read.
    pub fn read_block(&mut self) -> u64 {
        let (array, block) = (self.next / self.n_blocks, self.next % self.n_blocks);
        self.next = (self.next + 1) % (3 * self.n_blocks);
        let vectors = &self.abc[array][span(block)];
        black_box(self.level.run(Sum(vectors)));
        BLOCK_BYTES as u64
    }

    /// `a = b + 3 c` of the next block; gives the bytes as STREAM counts them: two arrays read, one written.
    pub fn triad_block(&mut self) -> u64 {
        let block = self.next % self.n_blocks;
        self.next = (block + 1) % self.n_blocks;
        let [a, b, c] = &mut self.abc;
        let span = span(block);
        self.level.run(Triad(&mut a[span.clone()], &b[span.clone()], &c[span]));
        3 * BLOCK_BYTES as u64
    }
}

fn span(block: usize) -> Range<usize> {
    block * BLOCK_VECTORS..(block + 1) * BLOCK_VECTORS
}

/// Multiply-adds of `f32` in registers, `rounds` in each lane of `F32_SHAPES[shape]` chains; gives the operations, two
/// for each.
pub fn f32_ops(shape: usize, rounds: u64) -> u64 {
    let chains = match shape {
        0 => Level::detect().run(Fma::<{ F32_SHAPES[0] }>(rounds)),
        1 => Level::detect().run(Fma::<{ F32_SHAPES[1] }>(rounds)),
        _ => Level::detect().run(Fma::<{ F32_SHAPES[2] }>(rounds)),
    };
    rounds * 2 * LANES as u64 * chains
}

/// Multiply-adds of 8-bit integers in registers; gives the operations, two for each; `None` where this CPU has no
/// instruction for them that the engine uses.
pub fn i8_ops(rounds: u64) -> Option<u64> {
    let products = Level::detect().run(Dots(rounds));
    (products > 0).then(|| rounds * 2 * I8_CHAINS as u64 * products)
}

struct Sum<'a>(&'a [Lanes]);

impl Task for Sum<'_> {
    type Out = f32;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f32 {
        let mut sums = [simd.splat(0.0); 4];
        let (groups, rest) = self.0.as_chunks::<4>();
        for group in groups {
            for (sum, vector) in sums.iter_mut().zip(group) {
                *sum = simd.add(*sum, simd.load(vector));
            }
        }
        for vector in rest {
            sums[0] = simd.add(sums[0], simd.load(vector));
        }
        simd.sum(simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3])))
    }
}

struct Triad<'a>(&'a mut [Lanes], &'a [Lanes], &'a [Lanes]);

impl Task for Triad<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let factor = simd.splat(FACTOR);
        for ((a, b), c) in self.0.iter_mut().zip(self.1).zip(self.2) {
            simd.store(simd.fma(simd.load(c), factor, simd.load(b)), a);
        }
    }
}

/// `N` chains that do not wait for each other.
struct Fma<const N: usize>(u64);

impl<const N: usize> Task for Fma<N> {
    /// The chains.
    type Out = u64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> u64 {
        // Unknown to the compiler, and such that the sums stay small: 0.5 x + 0.5 goes to 1.
        let (x, y) = (simd.splat(black_box(0.5)), simd.splat(black_box(0.5)));
        let mut sums = [y; N];
        for _ in 0..self.0 {
            for sum in &mut sums {
                *sum = simd.fma(*sum, x, y);
            }
        }
        let mut out = [[0.0; LANES]; N];
        for (sum, out) in sums.iter().zip(&mut out) {
            simd.store(*sum, out);
        }
        black_box(out);
        N as u64
    }
}

struct Dots(u64);

impl Task for Dots {
    /// Multiply-adds of one instruction's worth.
    type Out = u64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> u64 {
        if S::PRODUCTS == 0 {
            return 0;
        }
        let factors = [1; I8_CHAINS].map(|x| simd.bytes(black_box(x)));
        let first = simd.bytes(black_box(1));
        let mut sums = [simd.sums(); I8_CHAINS];
        for _ in 0..self.0 {
            // Another unknown in each round, and in each chain: no product can be taken out of the loop.
            let x = black_box(first);
            for (sum, factor) in sums.iter_mut().zip(&factors) {
                *sum = simd.dot8(*sum, x, *factor);
            }
        }
        // One by one, by value: a sum whose address is known would be stored in each round.
        for sum in sums {
            black_box(sum);
        }
        S::PRODUCTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_goes_round_through_its_arrays() {
        let mut arrays = Arrays::touch(2).expect("1.5 MiB");
        assert!(arrays.abc.iter().all(|array| array.as_ptr().addr().is_multiple_of(2 << 20)));
        let read: u64 = (0..6).map(|_| arrays.read_block()).sum();
        assert_eq!((read, arrays.next), (6 * 262_144, 0));
        assert_eq!(arrays.triad_block(), 3 * 262_144);
        // 1 + 3 × 2 in the first block, and the second as it was.
        let firsts = |array: &Slab<Lanes>| [array[0][0], array[BLOCK_VECTORS][15]].map(|x| x as i32);
        assert_eq!(firsts(&arrays.abc[0]), [7, 0]);
        arrays.triad_block();
        assert_eq!(firsts(&arrays.abc[0]), [7, 7]);
        assert_eq!(arrays.next, 0);
    }

    #[test]
    fn a_sum_is_that_of_all_vectors() {
        let vectors: Vec<Lanes> = (1..=7_u8).map(|n| [f32::from(n); LANES]).collect();
        for level in Level::available() {
            // (1 + … + 7) × 16.
            assert_eq!(level.run(Sum(&vectors)).to_bits(), 448.0_f32.to_bits(), "{}", level.name());
        }
    }

    #[test]
    fn operations_are_counted_as_two_for_each_multiply_add() {
        // 10 rounds × 6 chains × 16 lanes × 2.
        assert_eq!(f32_ops(1, 10), 1920);
        if let Some(ops) = i8_ops(10) {
            // 10 rounds × 8 chains × at least 16 products × 2.
            assert!(ops >= 2560 && ops.is_multiple_of(2560), "{ops}");
        }
    }

    /// Adds up what [`Dots`] adds up, and says how many products one sum holds.
    struct Once;

    impl Task for Once {
        type Out = (u64, usize);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Out {
            black_box(simd.dot8(simd.sums(), simd.bytes(1), simd.bytes(1)));
            (S::PRODUCTS, size_of::<S::Sums>())
        }
    }

    #[test]
    fn a_register_of_sums_takes_four_products_for_each_of_its_numbers() {
        for level in Level::available() {
            let (products, bytes) = level.run(Once);
            // A sum has 4 bytes; each takes 4 products at a time, on every instruction set that has them.
            assert_eq!(products, bytes as u64, "{}", level.name());
        }
    }
}
