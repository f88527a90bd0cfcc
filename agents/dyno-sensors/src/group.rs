//! The control group that the runtime's process is in: its memory, and kills within it.
//!
//! Documentation/admin-guide/cgroup-v2.rst, and cgroup-v1/memory.rst for systems that still count memory there. The group holds all else that was started in it too, and its page cache:
//! where the agent does not make one of its own, that is a user's session.

use std::io;
use std::sync::Arc;

use dyno_model::clock::MonoNs;
use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, Sensor, SensorDriver};
use crate::error::SensorError;
use crate::figures::{Figures, Form};
use crate::process::Slot;
use crate::root::SysRoot;

const SITE: &str = "runtime's group";

/// The columns of a group, in the order of a row.
const QUANTITIES: [Quantity; 4] =
    [Quantity::CgroupBytes, Quantity::CgroupPeakBytes, Quantity::SwapBytes, Quantity::OomKills];

/// One of the two kinds of groups: where they are, what is there where, and only where, they count memory, how a line
/// of `/proc/PID/cgroup` tells of them, and the files of the columns.
struct Kind {
    folder: &'static str,
    mark: &'static str,
    controller: &'static str,
    files: [Option<(&'static str, Form)>; QUANTITIES.len()],
}

const KINDS: [Kind; 2] = [
    Kind {
        folder: "sys/fs/cgroup",
        mark: "cgroup.controllers",
        controller: "",
        files: [
            Some(("memory.current", Form::Times(1))),
            Some(("memory.peak", Form::Times(1))),
            Some(("memory.swap.current", Form::Times(1))),
            Some(("memory.events", Form::Line("oom_kill", 1))),
        ],
    },
    Kind {
        folder: "sys/fs/cgroup/memory",
        mark: "memory.usage_in_bytes",
        controller: "memory",
        files: [
            Some(("memory.usage_in_bytes", Form::Times(1))),
            Some(("memory.max_usage_in_bytes", Form::Times(1))),
            // It counts memory and swap space together only.
            None,
            Some(("memory.oom_control", Form::Line("oom_kill", 1))),
        ],
    },
];

impl Kind {
    /// That of this system.
    fn of(root: &SysRoot) -> Option<&'static Self> {
        let is_there = |kind: &&Self| {
            root.path(&format!("{}/{}", kind.folder, kind.mark)).is_ok_and(|path| path.exists())
        };
        KINDS.iter().find(is_there)
    }

    /// The path of a process's group: lines are `NUMBER:CONTROLLERS:PATH` (cgroups(7)).
    fn group<'a>(&self, lines: &'a str) -> Option<&'a str> {
        lines.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            controllers.split(',').any(|one| one == self.controller).then_some(path)
        })
    }
}

/// The file with the count of kills in the group that a process is in, where the kernel has one.
pub(crate) fn kills_path(root: &SysRoot, pid: u32) -> Option<String> {
    let kind = Kind::of(root)?;
    // Best effort: a process that has gone is in no group.
    let lines = root.read(&format!("proc/{pid}/cgroup")).ok()?;
    let (file, _form) = kind.files[QUANTITIES.len() - 1]?;
    Some(format!("{}/{}/{file}", kind.folder, kind.group(&lines)?))
}

/// Finds the group of the runtime's process, once that is known.
pub(crate) struct Group;

impl SensorDriver for Group {
    fn name(&self) -> &'static str {
        "cgroup"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        if Kind::of(root).is_some() {
            let channels = QUANTITIES.map(|quantity| channel(quantity, context.slow_period_ms)).to_vec();
            let slot = Arc::clone(&context.group);
            found.sensors.push(Box::new(GroupSensor { channels, files: None, slot }));
        }
        Ok(found)
    }
}

fn channel(quantity: Quantity, period_ms: u32) -> Channel {
    Channel::new(quantity, SITE, AccuracyClass::A, period_ms)
}

/// Open files of one group; those that the kernel does not have are never readable.
#[derive(Debug)]
pub(crate) struct GroupFiles {
    figures: Figures,
    /// Which column of the row each of the figures is.
    columns: Vec<usize>,
}

impl GroupFiles {
    /// Opens the files of the group of process `pid`.
    ///
    /// # Errors
    /// `NotFound` where there are no groups or this one does not count memory; those of the file system.
    pub(crate) fn open(root: &SysRoot, pid: u32) -> io::Result<Self> {
        let missing = |why: &str| io::Error::new(io::ErrorKind::NotFound, why);
        let kind = Kind::of(root).ok_or_else(|| missing("there are no control groups"))?;
        let lines = root.read(&format!("proc/{pid}/cgroup"))?;
        let group = kind.group(&lines).ok_or_else(|| missing("the process is in no control group"))?;
        let mut files = Self { figures: Figures::default(), columns: Vec::new() };
        for (idx, (quantity, file)) in QUANTITIES.into_iter().zip(kind.files).enumerate() {
            let Some((name, form)) = file else { continue };
            let path = format!("{}/{group}/{name}", kind.folder);
            match files.figures.add_sized(root, &path, 1024, form, channel(quantity, 0)) {
                Ok(_) => files.columns.push(idx),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if files.columns.is_empty() {
            return Err(missing("the group of the process does not count memory"));
        }
        Ok(files)
    }
}

/// A group as a sensor; there are no rows before it is known.
#[derive(Debug)]
struct GroupSensor {
    channels: Vec<Channel>,
    files: Option<GroupFiles>,
    slot: Arc<Slot<GroupFiles>>,
}

impl Sensor for GroupSensor {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        if let Some(files) = self.slot.take() {
            self.files = Some(files);
        }
        let files = self.files.as_mut().ok_or(SensorError::NotAttached)?;
        let mut values = [None; QUANTITIES.len()];
        let at = files.figures.read(&mut values)?;
        row.fill(None);
        for (value, column) in values.into_iter().zip(&files.columns) {
            row[*column] = value;
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_a_group_of_each_kind() {
        let lines = "5:devices:/\n4:memory,hugetlb:/box/a:b\n1:cpu:/c\n0::/user.slice/run.scope\n";
        assert_eq!(KINDS[0].group(lines), Some("/user.slice/run.scope"));
        assert_eq!(KINDS[1].group(lines), Some("/box/a:b"), "a path may hold what separates");
        assert_eq!(KINDS[1].group("0::/\nmemory\n::\n"), None);
    }
}
