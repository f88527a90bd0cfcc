//! The built agent itself, over real pipes: what the controller starts.

#[cfg(all(feature = "engine-embedded", target_os = "linux"))]
mod care;
#[cfg(feature = "engine-embedded")]
mod cold;
#[cfg(feature = "engine-embedded")]
mod embedded;
mod endpoint;
mod loads;
mod meter;
mod scripted;
mod support;
