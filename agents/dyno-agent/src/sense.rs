//! The device's sensors during one launch, and what it cost to read them.

use std::path::{Path, PathBuf};

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::device::DeviceFacts;
use dyno_model::sample::{OwnCost, SampleBatch, SensorDeclared, UnreadableSensor};
use dyno_sensors::kills::KillWatch;
use dyno_sensors::played::Activity;
use dyno_sensors::root::SysRoot;
use dyno_sensors::sampler::{Sampler, SamplerConfig};
use dyno_sensors::{Latest, facts};

use crate::played::Played;
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

/// The files below which `/proc` and `/sys` are; `None` is this machine's own.
pub(crate) fn root_of(sys_root: Option<&str>) -> Result<SysRoot, String> {
    let Some(top) = sys_root else { return Ok(SysRoot::real()) };
    if Path::new(top).is_dir() { Ok(SysRoot::tree(top)) } else { Err(format!("there is no folder {top}")) }
}

/// The sensors of one launch.
pub(crate) struct Sense {
    root: SysRoot,
    declared: Vec<SensorDeclared>,
    unreadable: Vec<UnreadableSensor>,
    sampling: Sampling,
}

enum Sampling {
    /// No thread; the cost is still counted.
    Off { cost: OwnSpan, why: Option<String> },
    /// The thread runs.
    On(Sampler),
    /// A device is played in the time of a script.
    Played { played: Box<Played>, cost: OwnSpan },
    /// It has ended.
    Done(Vec<SampleBatch>, OwnCost),
}

/// What the agent cost since a point, without a sampler that counts.
#[derive(Debug, Clone, Copy)]
struct OwnSpan {
    begun_at: MonoNs,
    cpu_ns: u64,
}

impl OwnSpan {
    fn start() -> Self {
        Self { begun_at: monotonic_now(), cpu_ns: sys::own_cpu_ns() }
    }

    fn cost(self) -> OwnCost {
        let wall_ns = monotonic_now().since(self.begun_at);
        let cpu_ns = sys::own_cpu_ns().saturating_sub(self.cpu_ns);
        OwnCost { wall_ns, cpu_ns, ..OwnCost::default() }
    }
}

impl Sense {
    /// No sensors: a scripted runtime lives in a time of its own.
    pub(crate) fn none() -> Self {
        Self::off(None)
    }

    /// Starts the sampler below `sys_root`; a launch goes on without one that cannot be started.
    pub(crate) fn start(sys_root: Option<&str>, period_ms: u32) -> Self {
        let root = match root_of(sys_root) {
            Ok(root) => root,
            Err(why) => return Self::off(Some(why)),
        };
        match Sampler::start(SamplerConfig { root: root.clone(), period_ms, runtime_pid: None }) {
            Ok(sampler) => Self {
                root,
                declared: sampler.declared(),
                unreadable: sampler.unreadable(),
                sampling: Sampling::On(sampler),
            },
            Err(error) => Self::off(Some(chain(&error))),
        }
    }

    /// Plays the device in `sys_root` in the time of a script that stands at `now`, where one is to be played there;
    /// its files are copied to `scratch`.
    pub(crate) fn play(sys_root: Option<&str>, scratch: PathBuf, period_ms: u32, now: MonoNs) -> Self {
        let cost = OwnSpan::start();
        match sys_root.map(|top| Played::open(Path::new(top), scratch, period_ms, now)) {
            None | Some(Ok(None)) => Self::none(),
            Some(Ok(Some(played))) => Self {
                root: played.root(),
                declared: played.declared(),
                unreadable: played.unreadable(),
                sampling: Sampling::Played { played: Box::new(played), cost },
            },
            Some(Err(error)) => Self::off(Some(chain(&error))),
        }
    }

    fn off(why: Option<String>) -> Self {
        let sampling = Sampling::Off { cost: OwnSpan::start(), why };
        Self { root: SysRoot::real(), declared: Vec::new(), unreadable: Vec::new(), sampling }
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
            Sampling::On(_) | Sampling::Played { .. } | Sampling::Done(..) => None,
        }
    }

    /// The newest rows, now and later; `None` where nothing is sampled.
    pub(crate) fn latest(&self) -> Option<Latest> {
        match &self.sampling {
            Sampling::On(sampler) => Some(sampler.latest()),
            Sampling::Played { played, .. } => Some(played.latest()),
            Sampling::Off { .. } | Sampling::Done(..) => None,
        }
    }

    /// The runtime's process is `pid` from now on; says why it cannot be watched, if it cannot.
    ///
    /// Its number is this machine's, whatever root the other sensors are read below.
    pub(crate) fn attach(&self, pid: u32) -> Result<(), String> {
        match &self.sampling {
            Sampling::On(sampler) => sampler.attach_in(&SysRoot::real(), pid).map_err(|error| chain(&error)),
            Sampling::Off { .. } | Sampling::Played { .. } | Sampling::Done(..) => Ok(()),
        }
    }

    /// Kills for want of memory from now on.
    pub(crate) fn watch_kills(&self, pid: Option<u32>) -> KillWatch {
        let real = SysRoot::real();
        KillWatch::start(&self.root, pid.map(|pid| (&real, pid)))
    }

    /// What a played device does, to be told; `None` for one that is measured.
    pub(crate) fn activity(&self) -> Option<(Activity, MonoNs)> {
        match &self.sampling {
            Sampling::Played { played, .. } => Some(played.activity()),
            Sampling::Off { .. } | Sampling::On(_) | Sampling::Done(..) => None,
        }
    }

    /// The script's clock stands at `now`: rows up to then are taken. A sampler of its own time needs no telling.
    pub(crate) fn catch_up(&mut self, now: MonoNs) {
        match &mut self.sampling {
            Sampling::Played { played, .. } => played.play_until(now),
            Sampling::Off { .. } | Sampling::On(_) | Sampling::Done(..) => {}
        }
    }

    /// A row of what is read at boundaries only: never within a measured window.
    pub(crate) fn take_boundary(&self) {
        if let Sampling::On(sampler) = &self.sampling {
            // Best effort: a runtime without a process here has no such rows.
            drop(sampler.take_boundary());
        }
    }

    /// The rows so far, so that they need no more room.
    pub(crate) fn take_rows(&mut self) -> Vec<SampleBatch> {
        match &mut self.sampling {
            Sampling::On(sampler) => sampler.take_rows(),
            Sampling::Played { played, .. } => played.take_rows(),
            Sampling::Off { .. } | Sampling::Done(..) => Vec::new(),
        }
    }

    /// Stops sampling at `now`, if it has not been stopped yet; gives the rows that are left and their cost.
    pub(crate) fn stop(&mut self, now: MonoNs) -> (&[SampleBatch], &OwnCost) {
        let ended = Sampling::Done(Vec::new(), OwnCost::default());
        let (batches, own) = match std::mem::replace(&mut self.sampling, ended) {
            Sampling::On(sampler) => sampler.stop(),
            Sampling::Done(batches, own) => (batches, own),
            Sampling::Off { cost, .. } => (Vec::new(), cost.cost()),
            Sampling::Played { played, cost } => {
                let (batches, (n_rows, n_dropped)) = played.stop(now);
                (batches, OwnCost { n_rows, n_dropped, ..cost.cost() })
            }
        };
        self.sampling = Sampling::Done(batches, own);
        let Sampling::Done(batches, own) = &self.sampling else { unreachable!("set on the line above") };
        (batches, own)
    }
}
