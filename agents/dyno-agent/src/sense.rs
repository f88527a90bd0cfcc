//! The device's sensors during one launch, and what it cost to read them.

use std::path::Path;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::device::DeviceFacts;
use dyno_model::sample::{OwnCost, SampleBatch, SensorDeclared, UnreadableSensor};
use dyno_sensors::facts;
use dyno_sensors::root::SysRoot;
use dyno_sensors::sampler::{Sampler, SamplerConfig};

use crate::sys;
use dyno_model::blame::chain;

/// What this device is.
pub(crate) fn device_facts(work_dir: &Path) -> DeviceFacts {
    facts::device_facts(&SysRoot::real(), work_dir)
}

/// The id of this boot.
pub(crate) fn boot_id() -> Option<String> {
    facts::boot_id(&SysRoot::real())
}

/// What this device is, as JSON for people.
pub(crate) fn facts_json(work_dir: &Path) -> String {
    serde_json::to_string_pretty(&device_facts(work_dir)).expect("facts have only string keys")
}

/// The sensors of one launch.
pub(crate) struct Sense {
    declared: Vec<SensorDeclared>,
    unreadable: Vec<UnreadableSensor>,
    sampling: Sampling,
}

enum Sampling {
    /// No thread; the cost is still counted.
    Off { begun_at: MonoNs, cpu_ns: u64, why: Option<String> },
    /// The thread runs.
    On(Sampler),
    /// It has ended.
    Done(Vec<SampleBatch>, OwnCost),
}

impl Sense {
    /// No sensors: a scripted runtime lives in a time of its own.
    pub(crate) fn none() -> Self {
        Self::off(None)
    }

    /// Starts the sampler; a launch goes on without one that cannot be started.
    pub(crate) fn start(period_ms: u32) -> Self {
        match Sampler::start(SamplerConfig { root: SysRoot::real(), period_ms, runtime_pid: None }) {
            Ok(sampler) => Self {
                declared: sampler.declared(),
                unreadable: sampler.unreadable(),
                sampling: Sampling::On(sampler),
            },
            Err(error) => Self::off(Some(chain(&error))),
        }
    }

    fn off(why: Option<String>) -> Self {
        let sampling = Sampling::Off { begun_at: monotonic_now(), cpu_ns: sys::own_cpu_ns(), why };
        Self { declared: Vec::new(), unreadable: Vec::new(), sampling }
    }

    /// The sensors that are read.
    pub(crate) fn declared(&self) -> &[SensorDeclared] {
        &self.declared
    }

    /// Those that were seen but cannot be read.
    pub(crate) fn unreadable(&self) -> &[UnreadableSensor] {
        &self.unreadable
    }

    /// Why there is no sampler, where there should be one.
    pub(crate) fn failure(&self) -> Option<&str> {
        match &self.sampling {
            Sampling::Off { why, .. } => why.as_deref(),
            Sampling::On(_) | Sampling::Done(..) => None,
        }
    }

    /// The runtime's process is `pid` from now on; says why it cannot be watched, if it cannot.
    pub(crate) fn attach(&self, pid: u32) -> Result<(), String> {
        match &self.sampling {
            Sampling::On(sampler) => sampler.attach(pid).map_err(|error| chain(&error)),
            Sampling::Off { .. } | Sampling::Done(..) => Ok(()),
        }
    }

    /// Stops sampling, if it has not been stopped yet; gives the rows and their cost.
    pub(crate) fn stop(&mut self) -> (&[SampleBatch], &OwnCost) {
        let ended = Sampling::Done(Vec::new(), OwnCost::default());
        let (batches, own) = match std::mem::replace(&mut self.sampling, ended) {
            Sampling::On(sampler) => sampler.stop(),
            Sampling::Done(batches, own) => (batches, own),
            Sampling::Off { begun_at, cpu_ns, .. } => {
                let wall_ns = monotonic_now().since(begun_at);
                let cpu_ns = sys::own_cpu_ns().saturating_sub(cpu_ns);
                (Vec::new(), OwnCost { wall_ns, cpu_ns, ..OwnCost::default() })
            }
        };
        self.sampling = Sampling::Done(batches, own);
        let Sampling::Done(batches, own) = &self.sampling else { unreachable!("set on the line above") };
        (batches, own)
    }
}
