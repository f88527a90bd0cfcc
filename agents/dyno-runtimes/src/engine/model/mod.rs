//! Models: what a file says of its shape, its weights in the layout of the kernels, and the forward pass.
#![expect(clippy::inline_always, reason = "what is not inlined is compiled without the instruction set")]

mod config;
mod forward;
mod matrix;
mod ops;
mod state;
mod weights;

pub(crate) use config::Config;
pub(crate) use forward::Forward;
pub(crate) use weights::Weights;
