//! The disk that a folder lies on: `/proc/self/mountinfo`, `/sys/block`.

use std::path::{Path, PathBuf};

use dyno_model::device::{DiskFacts, DiskKind};

use crate::facts::{clean, exists};
use crate::root::SysRoot;

/// File systems that are RAM, another machine's, or a hypervisor's; all others lie on a disk.
const MEMORY: &[&str] = &["tmpfs", "ramfs", "rootfs"];
const NETWORK: &[&str] = &["nfs", "nfs4", "cifs", "smb3", "ceph", "fuse.sshfs", "afs"];
const VIRTUAL: &[&str] = &["9p", "virtiofs", "vboxsf", "fuse.vmhgfs-fuse"];
/// How many disks may lie on each other: encrypted, in a volume group, on a RAID.
const MAX_DEPTH: u32 = 4;

/// A line of mountinfo (proc_pid_mountinfo(5)).
#[derive(Debug, PartialEq, Eq)]
struct Mount<'a> {
    number: &'a str,
    point: String,
    file_system: &'a str,
    source: &'a str,
}

/// The disk below `folder`, which need not be there; `None` where mounts cannot be read.
pub(crate) fn disk(root: &SysRoot, folder: &Path) -> Option<DiskFacts> {
    let folder = if root.is_real() { place(folder) } else { folder.to_owned() };
    // Best effort: without the file nothing is known.
    let text = root.read("proc/self/mountinfo").ok()?;
    let mounts = text.lines().filter_map(mount).filter(|mount| folder.starts_with(&mount.point));
    // The longest way wins, and of equal ones the last, which hides the others.
    let mount = mounts.max_by_key(|mount| Path::new(&mount.point).components().count())?;
    let device = device(root, &mount);
    Some(DiskFacts {
        kind: kind(root, mount.file_system, device.as_deref()),
        file_system: clean(mount.file_system),
        device,
    })
}

/// Where a folder of this machine really lies or would be made: links are followed.
fn place(folder: &Path) -> PathBuf {
    // Best effort: a relative path of no folder at all lies nowhere.
    let whole = std::path::absolute(folder).unwrap_or_default();
    let there = whole.ancestors().find_map(|folder| folder.canonicalize().ok());
    there.unwrap_or(whole)
}

fn mount(line: &str) -> Option<Mount<'_>> {
    let (head, tail) = line.split_once(" - ")?;
    let mut head = head.split(' ').skip(2);
    let (number, _root, point) = (head.next()?, head.next()?, head.next()?);
    let mut tail = tail.split(' ');
    Some(Mount { number, point: unescaped(point), file_system: tail.next()?, source: tail.next()? })
}

/// With the octal escapes of mountinfo undone: a space is `\040`.
fn unescaped(point: &str) -> String {
    let mut text = point.to_owned();
    for (escape, char) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        text = text.replace(escape, char);
    }
    text
}

/// The whole disk that the mounted file system lies on.
fn device(root: &SysRoot, mount: &Mount<'_>) -> Option<String> {
    let uevent = root.read(&format!("sys/dev/block/{}/uevent", mount.number)).unwrap_or_default();
    let by_number = uevent.lines().find_map(|line| line.strip_prefix("DEVNAME=")).and_then(clean);
    // File systems over several disks have a number of no disk; their source is one of them.
    let by_source = || mount.source.strip_prefix("/dev/").and_then(clean).filter(|name| !name.contains('/'));
    lowest(root, &by_number.or_else(by_source)?, MAX_DEPTH)
}

/// The disk of a partition, and the first disk of several that lie below.
fn lowest(root: &SysRoot, name: &str, depth: u32) -> Option<String> {
    const BLOCK: &str = "sys/block";
    let disks = root.names(BLOCK).ok()?;
    let own = disks.iter().find(|disk| *disk == name);
    let disk = own.or_else(|| disks.iter().find(|disk| exists(root, &format!("{BLOCK}/{disk}/{name}"))))?;
    let below = root.names(&format!("{BLOCK}/{disk}/slaves")).unwrap_or_default();
    match below.first() {
        Some(below) if depth > 0 => lowest(root, below, depth - 1),
        _ => clean(disk),
    }
}

fn kind(root: &SysRoot, file_system: &str, device: Option<&str>) -> Option<DiskKind> {
    for (names, kind) in
        [(MEMORY, DiskKind::Memory), (NETWORK, DiskKind::Network), (VIRTUAL, DiskKind::Virtual)]
    {
        if names.contains(&file_system) {
            return Some(kind);
        }
    }
    let device = device?;
    let file = |name: &str| root.text(&format!("sys/block/{device}/{name}"));
    let begins = |begin: &str| device.starts_with(begin);
    if begins("mmcblk") {
        return match file("device/type")?.as_str() {
            "SD" => Some(DiskKind::Sd),
            "MMC" => Some(DiskKind::Emmc),
            _ => None,
        };
    }
    if begins("nvme") {
        return Some(DiskKind::Nvme);
    }
    if begins("zram") || begins("ram") {
        return Some(DiskKind::Memory);
    }
    if begins("vd") || begins("xvd") || file("device/model").is_some_and(|model| model.starts_with("QEMU")) {
        return Some(DiskKind::Virtual);
    }
    // Where the disk hangs is in the path that its link leads to.
    let way =
        root.path(&format!("sys/block/{device}")).and_then(|path| path.canonicalize()).unwrap_or_default();
    if way.components().any(|part| part.as_os_str().to_string_lossy().starts_with("usb")) {
        return Some(DiskKind::Usb);
    }
    match file("queue/rotational")?.as_str() {
        "1" => Some(DiskKind::Rotating),
        "0" => Some(DiskKind::Solid),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_with_their_optional_fields_and_escapes() {
        // The example of proc_pid_mountinfo(5), with a space in its place.
        let line = r"36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let expected =
            Mount { number: "98:0", point: "/mnt 2".to_owned(), file_system: "ext3", source: "/dev/root" };
        assert_eq!(mount(line), Some(expected));
        for broken in ["", "36 35 98:0", " - ", "a b c d e - "] {
            assert_eq!(mount(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn this_machine_says_what_the_temporary_folder_lies_on() {
        let folder = std::env::temp_dir().canonicalize().expect("a temporary folder");
        let linked = tempfile::tempdir().expect("a temporary folder");
        let facts = disk(&SysRoot::real(), &folder).expect("mounts can be read");
        let beside = std::os::unix::fs::symlink(&folder, linked.path().join("way"))
            .map(|()| linked.path().join("way/x/y"));
        let by_link = disk(&SysRoot::real(), &beside.expect("a fresh link"));
        assert_eq!(by_link, Some(facts.clone()), "a link is followed");
        assert!(disk(&SysRoot::real(), Path::new("x/y")).is_some(), "a relative path lies somewhere, too");
        let df = std::process::Command::new("df").args(["--output=fstype"]).arg(&folder).output();
        let second = String::from_utf8(df.expect("df is there").stdout).expect("a word");
        assert_eq!(facts.file_system.as_deref(), second.lines().nth(1).map(str::trim));
    }
}
