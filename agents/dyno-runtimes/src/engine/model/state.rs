//! Buffers of the forward pass: activations, and the key/value cache.

use std::io;
use std::ops::Range;

use super::super::kernels::tile::{Act, ActMut};
use super::super::kernels::{BLOCK, HalfLanes, LANES};
use super::super::sys::{Arena, Claim, Shared};
use super::config::Config;

/// Quantized activation rows of equal width, one per token of the batch.
pub(crate) struct ActRows {
    n_blocks: usize,
    q: Shared<[i8; BLOCK]>,
    scale: Shared<f32>,
    sum: Shared<f32>,
    offset: Shared<i32>,
    dense: Shared<f32>,
}

impl ActRows {
    fn new(arena: &Arena, n_rows: usize, width: usize, any_dense: bool) -> io::Result<Self> {
        let n_blocks = width / BLOCK;
        let n = n_rows * n_blocks;
        Ok(Self {
            n_blocks,
            q: Shared::new(arena, n)?,
            scale: Shared::new(arena, n)?,
            sum: Shared::new(arena, n)?,
            offset: Shared::new(arena, n)?,
            dense: Shared::new(arena, if any_dense { n * BLOCK } else { 0 })?,
        })
    }

    fn dense_range(&self, blocks: &Range<usize>) -> Range<usize> {
        if self.dense.is_empty() { 0..0 } else { blocks.start * BLOCK..blocks.end * BLOCK }
    }

    /// A whole row.
    #[inline(always)]
    pub(crate) fn act<'a>(&'a self, claim: &'a Claim, row: usize) -> Act<'a> {
        let blocks = row * self.n_blocks..(row + 1) * self.n_blocks;
        Act {
            dense: self.dense.read(claim, self.dense_range(&blocks)),
            q: self.q.read(claim, blocks.clone()),
            scale: self.scale.read(claim, blocks.clone()),
            sum: self.sum.read(claim, blocks.clone()),
            offset: self.offset.read(claim, blocks),
        }
    }

    /// Columns of a row, to be written; they begin and end with a block.
    #[inline(always)]
    pub(crate) fn act_mut<'a>(&'a self, claim: &'a Claim, row: usize, columns: Range<usize>) -> ActMut<'a> {
        let start = row * self.n_blocks;
        let blocks = start + columns.start / BLOCK..start + columns.end / BLOCK;
        ActMut {
            dense: self.dense.write(claim, self.dense_range(&blocks)),
            q: self.q.write(claim, blocks.clone()),
            scale: self.scale.write(claim, blocks.clone()),
            sum: self.sum.write(claim, blocks.clone()),
            offset: self.offset.write(claim, blocks),
        }
    }
}

/// Keys and values of all layers, in half precision (layouts in [`super::super::kernels::attention`]).
pub(crate) struct Cache {
    head_dim: usize,
    n_kv_heads: usize,
    context: usize,
    keys: Vec<Shared<HalfLanes>>,
    values: Vec<Shared<HalfLanes>>,
}

impl Cache {
    fn new(arena: &Arena, config: &Config, context: usize) -> io::Result<Self> {
        let context = context.next_multiple_of(LANES);
        let width = config.n_kv_heads * config.head_dim;
        let n = width.checked_mul(context).ok_or(io::ErrorKind::OutOfMemory)? / LANES;
        let buffers = || (0..config.n_layers).map(|_| Shared::new(arena, n)).collect::<io::Result<_>>();
        Ok(Self {
            head_dim: config.head_dim,
            n_kv_heads: config.n_kv_heads,
            context,
            keys: buffers()?,
            values: buffers()?,
        })
    }

    /// Positions that it holds.
    pub(crate) fn context(&self) -> usize {
        self.context
    }

    /// Where the key block of a position lies: `head_dim` vectors of 16 positions.
    fn key_block(&self, head: usize, position: usize) -> Range<usize> {
        debug_assert!(head < self.n_kv_heads && position < self.context);
        let start = (head * self.context + position / LANES * LANES) / LANES * self.head_dim;
        start..start + self.head_dim
    }

