//! All weights of a model.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::error::EngineError;
use super::super::gguf::{Gguf, TensorInfo};
use super::super::sys::Arena;
use super::super::tensor_type::TensorType;
use super::config::{Config, Family};
use super::matrix::Matrix;

/// Weights of one transformer block.
pub(crate) struct Layer {
    /// Before attention.
    pub(crate) attention_norm: Vec<f32>,
    /// Queries, keys, values.
    pub(crate) qkv: [Matrix; 3],
    /// Of each query head and each key head.
    pub(crate) query_key_norms: Option<[Vec<f32>; 2]>,
    /// Back to the residual stream.
    pub(crate) attention_out: Matrix,
    /// After attention.
    pub(crate) post_attention_norm: Option<Vec<f32>>,
    /// Before the feed-forward part.
    pub(crate) ffn_norm: Vec<f32>,
    /// Gate and up.
    pub(crate) gate_up: [Matrix; 2],
    /// Back to the residual stream.
    pub(crate) down: Matrix,
    /// After the feed-forward part.
    pub(crate) post_ffn_norm: Option<Vec<f32>>,
}

/// All weights.
pub(crate) struct Weights {
    /// One row per token.
    pub(crate) embedding: Matrix,
    /// The blocks.
    pub(crate) layers: Vec<Layer>,
    /// Before the output.
    pub(crate) output_norm: Vec<f32>,
    /// One row per token; `None` where the embeddings serve.
    pub(crate) output: Option<Matrix>,
    /// Divisors of the rotary frequencies.
    pub(crate) rope_factors: Option<Vec<f32>>,
}

struct Source<'a> {
    arena: &'a Arena,
    gguf: &'a Gguf,
    config: &'a Config,
    n_threads: u32,
}

impl Source<'_> {
    fn find(&self, name: &str, dims: &[usize]) -> Result<&TensorInfo, EngineError> {
        let missing = || self.gguf.malformed(&format!("tensor `{name}` is missing"));
        let info = self.gguf.find(name).ok_or_else(missing)?;
        if !info.dims.iter().copied().eq(dims.iter().map(|dim| *dim as u64)) {
            let found = &info.dims;
            return Err(self
                .gguf
                .malformed(&format!("tensor `{name}` has the shape {found:?}, expected {dims:?}")));
        }
        Ok(info)
    }

    fn matrix(&self, name: &str, columns: usize, rows: usize) -> Result<Matrix, EngineError> {
        let info = self.find(name, &[columns, rows])?;
        // A thread is worth its start from about a millisecond of packing on (house rule).
        let n_threads = if info.n_elements() > 1 << 21 { self.n_threads } else { 1 };
        let read = |skip: u64, out: &mut [u8]| self.gguf.read_part(info, skip, out);
        let no_memory = |source| EngineError::Memory { path: self.gguf.path().to_owned(), source };
        Matrix::pack(self.arena, info, n_threads, read, no_memory)
    }

    fn vector(&self, name: &str, n: usize) -> Result<Vec<f32>, EngineError> {
        let info = self.find(name, &[n])?;
        if !matches!(info.kind, TensorType::F32 | TensorType::F16 | TensorType::Bf16) {
            return Err(self.gguf.unsupported(&format!("tensor `{name}` in {}", info.kind.name())));
        }
        let mut bytes = vec![0; info.n_bytes() as usize];
        self.gguf.read_part(info, 0, &mut bytes)?;
        let mut out = vec![0.0; n];
        info.kind.dequantize(&bytes, &mut out);
        Ok(out)
    }

    /// All layers; each thread takes the next one that nobody has.
    fn layers(&self) -> Result<Vec<Layer>, EngineError> {
        let next = AtomicUsize::new(0);
        let take = || {
            let mut mine = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= self.config.n_layers {
                    return Ok(mine);
                }
                mine.push((i, Source { n_threads: 1, ..*self }.layer(i)?));
            }
        };
        let parts: Vec<Result<Vec<(usize, Layer)>, EngineError>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.n_threads).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().expect("packing does not panic")).collect()
        });
        let mut layers = Vec::with_capacity(self.config.n_layers);
        for part in parts {
            layers.extend(part?);
        }
        layers.sort_by_key(|(i, _)| *i);
        Ok(layers.into_iter().map(|(_, layer)| layer).collect())
    }

    fn layer(&self, i: usize) -> Result<Layer, EngineError> {
        let c = self.config;
        let gemma = c.family == Family::Gemma3;
        let matrix =
            |name: &str, columns, rows| self.matrix(&format!("blk.{i}.{name}.weight"), columns, rows);
        let vector = |name: &str, n| self.vector(&format!("blk.{i}.{name}.weight"), n);
        let of_gemma = |name: &str, n| if gemma { vector(name, n).map(Some) } else { Ok(None) };
        Ok(Layer {
            attention_norm: vector("attn_norm", c.n_embedding)?,
            qkv: [
                matrix("attn_q", c.n_embedding, c.query_width())?,
                matrix("attn_k", c.n_embedding, c.kv_width())?,
                matrix("attn_v", c.n_embedding, c.kv_width())?,
            ],
            query_key_norms: of_gemma("attn_q_norm", c.head_dim)?
                .zip(of_gemma("attn_k_norm", c.head_dim)?)
                .map(|(q, k)| [q, k]),
            attention_out: matrix("attn_output", c.query_width(), c.n_embedding)?,
            post_attention_norm: of_gemma("post_attention_norm", c.n_embedding)?,
            ffn_norm: vector("ffn_norm", c.n_embedding)?,
            gate_up: [
                matrix("ffn_gate", c.n_embedding, c.n_feed_forward)?,
                matrix("ffn_up", c.n_embedding, c.n_feed_forward)?,
            ],
            down: matrix("ffn_down", c.n_feed_forward, c.n_embedding)?,
            post_ffn_norm: of_gemma("post_ffw_norm", c.n_embedding)?,
        })
    }
}

