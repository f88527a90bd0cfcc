//! Systems without procfs, Windows and macOS, through the crate `sysinfo`: processes and memory once a second, and
//! the facts of the inventory.
//!
//! A row costs a walk over the list of all processes and some allocations there: too much for a fast period, nothing
//! at one row a second. Linux never goes this way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity};
use sysinfo::{
    CpuRefreshKind, MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System,
};

use crate::driver::{Found, ProbeContext, Sensor, SensorDriver};
use crate::error::SensorError;
use crate::facts::clean;
use crate::root::SysRoot;

/// The columns, in the order of a row.
const COLUMNS: [(Quantity, &str); 5] = [
    (Quantity::RssBytes, "process"),
    (Quantity::CpuNs, "process"),
    (Quantity::RssBytes, "agent"),
    (Quantity::CpuNs, "agent"),
    (Quantity::AvailableBytes, "system"),
];

/// Finds the runtime's process as site `process`, this very process as `agent`, and the memory of the `system`.
pub(crate) struct Host;

impl SensorDriver for Host {
    fn name(&self) -> &'static str {
        "sysinfo"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        if !root.is_real() {
            return Ok(found);
        }
        match System::new() {
            Ok(system) => {
                let channel =
                    |(quantity, site)| Channel::new(quantity, site, AccuracyClass::C, context.slow_period_ms);
                let channels = COLUMNS.map(channel).to_vec();
                let (watched, agent) = (Arc::clone(&context.watched), Watched::of(std::process::id()));
                found.sensors.push(Box::new(HostSensor { channels, system, watched, agent, runtime: None }));
            }
            Err(error) => found.leave_out(self.name(), "processes and memory", &error),
        }
        Ok(found)
    }
}

/// A process, and when it began: its number may be used again after its end.
#[derive(Debug, Clone, Copy)]
struct Watched {
    pid: Pid,
    began_s: Option<u64>,
}

impl Watched {
    fn of(pid: u32) -> Self {
        Self { pid: Pid::from_u32(pid), began_s: None }
    }

    /// Resident bytes and CPU time.
    fn read(&mut self, system: &System) -> [Option<i64>; 2] {
        let Some(process) = system.process(self.pid) else { return [None; 2] };
        let began_s = process.start_time();
        if *self.began_s.get_or_insert(began_s) != began_s {
            return [None; 2];
        }
        let cpu = Duration::from_millis(process.accumulated_cpu_time());
        // Best effort: more than 292 years are no time.
        [i64::try_from(process.memory()).ok(), i64::try_from(cpu.as_nanos()).ok()]
    }
}

/// All of it as one row: the list of processes is walked once.
struct HostSensor {
    channels: Vec<Channel>,
    system: System,
    watched: Arc<AtomicU32>,
    agent: Watched,
    runtime: Option<Watched>,
}

impl Sensor for HostSensor {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let pid = self.watched.load(Ordering::Acquire);
        if pid != 0 && self.runtime.is_none_or(|known| known.pid.as_u32() != pid) {
            self.runtime = Some(Watched::of(pid));
        }
        let pids = [self.agent.pid, self.runtime.map_or(self.agent.pid, |runtime| runtime.pid)];
        // A process that is named twice is taken for one that has ended.
        let pids = if pids[0] == pids[1] { &pids[..1] } else { &pids[..] };
        let begun_at = monotonic_now();
        let kind = ProcessRefreshKind::nothing().with_memory().with_cpu();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(pids), true, kind);
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let of_runtime = self.runtime.as_mut().map_or([None; 2], |runtime| runtime.read(&self.system));
        row[..2].copy_from_slice(&of_runtime);
        row[2..4].copy_from_slice(&self.agent.read(&self.system));
        // Best effort: what is not known is 0 there.
        row[4] = i64::try_from(self.system.available_memory()).ok().filter(|bytes| *bytes > 0);
        Ok(begun_at.plus(monotonic_now().since(begun_at) / 2))
    }
}

/// What the system is; each `None` where it does not say.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    /// The CPU's name.
    pub(crate) cpu: Option<String>,
    /// Cores, not threads.
    pub(crate) n_cores: Option<u32>,
    /// Bytes of memory: all, and what could be had now.
    pub(crate) ram_bytes: Option<u64>,
    /// See `ram_bytes`.
    pub(crate) ram_available_bytes: Option<u64>,
    /// `Windows 11 Pro`, `macOS 15.1`.
    pub(crate) os_version: Option<String>,
    /// The kernel's version or build.
    pub(crate) kernel: Option<String>,
    /// The machine's name.
    pub(crate) host: Option<String>,
}

/// Asks the system once.
pub(crate) fn inventory() -> Inventory {
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    // Best effort, here and below: a fact that cannot be read is unknown.
    let system = System::new_with_specifics(wanted).ok();
    let bytes = |of: fn(&System) -> u64| system.as_ref().map(of).filter(|bytes| *bytes > 0);
    let text = |told: Result<String, sysinfo::Error>| told.ok().as_deref().and_then(clean);
    Inventory {
        cpu: system.as_ref().and_then(|system| clean(system.cpus().first()?.brand())),
        n_cores: System::physical_core_count().ok().and_then(|n| u32::try_from(n).ok()),
        ram_bytes: bytes(System::total_memory),
        ram_available_bytes: bytes(System::available_memory),
        os_version: text(System::long_os_version()),
        kernel: text(System::kernel_version()),
        host: text(System::host_name()),
    }
}
