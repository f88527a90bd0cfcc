//! `/proc`: the runtime's process, and the system's memory, CPU time, stalls, swapping and kills.

use std::io;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, Sensor, SensorDriver};
use crate::error::SensorError;
use crate::hot::HotFile;
use crate::process::ProcessSensor;
use crate::root::SysRoot;
use crate::text;

/// Finds the runtime's process as site `process`, and the system's counters.
///
/// Sites are `system` for memory and CPU time, `memory`, `cpu` and `io` for the time that tasks were stalled for that
/// resource, and `nvmap` for the memory that a Jetson's GPU holds.
pub(crate) struct Procfs;

impl SensorDriver for Procfs {
    fn name(&self) -> &'static str {
        "procfs"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        if root.path("proc/self").is_ok_and(|path| path.exists()) {
            found.sensors.push(Box::new(ProcessSensor::awaited("process", context)));
        }
        for (sources, period_ms) in [(SLOW_SOURCES, context.slow_period_ms), (SOURCES, context.period_ms)] {
            let mut system =
                SystemSensor { channels: Vec::new(), sources: Vec::new(), context: context.clone() };
            for (path, reading) in sources {
                if let Err(error) = system.add(root, path, *reading, period_ms) {
                    found.leave_out_if_there(self.name(), format!("/{path}"), &error);
                }
            }
            if !system.sources.is_empty() {
                found.sensors.push(Box::new(system));
            }
        }
        Ok(found)
    }
}

/// How a file of `/proc` becomes columns.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// `MemAvailable` of `/proc/meminfo`, and what of the swap space is used.
    Memory,
    /// `NvMapMemUsed` of `/proc/meminfo`, where NVIDIA's driver for Jetsons adds it.
    Nvmap,
    /// First line of `/proc/stat`: time not idle, and stolen time.
    CpuTime,
    /// `some … total=` of a file of `/proc/pressure`, and `full … total=` where all tasks can wait for it.
    Stall(&'static str),
    /// `pswpin`, `pswpout` and `oom_kill` of `/proc/vmstat`.
    Swapping,
}

const SOURCES: &[(&str, Reading)] = &[
    ("proc/meminfo", Reading::Memory),
    ("proc/stat", Reading::CpuTime),
    ("proc/pressure/memory", Reading::Stall("memory")),
    ("proc/pressure/cpu", Reading::Stall("cpu")),
    ("proc/pressure/io", Reading::Stall("io")),
    ("proc/meminfo", Reading::Nvmap),
];
/// `vmstat` has 200 lines and takes longer to read than all the others.
const SLOW_SOURCES: &[(&str, Reading)] = &[("proc/vmstat", Reading::Swapping)];
/// The most columns of one file.
const MAX_COLUMNS: usize = 3;

impl Reading {
    fn columns(self) -> &'static [Quantity] {
        match self {
            Self::Memory => &[Quantity::AvailableBytes, Quantity::SwapBytes],
            Self::Nvmap => &[Quantity::GpuBytes],
            Self::CpuTime => &[Quantity::BusyNs, Quantity::StealNs],
            // CPUs do not wait for CPUs: `full` is 0 there by definition.
            Self::Stall("cpu") => &[Quantity::StallNs],
            Self::Stall(_) => &[Quantity::StallNs, Quantity::StallFullNs],
            Self::Swapping => &[Quantity::SwapInBytes, Quantity::SwapOutBytes, Quantity::OomKills],
        }
    }

    fn site(self) -> &'static str {
        match self {
            Self::Memory | Self::CpuTime | Self::Swapping => "system",
            Self::Nvmap => "nvmap",
            Self::Stall(resource) => resource,
        }
    }

    /// How much of the file matters, and then some.
    fn limit_bytes(self) -> usize {
        match self {
            // Lines of drivers come last; a file without the line must not pass for one that was cut.
            Self::Memory | Self::Nvmap => 4096,
            Self::CpuTime | Self::Stall(_) => 1024,
            Self::Swapping => 16_384,
        }
    }

    fn parse(self, text: &[u8], row: &mut [Option<i64>], context: &ProbeContext) {
        match self {
            Self::Memory => {
                row[0] = text::kib_line(text, b"MemAvailable:");
                row[1] = swap_used(text);
            }
            Self::Nvmap => row[0] = text::kib_line(text, b"NvMapMemUsed:"),
            Self::CpuTime => {
                let times = busy_and_steal(text);
                row[0] = times.and_then(|(busy, _)| busy.checked_mul(context.ns_per_clock_tick));
                row[1] = times.and_then(|(_, steal)| steal?.checked_mul(context.ns_per_clock_tick));
            }
            Self::Stall(_) => {
                for (value, kind) in row.iter_mut().zip([b"some ", b"full "]) {
                    *value = stall_us(text, kind).and_then(|us| us.checked_mul(1000));
                }
            }
            Self::Swapping => {
                let bytes = |key| text::keyed(text, key)?.checked_mul(context.page_bytes);
                row[0] = bytes(b"pswpin");
                row[1] = bytes(b"pswpout");
                row[2] = text::keyed(text, b"oom_kill");
            }
        }
    }
}

