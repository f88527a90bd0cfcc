//! What of a process's memory is its own: `/proc/PID/smaps_rollup`, read at boundaries only.

use std::io;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity, SampleBatch, SensorDeclared};

use crate::error::SensorError;
use crate::hot::HotFile;
use crate::root::SysRoot;
use crate::text;

/// The columns, in the order of a row.
const QUANTITIES: [Quantity; 4] =
    [Quantity::PssBytes, Quantity::PssAnonBytes, Quantity::PssFileBytes, Quantity::UssBytes];
/// More rows than this are not kept (house rule): a launch has a handful of boundaries.
const MAX_ROWS: usize = 1024;

/// The sensor `smaps` of the runtime's process.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    number: Option<u16>,
    file: Option<HotFile>,
    at_ns: Vec<MonoNs>,
    values: Vec<Option<i64>>,
}

impl Shares {
    /// Declares the sensor where this kernel has such files (Linux 4.14 and later).
    pub(crate) fn declare(root: &SysRoot, declared: &mut Vec<SensorDeclared>) -> Self {
        if !root.path("proc/self/smaps_rollup").is_ok_and(|path| path.exists()) {
            return Self::default();
        }
        let number = u16::try_from(declared.len()).expect("each driver finds a handful of sensors");
        // The kernel's shares are rounded for each page, not sampled: its own documentation calls them exact enough.
        let channel = |quantity| Channel::new(quantity, "process", AccuracyClass::A, 0);
        let channels = QUANTITIES.into_iter().map(channel).collect();
        declared.push(SensorDeclared { sensor: number, driver: "smaps".to_owned(), channels });
        Self { number: Some(number), ..Self::default() }
    }

    /// The process is this one from now on.
    pub(crate) fn attach(&mut self, root: &SysRoot, pid: u32) -> io::Result<()> {
        self.file = None;
        if self.number.is_some() {
            self.file = Some(HotFile::open(root, &format!("proc/{pid}/smaps_rollup"), 4096)?);
        }
        Ok(())
    }

    /// Reads one row.
    pub(crate) fn take(&mut self) -> Result<(), SensorError> {
        let file = self.file.as_mut().filter(|_| self.at_ns.len() < MAX_ROWS);
        let file = file.ok_or(SensorError::NotAttached)?;
        let begun_at = monotonic_now();
        let row = file.text().map_or([None; QUANTITIES.len()], columns);
        self.at_ns.push(begun_at.plus(monotonic_now().since(begun_at) / 2));
        self.values.extend(row);
        Ok(())
    }

    /// The rows, if there are any.
    pub(crate) fn give(&mut self) -> Option<SampleBatch> {
        let (at_ns, values) = (std::mem::take(&mut self.at_ns), std::mem::take(&mut self.values));
        let sensor = self.number.filter(|_| !at_ns.is_empty())?;
        Some(SampleBatch { sensor, at_ns, values })
    }
}

fn columns(rollup: &[u8]) -> [Option<i64>; QUANTITIES.len()] {
    let line = |key| text::kib_line(rollup, key);
    let own = line(b"Private_Clean:").zip(line(b"Private_Dirty:")).map(|(clean, dirty)| clean + dirty);
    [line(b"Pss:"), line(b"Pss_Anon:"), line(b"Pss_File:"), own]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_pages_are_clean_and_dirty_ones_that_nobody_shares() {
        let rollup =
            b"00400000-7ffd [rollup]\nRss: 884 kB\nPss: 385 kB\nPss_Dirty: 68 kB\nPss_Anon: 301 kB\n\
                       Pss_File: 80 kB\nPss_Shmem: 4 kB\nPrivate_Clean: 16 kB\nPrivate_Dirty: 180 kB\n";
        assert_eq!(columns(rollup), [385, 301, 80, 196].map(|kib| Some(kib << 10)));
        // Linux 4.14 has no parts.
        assert_eq!(columns(b"Pss: 385 kB\nPrivate_Clean: 16 kB\n"), [Some(385 << 10), None, None, None]);
    }
}
