//! A weight matrix in tiles of 16 rows.

use std::io;

use super::super::error::EngineError;
use super::super::gguf::TensorInfo;
use super::super::kernels::half::{f32_to_half, half_to_f32};
use super::super::kernels::tile::{Act, Block4, Block8, Scales, dense};
use super::super::kernels::{BLOCK, HalfLanes, LANES, Lanes, Simd};
use super::super::sys::{Arena, Slab};
use super::super::tensor_type::{Group, TensorType};

/// A matrix of `rows × columns` weights.
pub(crate) struct Matrix {
    /// Outputs.
    pub(crate) rows: usize,
    /// Inputs.
    pub(crate) columns: usize,
    packed: Packed,
}

/// Weights as the kernels read them: tile after tile, block after block (or column after column).
enum Packed {
    /// 4 bits; without minima the weights lie around 0, and 8 is added to them.
    Four(Blocks<Slab<Block4>, Slab<HalfLanes>>),
    /// 8 bits.
    Eight(Blocks<Slab<Block8>, Slab<HalfLanes>>),
    /// Half precision.
    Half(Slab<HalfLanes>),
    /// Single precision.
    Single(Slab<Lanes>),
}

/// Quantized blocks with their scales.
struct Blocks<Q, S> {
    q: Q,
    scale: S,
    /// Empty where the weights lie around 0.
    min: S,
}

/// Some tiles of a matrix, to be filled.
enum Part<'a> {
    Four(Blocks<&'a mut [Block4], &'a mut [HalfLanes]>),
    Eight(Blocks<&'a mut [Block8], &'a mut [HalfLanes]>),
    Half(&'a mut [HalfLanes]),
    Single(&'a mut [Lanes]),
}

/// How a type is packed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Four { min: bool },
    Eight { min: bool },
    Half,
    Single,
}

fn form_of(kind: TensorType) -> Form {
    match kind {
        TensorType::Q4_0 => Form::Four { min: false },
        TensorType::Q4_1 | TensorType::Q4K => Form::Four { min: true },
        // The scales of K-quants with 2, 3 and 6 bits cover 16 weights: these are quantized anew, to 8 bits with one
        // scale for 32.
        TensorType::Q5_0 | TensorType::Q8_0 | TensorType::Q2K | TensorType::Q3K | TensorType::Q6K => {
            Form::Eight { min: false }
        }
        TensorType::Q5_1 | TensorType::Q5K => Form::Eight { min: true },
        TensorType::F16 => Form::Half,
        TensorType::F32 | TensorType::Bf16 => Form::Single,
    }
}

