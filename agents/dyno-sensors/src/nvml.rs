//! NVIDIA's GPUs through its management library (NVML), which is loaded while the agent runs.
//!
//! Sites are `gpu0`, `gpu0 instant` and the like, numbered as the library does. Energy is counted since the driver was
//! loaded, for the whole card: its chip, memory and regulators. Power is `instant` or an `average` over 1 s, by name:
//! the library's plain call gives the one on GA100 and all before Ampere, the other on Ampere and later (nvml.h).
//! With MIG both are still those of the whole card; on a Grace module they are the GPU's part of it.
//! While this driver holds the library open, the GPU stays initialised, as it does with persistence mode.
//!
//! A call may take tens of milliseconds or never return, so that a thread of the driver's own makes them all
//! ([`poller`]); what the sampler reads is the newest answer with its own time.

mod busy;
mod desk;
mod gpu;
mod library;
mod poller;
mod processes;
mod query;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::driver::{Found, ProbeContext, Sensor, SensorDriver};
use crate::error::SensorError;
use crate::root::SysRoot;
use desk::DeskSensor;
use poller::{Asked, Failed, Poller};

/// Energy and power are read no more often than this (house rule): their sources change at 10 to 50 Hz, and when asked
/// more often than every 50 ms some drivers answer nothing.
const FAST_PERIOD_MS: u32 = 100;
/// How long the library may take to find its GPUs (house rule): without persistence mode each takes a second or two.
const PROBE_LIMIT: Duration = Duration::from_secs(15);
/// How long the library may take to be closed before its thread is left to itself (house rule).
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// The library as this system finds it.
pub(crate) static NVML: Nvml =
    Nvml { library: None, n_stuck: &N_STUCK, probe_limit: PROBE_LIMIT, stop_limit: STOP_LIMIT };
static N_STUCK: AtomicUsize = AtomicUsize::new(0);

/// Finds three sensors for each GPU: energy, power, and all that changes slowly.
pub(crate) struct Nvml {
    /// The library's file; `None` is where the system looks for it.
    library: Option<PathBuf>,
    /// Threads that are still in a call that was given up.
    n_stuck: &'static AtomicUsize,
    probe_limit: Duration,
    stop_limit: Duration,
}

impl SensorDriver for Nvml {
    fn name(&self) -> &'static str {
        "nvml"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        // A tree of plain files stands for another machine, whose GPUs are not here.
        if !root.is_real() {
            return Ok(found);
        }
        if self.n_stuck.load(Ordering::Acquire) > 0 {
            found.leave_out(
                self.name(),
                "NVIDIA GPUs",
                &"an earlier call into NVIDIA's library has not come back",
            );
            return Ok(found);
        }
        let asked = Asked {
            library: self.library.clone(),
            root: root.clone(),
            runtime_pid: Arc::clone(&context.watched),
            fast_period_ms: FAST_PERIOD_MS.div_ceil(context.period_ms) * context.period_ms,
            slow_period_ms: context.slow_period_ms,
        };
        match Poller::start(asked, self.n_stuck, self.probe_limit, self.stop_limit) {
            Ok((poller, survey)) => {
                let poller = Arc::new(poller);
                let sensor =
                    |desk| -> Box<dyn Sensor> { Box::new(DeskSensor::new(desk, Arc::clone(&poller))) };
                found.sensors.extend(survey.desks.into_iter().map(sensor));
                for (what, reason) in survey.notes {
                    found.leave_out(self.name(), what, &reason);
                }
            }
            Err(Failed::Absent) if !has_driver(root) => {}
            Err(failed) => found.leave_out(self.name(), "NVIDIA GPUs", &failed),
        }
        Ok(found)
    }
}

/// Whether NVIDIA's kernel driver is loaded.
fn has_driver(root: &SysRoot) -> bool {
    root.path("proc/driver/nvidia/version").is_ok_and(|path| path.exists())
}

/// Whether energy or power of a GPU can be read.
///
/// # Errors
/// Why not, in words.
#[cfg(target_os = "linux")]
pub(crate) fn tells_energy(root: &SysRoot) -> Result<(), String> {
    if !root.is_real() {
        return Err("files do not tell: NVIDIA's management library does".to_owned());
    }
    let found = NVML.probe(root, &ProbeContext::new(FAST_PERIOD_MS)).map_err(|error| error.to_string())?;
    let tells = |channel: &dyno_model::sample::Channel| channel.scope.is_some();
    if found.sensors.iter().any(|sensor| sensor.channels().iter().any(tells)) {
        return Ok(());
    }
    let first = found.unreadable.into_iter().next();
    Err(first.map_or_else(|| "NVIDIA's management library finds no GPU".to_owned(), |one| one.reason))
}
