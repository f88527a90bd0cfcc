//! What a device is, read once.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod accelerators;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod android;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod arm;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod battery;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod clusters;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod cpuinfo;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod disk;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod energy;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod heat;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod load;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "linux.rs"]
mod platform;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod platform;
#[cfg(windows)]
#[path = "windows.rs"]
mod platform;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod power;
#[cfg(unix)]
mod programs;
#[cfg(unix)]
mod runtimes;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod soc;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use android::is_android;
#[cfg(unix)]
pub(crate) use programs::ask;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use programs::is_late;

use std::path::Path;

use dyno_model::device::DeviceFacts;

use crate::root::SysRoot;
use crate::sys;

/// All facts of the device whose tree `root` is, with the free room where `work_dir` lies or will lie.
///
/// What cannot be read is `None`. Takes 0.1 s, in which it is seen who else uses the CPUs, and on Android about as
/// much again for what its services say; not for a loop.
pub fn device_facts(root: &SysRoot, work_dir: &Path) -> DeviceFacts {
    let free_bytes = work_dir.ancestors().find_map(sys::free_bytes);
    DeviceFacts { free_bytes, ..platform::facts(root, work_dir) }
}

/// Longest text that is kept.
const MAX_CHARS: usize = 256;

/// A foreign text without white space around it and control characters in it, at most 256 characters; `None` if
/// nothing is left.
pub(crate) fn clean(text: &str) -> Option<String> {
    let clean: String = text.trim().chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// Whether there is something at `inside`.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn exists(root: &SysRoot, inside: &str) -> bool {
    root.path(inside).is_ok_and(|path| path.exists())
}

/// The random id of this boot; `None` where the system has none.
pub fn boot_id(root: &SysRoot) -> Option<String> {
    platform::boot_id(root)
}

/// CPU numbers of a list as the kernel writes it, `0-3,8` or `0 1 2 3`, sorted; `None` if it is anything else.
pub(crate) fn cpu_list(text: &str) -> Option<Vec<u32>> {
    const MAX_CPU: u32 = 8192;
    let mut cpus = Vec::new();
    for part in text.split([',', ' ', '\n']).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        // A text that is not a number is not a list; which one it was does not matter.
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last > MAX_CPU {
            return None;
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_cpu_list_are_read() {
        let check =
            |text, expected: Option<&[u32]>| assert_eq!(cpu_list(text).as_deref(), expected, "{text}");
        check("0-3", Some(&[0, 1, 2, 3]));
        check("0-1,4,6-7\n", Some(&[0, 1, 4, 6, 7]));
        check("4 5 0", Some(&[0, 4, 5]));
        check("", Some(&[]));
        check("3-0", None);
        check("0-4294967295", None);
        check("a", None);
        check("-1", None);
    }

    #[test]
    fn free_room_is_that_of_the_disk_where_a_folder_would_be_made() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let facts = device_facts(&SysRoot::real(), &dir.path().join("not/there/yet"));
        assert!(facts.free_bytes.is_some_and(|bytes| bytes > 0));
    }
}
