//! Drivers find sensors; a sensor is a fixed set of channels read as one row.

use std::fmt;
use std::sync::Arc;

use dyno_model::clock::MonoNs;
use dyno_model::sample::{Channel, UnreadableSensor};

use crate::error::SensorError;
use crate::process::ProcessSlot;
use crate::root::SysRoot;
use crate::sys;

/// All drivers, in the order in which their sensors are numbered.
pub static DRIVERS: &[&dyn SensorDriver] =
    &[&crate::procfs::Procfs, &crate::agent::Agent, &crate::cpufreq::Cpufreq, &crate::thermal::Thermal];

/// What a driver is told when it looks for sensors.
#[derive(Debug, Clone)]
pub struct ProbeContext {
    /// Period of what changes fast: memory, CPU time.
    pub period_ms: u32,
    /// Period of what changes slowly or costs more to read: temperatures, clocks. A multiple of `period_ms`.
    pub slow_period_ms: u32,
    /// Where the runtime's process appears when it is known.
    pub runtime: Arc<ProcessSlot>,
    /// The unit of CPU time in `/proc/stat` and `/proc/PID/stat`.
    pub ns_per_clock_tick: i64,
}

impl ProbeContext {
    /// For a base period of `period_ms`: fast channels at each tick, slow ones at each tick that ends a second.
    pub fn new(period_ms: u32) -> Self {
        let period_ms = period_ms.max(1);
        Self {
            period_ms,
            slow_period_ms: 1000_u32.div_ceil(period_ms) * period_ms,
            runtime: Arc::default(),
            ns_per_clock_tick: sys::ns_per_clock_tick(),
        }
    }
}

/// What a driver found.
#[derive(Default)]
pub struct Found {
    /// Sensors that can be read.
    pub sensors: Vec<Box<dyn Sensor>>,
    /// What is there but cannot be read, or is left out on purpose.
    pub unreadable: Vec<UnreadableSensor>,
}

impl Found {
    /// Lists something that is there but is not sampled.
    pub(crate) fn leave_out(&mut self, driver: &str, what: impl Into<String>, reason: &dyn fmt::Display) {
        let (driver, what, reason) = (driver.to_owned(), what.into(), reason.to_string());
        self.unreadable.push(UnreadableSensor { driver, what, reason });
    }
}

/// Finds the sensors of one source.
pub trait SensorDriver: Sync {
    /// Its name in records: `procfs`.
    fn name(&self) -> &'static str;
    /// Looks for sensors. A source that this machine does not have is no error: nothing is found.
    ///
    /// # Errors
    /// [`SensorError::List`] when the source is there but cannot be listed.
    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError>;
}

/// A fixed set of channels, read as one row.
pub trait Sensor: Send {
    /// The columns of a row; all have the same `period_ms`.
    fn channels(&self) -> &[Channel];
    /// Reads one row into `row`, which has one place per channel, and says when.
    ///
    /// Allocates nothing. `None` is "not readable now".
    ///
    /// # Errors
    /// [`SensorError::NotAttached`] when there is no row to take yet.
    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError>;
}
