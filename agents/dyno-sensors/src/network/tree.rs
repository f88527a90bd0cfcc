//! The processes to watch: the runtime's own, its children, theirs, and all of their process groups and sessions.

use std::fs::File;
use std::io;

use crate::hot::HotFile;
use crate::root::SysRoot;
use crate::{sys, text};

/// A runtime has no more processes; further ones are told as not watched.
const MAX_PROCESSES: usize = 256;
/// So many new numbers are looked at one by one; beyond that all processes are gone through.
const MAX_STEPS: u32 = 1024;
/// The fields that matter are among the first; those after them are numbers.
const STAT_BYTES: usize = 256;
/// All processes are gone through at most so often in one look, until no more of the runtime's are found.
const MAX_ROUNDS: usize = 4;

/// What is watched, and where it was looked for.
#[derive(Debug)]
pub(super) struct Tree {
    root: SysRoot,
    proc: Option<File>,
    /// Its last field is the newest number; `None` where it does not tell one.
    newest: Option<HotFile>,
    /// Up to which number processes were looked for, now and at the look before: one may have its number for a moment
    /// before it can be read.
    looked_up_to: Option<(u32, u32)>,
    pub(super) processes: Vec<Process>,
    n_met: u32,
}

/// One process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// Its folders: `/proc/PID/fd` and `/proc/PID/ns`.
    pub(super) files: File,
    pub(super) spaces: File,
    /// Its files or its namespace were found to be closed to us, which has been told.
    pub(super) is_hidden: bool,
}

/// A process that belongs to the tree and cannot be watched.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) pid: u32,
    pub(super) reason: io::Error,
}

impl Tree {
    pub(super) fn new(root: &SysRoot) -> Self {
        // Best effort: without it all processes are gone through at each look.
        let newest = HotFile::open(root, "proc/loadavg", 128).ok();
        let proc = root.path("proc").and_then(File::open).ok();
        let processes = Vec::with_capacity(MAX_PROCESSES);
        Self { root: root.clone(), proc, newest, looked_up_to: None, processes, n_met: 0 }
    }

    /// The runtime's own process.
    pub(super) fn begin(&mut self, pid: u32) -> Result<(), Refused> {
        let process = self.open(pid).map_err(|reason| Refused { pid, reason })?;
        self.keep(process);
        Ok(())
    }

    /// How many processes were watched in all.
    pub(super) fn n_met(&self) -> u32 {
        self.n_met
    }

    /// Looks for processes that have come since the last look.
    pub(super) fn grow(&mut self, buffer: &mut [u8], on_refused: &mut dyn FnMut(Refused)) {
        let newest = self.newest.as_mut().and_then(HotFile::text).and_then(newest_number);
        let before = self.looked_up_to;
        self.looked_up_to = newest.map(|newest| (newest, before.map_or(newest, |(last, _)| last)));
        match (newest, before) {
            // Numbers begin again at their end.
            (Some(newest), Some((last, before_last)))
                if newest >= last && last >= before_last && newest - before_last <= MAX_STEPS =>
            {
                for pid in before_last.saturating_add(1)..=newest {
                    self.consider(pid, on_refused);
                }
            }
            (Some(_) | None, _) => self.grow_from_all(buffer, on_refused),
        }
    }

    fn grow_from_all(&mut self, buffer: &mut [u8], on_refused: &mut dyn FnMut(Refused)) {
        for _ in 0..MAX_ROUNDS {
            let n_before = self.n_met;
            let mut all = Vec::new();
            if let Some(proc) = &self.proc {
                // Best effort: what could be listed is looked at.
                drop(sys::numbers_in(proc, buffer, &mut |pid| all.push(pid)));
            }
            for pid in all {
                self.consider(pid, on_refused);
            }
            if self.n_met == n_before {
                return;
            }
        }
    }

    /// Takes a process in that belongs to the tree.
    fn consider(&mut self, pid: u32, on_refused: &mut dyn FnMut(Refused)) {
        let is_known = |pid: u32| self.processes.iter().any(|process| process.pid == pid);
        if is_known(pid) {
            return;
        }
        // Best effort: most of these have ended, or are threads.
        let mut room = [0; STAT_BYTES];
        let stat = self.root.open(&format!("proc/{pid}/stat"));
        let Ok(n) = stat.and_then(|stat| sys::read_at(&stat, &mut room, 0)) else { return };
        let Some(family) = family(&room[..n]) else { return };
        if !family.into_iter().any(is_known) || !self.is_process(pid) {
            return;
        }
        match self.open(pid) {
            Ok(process) if self.processes.len() < MAX_PROCESSES => self.keep(process),
            Ok(_) => on_refused(Refused { pid, reason: io::ErrorKind::QuotaExceeded.into() }),
            Err(reason) if is_over(&reason) => {}
            Err(reason) => on_refused(Refused { pid, reason }),
        }
    }

    /// Whether the number is that of a process, not of a thread.
    fn is_process(&self, pid: u32) -> bool {
        let status = self.root.read(&format!("proc/{pid}/status")).unwrap_or_default();
        text::after(status.as_bytes(), b"Tgid:").and_then(text::count) == Some(i64::from(pid))
    }

