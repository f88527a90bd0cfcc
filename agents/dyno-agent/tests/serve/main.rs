//! The built agent itself, over real pipes: what the controller starts.

#[cfg(feature = "engine-embedded")]
mod cold;
#[cfg(feature = "engine-embedded")]
mod embedded;
mod endpoint;
mod loads;
mod scripted;
mod support;
