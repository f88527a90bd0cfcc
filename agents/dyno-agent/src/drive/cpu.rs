//! Who used the CPUs while the load was on.

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::proof::LoadFacts;
use dyno_sensors::cpu_time::{SystemCpu, group_cpu_ns, system_cpu};
use dyno_sensors::root::SysRoot;

use crate::sys;

/// The counters when the load began.
#[derive(Debug)]
pub(super) struct CpuWatch {
    runtime: Option<u32>,
    before: Counters,
    began_at: MonoNs,
}

/// What there was to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Had {
    /// Time that passed.
    pub(crate) wall_ns: u64,
    /// CPU time of the whole system, idle and stolen time included; `None` where the system does not say.
    pub(crate) all_cpu_ns: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Counters {
    own_ns: u64,
    system: Option<SystemCpu>,
    runtime_ns: Option<u64>,
}

impl CpuWatch {
    /// From now on; `runtime` is the process of the runtime, where there is one on this device.
    pub(super) fn start(runtime: Option<u32>) -> Self {
        Self { runtime, before: Counters::read(runtime), began_at: monotonic_now() }
    }

    /// Until now.
    pub(super) fn end(&self, facts: &mut LoadFacts) -> Had {
        // Reading the counters costs some of what they count: it is done outside of the load.
        let own_ns = sys::own_cpu_ns().saturating_sub(self.before.own_ns);
        let wall_ns = monotonic_now().since(self.began_at);
        let (before, now) = (self.before, Counters::read(self.runtime));
        facts.own_cpu_ns = Some(own_ns);
        let Some((system, then)) = now.system.zip(before.system) else {
            return Had { wall_ns, all_cpu_ns: None };
        };
        let steal = system.steal_ns.zip(then.steal_ns);
        facts.steal_ns = steal.map(|(now, then)| now.saturating_sub(then));
        // A runtime that is gone has taken its counter along.
        let runtime = now.runtime_ns.zip(before.runtime_ns);
        let busy_ns = system.busy_ns.saturating_sub(then.busy_ns);
        facts.others_cpu_ns = runtime
            .map(|(now, then)| busy_ns.saturating_sub(own_ns).saturating_sub(now.saturating_sub(then)));
        Had { wall_ns, all_cpu_ns: Some(system.total_ns.saturating_sub(then.total_ns)) }
    }
}

impl Counters {
    fn read(runtime: Option<u32>) -> Self {
        let root = SysRoot::real();
        let runtime_ns = runtime.and_then(|pid| group_cpu_ns(&root, pid));
        let system = system_cpu(&root);
        Self { own_ns: sys::own_cpu_ns(), system, runtime_ns }
    }
}
