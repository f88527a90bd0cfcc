//! The engine that the agent carries: a language model in this very process, on the CPU.
//!
//! A GGUF file is read and checked ([`gguf`]), its matrices are repacked into tiles ([`model`], [`kernels`]), and a
//! team of threads ([`team`]) works through prompts in batches and through answers token by token ([`run`]).
//! Text goes through the model's own chat template ([`chat`]) and tokenizer ([`tokenizer`]).
//! There is no dependency on a tensor library: for vectors as narrow as a small model's, dispatch and wake-ups of
//! general libraries cost more than the arithmetic, and their fast kernels want rows that divide by 256, which the
//! 576 columns of SmolLM2 do not.
//!
//! **Invariant:** the bytes of a prompt's logits do not depend on the number of threads.

mod chat;
mod describe;
mod error;
mod facts;
mod gguf;
mod k_quants;
mod kernels;
mod kv;
mod model;
mod odds;
mod peak;
mod quantize;
mod rng;
mod run;
mod sample;
mod synthetic;
mod sys;
mod team;
mod tensor_type;
#[cfg(test)]
mod tests;
mod tokenizer;

pub use describe::describe;
pub use error::{ARCHITECTURES, EngineError};
pub use peak::{Arrays, BLOCK_BYTES, F32_SHAPES, f32_ops, i8_ops, kernels};
pub use quantize::quantize;
pub use run::{Engine, EngineOptions, Generated};
pub use synthetic::write_synthetic;
