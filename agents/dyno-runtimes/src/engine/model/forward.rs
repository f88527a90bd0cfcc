//! The forward pass as a list of steps for a team of threads.
//!
//! One list serves prompts (batches of tokens) and decoding (batches of one): what is a single chunk costs no
//! synchronization, so that decoding meets its threads five times per layer.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use super::super::kernels::{LANES, Level, Simd, Task};
use super::super::sys::Claim;
use super::super::team::Program;
use super::config::Config;
use super::ops::{Batch, Product, Scratch};
use super::state::State;
use super::weights::Weights;

/// Tokens of one chunk where a step goes token by token. A multiple of 16: a chunk must not share a block of the key
/// cache with another one.
const TOKENS_PER_CHUNK: usize = 16;
/// Queries of one head that one chunk of attention answers.
const QUERIES_PER_CHUNK: usize = 8;
/// Chunks per thread where a step goes by tiles: enough that an unlucky thread does not hold up the others.
const CHUNKS_PER_THREAD: usize = 4;

/// Steps of a layer, in order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    AttentionNorm,
    Qkv,
    Rotate,
    Attend,
    AttentionOut,
    FfnNorm,
    GateUp,
    Down,
}

const OPS: [Op; 8] =
    [Op::AttentionNorm, Op::Qkv, Op::Rotate, Op::Attend, Op::AttentionOut, Op::FfnNorm, Op::GateUp, Op::Down];

/// A step of the run.
#[derive(Clone, Copy)]
enum Step {
    Layer { layer: usize, op: Op },
    OutputNorm,
    Logits,
    End,
}

/// A model with its buffers, ready to be run by a team.
pub(crate) struct Forward {
    pub(crate) config: Config,
    pub(crate) weights: Weights,
    pub(super) state: State,
    level: Level,
    n_threads: usize,
    max_batch: usize,
    /// Rotary frequencies, in radians per position.
    pub(super) global_frequencies: Vec<f32>,
    pub(super) local_frequencies: Vec<f32>,
    tokens: Vec<AtomicU32>,
    n_tokens: AtomicUsize,
    first_position: AtomicUsize,
    wants_logits: AtomicBool,
}

impl Forward {
    /// A model's weights with buffers for batches of up to `max_batch` tokens (a multiple of 16) and a context of `context` positions.
    ///
    /// # Errors
    /// When there is no memory.
    pub(crate) fn new(
        config: Config,
        weights: Weights,
        level: Level,
        n_threads: u32,
        max_batch: usize,
        context: usize,
    ) -> io::Result<Self> {
        assert!(max_batch.is_multiple_of(TOKENS_PER_CHUNK), "chunks of a batch must not share key blocks");
        let divisors = weights.rope_factors.as_deref();
        Ok(Self {
            state: State::new(&config, max_batch, context, weights.any_dense())?,
            level,
            n_threads: n_threads as usize,
            max_batch,
            global_frequencies: frequencies(config.n_rotary, config.rope_base, config.rope_scale, divisors),
            local_frequencies: frequencies(config.n_rotary, config.local_rope_base, 1.0, divisors),
            config,
            weights,
            tokens: (0..max_batch).map(|_| AtomicU32::new(0)).collect(),
            n_tokens: AtomicUsize::new(0),
            first_position: AtomicUsize::new(0),
            wants_logits: AtomicBool::new(false),
        })
    }

    /// Sets what the next run does: these tokens, the first one at that position.
    ///
    /// More than one token must begin at a multiple of 16, so that no two chunks share a block of the key cache.
    pub(crate) fn set_batch(&self, tokens: &[u32], first_position: usize, wants_logits: bool) {
        assert!(tokens.len() <= self.max_batch && !tokens.is_empty(), "batches fit their buffers");
        assert!(tokens.len() == 1 || first_position.is_multiple_of(LANES), "batches begin with a key block");
        for (slot, token) in self.tokens.iter().zip(tokens) {
            slot.store(*token, Ordering::Relaxed);
        }
        self.n_tokens.store(tokens.len(), Ordering::Relaxed);
        self.first_position.store(first_position, Ordering::Relaxed);
        self.wants_logits.store(wants_logits, Ordering::Relaxed);
    }

    /// Logits that the last run gave for its last token.
    pub(crate) fn logits<'a>(&'a self, claim: &'a Claim) -> &'a [f32] {
        self.state.logits.read(claim, 0..self.config.n_vocabulary)
    }

    pub(super) fn token(&self, row: usize) -> u32 {
        self.tokens[row].load(Ordering::Relaxed)
    }

    fn n_tokens(&self) -> usize {
        self.n_tokens.load(Ordering::Relaxed)
    }

    fn step(&self, step: u32) -> Step {
        let step = step as usize;
        let n = self.config.n_layers * OPS.len();
        if step < n {
            return Step::Layer { layer: step / OPS.len(), op: OPS[step % OPS.len()] };
        }
        match (step - n, self.wants_logits.load(Ordering::Relaxed)) {
            (0, true) => Step::OutputNorm,
            (1, true) => Step::Logits,
            _ => Step::End,
        }
    }

