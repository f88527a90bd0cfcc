//! What one chunk of each step does.

use std::ops::Range;

use super::super::kernels::attention::{scores, weigh};
use super::super::kernels::half::f32_to_half;
use super::super::kernels::tile::quantize;
use super::super::kernels::vector::{add, gelu_mul, rms_norm, silu_mul, softmax};
use super::super::kernels::{BLOCK, LANES, Lanes, Simd};
use super::super::sys::Claim;
use super::config::{Config, Family};
use super::forward::Forward;
use super::matrix::Matrix;
use super::state::ActRows;

/// One thread's own memory.
pub(crate) struct Scratch {
    row: Vec<f32>,
    scores: [Vec<f32>; 4],
    outs: [Vec<f32>; 4],
}

impl Scratch {
    pub(super) fn new(config: &Config, context: usize) -> Self {
        Self {
            row: vec![0.0; config.n_embedding.max(config.head_dim)],
            scores: std::array::from_fn(|_| vec![0.0; context]),
            outs: std::array::from_fn(|_| vec![0.0; config.head_dim]),
        }
    }
}

/// What a chunk works on.
pub(super) struct Batch<'a, S> {
    pub(super) simd: S,
    pub(super) forward: &'a Forward,
    pub(super) claim: &'a Claim,
    pub(super) first_position: usize,
}

/// Tiles of a matrix to multiply with activations.
pub(super) struct Product<'a> {
    matrix: &'a Matrix,
    acts: &'a ActRows,
    tiles: Range<usize>,
    sink: Sink,
}

/// Where the results of a matrix go.
#[derive(Clone, Copy)]
enum Sink {
    /// Into rows of this many columns of the queries, keys and values, from this column on.
    Qkv { width: usize, column: usize },
    /// Added to the residual stream.
    Stream,
    /// Into the buffer before the next norm.
    Delta,
    /// The logits.
    Logits,
}

/// Work on `N` rows of the batch at a time.
trait Rows {
    /// Does the rows from `first` on.
    fn run<const N: usize>(&mut self, first: usize);
}

/// Covers `rows` by groups of 8 (where `wide`), 4, 2 and 1.
#[inline(always)]
fn in_groups(wide: bool, rows: &Range<usize>, work: &mut impl Rows) {
    let mut first = rows.start;
    while wide && first + 8 <= rows.end {
        work.run::<8>(first);
        first += 8;
    }
    while first + 4 <= rows.end {
        work.run::<4>(first);
        first += 4;
    }
    if first + 2 <= rows.end {
        work.run::<2>(first);
        first += 2;
    }
    if first < rows.end {
        work.run::<1>(first);
    }
}