    fn value_row(&self, head: usize, position: usize) -> Range<usize> {
        let width = self.head_dim / LANES;
        let start = (head * self.context + position) * width;
        start..start + width
    }

    /// The key block of a position, to write the lane `position % 16` of.
    #[inline(always)]
    pub(crate) fn key_mut<'a>(
        &'a self,
        claim: &'a Claim,
        layer: usize,
        head: usize,
        position: usize,
    ) -> &'a mut [HalfLanes] {
        self.keys[layer].write(claim, self.key_block(head, position))
    }

    /// The value row of a position, to be written.
    #[inline(always)]
    pub(crate) fn value_mut<'a>(
        &'a self,
        claim: &'a Claim,
        layer: usize,
        head: usize,
        position: usize,
    ) -> &'a mut [HalfLanes] {
        self.values[layer].write(claim, self.value_row(head, position))
    }

    /// Key blocks that hold a range of positions, whose start is a multiple of 16.
    #[inline(always)]
    pub(crate) fn keys<'a>(
        &'a self,
        claim: &'a Claim,
        layer: usize,
        head: usize,
        range: &Range<usize>,
    ) -> &'a [HalfLanes] {
        let first = self.key_block(head, range.start).start;
        self.keys[layer].read(claim, first..self.key_block(head, range.end - 1).end)
    }

    /// Value rows of a range of positions.
    #[inline(always)]
    pub(crate) fn values<'a>(
        &'a self,
        claim: &'a Claim,
        layer: usize,
        head: usize,
        range: &Range<usize>,
    ) -> &'a [HalfLanes] {
        let first = self.value_row(head, range.start).start;
        self.values[layer].read(claim, first..self.value_row(head, range.end - 1).end)
    }
}

/// Cosines and sines of one token's position, one pair per rotated pair of columns.
pub(crate) struct Rotation {
    /// Of layers that see all positions.
    pub(crate) global: Shared<[f32; 2]>,
    /// Of layers with local attention; empty where there are none.
    pub(crate) local: Shared<[f32; 2]>,
}

/// All buffers, for batches of up to `n_rows` tokens.
pub(crate) struct State {
    /// Residual stream.
    pub(crate) stream: Shared<f32>,
    /// What a part adds to the stream, where a norm comes between.
    pub(crate) delta: Shared<f32>,
    /// Queries, keys and values, one after the other.
    pub(crate) qkv: Shared<f32>,
    /// Rotations of the batch's positions.
    pub(crate) rotation: Rotation,
    /// Normed stream.
    pub(crate) normed: ActRows,
    /// Attention's output.
    pub(crate) attended: ActRows,
    /// Between the feed-forward matrices.
    pub(crate) hidden: ActRows,
    /// Logits of the last token.
    pub(crate) logits: Shared<f32>,
    /// Keys and values.
    pub(crate) cache: Cache,
}

impl State {
    /// Buffers for a model.
    ///
    /// # Errors
    /// When there is no memory.
    pub(crate) fn new(config: &Config, n_rows: usize, context: usize, any_dense: bool) -> io::Result<Self> {
        let arena = &Arena::default();
        let rows = |width: usize| Shared::new(arena, n_rows * width);
        let acts = |width: usize| ActRows::new(arena, n_rows, width, any_dense);
        let turns = |wanted: bool| Shared::new(arena, if wanted { n_rows * config.n_rotary / 2 } else { 0 });
        Ok(Self {
            stream: rows(config.n_embedding)?,
            delta: rows(config.n_embedding)?,
            qkv: rows(config.query_width() + 2 * config.kv_width())?,
            rotation: Rotation { global: turns(true)?, local: turns(config.window.is_some())? },
            normed: acts(config.n_embedding)?,
            attended: acts(config.query_width())?,
            hidden: acts(config.n_feed_forward)?,
            logits: Shared::new(arena, config.n_vocabulary.next_multiple_of(LANES))?,
            cache: Cache::new(arena, config, context)?,
        })
    }
}
