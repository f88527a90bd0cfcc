//! Drivers find sensors; a sensor is a fixed set of channels read as one row.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::{fmt, io};

use dyno_model::clock::MonoNs;
use dyno_model::sample::{Channel, UnreadableSensor};

use crate::error::SensorError;
use crate::group::GroupFiles;
use crate::hot::HotFile;
use crate::process::{ProcessFiles, Slot};
use crate::root::SysRoot;
use crate::sys;

/// All drivers, in the order in which their sensors are numbered and read.
///
/// Those whose chips sit behind a slow bus come last, so that no other row waits for them.
pub static DRIVERS: &[&dyn SensorDriver] = &[
    &crate::procfs::Procfs,
    &crate::agent::Agent,
    &crate::powercap::Powercap,
    &crate::cpufreq::Cpufreq,
    &crate::thermal::Thermal,
    &crate::throttle::Throttle,
    &crate::devfreq::Devfreq,
    &crate::accelerator::Accelerator,
    &crate::nvml::NVML,
    &crate::group::Group,
    &crate::odpm::Odpm,
    &crate::supply::PowerSupply,
    &crate::hwmon::Hwmon,
    #[cfg(any(target_os = "linux", target_os = "android"))]
    &crate::vcio::Vcio,
    #[cfg(any(target_os = "macos", windows))]
    &crate::host::Host,
    #[cfg(target_os = "macos")]
    &crate::macos::Mac,
];

/// Drivers whose sensors take long to read, or run programs: they are read at the boundaries of a run only, and the
/// period of their channels is 0.
pub static BOUNDARY_DRIVERS: &[&dyn SensorDriver] = &[
    &crate::share::Smaps,
    #[cfg(any(target_os = "linux", target_os = "android"))]
    &crate::android::Services,
];

/// What a driver is told when it looks for sensors.
#[derive(Debug, Clone)]
pub struct ProbeContext {
    /// Period of what changes fast: memory, CPU time.
    pub period_ms: u32,
    /// Period of what changes slowly or costs more to read: temperatures, clocks. A multiple of `period_ms`.
    pub slow_period_ms: u32,
    /// Where the runtime's process appears when it is known.
    pub(crate) runtime: Arc<Slot<ProcessFiles>>,
    /// Where its control group appears.
    pub(crate) group: Arc<Slot<GroupFiles>>,
    /// Where the file with its shares of memory appears.
    pub(crate) shares: Arc<Slot<Option<HotFile>>>,
    /// The number of the runtime's process; 0 before it is known.
    pub(crate) watched: Arc<AtomicU32>,
    /// The unit of CPU time in `/proc/stat` and `/proc/PID/stat`.
    pub ns_per_clock_tick: i64,
    /// The unit of counts of pages in `/proc/vmstat`.
    pub page_bytes: i64,
}

impl ProbeContext {
    /// For a base period of `period_ms`: fast channels at each tick, slow ones at each tick that ends a second.
    pub fn new(period_ms: u32) -> Self {
        let period_ms = period_ms.max(1);
        Self {
            period_ms,
            slow_period_ms: 1000_u32.div_ceil(period_ms) * period_ms,
            runtime: Arc::default(),
            group: Arc::default(),
            shares: Arc::default(),
            watched: Arc::default(),
            page_bytes: sys::page_bytes(),
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

    /// Lists something that cannot be read, unless it is not there at all.
    pub(crate) fn leave_out_if_there(&mut self, driver: &str, what: impl Into<String>, error: &io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            self.leave_out(driver, what, error);
        }
    }

    /// The first `limit` names in `folder` that `belong`; `kind` is what they are, for the note on all others.
    ///
    /// None without the folder: not every machine has one.
    pub(crate) fn names(
        &mut self,
        root: &SysRoot,
        driver: &str,
        (folder, kind, limit): (&str, &str, usize),
        belong: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, SensorError> {
        let mut names = match root.names(folder) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(SensorError::List { path: folder.to_owned(), source }),
        };
        names.retain(|name| belong(name));
        if let Some([first, ..]) = names.get(limit..) {
            let what = format!("{first} and all after it, {} {kind}", names.len() - limit);
            self.leave_out(driver, what, &format_args!("more than {limit} are not sampled"));
        }
        names.truncate(limit);
        Ok(names)
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
    /// Allocates nothing, but for sensors that are read at boundaries only. `None` is "not readable now".
    ///
    /// # Errors
    /// [`SensorError::NotAttached`] when there is no row to take yet.
    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError>;
}
