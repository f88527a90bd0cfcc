//! Every instruction set that this CPU has gives what plain Rust gives.

use super::tile::{Act, ActMut, Block4, Block8, Scales, quantize};
use super::vector::{exp, gelu_mul, rms_norm, silu_mul, softmax};
use super::{BLOCK, HalfLanes, LANES, Lanes, Level, Simd, Task};
use crate::engine::rng::SplitMix;

const N_BLOCKS: usize = 18;

struct Row {
    q: Vec<[i8; BLOCK]>,
    scale: Vec<f32>,
    sum: Vec<f32>,
    offset: Vec<i32>,
}

impl Row {
    fn new() -> Self {
        Self {
            q: vec![[0; BLOCK]; N_BLOCKS],
            scale: vec![0.0; N_BLOCKS],
            sum: vec![0.0; N_BLOCKS],
            offset: vec![0; N_BLOCKS],
        }
    }
    fn act(&self) -> Act<'_> {
        Act { q: &self.q, scale: &self.scale, sum: &self.sum, offset: &self.offset, dense: &[] }
    }
}

fn uniform(rng: &mut SplitMix) -> f32 {
    (rng.next_f64() * 2.0 - 1.0) as f32
}

struct Quantize<'a>(&'a [f32], &'a mut Row);
impl Task for Quantize<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let row = self.1;
        let to = ActMut {
            q: &mut row.q,
            scale: &mut row.scale,
            sum: &mut row.sum,
            offset: &mut row.offset,
            dense: &mut [],
        };
        quantize(simd, self.0, to);
    }
}

struct Tiles<'a> {
    q4: &'a [Block4],
    q8: &'a [Block8],
    scales: Scales<'a>,
    rows: &'a [Row; 4],
}
impl Task for Tiles<'_> {
    type Out = Vec<Lanes>;
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<Lanes> {
        let acts = self.rows.each_ref().map(Row::act);
        let mut out = Vec::new();
        out.extend(simd.tile4::<4, false>(self.q4, self.scales, &acts));
        out.extend(simd.tile4::<4, true>(self.q4, self.scales, &acts));
        out.extend(simd.tile4::<1, true>(self.q4, self.scales, &[acts[0]]));
        out.extend(simd.tile8::<4, false>(self.q8, self.scales, &acts));
        out.extend(simd.tile8::<1, true>(self.q8, self.scales, &[acts[0]]));
        out
    }
}

fn close(a: f32, b: f32, tolerance: f32, what: &str) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{what}: {a} is not {b}");
}

#[test]
fn all_levels_agree_on_tiles() {
    let mut rng = SplitMix::new(7);
    let rows: Vec<Vec<f32>> =
        (0..4).map(|_| (0..N_BLOCKS * BLOCK).map(|_| uniform(&mut rng)).collect()).collect();
    let q4: Vec<Block4> =
        (0..N_BLOCKS).map(|_| Block4(std::array::from_fn(|_| rng.next_u64() as u8))).collect();
    // All 256 values are in here, -128 included.
    let q8: Vec<Block8> =
        (0..N_BLOCKS).map(|_| Block8(std::array::from_fn(|_| rng.next_u64() as u8))).collect();
    let mut halves = || -> Vec<HalfLanes> {
        (0..N_BLOCKS)
            .map(|_| std::array::from_fn(|_| super::half::f32_to_half(uniform(&mut rng) * 0.01)))
            .collect()
    };
    let (scale, min) = (halves(), halves());
    let mut expected = None;
    for level in Level::available() {
        let mut acts = [Row::new(), Row::new(), Row::new(), Row::new()];
        for (row, act) in rows.iter().zip(&mut acts) {
            level.run(Quantize(row, act));
        }
        let got =
            level.run(Tiles { q4: &q4, q8: &q8, scales: Scales { scale: &scale, min: &min }, rows: &acts });
        let expected = expected.get_or_insert_with(|| got.clone());
        for (got, expected) in got.iter().flatten().zip(expected.iter().flatten()) {
            close(*got, *expected, 1e-5, level.name());
        }
    }
}

struct One<'a>(&'a [Block4], Scales<'a>, Act<'a>);
impl Task for One<'_> {
    type Out = (Lanes, Lanes);
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Out {
        (
            simd.tile4::<1, false>(self.0, self.1, &[self.2])[0],
            simd.tile4::<1, true>(self.0, self.1, &[self.2])[0],
        )
    }
}

#[test]
fn a_tile_of_known_weights_gives_the_sum_by_hand() {
    // Row r has the weight r (as 4 bits) everywhere, scale 0.5, minimum 2; the activations are all 1.
    // Without minimum 8 is subtracted: 0.5 * (r - 8) * 32. With it: (0.5 * r + 2) * 32.
    let q4 = [Block4(std::array::from_fn(|i| {
        let row = (i % 64) / 4;
        (row | row << 4) as u8
    }))];
    let scale = [[super::half::f32_to_half(0.5); LANES]];
    let min = [[super::half::f32_to_half(2.0); LANES]];
    let mut row = Row::new();
    for level in Level::available() {
        level.run(Quantize(&[1.0; N_BLOCKS * BLOCK], &mut row));
        let (plain, with_min) = level.run(One(&q4, Scales { scale: &scale, min: &min }, row.act()));
        for r in 0..LANES {
            close(plain[r], 16.0 * (r as f32 - 8.0), 1e-5, level.name());
            close(with_min[r], (0.5 * r as f32 + 2.0) * 32.0, 1e-5, level.name());
        }
    }
}

struct Functions<'a>(&'a Lanes);
impl Task for Functions<'_> {
    type Out = [Lanes; 5];
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Out {
        let mut e = [0.0; LANES];
        simd.store(exp(simd, simd.load(self.0)), &mut e);
        let ones = [1.0; LANES];
        let mut normed = [0.0; LANES];
        rms_norm(simd, self.0, &ones, 0.0, &mut normed);
        let mut soft = *self.0;
        softmax(simd, &mut soft);
        [e, silu_mul(simd, self.0, &ones), gelu_mul(simd, self.0, &ones), normed, soft]
    }
}

#[test]
fn functions_match_the_formulas_in_double_precision() {
    let x: Lanes = std::array::from_fn(|i| (i as f32 - 7.5) * 1.3);
    let wide = x.map(f64::from);
    let norm = (wide.iter().map(|x| x * x).sum::<f64>() / 16.0).sqrt();
    let total: f64 = wide.iter().map(|x| x.exp()).sum();
    for level in Level::available() {
        let [e, silu, gelu, normed, soft] = level.run(Functions(&x));
        for (i, &x) in wide.iter().enumerate() {
            close(e[i], x.exp() as f32, 1e-6, "exp");
            close(silu[i], (x / (1.0 + (-x).exp())) as f32, 1e-6, "silu");
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            close(gelu[i], (0.5 * x * (1.0 + inner.tanh())) as f32, 1e-6, "gelu");
            close(normed[i], (x / norm) as f32, 1e-6, "norm");
            close(soft[i], (x.exp() / total) as f32, 1e-6, "softmax");
        }
    }
}