    fn open(&self, pid: u32) -> io::Result<Process> {
        let folder = |name: &str| self.root.path(&format!("proc/{pid}/{name}")).and_then(File::open);
        Ok(Process { pid, files: folder("fd")?, spaces: folder("ns")?, is_hidden: false })
    }

    fn keep(&mut self, process: Process) {
        self.n_met = self.n_met.saturating_add(1);
        self.processes.push(process);
    }
}

/// Whether an error says that a process has ended.
pub(super) fn is_over(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// The last field of `/proc/loadavg` (proc(5)); some sandboxes say 0.
fn newest_number(loadavg: &[u8]) -> Option<u32> {
    let last = text::words(loadavg).nth(4).and_then(text::count)?;
    u32::try_from(last).ok().filter(|number| *number > 0)
}

/// Fields 4 to 6 of `/proc/PID/stat` (proc(5)): parent, process group, session.
fn family(stat: &[u8]) -> Option<[u32; 3]> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = text::words(&stat[name_end + 1..]).skip(1).map(|word| {
        // A process of another namespace has a parent that is not told.
        u32::try_from(text::count(word).unwrap_or(0)).unwrap_or(0)
    });
    Some([fields.next()?, fields.next()?, fields.next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree whose processes have these parents and groups; nobody new is told.
    fn tree(processes: &[(u32, u32, u32)]) -> (tempfile::TempDir, SysRoot) {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        for (pid, parent, group) in processes {
            let of = folder.path().join(format!("proc/{pid}"));
            for name in ["fd", "ns"] {
                std::fs::create_dir_all(of.join(name)).expect("our own folder");
            }
            let stat = format!("{pid} (a ) b) S {parent} {group} {group} 0 -1 4194304 0\n");
            std::fs::write(of.join("stat"), stat).expect("our own folder");
            std::fs::write(of.join("status"), format!("Name:\ta\nTgid:\t{pid}\n")).expect("our own folder");
        }
        let root = SysRoot::tree(folder.path());
        (folder, root)
    }

    fn grown(root: &SysRoot, pid: u32) -> Vec<u32> {
        let mut tree = Tree::new(root);
        tree.begin(pid).expect("the runtime is there");
        tree.grow(&mut [0; 4096], &mut |refused| panic!("{refused:?}"));
        let mut pids: Vec<u32> = tree.processes.iter().map(|process| process.pid).collect();
        pids.sort_unstable();
        pids
    }

    #[test]
    fn children_and_theirs_belong_whatever_their_numbers() {
        // 40 leads its group; 41 is its child, 12 a child of 41 with a number from a later round, 43 nobody's of these.
        let (_folder, root) = tree(&[(40, 1, 40), (41, 40, 41), (12, 41, 41), (43, 1, 43)]);
        assert_eq!(grown(&root, 40), [12, 40, 41]);
    }

    #[test]
    fn who_has_lost_its_parent_is_known_by_its_group() {
        let (_folder, root) = tree(&[(40, 1, 40), (55, 1, 40), (56, 1, 56)]);
        assert_eq!(grown(&root, 40), [40, 55]);
    }

    #[test]
    fn only_new_numbers_are_looked_at() {
        let (folder, root) = tree(&[(40, 1, 40)]);
        let newest = |n: u32| {
            std::fs::write(folder.path().join("proc/loadavg"), format!("0.1 0.2 0.3 2/99 {n}\n"))
                .expect("our own folder");
        };
        newest(100);
        let mut tree = Tree::new(&root);
        tree.begin(40).expect("the runtime is there");
        let look = |tree: &mut Tree| {
            tree.grow(&mut [0; 4096], &mut |refused| panic!("{refused:?}"));
            tree.processes.len()
        };
        assert_eq!(look(&mut tree), 1);
        let add = |pid: u32| {
            let of = folder.path().join(format!("proc/{pid}"));
            for name in ["fd", "ns"] {
                std::fs::create_dir_all(of.join(name)).expect("our own folder");
            }
            std::fs::write(of.join("stat"), format!("{pid} (a) S 40 40 1 0\n")).expect("our own folder");
            std::fs::write(of.join("status"), format!("Tgid:\t{pid}\n")).expect("our own folder");
        };
        // 90 is not new, and nobody looks there again; 101 has its number before it can be read.
        add(90);
        newest(101);
        assert_eq!(look(&mut tree), 1);
        add(101);
        assert_eq!(look(&mut tree), 2);
        assert_eq!(tree.n_met(), 2);
        // Numbers begin again: everybody is looked at.
        newest(3);
        assert_eq!(look(&mut tree), 3);
    }

    #[test]
    fn a_family_is_read_behind_any_name() {
        assert_eq!(family(b"7 (a) S 1 (b) S 4 5 6 0"), Some([4, 5, 6]));
        assert_eq!(family(b"7 (a) S 4 5"), None);
        assert_eq!(family(b"7"), None);
        assert_eq!(newest_number(b"0.00 0.01 0.05 1/123 4567\n"), Some(4567));
        assert_eq!((newest_number(b"0 0 0 1/1 0\n"), newest_number(b"")), (None, None));
    }
}
