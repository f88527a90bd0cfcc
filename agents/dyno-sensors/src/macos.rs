//! macOS: what its documented tools and calls say of power, heat and memory. None of it is exact, and all of it is
//! for one machine against itself: Apple calls its figures of power estimates.

#[cfg(target_os = "macos")]
mod gauges;
mod powermetrics;

#[cfg(target_os = "macos")]
pub(crate) use gauges::Mac;
