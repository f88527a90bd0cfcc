//! The built agent itself, over real pipes: what the controller starts.

#[cfg(feature = "engine-embedded")]
mod embedded;
mod scripted;
mod support;
