//! What a device says of itself: channels sampled by one thread, and facts read once.
//!
//! A driver finds sensors ([`driver::DRIVERS`]); a sensor is a fixed set of channels read as one row;
//! the [`sampler::Sampler`] reads rows at absolute ticks and accounts for what that cost.
//! Everything below `/proc` and `/sys` is read through a [`root::SysRoot`], so that a tree of plain files can
//! stand for any board in a test.
//!
//! **Invariant:** what cannot be read, or is absurd, is `None`; it is never 0 and never the last value again.

mod accelerator;
mod agent;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod android;
pub mod cpu_time;
mod cpufreq;
mod devfreq;
pub mod driver;
mod error;
pub mod facts;
mod figures;
mod group;
#[cfg(any(target_os = "macos", windows))]
mod host;
mod hot;
mod hwmon;
pub mod kills;
mod lateness;
mod latest;
#[cfg(any(target_os = "macos", test))]
mod macos;
pub mod meter;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod network;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "network_absent.rs"]
mod network;
#[cfg(any(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"), windows))]
mod nvml;
#[cfg(not(any(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"), windows)))]
#[path = "nvml_absent.rs"]
mod nvml;
mod odpm;
pub mod played;
mod powercap;
mod probed;
mod process;
mod procfs;
mod rails;
pub mod root;
mod rows;
pub mod sampler;
mod share;
pub mod stepped;
mod supply;
mod sys;
mod text;
mod thermal;
mod throttle;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod vcio;

pub use driver::{BOUNDARY_DRIVERS, DRIVERS, Found, ProbeContext, Sensor, SensorDriver};
pub use error::SensorError;
pub use facts::device_facts;
pub use latest::Latest;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use network::SocketLooks;
pub use network::SocketWatch;
pub use root::SysRoot;
pub use sampler::{Sampler, SamplerConfig};
pub use stepped::Stepped;