impl<S: Simd> Batch<'_, S> {
    fn config(&self) -> &Config {
        &self.forward.config
    }

    #[inline(always)]
    fn stream_row(&self, row: usize) -> &mut [f32] {
        let n = self.config().n_embedding;
        self.forward.state.stream.write(self.claim, row * n..(row + 1) * n)
    }

    /// Norms a row of the stream and quantizes it.
    #[inline(always)]
    fn norm_row(&self, row: usize, weight: &[f32], scratch: &mut [f32]) {
        let n = self.config().n_embedding;
        let normed = &mut scratch[..n];
        let stream = self.forward.state.stream.read(self.claim, row * n..(row + 1) * n);
        rms_norm(self.simd, stream, weight, self.config().norm_eps, normed);
        let to = self.forward.state.normed.act_mut(self.claim, row, 0..n);
        quantize(self.simd, normed, to);
    }

    /// Adds what a part left in the buffer, normed, to the stream.
    #[inline(always)]
    fn add_delta(&self, row: usize, weight: &[f32], scratch: &mut [f32]) {
        let n = self.config().n_embedding;
        let delta = self.forward.state.delta.read(self.claim, row * n..(row + 1) * n);
        let normed = &mut scratch[..n];
        rms_norm(self.simd, delta, weight, self.config().norm_eps, normed);
        add(self.simd, normed, self.stream_row(row));
    }

    /// Begins a layer: embeds the tokens (first layer) or ends the layer before, then norms for attention.
    #[inline(always)]
    pub(super) fn attention_norm(&self, layer: usize, rows: Range<usize>, scratch: &mut Scratch) {
        for row in rows {
            if layer == 0 {
                self.embed(row);
                self.set_rotation(row);
            } else if let Some(weight) = &self.forward.weights.layers[layer - 1].post_ffn_norm {
                self.add_delta(row, weight, &mut scratch.row);
            }
            self.norm_row(row, &self.forward.weights.layers[layer].attention_norm, &mut scratch.row);
        }
    }

    #[inline(always)]
    fn embed(&self, row: usize) {
        let stream = self.stream_row(row);
        self.forward.weights.embedding.row(self.forward.token(row) as usize, stream);
        for x in stream {
            *x *= self.config().embedding_scale;
        }
    }

    #[inline(always)]
    fn set_rotation(&self, row: usize) {
        let position = (self.first_position + row) as f32;
        let rotation = &self.forward.state.rotation;
        let both = [
            (&rotation.global, &self.forward.global_frequencies),
            (&rotation.local, &self.forward.local_frequencies),
        ];
        for (buffer, frequencies) in both {
            let n = frequencies.len();
            if !buffer.is_empty() {
                for (turn, frequency) in
                    buffer.write(self.claim, row * n..(row + 1) * n).iter_mut().zip(frequencies)
                {
                    let (sin, cos) = (position * frequency).sin_cos();
                    *turn = [cos, sin];
                }
            }
        }
    }

    /// Norms and turns queries and keys, and stores keys and values.
    #[inline(always)]
    pub(super) fn rotate(&self, layer: usize, rows: Range<usize>, scratch: &mut Scratch) {
        let config = self.config();
        let head_dim = config.head_dim;
        let width = config.query_width() + 2 * config.kv_width();
        for row in rows {
            let qkv = self.forward.state.qkv.write(self.claim, row * width..(row + 1) * width);
            let (queries, rest) = qkv.split_at_mut(config.query_width());
            let (keys, values) = rest.split_at_mut(config.kv_width());
            for head in queries.chunks_exact_mut(head_dim) {
                self.turn(layer, row, head, 0, scratch);
                for x in head {
                    *x *= config.attention_scale;
                }
            }
            for (head, key) in keys.chunks_exact_mut(head_dim).enumerate() {
                self.turn(layer, row, key, 1, scratch);
                self.store_key(layer, head, row, key);
            }
            for (head, value) in values.chunks_exact(head_dim).enumerate() {
                self.store_value(layer, head, row, value);
            }
        }
    }

    #[inline(always)]
    fn turn(&self, layer: usize, row: usize, head: &mut [f32], which: usize, scratch: &mut Scratch) {
        let config = self.config();
        if let Some(norms) = &self.forward.weights.layers[layer].query_key_norms {
            let copy = &mut scratch.row[..head.len()];
            copy.copy_from_slice(head);
            rms_norm(self.simd, copy, &norms[which], config.norm_eps, head);
        }
        let rotation = &self.forward.state.rotation;
        let turns = if config.is_local(layer) { &rotation.local } else { &rotation.global };
        let n = config.n_rotary / 2;
        let turns = turns.read(self.claim, row * n..(row + 1) * n);
        match config.family {
            Family::Llama => {
                for (pair, [cos, sin]) in head.as_chunks_mut::<2>().0.iter_mut().zip(turns) {
                    *pair = [pair[0] * cos - pair[1] * sin, pair[0] * sin + pair[1] * cos];
                }
            }
            Family::Gemma3 => {
                let (first, second) = head[..2 * n].split_at_mut(n);
                for ((a, b), [cos, sin]) in first.iter_mut().zip(second).zip(turns) {
                    (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                }
            }
        }
    }

    #[inline(always)]
    fn store_key(&self, layer: usize, head: usize, row: usize, key: &[f32]) {
        let position = self.first_position + row;
        let block = self.forward.state.cache.key_mut(self.claim, layer, head, position);
        for (column, x) in block.iter_mut().zip(key) {
            column[position % LANES] = f32_to_half(*x);
        }
    }

    #[inline(always)]
    fn store_value(&self, layer: usize, head: usize, row: usize, value: &[f32]) {
        let to = self.forward.state.cache.value_mut(self.claim, layer, head, self.first_position + row);
        for (part, to) in value.as_chunks::<LANES>().0.iter().zip(to) {
            self.simd.store_half(self.simd.load(part), to);
        }
    }

    /// Attention of one head for some rows of the batch.
    #[inline(always)]
    pub(super) fn attend(&self, layer: usize, head: usize, rows: Range<usize>, scratch: &mut Scratch) {
        in_groups(false, &rows, &mut Attend { batch: self, layer, head, scratch });
    }

    /// Ends attention, and norms for the feed-forward part.
    #[inline(always)]
    pub(super) fn ffn_norm(&self, layer: usize, rows: Range<usize>, scratch: &mut Scratch) {
        let weights = &self.forward.weights.layers[layer];
        for row in rows {
            if let Some(weight) = &weights.post_attention_norm {
                self.add_delta(row, weight, &mut scratch.row);
            }
            self.norm_row(row, &weights.ffn_norm, &mut scratch.row);
        }
    }

    /// Gate and up, multiplied and quantized; a unit is two tiles: one block of the result.
    #[inline(always)]
    pub(super) fn gate_up(&self, layer: usize, rows: &Range<usize>, units: Range<usize>) {
        for unit in units {
            in_groups(S::WIDE, rows, &mut GateUp { batch: self, layer, unit });
        }
    }

    /// Ends the last layer, and norms for the output.
    #[inline(always)]
    pub(super) fn output_norm(&self, row: usize) {
        let mut scratch = vec![0.0; self.config().n_embedding];
        if let Some(weight) =
            self.forward.weights.layers.last().and_then(|layer| layer.post_ffn_norm.as_ref())
        {
            self.add_delta(row, weight, &mut scratch);
        }
        self.norm_row(row, &self.forward.weights.output_norm, &mut scratch);
    }

    /// Some tiles of some matrices. All products but gate and up come by here: the kernels are inlined, and a second
    /// place would double the code.
    #[inline(always)]
    pub(super) fn multiply(&self, products: &[Product<'_>], rows: &Range<usize>) {
        for product in products {
            for tile in product.tiles.clone() {
                in_groups(S::WIDE, rows, &mut Multiply { batch: self, product, tile });
            }
        }
    }

    /// Writes 16 results (fewer at the end of a matrix) of one row.
    #[inline(always)]
    fn sink(&self, matrix: &Matrix, tile: usize, row: usize, sink: Sink, out: &Lanes) {
        let state = &self.forward.state;
        let first = tile * LANES;
        let n = LANES.min(matrix.rows - first);
        let (buffer, at) = match sink {
            Sink::Qkv { width, column } => (&state.qkv, row * width + column + first),
            Sink::Stream => (&state.stream, row * matrix.rows + first),
            Sink::Delta => (&state.delta, row * matrix.rows + first),
            Sink::Logits => (&state.logits, first),
        };
        let to = buffer.write(self.claim, at..at + n);
        if matches!(sink, Sink::Stream) {
            add(self.simd, &out[..n], to);
        } else {
            to.copy_from_slice(&out[..n]);
        }
    }
}

impl Forward {
    /// Queries, keys and values; tiles are counted over the three matrices.
    pub(super) fn qkv(&self, layer: usize, tiles: &Range<usize>) -> [Product<'_>; 3] {
        let width = self.config.query_width() + 2 * self.config.kv_width();
        let (mut column, mut first) = (0, 0);
        self.weights.layers[layer].qkv.each_ref().map(|matrix| {
            let end = first + matrix.n_tiles();
            let mine = tiles.start.clamp(first, end) - first..tiles.end.clamp(first, end) - first;
            let sink = Sink::Qkv { width, column };
            column += matrix.rows;
            first = end;
            Product { matrix, acts: &self.state.normed, tiles: mine, sink }
        })
    }

    /// Attention's output matrix.
    pub(super) fn attention_out(&self, layer: usize, tiles: Range<usize>) -> Product<'_> {
        let weights = &self.weights.layers[layer];
        let sink = if weights.post_attention_norm.is_some() { Sink::Delta } else { Sink::Stream };
        Product { matrix: &weights.attention_out, acts: &self.state.attended, tiles, sink }
    }

    /// The feed-forward part's output matrix.
    pub(super) fn down(&self, layer: usize, tiles: Range<usize>) -> Product<'_> {
        let weights = &self.weights.layers[layer];
        let sink = if weights.post_ffn_norm.is_some() { Sink::Delta } else { Sink::Stream };
        Product { matrix: &weights.down, acts: &self.state.hidden, tiles, sink }
    }

    /// The logits.
    pub(super) fn output(&self, tiles: Range<usize>) -> Product<'_> {
        Product { matrix: self.weights.output(), acts: &self.state.normed, tiles, sink: Sink::Logits }
    }
}

