//! What of a process's memory is its own: `/proc/PID/smaps_rollup`, read at boundaries only.

use std::io;
use std::sync::Arc;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, Sensor, SensorDriver};
use crate::error::SensorError;
use crate::hot::HotFile;
use crate::process::Slot;
use crate::root::SysRoot;
use crate::text;

/// The columns, in the order of a row.
const QUANTITIES: [Quantity; 4] =
    [Quantity::PssBytes, Quantity::PssAnonBytes, Quantity::PssFileBytes, Quantity::UssBytes];

/// Finds what of the runtime's memory is its own, where this kernel tells it (Linux 4.14 and later).
pub(crate) struct Smaps;

impl SensorDriver for Smaps {
    fn name(&self) -> &'static str {
        "smaps"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        if root.path("proc/self/smaps_rollup").is_ok_and(|path| path.exists()) {
            // The kernel's shares are rounded for each page, not sampled: its own documentation calls them exact
            // enough.
            let channel = |quantity| Channel::new(quantity, "process", AccuracyClass::A, 0);
            let (channels, slot) = (QUANTITIES.map(channel).to_vec(), Arc::clone(&context.shares));
            found.sensors.push(Box::new(Shares { channels, file: None, slot }));
        }
        Ok(found)
    }
}

/// The file of process `pid`; `None` where the kernel has no such files.
pub(crate) fn open(root: &SysRoot, pid: u32) -> io::Result<Option<HotFile>> {
    if !root.path("proc/self/smaps_rollup").is_ok_and(|path| path.exists()) {
        return Ok(None);
    }
    HotFile::open(root, &format!("proc/{pid}/smaps_rollup"), 4096).map(Some)
}

/// The shares of one process; there are no rows before it is known.
#[derive(Debug)]
struct Shares {
    channels: Vec<Channel>,
    file: Option<HotFile>,
    slot: Arc<Slot<Option<HotFile>>>,
}

impl Sensor for Shares {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        if let Some(file) = self.slot.take() {
            self.file = file;
        }
        let file = self.file.as_mut().ok_or(SensorError::NotAttached)?;
        let begun_at = monotonic_now();
        row.copy_from_slice(&file.text().map_or([None; QUANTITIES.len()], columns));
        Ok(begun_at.plus(monotonic_now().since(begun_at) / 2))
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