impl Matrix {
    /// Packs a matrix with `n_threads` threads; `read` gives rows as the file stores them, from some byte on.
    pub(crate) fn pack(
        arena: &Arena,
        info: &TensorInfo,
        n_threads: u32,
        read: impl Fn(u64, &mut [u8]) -> Result<(), EngineError> + Sync,
        no_memory: impl Fn(io::Error) -> EngineError,
    ) -> Result<Self, EngineError> {
        // Where addresses have 32 bits, a file can hold more than memory can.
        if usize::try_from(info.n_elements()).is_err() {
            return Err(no_memory(io::ErrorKind::OutOfMemory.into()));
        }
        let columns = info.columns() as usize;
        let rows = (info.n_elements() / info.columns()) as usize;
        let n_tiles = rows.div_ceil(LANES);
        let mut packed = Packed::new(arena, form_of(info.kind), n_tiles, columns).map_err(no_memory)?;
        let tiles_per_part = n_tiles.div_ceil(n_threads as usize);
        let fill = |i: usize, mut part: Part<'_>| -> Result<(), EngineError> {
            let tiles = i * tiles_per_part..n_tiles.min((i + 1) * tiles_per_part);
            let row_bytes = info.kind.bytes_of(info.columns()) as usize;
            let mut bytes = vec![0; row_bytes * LANES];
            for tile in tiles.clone() {
                let first = tile * LANES;
                let raw = &mut bytes[..LANES.min(rows - first) * row_bytes];
                read((first * row_bytes) as u64, raw)?;
                for (lane, row) in raw.chunks_exact(row_bytes).enumerate() {
                    part.set_row(info.kind, tile - tiles.start, lane, columns, row);
                }
            }
            Ok(())
        };
        in_parallel(packed.parts(tiles_per_part, columns), &fill)?;
        Ok(Self { rows, columns, packed })
    }

    /// Tiles of 16 rows; the last one may have fewer.
    pub(crate) fn n_tiles(&self) -> usize {
        self.rows.div_ceil(LANES)
    }

    /// Whether the kernels need the activations in single precision.
    pub(crate) fn is_dense(&self) -> bool {
        matches!(self.packed, Packed::Half(_) | Packed::Single(_))
    }

    /// Bytes that a pass over all weights reads.
    pub(crate) fn n_bytes(&self) -> u64 {
        let n = match &self.packed {
            Packed::Four(Blocks { q, scale, min }) => {
                size_of_val(&q[..]) + size_of_val(&scale[..]) + size_of_val(&min[..])
            }
            Packed::Eight(Blocks { q, scale, min }) => {
                size_of_val(&q[..]) + size_of_val(&scale[..]) + size_of_val(&min[..])
            }
            Packed::Half(lanes) => size_of_val(&lanes[..]),
            Packed::Single(lanes) => size_of_val(&lanes[..]),
        };
        n as u64
    }

    /// Dot products of the 16 rows of one tile with `N` activation rows.
    #[inline(always)]
    pub(crate) fn tile<S: Simd, const N: usize>(
        &self,
        simd: S,
        tile: usize,
        acts: &[Act<'_>; N],
    ) -> [Lanes; N] {
        let n_blocks = self.columns / BLOCK;
        let blocks = tile * n_blocks..(tile + 1) * n_blocks;
        match &self.packed {
            Packed::Four(Blocks { q, scale, min }) if min.is_empty() => {
                simd.tile4::<N, false>(&q[blocks.clone()], Scales { scale: &scale[blocks], min: &[] }, acts)
            }
            Packed::Four(Blocks { q, scale, min }) => {
                let scales = Scales { scale: &scale[blocks.clone()], min: &min[blocks.clone()] };
                simd.tile4::<N, true>(&q[blocks], scales, acts)
            }
            Packed::Eight(Blocks { q, scale, min }) if min.is_empty() => {
                simd.tile8::<N, false>(&q[blocks.clone()], Scales { scale: &scale[blocks], min: &[] }, acts)
            }
            Packed::Eight(Blocks { q, scale, min }) => {
                let scales = Scales { scale: &scale[blocks.clone()], min: &min[blocks.clone()] };
                simd.tile8::<N, true>(&q[blocks], scales, acts)
            }
            Packed::Half(lanes) => {
                let lanes = &lanes[tile * self.columns..(tile + 1) * self.columns];
                dense(simd, lanes, acts, S::load_half)
            }
            Packed::Single(lanes) => {
                let lanes = &lanes[tile * self.columns..(tile + 1) * self.columns];
                dense(simd, lanes, acts, S::load)
            }
        }
    }

    /// Reads one row as numbers.
    pub(crate) fn row(&self, row: usize, out: &mut [f32]) {
        let (tile, lane) = (row / LANES, row % LANES);
        for (column, out) in out.iter_mut().enumerate() {
            let block = tile * (self.columns / BLOCK) + column / BLOCK;
            let i = column % BLOCK;
            let number = |q: i32, zero: i32, scale: &[HalfLanes], min: &[HalfLanes]| match min.get(block) {
                Some(min) => q as f32 * half_to_f32(scale[block][lane]) + half_to_f32(min[lane]),
                None => (q - zero) as f32 * half_to_f32(scale[block][lane]),
            };
            *out = match &self.packed {
                Packed::Four(Blocks { q, scale, min }) => {
                    let byte = q[block].0[i / 8 * 64 + lane * 4 + i % 4];
                    number(i32::from(if i % 8 < 4 { byte & 15 } else { byte >> 4 }), 8, scale, min)
                }
                Packed::Eight(Blocks { q, scale, min }) => {
                    number(i32::from(q[block].0[i / 4 * 64 + lane * 4 + i % 4].cast_signed()), 0, scale, min)
                }
                Packed::Half(lanes) => half_to_f32(lanes[tile * self.columns + column][lane]),
                Packed::Single(lanes) => lanes[tile * self.columns + column][lane],
            };
        }
    }
}

impl Packed {
    fn new(arena: &Arena, form: Form, n_tiles: usize, columns: usize) -> io::Result<Self> {
        let n_blocks = n_tiles * (columns / BLOCK);
        let scale = || arena.slab(n_blocks);
        let min = |wanted: bool| arena.slab(if wanted { n_blocks } else { 0 });
        Ok(match form {
            Form::Four { min: wanted } => {
                Self::Four(Blocks { q: arena.slab(n_blocks)?, scale: scale()?, min: min(wanted)? })
            }
            Form::Eight { min: wanted } => {
                Self::Eight(Blocks { q: arena.slab(n_blocks)?, scale: scale()?, min: min(wanted)? })
            }
            Form::Half => Self::Half(arena.slab(n_tiles * columns)?),
            Form::Single => Self::Single(arena.slab(n_tiles * columns)?),
        })
    }

