//! `/proc`: the runtime's process, and the system's memory, CPU time and stalls.

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
/// Sites are `system` for memory and CPU time, and `memory`, `cpu` and `io` for the time that some task was stalled
/// for that resource.
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
        let mut system = SystemSensor { channels: Vec::new(), sources: Vec::new(), context: context.clone() };
        for (path, reading) in SOURCES {
            match system.add(root, path, *reading) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => found.leave_out(self.name(), format!("/{path}"), &error),
            }
        }
        if !system.sources.is_empty() {
            found.sensors.push(Box::new(system));
        }
        Ok(found)
    }
}

/// How a file of `/proc` becomes columns.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// `MemAvailable` of `/proc/meminfo`.
    Available,
    /// First line of `/proc/stat`: time not idle, and stolen time.
    CpuTime,
    /// `some … total=` of a file of `/proc/pressure`.
    Stall(&'static str),
}

const SOURCES: &[(&str, Reading)] = &[
    ("proc/meminfo", Reading::Available),
    ("proc/stat", Reading::CpuTime),
    ("proc/pressure/memory", Reading::Stall("memory")),
    ("proc/pressure/cpu", Reading::Stall("cpu")),
    ("proc/pressure/io", Reading::Stall("io")),
];

impl Reading {
    fn columns(self) -> &'static [Quantity] {
        match self {
            Self::Available => &[Quantity::AvailableBytes],
            Self::CpuTime => &[Quantity::BusyNs, Quantity::StealNs],
            Self::Stall(_) => &[Quantity::StallNs],
        }
    }

    fn site(self) -> &'static str {
        match self {
            Self::Available | Self::CpuTime => "system",
            Self::Stall(resource) => resource,
        }
    }

    fn parse(self, text: &[u8], row: &mut [Option<i64>], ns_per_clock_tick: i64) {
        match self {
            Self::Available => row[0] = text::kib_line(text, b"MemAvailable:"),
            Self::CpuTime => {
                let times = busy_and_steal(text);
                row[0] = times.and_then(|(busy, _)| busy.checked_mul(ns_per_clock_tick));
                row[1] = times.and_then(|(_, steal)| steal?.checked_mul(ns_per_clock_tick));
            }
            Self::Stall(_) => row[0] = stall_us(text).and_then(|us| us.checked_mul(1000)),
        }
    }
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

/// The `total` of the `some` line, in µs.
fn stall_us(pressure: &[u8]) -> Option<i64> {
    let total =
        text::words(text::after(pressure, b"some ")?).find_map(|word| word.strip_prefix(b"total="))?;
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
    fn add(&mut self, root: &SysRoot, path: &str, reading: Reading) -> io::Result<()> {
        let mut file = HotFile::open(root, path, 1024)?;
        let mut row = [None; 2];
        reading.parse(file.read()?, &mut row, self.context.ns_per_clock_tick);
        if row[0].is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not in the expected form"));
        }
        let (class, period_ms) = (AccuracyClass::A, self.context.period_ms);
        let channel = |quantity: &Quantity| Channel {
            quantity: *quantity,
            site: reading.site().to_owned(),
            class,
            period_ms,
        };
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
                reading.parse(text, columns, self.context.ns_per_clock_tick);
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
    fn a_stall_is_the_some_line() {
        let some = b"some avg10=0.22 avg60=0.52 avg300=2.24 total=240238042\nfull avg10=0.00 total=9\n";
        assert_eq!(stall_us(some), Some(240_238_042));
        assert_eq!(stall_us(b"full avg10=0.00 avg60=0.00 avg300=0.00 total=9\n"), None);
        assert_eq!(stall_us(b"some avg10=0.22 total=\n"), None);
    }
}
