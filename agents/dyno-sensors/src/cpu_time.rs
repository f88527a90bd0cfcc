//! CPU time as of one instant, for what a launch's load cost and who else took part.

use crate::root::SysRoot;
use crate::{sys, text};

/// CPU time over all CPUs since the system's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemCpu {
    /// All of it: busy, idle, waiting for storage, and stolen.
    pub total_ns: u64,
    /// Of it, spent on programs and in the kernel.
    pub busy_ns: u64,
    /// Of it, taken by a hypervisor; `None` where the kernel does not count it.
    pub steal_ns: Option<u64>,
}

/// What the system says now; `None` where it does not.
pub fn system_cpu(root: &SysRoot) -> Option<SystemCpu> {
    let stat = root.read("proc/stat").ok()?;
    let tick_ns = u64::try_from(sys::ns_per_clock_tick()).ok()?;
    let mut times = text::words(text::after(stat.as_bytes(), b"cpu ")?).map(text::count);
    let mut next = || times.next()?.and_then(|n| u64::try_from(n).ok());
    let (user, nice, system, idle) = (next()?, next()?, next()?, next()?);
    let (io_wait, irq, soft_irq, steal) = (next()?, next()?, next()?, next());
    let busy = [user, nice, system, irq, soft_irq].iter().sum::<u64>();
    let ns = |ticks: u64| ticks.saturating_mul(tick_ns);
    Some(SystemCpu {
        total_ns: ns(busy + idle + io_wait + steal.unwrap_or(0)),
        busy_ns: ns(busy),
        steal_ns: steal.map(ns),
    })
}

/// CPU time of the process group that `pid` leads, its members' ended children included; `None` when it has none.
///
/// Cost: one small file for each process of the system.
pub fn group_cpu_ns(root: &SysRoot, pid: u32) -> Option<u64> {
    let tick_ns = u64::try_from(sys::ns_per_clock_tick()).ok()?;
    let of_group = |name: &String| {
        name.parse::<u32>().ok()?;
        let stat = root.read(&format!("proc/{name}/stat")).ok()?;
        let (group, ticks) = group_and_ticks(stat.as_bytes())?;
        (group == u64::from(pid)).then_some(ticks)
    };
    let members: Vec<u64> = root.names("proc").ok()?.iter().filter_map(of_group).collect();
    (!members.is_empty()).then(|| members.iter().sum::<u64>().saturating_mul(tick_ns))
}

/// Fields 5 and 14 to 17 of `/proc/PID/stat` (proc(5)): process group, and ticks of the process and of its ended
/// children.
fn group_and_ticks(stat: &[u8]) -> Option<(u64, u64)> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields: Vec<&[u8]> = text::words(&stat[name_end + 1..]).collect();
    // The first of these is field 3.
    let field = |number: usize| u64::try_from(text::count(fields.get(number - 3)?)?).ok();
    Some((field(5)?, field(14)? + field(15)? + field(16)? + field(17)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, SysRoot) {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("our own folder");
            std::fs::write(path, text).expect("our own folder");
        }
        let root = SysRoot::tree(folder.path());
        (folder, root)
    }

    #[test]
    fn the_parts_of_the_system_add_up() {
        // user 100, nice 5, system 20, idle 1000, iowait 7, irq 3, softirq 2, steal 11; guest 40 is within user.
        let (_folder, root) = tree(&[("proc/stat", "cpu  100 5 20 1000 7 3 2 11 40 0\ncpu0 1 1\n")]);
        let tick_ns = u64::try_from(sys::ns_per_clock_tick()).expect("a positive number");
        let expected =
            SystemCpu { total_ns: 1148 * tick_ns, busy_ns: 130 * tick_ns, steal_ns: Some(11 * tick_ns) };
        assert_eq!(system_cpu(&root), Some(expected));
        assert_eq!(system_cpu(&tree(&[("proc/stat", "cpu0 1 1\n")]).1), None);
        assert_eq!(system_cpu(&tree(&[]).1), None);
    }

    #[test]
    fn a_group_is_its_members_and_their_ended_children() {
        let stat = |pid: u32, group: u32, times: &str| {
            format!("{pid} (a ) b) S 1 {group} {group} 0 -1 4194560 1 2 3 4 {times} 20 0 1 0 100 0 0\n")
        };
        let (_folder, root) = tree(&[
            ("proc/40/stat", &stat(40, 40, "100 20 3 4")),
            ("proc/41/stat", &stat(41, 40, "1000 0 0 0")),
            ("proc/42/stat", &stat(42, 42, "7 7 7 7")),
            ("proc/self/stat", &stat(40, 40, "100 20 3 4")),
        ]);
        let tick_ns = u64::try_from(sys::ns_per_clock_tick()).expect("a positive number");
        assert_eq!(group_cpu_ns(&root, 40), Some(1127 * tick_ns));
        assert_eq!(group_cpu_ns(&root, 42), Some(28 * tick_ns));
        assert_eq!(group_cpu_ns(&root, 43), None);
    }
}