    /// Cuts it into parts of that many tiles.
    fn parts(&mut self, n_tiles: usize, columns: usize) -> Vec<Part<'_>> {
        let n_blocks = n_tiles * (columns / BLOCK);
        match self {
            Self::Four(blocks) => blocks.parts(n_blocks).into_iter().map(Part::Four).collect(),
            Self::Eight(blocks) => blocks.parts(n_blocks).into_iter().map(Part::Eight).collect(),
            Self::Half(lanes) => lanes.chunks_mut(n_tiles * columns).map(Part::Half).collect(),
            Self::Single(lanes) => lanes.chunks_mut(n_tiles * columns).map(Part::Single).collect(),
        }
    }
}

impl<B> Blocks<Slab<B>, Slab<HalfLanes>> {
    fn parts(&mut self, n: usize) -> Vec<Blocks<&mut [B], &mut [HalfLanes]>> {
        let mut mins = self.min.chunks_mut(n);
        let parts = self.q.chunks_mut(n).zip(self.scale.chunks_mut(n));
        parts.map(|(q, scale)| Blocks { q, scale, min: mins.next().unwrap_or_default() }).collect()
    }
}

/// Does all jobs, the first one on this thread and each other one on a thread of its own; gives the first error.
fn in_parallel<T: Send, E: Send>(
    jobs: Vec<T>,
    work: &(impl Fn(usize, T) -> Result<(), E> + Sync),
) -> Result<(), E> {
    std::thread::scope(|scope| {
        let mut jobs = jobs.into_iter().enumerate();
        let first = jobs.next();
        let others: Vec<_> = jobs.map(|(i, job)| scope.spawn(move || work(i, job))).collect();
        let mut outcome = first.map_or(Ok(()), |(i, job)| work(i, job));
        for other in others {
            outcome = outcome.and(other.join().expect("packing does not panic"));
        }
        outcome
    })
}

impl Part<'_> {
    fn set_row(&mut self, kind: TensorType, tile: usize, lane: usize, columns: usize, bytes: &[u8]) {
        let n_blocks = columns / BLOCK;
        match self {
            Self::Four(blocks) => {
                for b in 0..n_blocks {
                    let group = kind.group(bytes, b);
                    blocks.set_scales(&group, tile * n_blocks + b, lane);
                    let add = if blocks.min.is_empty() { 8 } else { 0 };
                    for (i, four) in blocks.q[tile * n_blocks + b].0.chunks_exact_mut(64).enumerate() {
                        for j in 0..4 {
                            let (low, high) = (group.q[i * 8 + j] + add, group.q[i * 8 + 4 + j] + add);
                            four[lane * 4 + j] = low.cast_unsigned() | high.cast_unsigned() << 4;
                        }
                    }
                }
            }
            Self::Eight(blocks) => {
                let mut numbers = if kind.has_short_groups() { vec![0.0; columns] } else { Vec::new() };
                if kind.has_short_groups() {
                    kind.dequantize(bytes, &mut numbers);
                }
                for b in 0..n_blocks {
                    let group = match numbers.as_chunks::<BLOCK>().0.get(b) {
                        Some(numbers) => eight_bits(numbers),
                        None => kind.group(bytes, b),
                    };
                    blocks.set_scales(&group, tile * n_blocks + b, lane);
                    for (i, four) in blocks.q[tile * n_blocks + b].0.chunks_exact_mut(64).enumerate() {
                        for j in 0..4 {
                            four[lane * 4 + j] = group.q[i * 4 + j].cast_unsigned();
                        }
                    }
                }
            }
            Self::Half(lanes) => {
                for (raw, lanes) in bytes.as_chunks::<2>().0.iter().zip(&mut lanes[tile * columns..]) {
                    lanes[lane] = u16::from_le_bytes(*raw);
                }
            }
            Self::Single(lanes) => {
                let mut numbers = vec![0.0; columns];
                kind.dequantize(bytes, &mut numbers);
                for (number, lanes) in numbers.iter().zip(&mut lanes[tile * columns..]) {
                    lanes[lane] = *number;
                }
            }
        }
    }
}

impl<B> Blocks<&mut [B], &mut [HalfLanes]> {
    fn set_scales(&mut self, group: &Group, at: usize, lane: usize) {
        self.scale[at][lane] = f32_to_half(group.scale);
        if let Some(min) = self.min.get_mut(at) {
            min[lane] = f32_to_half(group.min);
        }
    }
}

