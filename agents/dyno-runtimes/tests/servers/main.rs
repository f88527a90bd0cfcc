//! Servers, started and attached to, through their adapters.

mod attach;
mod canned;
mod launch;
#[cfg(all(target_os = "linux", feature = "engine-embedded"))]
mod llama;
#[cfg(all(target_os = "linux", feature = "engine-embedded"))]
mod logprobs;