impl Weights {
    /// Reads and packs all weights, with `n_threads` threads.
    pub(crate) fn read(gguf: &Gguf, config: &Config, n_threads: u32) -> Result<Self, EngineError> {
        let source = Source { arena: &Arena::default(), gguf, config, n_threads };
        let (n, vocabulary) = (config.n_embedding, config.n_vocabulary);
        if let Some(bias) = gguf.tensors.iter().find(|tensor| tensor.name.contains(".bias")) {
            return Err(gguf.unsupported(&format!("tensor `{}`: models with biases", bias.name)));
        }
        let output = match gguf.find("output.weight") {
            Some(_) => Some(source.matrix("output.weight", n, vocabulary)?),
            None => None,
        };
        let rope_factors = match gguf.find("rope_freqs.weight") {
            Some(_) => Some(source.vector("rope_freqs.weight", config.n_rotary / 2)?),
            None => None,
        };
        Ok(Self {
            embedding: source.matrix("token_embd.weight", n, vocabulary)?,
            layers: source.layers()?,
            output_norm: source.vector("output_norm.weight", n)?,
            output,
            rope_factors,
        })
    }

    /// The matrix that gives the logits.
    pub(crate) fn output(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    /// All matrices that a token passes through, the embeddings only where they are the output too.
    fn read_by_every_token(&self) -> impl Iterator<Item = &Matrix> {
        let layers = self.layers.iter().flat_map(|layer| {
            layer.qkv.iter().chain(&layer.gate_up).chain([&layer.attention_out, &layer.down])
        });
        layers.chain([self.output()])
    }

    /// Bytes of weights that one decoded token reads.
    pub(crate) fn bytes_per_token(&self) -> u64 {
        self.read_by_every_token().map(Matrix::n_bytes).sum()
    }

    /// Weights that one token is multiplied with; what fills the last tile up is none.
    pub(crate) fn n_active(&self) -> u64 {
        self.read_by_every_token().map(|matrix| (matrix.rows * matrix.columns) as u64).sum()
    }

    /// Whether any matrix needs activations in single precision.
    pub(crate) fn any_dense(&self) -> bool {
        self.read_by_every_token().any(Matrix::is_dense)
    }
}
