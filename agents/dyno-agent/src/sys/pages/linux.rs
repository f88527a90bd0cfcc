//! Linux and Android.
#![expect(unsafe_code, reason = "the page cache's calls have no equivalents in std")]

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use dyno_model::clock::{MonoNs, monotonic_now};

use super::window::{each, mincore_bytes, page_bytes};
use super::{FileSystem, Way};

/// Letting go of a file's pages may take so long.
const LET_GO_LIMIT_NS: u64 = 20_000_000_000;
/// cachestat(2): this number on all architectures that an agent is built for, since Linux 6.5.
const SYS_CACHESTAT: libc::c_long = 451;
/// Only Android has it. There, a call that a program may not make kills the program.
const ANDROID_MARK: &str = "/system/build.prop";

/// In the order in which they are tried.
pub(crate) const WAYS: &[Way] = &[
    Way { name: "sync, drop_caches 3", act: drop_all_caches, needs_sight: false },
    Way { name: "fdatasync, posix_fadvise DONTNEED", act: advise, needs_sight: false },
    Way { name: "madvise PAGEOUT", act: page_out, needs_sight: true },
];

/// Has the system let go of all clean pages, whoever's they are. Only root may.
fn drop_all_caches(_file: &File, _len: u64) -> io::Result<()> {
    let mut switch = File::options().write(true).open("/proc/sys/vm/drop_caches")?;
    // Pages that still have to be written would stay.
    // SAFETY: the call takes nothing.
    unsafe { libc::sync() };
    switch.write_all(b"3\n")
}

fn advise(file: &File, _len: u64) -> io::Result<()> {
    file.sync_data()?;
    // SAFETY: the call takes plain numbers, and the descriptor is open.
    let rc = unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    if rc == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(rc)) }
}

/// Pages leave by this way only from a process that has them in its own tables, so they are brought there first.
fn page_out(file: &File, len: u64) -> io::Result<()> {
    each(file, len, monotonic_now().plus(LET_GO_LIMIT_NS), |window| {
        if !window.mincore(page_bytes())?.iter().any(|page| page & 1 == 1) {
            return Ok(());
        }
        for advice in [libc::MADV_POPULATE_READ, libc::MADV_PAGEOUT] {
            // SAFETY: the mapping is live, its pages are only read, and neither advice changes what they hold.
            window.ask(|start, bytes| unsafe { libc::madvise(start, bytes, advice) })?;
        }
        Ok(())
    })
}

/// Bytes of the first `len` of `file` that are in memory.
///
/// # Errors
/// Where the system does not tell this user: mincore(2) would say that all of another user's file is there.
pub(crate) fn resident_bytes(file: &File, len: u64, until: MonoNs) -> io::Result<u64> {
    if is_ours(file)? {
        return mincore_bytes(file, len, until);
    }
    // On an overlay, cachestat(2) counts pages of the wrong file; and see `ANDROID_MARK`.
    let is_apart = matches!(file_system(file), FileSystem::Unknown(_)) || Path::new(ANDROID_MARK).exists();
    let pages = if is_apart { None } else { cachestat_pages(file).ok() };
    let words = "the file is another user's, so the system does not tell";
    let pages = pages.ok_or_else(|| io::Error::new(io::ErrorKind::PermissionDenied, words))?;
    Ok(pages.saturating_mul(page_bytes() as u64).min(len))
}

