//! One process: memory, CPU time, faults and reads.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{ProbeContext, Sensor};
use crate::error::SensorError;
use crate::hot::HotFile;
use crate::root::SysRoot;
use crate::text;

/// The columns of a process, in the order of a row.
const QUANTITIES: [Quantity; 8] = [
    Quantity::RssBytes,
    Quantity::PeakRssBytes,
    Quantity::AnonBytes,
    Quantity::FileBytes,
    Quantity::CpuNs,
    Quantity::MajorFaults,
    Quantity::ReadBytes,
    Quantity::SwapBytes,
];

/// Open files of one process, as proc(5) describes them.
///
/// Resident bytes come from `status`, not `statm`: one read gives the total, its parts and the peak as of one instant,
/// and an ended process has no such lines there, where `statm` says 0.
#[derive(Debug)]
pub(crate) struct ProcessFiles {
    status: HotFile,
    stat: HotFile,
    /// `None` where the kernel does not count or does not show it.
    io: Option<HotFile>,
}

impl ProcessFiles {
    /// Opens the files of `/proc/NAME`; also says why `io` is missing, if it is there but closed to us.
    pub(crate) fn open(root: &SysRoot, name: &str) -> io::Result<(Self, Option<io::Error>)> {
        let file = |inside: &str, limit| HotFile::open(root, &format!("proc/{name}/{inside}"), limit);
        let (io, closed) = match file("io", 512).and_then(|mut io| io.read().map(drop).map(|()| io)) {
            Ok(io) => (Some(io), None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (None, None),
            Err(error) => (None, Some(error)),
        };
        Ok((Self { status: file("status", 4096)?, stat: file("stat", 1024)?, io }, closed))
    }

    fn read(&mut self, row: &mut [Option<i64>], ns_per_clock_tick: i64) {
        row.fill(None);
        if let Some(status) = self.status.text() {
            row[0] = text::kib_line(status, b"VmRSS:");
            row[1] = text::kib_line(status, b"VmHWM:");
            row[2] = text::kib_line(status, b"RssAnon:");
            row[3] = text::kib_line(status, b"RssFile:");
            row[7] = text::kib_line(status, b"VmSwap:");
        }
        if let Some((cpu_ticks, major_faults)) = self.stat.text().and_then(times_and_faults) {
            row[4] = cpu_ticks.checked_mul(ns_per_clock_tick);
            row[5] = Some(major_faults);
        }
        if let Some(io) = self.io.as_mut().and_then(HotFile::text) {
            row[6] = text::after(io, b"read_bytes:").and_then(text::count);
        }
    }
}

/// `utime + stime` in clock ticks and `majflt`: fields 14, 15 and 12 of `/proc/PID/stat`.
///
/// Fields are counted from the last `)`, since a program's name, field 2, may hold anything.
fn times_and_faults(stat: &[u8]) -> Option<(i64, i64)> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = text::words(&stat[name_end + 1..]).skip(12 - 3);
    let major_faults = text::count(fields.next()?)?;
    let mut fields = fields.skip(14 - 13);
    let (user, system) = (text::count(fields.next()?)?, text::count(fields.next()?)?);
    Some((user.checked_add(system)?, major_faults))
}

/// Hands something that is known later to the sampler thread.
#[derive(Debug)]
pub(crate) struct Slot<T>(Mutex<Option<T>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Slot<T> {
    pub(crate) fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// What was put; never waits.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.try_lock().ok()?.take()
    }
}

/// A process as a sensor.
#[derive(Debug)]
pub(crate) struct ProcessSensor {
    channels: Vec<Channel>,
    files: Option<ProcessFiles>,
    slot: Option<Arc<Slot<ProcessFiles>>>,
    ns_per_clock_tick: i64,
}

impl ProcessSensor {
    /// A process whose files are open.
    pub(crate) fn of(site: &str, files: ProcessFiles, context: &ProbeContext) -> Self {
        let ns_per_clock_tick = context.ns_per_clock_tick;
        Self {
            channels: channels(site, context.period_ms),
            files: Some(files),
            slot: None,
            ns_per_clock_tick,
        }
    }

    /// A process that appears later; there are no rows before.
    pub(crate) fn awaited(site: &str, context: &ProbeContext) -> Self {
        let (channels, slot) = (channels(site, context.period_ms), Some(Arc::clone(&context.runtime)));
        Self { channels, files: None, slot, ns_per_clock_tick: context.ns_per_clock_tick }
    }
}

fn channels(site: &str, period_ms: u32) -> Vec<Channel> {
    let channel = |quantity| Channel::new(quantity, site, AccuracyClass::A, period_ms);
    QUANTITIES.into_iter().map(channel).collect()
}

impl Sensor for ProcessSensor {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        if let Some(files) = self.slot.as_ref().and_then(|slot| slot.take()) {
            self.files = Some(files);
        }
        let files = self.files.as_mut().ok_or(SensorError::NotAttached)?;
        let at = monotonic_now();
        files.read(row, self.ns_per_clock_tick);
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_be_called_anything() {
        // Fields 12 (majflt), 14 (utime) and 15 (stime) are 7, 30 and 12.
        let rest = "S 1 2 3 4 -1 4194304 106 0 7 9 30 12 0 0 20 0 1 0 348327";
        for name in ["cat", "a b", "a) R 9 (b", "()", "x\ny"] {
            assert_eq!(
                times_and_faults(format!("8853 ({name}) {rest}\n").as_bytes()),
                Some((42, 7)),
                "{name}"
            );
        }
    }

    #[test]
    fn a_cut_or_senseless_stat_gives_nothing() {
        for stat in ["", "1 (a", "1 (a) S 1 2 3 4 -1 5 6 7 8 9 10", "1 (a) S 1 2 3 4 5 6 7 8 -1 9 1 1 1"] {
            assert_eq!(times_and_faults(stat.as_bytes()), None, "{stat}");
        }
        let huge = format!("1 (a) S 1 2 3 4 5 6 7 8 1 9 {} {} 0", i64::MAX, 1);
        assert_eq!(times_and_faults(huge.as_bytes()), None);
    }
}