    /// Rows of the batch that a step works on: the last layer's, once keys and values are stored, only the last one.
    fn rows(&self, layer: usize, op: Op) -> Range<usize> {
        let n = self.n_tokens();
        let stored = !matches!(op, Op::AttentionNorm | Op::Qkv | Op::Rotate);
        if stored && layer + 1 == self.config.n_layers { n - 1..n } else { 0..n }
    }

    fn tile_chunks(&self, n_units: usize) -> usize {
        n_units.min(if self.n_threads == 1 { 1 } else { self.n_threads * CHUNKS_PER_THREAD })
    }

    /// Units (tiles, pairs of tiles) of an operation that is cut by tiles.
    fn n_units(&self, layer: usize, op: Op) -> usize {
        let weights = &self.weights.layers[layer];
        match op {
            Op::Qkv => weights.qkv.iter().map(super::matrix::Matrix::n_tiles).sum(),
            Op::AttentionOut => weights.attention_out.n_tiles(),
            Op::GateUp => weights.gate_up[0].n_tiles().div_ceil(2),
            Op::Down => weights.down.n_tiles(),
            Op::AttentionNorm | Op::Rotate | Op::Attend | Op::FfnNorm => 0,
        }
    }
}

fn frequencies(n_rotary: usize, base: f32, scale: f32, divisors: Option<&[f32]>) -> Vec<f32> {
    let frequency = |i: usize| {
        let divisor = divisors.map_or(1.0, |divisors| divisors[i]);
        base.powf(-2.0 * i as f32 / n_rotary as f32) / (scale * divisor)
    };
    (0..n_rotary / 2).map(frequency).collect()
}

/// The `i`-th of `n_chunks` equal parts of `0..n`.
fn part(n: usize, n_chunks: usize, i: usize) -> Range<usize> {
    n * i / n_chunks..n * (i + 1) / n_chunks
}

/// The `i`-th part of `rows` with `size` rows each.
fn group(rows: &Range<usize>, size: usize, i: usize) -> Range<usize> {
    let start = rows.start + i * size;
    start..rows.end.min(start + size)
}

impl Program for Forward {
    type Scratch = Scratch;

    fn scratch(&self) -> Scratch {
        Scratch::new(&self.config, self.state.cache.context())
    }

    fn chunks(&self, step: u32) -> Option<u16> {
        let n = match self.step(step) {
            Step::End => return None,
            Step::OutputNorm => 1,
            Step::Logits => self.tile_chunks(self.weights.output().n_tiles()),
            Step::Layer { layer, op } => {
                let n_rows = self.rows(layer, op).len();
                match op {
                    Op::AttentionNorm | Op::Rotate | Op::FfnNorm => n_rows.div_ceil(TOKENS_PER_CHUNK),
                    Op::Attend => self.config.n_heads * n_rows.div_ceil(QUERIES_PER_CHUNK),
                    Op::Qkv | Op::AttentionOut | Op::GateUp | Op::Down => {
                        self.tile_chunks(self.n_units(layer, op))
                    }
                }
            }
        };
        Some(u16::try_from(n).expect("a batch has few chunks"))
    }

    fn run(&self, step: u32, claim: &Claim, scratch: &mut Scratch) {
        self.level.run(Chunk { forward: self, step: self.step(step), claim, scratch });
    }
}

struct Chunk<'a> {
    forward: &'a Forward,
    step: Step,
    claim: &'a Claim,
    scratch: &'a mut Scratch,
}

impl Task for Chunk<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let forward = self.forward;
        let first_position = forward.first_position.load(Ordering::Relaxed);
        let chunk = self.claim.chunk as usize;
        let batch = Batch { simd, forward, claim: self.claim, first_position };
        let (many, one);
        let (products, rows): (&[Product<'_>], Range<usize>) = match self.step {
            Step::End => return,
            Step::OutputNorm => return batch.output_norm(forward.n_tokens() - 1),
            Step::Logits => {
                let n = forward.weights.output().n_tiles();
                one = [forward.output(part(n, forward.tile_chunks(n), chunk))];
                (&one, forward.n_tokens() - 1..forward.n_tokens())
            }
            Step::Layer { layer, op } => {
                let rows = forward.rows(layer, op);
                let n = forward.n_units(layer, op);
                let tiles = || part(n, forward.tile_chunks(n), chunk);
                let tokens = || group(&rows, TOKENS_PER_CHUNK, chunk);
                match op {
                    Op::AttentionNorm => return batch.attention_norm(layer, tokens(), self.scratch),
                    Op::Rotate => return batch.rotate(layer, tokens(), self.scratch),
                    Op::FfnNorm => return batch.ffn_norm(layer, tokens(), self.scratch),
                    Op::Attend => {
                        let n_groups = rows.len().div_ceil(QUERIES_PER_CHUNK);
                        let queries = group(&rows, QUERIES_PER_CHUNK, chunk % n_groups);
                        return batch.attend(layer, chunk / n_groups, queries, self.scratch);
                    }
                    Op::GateUp => return batch.gate_up(layer, &rows, tiles()),
                    Op::Qkv => {
                        many = forward.qkv(layer, &tiles());
                        (&many, rows)
                    }
                    Op::AttentionOut => {
                        one = [forward.attention_out(layer, tiles())];
                        (&one, rows)
                    }
                    Op::Down => {
                        one = [forward.down(layer, tiles())];
                        (&one, rows)
                    }
                }
            }
        };
        batch.multiply(products, &rows);
    }
}