/// Whether mincore(2) tells the truth (Linux ≥ 5.2): for a file that is ours, or that we may write.
fn is_ours(file: &File) -> io::Result<bool> {
    // SAFETY: the call takes nothing.
    let user = unsafe { libc::geteuid() };
    if file.metadata()?.uid() == user {
        return Ok(true);
    }
    let path = std::ffi::CString::new(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    // SAFETY: the path ends with a zero and lives during the call.
    Ok(unsafe { libc::access(path.as_ptr(), libc::W_OK) } == 0)
}

/// Pages of the whole file in the page cache, as cachestat(2) says.
pub(crate) fn cachestat_pages(file: &File) -> io::Result<u64> {
    // `struct cachestat_range` and `struct cachestat`; a length of 0 goes to the end.
    let range = [0_u64; 2];
    let mut stat = [0_u64; 5];
    // SAFETY: both pointers are to live values of the sizes that the call has.
    let rc = unsafe {
        libc::syscall(SYS_CACHESTAT, file.as_raw_fd(), range.as_ptr(), stat.as_mut_ptr(), 0 as libc::c_uint)
    };
    if rc == 0 { Ok(stat[0]) } else { Err(io::Error::last_os_error()) }
}

/// What `file` lies on, by the magic numbers of statfs(2).
pub(crate) fn file_system(file: &File) -> FileSystem {
    // SAFETY: all-zero bytes are a valid `statfs`, which is plain numbers.
    let mut about: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and the pointer is to a live, writable `statfs`.
    if unsafe { libc::fstatfs(file.as_raw_fd(), &raw mut about) } != 0 {
        return FileSystem::Unknown(io::Error::last_os_error().to_string());
    }
    // Some systems have it with a sign, or in 32 bits.
    match about.f_type as u32 {
        // ext2 to ext4, XFS, Btrfs, F2FS, EROFS, SquashFS, FAT, exFAT, NTFS3, JFFS2, NILFS, bcachefs.
        0xEF53 | 0x5846_5342 | 0x9123_683E | 0xF2F5_2010 | 0xE0F5_E1E2 | 0x7371_7368 | 0x4D44
        | 0x2011_BAB0 | 0x7366_746E | 0x72B6 | 0x3434 | 0xCA45_1A4E => FileSystem::Storage,
        0x0102_1994 => FileSystem::Memory("tmpfs"),
        0x8584_58F6 => FileSystem::Memory("ramfs"),
        0x9584_58F6 => FileSystem::Memory("hugetlbfs"),
        0x0102_1997 => FileSystem::Elsewhere("9p"),
        0x6A65_6A63 => FileSystem::Elsewhere("virtiofs"),
        0x6573_5546 => FileSystem::Elsewhere("FUSE"),
        0x6969 => FileSystem::Elsewhere("NFS"),
        0xFF53_4D42 | 0xFE53_4D42 | 0x517B => FileSystem::Elsewhere("SMB"),
        0x00C3_6400 => FileSystem::Elsewhere("Ceph"),
        0x5DCA_2DF5 => FileSystem::Elsewhere("sdcardfs"),
        0x2FC1_2FC1 => FileSystem::Elsewhere("ZFS"),
        0x794C_7630 => FileSystem::Unknown("overlayfs".to_owned()),
        other => FileSystem::Unknown(format!("0x{other:x}")),
    }
}

/// The processes that have `file` mapped, this one aside, with their names; those that this user may look at.
pub(crate) fn holders(file: &File, path: &Path) -> Vec<(u32, String)> {
    let Ok(about) = file.metadata() else { return Vec::new() };
    let device = format!("{:02x}:{:02x}", libc::major(about.dev()), libc::minor(about.dev()));
    let inode = about.ino().to_string();
    let is_it = |line: &str| {
        // `start-end rights offset device inode path`.
        let mut words = line.split_ascii_whitespace().skip(3);
        let is_device = words.next() == Some(device.as_str());
        // Some file systems say another device here than of the file.
        words.next() == Some(inode.as_str()) && (is_device || line.ends_with(&*path.to_string_lossy()))
    };
    let mut holders: Vec<(u32, String)> = pids()
        .into_iter()
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| text(*pid, "maps").is_some_and(|maps| maps.lines().any(is_it)))
        .map(|pid| (pid, text(pid, "comm").unwrap_or_default().trim().to_owned()))
        .collect();
    holders.sort_unstable();
    holders
}

/// Memory of this machine.
pub(crate) fn memory_bytes() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix(" kB")?;
    kib.parse::<u64>().ok()?.checked_mul(1024)
}

/// Bytes that the threads of `pid` had read from storage, by calls or by page faults; with those of its children that
/// have ended.
pub(crate) fn read_bytes(pid: u32) -> Option<u64> {
    text(pid, "io")?.lines().find_map(|line| line.strip_prefix("read_bytes:"))?.trim().parse().ok()
}

/// Page faults that needed storage, of all threads of `pid` and of its children that have ended.
pub(crate) fn major_faults(pid: u32) -> Option<u64> {
    let stat = text(pid, "stat")?;
    // The name before it, in brackets, may hold anything; `majflt` and `cmajflt` are the 12th and 13th field.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(9);
    let own: u64 = fields.next()?.parse().ok()?;
    own.checked_add(fields.next()?.parse().ok()?)
}

/// The living children of `pid`.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let parent = |pid: &u32| {
        let stat = text(*pid, "stat")?;
        stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists: Option<Vec<String>> =
        tasks.flatten().map(|task| fs::read_to_string(task.path().join("children")).ok()).collect();
    match lists {
        Some(lists) => {
            lists.iter().flat_map(|list| list.split_ascii_whitespace()).flat_map(str::parse).collect()
        }
        // Not every kernel keeps such lists.
        None => pids().into_iter().filter(|child| parent(child) == Some(pid)).collect(),
    }
}

fn pids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A file of a process; `None` when it has ended, or is not ours to look at.
fn text(pid: u32, name: &str) -> Option<String> {
    fs::read(format!("/proc/{pid}/{name}")).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