struct Multiply<'a, S> {
    batch: &'a Batch<'a, S>,
    product: &'a Product<'a>,
    tile: usize,
}

impl<S: Simd> Rows for Multiply<'_, S> {
    #[inline(always)]
    fn run<const N: usize>(&mut self, first: usize) {
        let Product { matrix, acts, sink, .. } = self.product;
        let acts = std::array::from_fn::<_, N, _>(|i| acts.act(self.batch.claim, first + i));
        let outs = matrix.tile(self.batch.simd, self.tile, &acts);
        for (i, out) in outs.iter().enumerate() {
            self.batch.sink(matrix, self.tile, first + i, *sink, out);
        }
    }
}

struct GateUp<'a, S> {
    batch: &'a Batch<'a, S>,
    layer: usize,
    unit: usize,
}

impl<S: Simd> Rows for GateUp<'_, S> {
    #[inline(always)]
    fn run<const N: usize>(&mut self, first: usize) {
        let Batch { simd, forward, claim, .. } = *self.batch;
        let matrices = &forward.weights.layers[self.layer].gate_up;
        let acts = std::array::from_fn::<_, N, _>(|i| forward.state.normed.act(claim, first + i));
        let mut hidden = [[[0.0; LANES]; 2]; N];
        for half in 0..2 {
            let mut outs = [[[0.0; LANES]; N]; 2];
            for (matrix, outs) in matrices.iter().zip(&mut outs) {
                *outs = matrix.tile(simd, self.unit * 2 + half, &acts);
            }
            let [gates, ups] = outs;
            for ((gate, up), hidden) in gates.iter().zip(&ups).zip(&mut hidden) {
                hidden[half] = match forward.config.family {
                    Family::Llama => silu_mul(simd, gate, up),
                    Family::Gemma3 => gelu_mul(simd, gate, up),
                };
            }
        }
        for (i, block) in hidden.iter().enumerate() {
            let columns = self.unit * BLOCK..(self.unit + 1) * BLOCK;
            quantize(simd, block.as_flattened(), forward.state.hidden.act_mut(claim, first + i, columns));
        }
    }
}

