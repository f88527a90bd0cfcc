//! Whether the system killed for want of memory meanwhile: counts that are read at two points.

use crate::group;
use crate::root::SysRoot;
use crate::text;

/// The line of such a count.
const KEY: &[u8] = b"oom_kill";

/// Counts of processes killed for want of memory, as they were at the start.
#[derive(Debug, Default)]
pub struct KillWatch {
    counts: Vec<Count>,
}

#[derive(Debug)]
struct Count {
    /// In words: `the system's count`.
    name: &'static str,
    root: SysRoot,
    path: String,
    before: i64,
}

impl KillWatch {
    /// From now on: the count of the system below `root` (Linux 4.13 and later), and that of the control group which
    /// the process `pid` below `process_root` is in.
    pub fn start(root: &SysRoot, process: Option<(&SysRoot, u32)>) -> Self {
        let of_group = process.and_then(|(root, pid)| Some((root, group::kills_path(root, pid)?)));
        let of_group = of_group.map(|(root, path)| ("its control group's count", root, path));
        let all = [Some(("the system's count", root, "proc/vmstat".to_owned())), of_group];
        let counts = all.into_iter().flatten().filter_map(|(name, root, path)| {
            let before = read(root, &path)?;
            Some(Count { name, root: root.clone(), path, before })
        });
        Self { counts: counts.collect() }
    }

    /// Which count has risen since, in words; `None` while none has.
    pub fn rose(&self) -> Option<String> {
        // That of the group says more: it comes last.
        self.counts.iter().rev().find_map(|count| {
            let now = read(&count.root, &count.path).filter(|now| *now > count.before)?;
            Some(format!("{} of kills for want of memory rose from {} to {now}", count.name, count.before))
        })
    }
}

fn read(root: &SysRoot, path: &str) -> Option<i64> {
    // Best effort: a count that cannot be read shows nothing.
    text::keyed(root.read(path).ok()?.as_bytes(), KEY)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_count_that_rose_is_told_and_the_groups_one_first() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("below the top")).expect("our own folder");
            fs::write(path, text).expect("our own folder");
        };
        write("proc/vmstat", "pswpin 1\noom_kill 4\n");
        write("proc/77/cgroup", "0::/box\n");
        write("sys/fs/cgroup/cgroup.controllers", "memory\n");
        write("sys/fs/cgroup/box/memory.events", "low 0\noom 1\noom_kill 0\n");
        let root = SysRoot::tree(dir.path());
        let watch = KillWatch::start(&root, Some((&root, 77)));
        assert_eq!(watch.rose(), None);
        write("proc/vmstat", "pswpin 1\noom_kill 5\n");
        let system = "the system's count of kills for want of memory rose from 4 to 5";
        assert_eq!(watch.rose().as_deref(), Some(system));
        write("sys/fs/cgroup/box/memory.events", "low 0\noom 2\noom_kill 1\n");
        let group = "its control group's count of kills for want of memory rose from 0 to 1";
        assert_eq!(watch.rose().as_deref(), Some(group));
        assert_eq!(KillWatch::start(&SysRoot::tree("/nowhere"), None).rose(), None);
    }
}
