//! GPU memory of the runtime and of all that it started.

use nvml_wrapper::Device;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;

use super::query::Runtime;
use crate::root::SysRoot;

/// No process is deeper below the runtime's than this (house rule).
const MAX_DEPTH: usize = 32;

/// Bytes of the runtime and its descendants; `None` before it is known, where none of them is listed, and where one's
/// bytes are not told.
///
/// In a container or under WSL the list may lack them or name other numbers: that is not 0 bytes.
pub(super) fn bytes(device: &Device<'_>, runtime: &Runtime<'_>) -> Result<Option<i64>, NvmlError> {
    let mut listed = device.running_compute_processes()?;
    // A process that also draws is in both lists with the same bytes.
    let mut drawing = device.running_graphics_processes().unwrap_or_default();
    drawing.retain(|one| !listed.iter().any(|other| key(other) == key(one)));
    listed.append(&mut drawing);
    let Some(ancestor) = runtime.pid else { return Ok(None) };
    Ok(sum(&listed, |pid| descends(runtime.root, pid, ancestor)))
}

/// With MIG a process has bytes in each instance that it uses.
fn key(process: &ProcessInfo) -> (u32, Option<u32>, Option<u32>) {
    (process.pid, process.gpu_instance_id, process.compute_instance_id)
}

fn sum(listed: &[ProcessInfo], belongs: impl Fn(u32) -> bool) -> Option<i64> {
    let mut ours = listed.iter().filter(|process| belongs(process.pid)).peekable();
    ours.peek()?;
    ours.try_fold(0_i64, |total, process| match process.used_gpu_memory {
        UsedGpuMemory::Used(bytes) => total.checked_add(i64::try_from(bytes).ok()?),
        UsedGpuMemory::Unavailable => None,
    })
}

/// Whether `pid` is `ancestor` or was started by it, directly or not.
fn descends(root: &SysRoot, pid: u32, ancestor: u32) -> bool {
    let parents = std::iter::successors(Some(pid), |pid| parent(root, *pid));
    parents.take(MAX_DEPTH).any(|pid| pid == ancestor)
}

/// Field 4 of `/proc/PID/stat`, counted from the name's last `)`, since a name may hold anything.
fn parent(root: &SysRoot, pid: u32) -> Option<u32> {
    // Best effort: a process that is gone has no parent, and neither has one on a system without procfs.
    let stat = root.read(&format!("proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok().filter(|parent| *parent > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(pid: u32, used_gpu_memory: UsedGpuMemory) -> ProcessInfo {
        ProcessInfo { pid, used_gpu_memory, gpu_instance_id: None, compute_instance_id: None }
    }

    #[test]
    fn only_what_is_known_is_added_up() {
        use UsedGpuMemory::{Unavailable, Used};
        let check = |processes: &[(u32, UsedGpuMemory)], expected| {
            let listed: Vec<_> = processes.iter().map(|(pid, used)| listed(*pid, used.clone())).collect();
            assert_eq!(sum(&listed, |pid| pid < 10), expected, "{processes:?}");
        };
        check(&[(1, Used(5)), (2, Used(7)), (11, Used(100))], Some(12));
        check(&[(1, Used(0))], Some(0));
        check(&[(11, Used(100))], None);
        check(&[], None);
        check(&[(1, Used(5)), (2, Unavailable)], None);
        check(&[(1, Used(5)), (11, Unavailable)], Some(5));
        check(&[(1, Used(1 << 63))], None);
    }

    #[test]
    fn a_child_of_a_child_belongs_to_the_runtime() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (pid, parent) in [(7, 1), (8, 7), (9, 8), (20, 1), (30, 30)] {
            let folder = dir.path().join(format!("proc/{pid}"));
            std::fs::create_dir_all(&folder).expect("a temporary folder");
            let stat = format!("{pid} (a) S 7 (b) S {parent} 7 7 0 -1\n");
            std::fs::write(folder.join("stat"), stat).expect("a temporary file");
        }
        let root = SysRoot::tree(dir.path());
        let found: Vec<u32> =
            [1, 7, 8, 9, 20, 30, 40].into_iter().filter(|pid| descends(&root, *pid, 7)).collect();
        assert_eq!(found, [7, 8, 9]);
    }
}