struct Attend<'a, 's, S> {
    batch: &'a Batch<'a, S>,
    layer: usize,
    head: usize,
    scratch: &'s mut Scratch,
}

impl<S: Simd> Rows for Attend<'_, '_, S> {
    #[inline(always)]
    fn run<const N: usize>(&mut self, first: usize) {
        let Batch { simd, forward, claim, first_position } = *self.batch;
        let config = &forward.config;
        let kv_head = self.head / (config.n_heads / config.n_kv_heads);
        let window = if config.is_local(self.layer) { config.window } else { None };
        let start_of = |position: usize| window.map_or(0, |window| (position + 1).saturating_sub(window));
        let position = first_position + first;
        // Whole key blocks; what a query must not see is masked.
        let range = start_of(position) / LANES * LANES..position + N;
        let n_scores = range.len().next_multiple_of(LANES);

        let width = config.query_width() + 2 * config.kv_width();
        let queries = std::array::from_fn::<_, N, _>(|i| {
            let at = (first + i) * width + self.head * config.head_dim;
            forward.state.qkv.read(claim, at..at + config.head_dim)
        });
        let rows = self.scratch.scores.first_chunk_mut::<N>().expect("groups have at most four rows");
        scores::<S, N>(simd, forward.state.cache.keys(claim, self.layer, kv_head, &range), queries, rows);
        for (i, row) in rows.iter_mut().enumerate() {
            let seen = start_of(position + i) - range.start..position + i + 1 - range.start;
            row[..seen.start].fill(f32::NEG_INFINITY);
            row[seen.end..n_scores].fill(f32::NEG_INFINITY);
            softmax(simd, &mut row[..n_scores]);
        }
        let weights = rows.each_ref().map(|row| &row[..range.len()]);
        let outs = self.scratch.outs.first_chunk_mut::<N>().expect("groups have at most four rows");
        weigh(simd, forward.state.cache.values(claim, self.layer, kv_head, &range), weights, outs);
        for (i, out) in outs.iter().enumerate() {
            let columns = self.head * config.head_dim..(self.head + 1) * config.head_dim;
            quantize(simd, out, forward.state.attended.act_mut(claim, first + i, columns));
        }
    }
}
