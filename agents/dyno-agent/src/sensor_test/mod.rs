//! Tries each source of power against a known load: all CPUs at work, and at rest, in turn.
//!
//! Whether a number is power at all, of which sign and in which unit, no file says reliably; the load does
//! (MEASUREMENT §4.2). What is a step of load for the CPUs is none for a GPU: such sources stay untried.

mod judge;
mod series;
mod source;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{SampleBatch, SensorDeclared, UnreadableSensor};
use dyno_model::sensor_test::SourceTest;
use dyno_runtimes::interrupt::Interrupt;
use dyno_sensors::{Sampler, SamplerConfig, SysRoot};

use crate::examine::ExamineError;
use crate::machine::burn;
use crate::sys::cpus;

const WHAT: &str = "load the CPUs";
/// Rest, load, rest, and so on: six steps, of which each source must follow most.
const N_PHASES: u64 = 7;
/// As fast as sensors are read without harm: NVML faster than this may say 0 (MEASUREMENT §8).
const PERIOD_MS: u32 = 50;

/// A span of known load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Phase {
    /// From here
    pub(crate) from: MonoNs,
    /// to here.
    pub(crate) to: MonoNs,
    /// Whether all CPUs were at work.
    pub(crate) is_busy: bool,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) declared: Vec<SensorDeclared>,
    pub(crate) unreadable: Vec<UnreadableSensor>,
    pub(crate) tests: Vec<SourceTest>,
}

/// Loads the CPUs in steps for `for_ms` while all sensors are read, and judges the sources of power.
///
/// # Errors
/// [`ExamineError`] when it is cancelled, or there is no thread to be had.
pub(crate) fn run(root: SysRoot, interrupt: &Interrupt, for_ms: u64) -> Result<Tried, ExamineError> {
    let sampler = Sampler::start(SamplerConfig { root, period_ms: PERIOD_MS, runtime_pid: None })?;
    let span = Duration::from_millis(for_ms.max(N_PHASES) / N_PHASES);
    let mut phases = Vec::new();
    for idx in 0..N_PHASES {
        let (from, is_busy) = (monotonic_now(), idx % 2 == 1);
        let is_stopped = if is_busy { work(interrupt, span)? } else { interrupt.wait(Some(span)) };
        if is_stopped {
            return Err(ExamineError::Cancelled { what: "test the sensors" });
        }
        phases.push(Phase { from, to: monotonic_now(), is_busy });
    }
    let (declared, unreadable) = (sampler.declared(), sampler.unreadable());
    let (batches, _own) = sampler.stop();
    let tests = tests(&declared, &batches, &phases);
    Ok(Tried { declared, unreadable, tests })
}

/// All sources of power and energy of a recording, each with what the phases say of it.
pub(crate) fn tests(
    declared: &[SensorDeclared],
    batches: &[SampleBatch],
    phases: &[Phase],
) -> Vec<SourceTest> {
    source::sources(declared, batches).iter().map(|source| judge::test(source, phases)).collect()
}

/// Keeps every CPU busy for `span`; whether it was stopped before.
///
/// # Errors
/// [`ExamineError`] when there is no thread to be had.
pub(crate) fn work(interrupt: &Interrupt, span: Duration) -> Result<bool, ExamineError> {
    let stop = AtomicBool::new(false);
    let n = cpus::allowed().map_or_else(
        // Best effort: one CPU is always there.
        || thread::available_parallelism().map_or(1, std::num::NonZero::get),
        |cpus| cpus.len(),
    );
    thread::scope(|scope| {
        let start = |idx: usize| {
            let stop = &stop;
            let builder = thread::Builder::new().name(format!("load-{idx}"));
            let busy = move || {
                while !stop.load(Ordering::Relaxed) {
                    burn();
                }
            };
            builder.spawn_scoped(scope, busy).map(drop)
        };
        let begun = (0..n).try_for_each(start);
        let stopped = begun.is_ok() && interrupt.wait(Some(span));
        stop.store(true, Ordering::Relaxed);
        begun.map(|()| stopped).map_err(|source| ExamineError::Thread { what: WHAT, source })
    })
}