/// Swap space in use.
fn swap_used(meminfo: &[u8]) -> Option<i64> {
    let total = text::kib_line(meminfo, b"SwapTotal:")?;
    total.checked_sub(text::kib_line(meminfo, b"SwapFree:")?).filter(|used| *used >= 0)
}

/// Clock ticks over all CPUs: user + nice + system + irq + softirq, and steal (`None` before Linux 2.6.11).
///
/// Guest time is part of user time. Stolen time is not busy: another machine had the CPU.
fn busy_and_steal(stat: &[u8]) -> Option<(i64, Option<i64>)> {
    let mut times = text::words(text::after(stat, b"cpu ")?).map(text::count);
    let (user, nice, system) = (times.next()??, times.next()??, times.next()??);
    let (_idle, _iowait, irq, softirq) = (times.next()??, times.next()??, times.next()??, times.next()??);
    let busy = [nice, system, irq, softirq].into_iter().try_fold(user, i64::checked_add)?;
    Some((busy, times.next().flatten()))
}

/// The `total` of the line of that kind, in µs.
fn stall_us(pressure: &[u8], kind: &[u8]) -> Option<i64> {
    let total = text::words(text::after(pressure, kind)?).find_map(|word| word.strip_prefix(b"total="))?;
    text::count(total)
}

/// The system's counters as one row.
#[derive(Debug)]
struct SystemSensor {
    channels: Vec<Channel>,
    sources: Vec<(HotFile, Reading)>,
    context: ProbeContext,
}

impl SystemSensor {
    fn add(&mut self, root: &SysRoot, path: &str, reading: Reading, period_ms: u32) -> io::Result<()> {
        let mut file = HotFile::open(root, path, reading.limit_bytes())?;
        let mut row = [None; MAX_COLUMNS];
        reading.parse(file.read()?, &mut row, &self.context);
        if row.iter().all(Option::is_none) {
            // Only Jetsons have that line.
            let is_extra = matches!(reading, Reading::Nvmap);
            let kind = if is_extra { io::ErrorKind::NotFound } else { io::ErrorKind::InvalidData };
            return Err(io::Error::new(kind, "not in the expected form"));
        }
        let channel =
            |quantity: &Quantity| Channel::new(*quantity, reading.site(), AccuracyClass::A, period_ms);
        self.channels.extend(reading.columns().iter().map(channel));
        self.sources.push((file, reading));
        Ok(())
    }
}

impl Sensor for SystemSensor {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let at = monotonic_now();
        row.fill(None);
        let mut rest = row;
        for (file, reading) in &mut self.sources {
            let (columns, next) = rest.split_at_mut(reading.columns().len());
            if let Some(text) = file.text() {
                reading.parse(text, columns, &self.context);
            }
            rest = next;
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_not_busy_and_guest_time_counts_once() {
        // user 100 (guest 40 within), nice 5, system 20, idle 1000, iowait 7, irq 3, softirq 2, steal 11.
        let stat = b"cpu  100 5 20 1000 7 3 2 11 40 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy_and_steal(stat), Some((130, Some(11))));
        assert_eq!(busy_and_steal(b"cpu  100 5 20 1000 7 3 2\n"), Some((130, None)));
        assert_eq!(busy_and_steal(b"cpu  100 5 20 1000 -7 3 2 1\n"), None);
        assert_eq!(busy_and_steal(b"cpu0 1 1 1 1 1 1 1 1\n"), None);
    }

    #[test]
    fn swap_in_use_is_what_is_not_free() {
        assert_eq!(swap_used(b"SwapTotal: 204784 kB\nSwapFree: 104784 kB\n"), Some(100_000 << 10));
        assert_eq!(swap_used(b"SwapTotal: 0 kB\nSwapFree: 0 kB\n"), Some(0));
        assert_eq!(swap_used(b"SwapTotal: 1 kB\nSwapFree: 2 kB\n"), None);
        assert_eq!(swap_used(b"SwapTotal: 1 kB\n"), None);
    }

    #[test]
    fn a_stall_is_the_line_of_its_kind() {
        let some = b"some avg10=0.22 avg60=0.52 avg300=2.24 total=240238042\nfull avg10=0.00 total=9\n";
        assert_eq!(stall_us(some, b"some "), Some(240_238_042));
        assert_eq!(stall_us(some, b"full "), Some(9));
        assert_eq!(stall_us(b"full avg10=0.00 avg60=0.00 avg300=0.00 total=9\n", b"some "), None);
        assert_eq!(stall_us(b"some avg10=0.22 total=\n", b"some "), None);
    }
}
