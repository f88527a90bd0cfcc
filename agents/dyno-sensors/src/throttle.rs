//! What says that the hardware slows down: x86 counters, and the firmware's flags of a Raspberry Pi.
//!
//! Counters of a core are those of all its CPUs, and those of a package of all its cores: each is read once.

use std::collections::BTreeSet;

use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, SensorDriver};
use crate::error::SensorError;
use crate::figures::{Figures, Form};
use crate::root::SysRoot;

const CPUS: &str = "sys/devices/system/cpu";
const PLATFORM: &str = "sys/bus/platform/devices";
/// More CPUs than this are not looked at (house rule).
const MAX_CPUS: usize = 256;
/// More devices of firmware than this are not looked at (house rule): boards have one.
const MAX_FIRMWARE: usize = 4;
/// More counters than this are not sampled (house rule): 60 cores with one each, and two packages with two.
const MAX_COUNTERS: usize = 64;
const NS_PER_MS: i64 = 1_000_000;

/// Finds a sensor with the counters, as sites `package0` and `cpu0`, and one with the flags, as site `firmware`.
pub(crate) struct Throttle;

impl SensorDriver for Throttle {
    fn name(&self) -> &'static str {
        "throttle"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        self.counters(root, context, &mut found)?;
        self.flags(root, context, &mut found);
        Ok(found)
    }
}

impl Throttle {
    /// `thermal_throttle` of Intel's CPUs (arch/x86/kernel/cpu/mce/therm_throt.c); AMD has none.
    fn counters(&self, root: &SysRoot, context: &ProbeContext, found: &mut Found) -> Result<(), SensorError> {
        let is_cpu = |name: &str| {
            name.strip_prefix("cpu").and_then(|rest| rest.bytes().next()).is_some_and(|b| b.is_ascii_digit())
        };
        let cpus = found.names(root, self.name(), (CPUS, "CPUs", MAX_CPUS), is_cpu)?;
        let mut known = BTreeSet::new();
        let mut counters: Vec<Counter> = cpus.iter().flat_map(|cpu| counters_of(root, cpu)).collect();
        counters.retain(|one| known.insert((one.site.clone(), one.quantity)));
        if let Some([first, ..]) = counters.get(MAX_COUNTERS..) {
            let what = format!("the counters of {} and all CPUs after it", first.site);
            found.leave_out(self.name(), what, &format_args!("more than {MAX_COUNTERS} are not sampled"));
        }
        let mut sensor = Figures::default();
        for one in counters.iter().take(MAX_COUNTERS) {
            let channel = Channel::new(one.quantity, &*one.site, AccuracyClass::A, context.slow_period_ms);
            if let Err(error) = sensor.add(root, &one.path, one.form, channel) {
                found.leave_out_if_there(self.name(), format!("/{}", one.path), &error);
            }
        }
        sensor.give(found);
        Ok(())
    }

    fn flags(&self, root: &SysRoot, context: &ProbeContext, found: &mut Found) {
        let Some(path) = flags_path(root) else { return };
        let mut sensor = Figures::default();
        let period_ms = context.slow_period_ms;
        let channel = Channel::new(Quantity::ThrottleFlags, "firmware", AccuracyClass::A, period_ms);
        if let Err(error) = sensor.add(root, &path, Form::Hex, channel) {
            found.leave_out(self.name(), format!("/{path}"), &error);
        }
        sensor.give(found);
    }
}

/// The file `get_throttled` of Raspberry Pi's own kernels; not all of them have it for a Raspberry Pi 5.
///
/// Each read by anyone, and the kernel's own every 2 s, clears the firmware's memory: bits 16 to 19 say that it was so
/// since the read before, not since the start of the system.
pub(crate) fn flags_path(root: &SysRoot) -> Option<String> {
    // Best effort: without the folder there are no flags.
    let devices = root.names(PLATFORM).ok()?;
    // `soc:firmware`; `soc@107c000000:firmware` on a Raspberry Pi 5.
    let firmware = devices.iter().filter(|name| name.ends_with(":firmware")).take(MAX_FIRMWARE);
    let mut paths = firmware.map(|device| format!("{PLATFORM}/{device}/get_throttled"));
    paths.find(|path| root.path(path).is_ok_and(|path| path.exists()))
}

struct Counter {
    site: String,
    quantity: Quantity,
    path: String,
    form: Form,
}

/// Count and time of a CPU's package, then the count of its core; none where the CPU has no such folder.
fn counters_of(root: &SysRoot, cpu: &str) -> Vec<Counter> {
    let folder = format!("{CPUS}/{cpu}");
    if !root.path(&format!("{folder}/thermal_throttle")).is_ok_and(|path| path.exists()) {
        return Vec::new();
    }
    let core = || {
        let file = |name: &str| root.text(&format!("{folder}/topology/{name}"));
        let siblings = file("core_cpus_list").or_else(|| file("thread_siblings_list"))?;
        crate::facts::cpu_list(&siblings)?.first().map(|first| format!("cpu{first}"))
    };
    let package = root.number(&format!("{folder}/topology/physical_package_id"));
    let of_package = package.map_or_else(|| "package".to_owned(), |number| format!("package{number}"));
    let of_core = core().unwrap_or_else(|| cpu.to_owned());
    let counter = |site: &str, of: &str, (quantity, end, factor): (Quantity, &str, i64)| Counter {
        site: site.to_owned(),
        quantity,
        path: format!("{folder}/thermal_throttle/{of}_throttle_{end}"),
        form: Form::Times(factor),
    };
    let count = (Quantity::ThrottleCount, "count", 1);
    let time = (Quantity::ThrottleNs, "total_time_ms", NS_PER_MS);
    vec![
        counter(&of_package, "package", count),
        counter(&of_package, "package", time),
        counter(&of_core, "core", count),
    ]
}
