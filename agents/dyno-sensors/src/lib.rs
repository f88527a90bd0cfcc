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
pub mod cpu_time;
mod cpufreq;
mod devfreq;
pub mod driver;
mod error;
pub mod facts;
mod figures;
mod group;
mod hot;
mod hwmon;
mod lateness;
mod odpm;

pub mod played;
mod powercap;
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

pub use driver::{DRIVERS, Found, ProbeContext, Sensor, SensorDriver};
pub use error::SensorError;
pub use facts::device_facts;
pub use root::SysRoot;
pub use sampler::{Sampler, SamplerConfig};
pub use stepped::Stepped;