/// 32 numbers at 8 bits.
fn eight_bits(numbers: &[f32; BLOCK]) -> Group {
    let greatest = numbers.iter().fold(0.0_f32, |greatest, x| greatest.max(x.abs()));
    let scale = half_to_f32(f32_to_half(greatest / 127.0));
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    Group { q: numbers.map(|x| (x * inverse).round().clamp(-127.0, 127.0) as i8), scale, min: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::kernels::{Level, Task};
    use crate::engine::rng::SplitMix;

    fn packed(kind: TensorType, rows: usize, columns: usize, bytes: &[u8]) -> Matrix {
        let dims = vec![columns as u64, rows as u64];
        let info = TensorInfo { name: "m".to_owned(), dims, kind, offset: 0 };
        let read = |skip: u64, out: &mut [u8]| {
            out.copy_from_slice(&bytes[skip as usize..][..out.len()]);
            Ok(())
        };
        let no_memory = |source| EngineError::Memory { path: "m".into(), source };
        Matrix::pack(&Arena::default(), &info, 2, read, no_memory).expect("memory reads")
    }

    #[test]
    fn a_packed_row_is_the_row_of_the_file() {
        let mut rng = SplitMix::new(5);
        for kind in [
            TensorType::F32,
            TensorType::F16,
            TensorType::Bf16,
            TensorType::Q4_0,
            TensorType::Q4_1,
            TensorType::Q5_0,
            TensorType::Q5_1,
            TensorType::Q8_0,
            TensorType::Q2K,
            TensorType::Q3K,
            TensorType::Q4K,
            TensorType::Q5K,
            TensorType::Q6K,
        ] {
            // 18 rows: one whole tile and a part of another.
            let (rows, columns) = (18, 256);
            let row_bytes = kind.bytes_of(columns as u64) as usize;
            let mut bytes: Vec<u8> = (0..rows * row_bytes).map(|_| rng.next_u64() as u8).collect();
            if matches!(kind, TensorType::F32 | TensorType::F16 | TensorType::Bf16) {
                // Noise as floating-point numbers would be of all magnitudes: take small ones.
                for raw in bytes.chunks_exact_mut(if kind == TensorType::F32 { 4 } else { 2 }) {
                    *raw.last_mut().expect("not empty") = 0x38;
                }
            } else {
                // Scales likewise, wherever they stand in a block.
                for raw in bytes.chunks_exact_mut(2) {
                    raw[1] = 0x24 | (raw[1] & 1);
                }
            }
            let matrix = packed(kind, rows, columns, &bytes);
            let mut expected = vec![0.0; columns];
            let mut got = vec![0.0; columns];
            for row in 0..rows {
                kind.dequantize(&bytes[row * row_bytes..][..row_bytes], &mut expected);
                matrix.row(row, &mut got);
                let greatest = expected.iter().fold(0.0_f32, |greatest, x| greatest.max(x.abs()));
                // 8 bits anew: half a step of 1/127; scales as binary16: 2^-11 of a number and of its minimum.
                let tolerance = if kind.has_short_groups() { greatest / 250.0 } else { greatest / 1000.0 };
                for (got, expected) in got.iter().zip(&expected) {
                    assert!(
                        (got - expected).abs() <= tolerance,
                        "{} row {row}: {got}, {expected}",
                        kind.name()
                    );
                }
            }
        }
    }

    struct Dot<'a>(&'a Matrix, Act<'a>);
    impl Task for Dot<'_> {
        type Out = Lanes;
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Lanes {
            self.0.tile(simd, 0, &[self.1])[0]
        }
    }

    #[test]
    fn dense_tiles_multiply() {
        // Rows 0 and 1 of [[1, 2, 3, …], [0.5, …]] with activations 1, 0, 0, …, 2.
        let mut bytes = Vec::new();
        for x in (1..=32).map(|i| i as f32).chain([0.5; 32]) {
            bytes.extend(f32_to_half(x).to_le_bytes());
        }
        let matrix = packed(TensorType::F16, 2, 32, &bytes);
        let mut row = vec![0.0; 32];
        (row[0], row[31]) = (1.0, 2.0);
        for level in Level::available() {
            let act = Act { q: &[], scale: &[], sum: &[], offset: &[], dense: &row };
            let out = level.run(Dot(&matrix, act));
            assert_eq!(out[..3], [65.0, 1.5, 0.0], "{}", level.name());
        }
    }
}
