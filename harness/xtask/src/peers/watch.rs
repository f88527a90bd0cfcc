//! A tool's run from outside: its whole tree of processes, and the machine beside it.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use dyno_model::clock::monotonic_now;

/// The tree is looked at so often; a look costs some 2 ms.
const LOOK: Duration = Duration::from_millis(100);
/// No tool takes longer, the start included.
const LIMIT_NS: u64 = 400_000_000_000;
/// Kernel ticks of `/proc/PID/stat`: USER_HZ is 100 on every Linux.
const TICK_NS: u64 = 10_000_000;
const PAGE_KIB: u64 = 4;

/// What was seen of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watched {
    /// When the tool was launched, in ns of the monotonic clock.
    pub(crate) launched_at: u64,
    /// Instant and CPU time of the tree so far.
    pub(crate) cpu: Vec<(u64, u64)>,
    /// Sum over the tree, at its highest.
    pub(crate) peak_rss_kib: u64,
    /// Load average of one minute before.
    pub(crate) load: f64,
    /// Share of all CPU time that a hypervisor took.
    pub(crate) steal_ratio: f64,
    /// Share of all CPU time that others than the tree used, the server included.
    pub(crate) others_ratio: f64,
    /// Why it counts for nothing, where it does.
    pub(crate) failure: Option<String>,
}

/// Runs a tool to its end.
pub(crate) fn run(mut command: Command, stdout: &Path) -> anyhow::Result<Watched> {
    let stderr = File::create(stdout.with_extension("stderr"))?;
    command.stdin(Stdio::null()).stdout(File::create(stdout)?).stderr(stderr).process_group(0);
    let mut watched = Watched { load: load(), ..Watched::default() };
    let before = Stat::read()?;
    watched.launched_at = monotonic_now().0;
    let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
    let mut tree = Tree::default();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        tree.look(child.id());
        watched.cpu.push((monotonic_now().0, tree.cpu_ns()));
        watched.peak_rss_kib = watched.peak_rss_kib.max(tree.rss_kib);
        if monotonic_now().0 - watched.launched_at > LIMIT_NS {
            end_group(child.id());
            watched.failure = Some(format!("took longer than {} s", LIMIT_NS / 1_000_000_000));
        }
        std::thread::sleep(LOOK);
    };
    if !status.success() && watched.failure.is_none() {
        watched.failure = Some(status.to_string());
    }
    let after = Stat::read()?;
    let all = (after.all - before.all).max(1) as f64;
    watched.steal_ratio = (after.steal - before.steal) as f64 / all;
    let own = tree.cpu_ns() as f64 / TICK_NS as f64;
    watched.others_ratio = (((after.busy - before.busy) as f64 - own) / all).max(0.0);
    Ok(watched)
}

/// Ends a tool and all that it started; it is the leader of a group of its own.
fn end_group(pid: u32) {
    // Best effort: if it cannot be ended, it is waited for.
    drop(Command::new("kill").args(["-KILL", "--", &format!("-{pid}")]).status());
}

/// The processes of a tool.
#[derive(Default)]
struct Tree {
    /// CPU time of each process so far, those that have ended included.
    cpu_ticks: BTreeMap<u32, u64>,
    rss_kib: u64,
}

impl Tree {
    fn look(&mut self, root: u32) {
        let mut all = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            if let Some(one) =
                std::fs::read_to_string(entry.path().join("stat")).ok().and_then(|text| read(&text))
            {
                all.insert(pid, one);
            }
        }
        self.rss_kib = 0;
        for (pid, one) in &all {
            if is_below(*pid, root, &all) {
                self.cpu_ticks.insert(*pid, one.ticks);
                self.rss_kib += one.rss_pages * PAGE_KIB;
            }
        }
    }

    fn cpu_ns(&self) -> u64 {
        self.cpu_ticks.values().sum::<u64>() * TICK_NS
    }
}

/// A line of `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    parent: u32,
    ticks: u64,
    rss_pages: u64,
}

/// Fields 4, 14, 15 and 24 of proc(5), counted from the state after the name.
fn read(stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    let parent = u32::try_from(number(1)?).ok()?;
    Some(Process { parent, ticks: number(11)? + number(12)?, rss_pages: number(21)? })
}

fn is_below(pid: u32, root: u32, all: &BTreeMap<u32, Process>) -> bool {
    let mut at = pid;
    // No tree is deeper; a parent that has gone ends the way.
    for _ in 0..64 {
        if at == root {
            return true;
        }
        let Some(one) = all.get(&at) else { return false };
        at = one.parent;
    }
    false
}

/// The first line of `/proc/stat`, in ticks of all cores.
struct Stat {
    all: u64,
    busy: u64,
    steal: u64,
}

impl Stat {
    fn read() -> anyhow::Result<Self> {
        let text = std::fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().context("/proc/stat is empty")?;
        let numbers: Vec<u64> =
            line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
        let [user, nice, system, idle, iowait, irq, softirq, steal, ..] = numbers[..] else {
            anyhow::bail!("/proc/stat has fewer columns than it should: {line}")
        };
        let busy = user + nice + system + irq + softirq;
        Ok(Self { all: busy + idle + iowait + steal, busy, steal })
    }
}

fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        // From a real line; the name is the awkward part.
        let stat = "71 (a) b (c) S 42 71 71 0 -1 4194304 100 0 0 0 7 5 0 0 20 0 1 0 100 2000 33 184 1";
        assert_eq!(read(stat), Some(Process { parent: 42, ticks: 12, rss_pages: 33 }));
        assert_eq!(read("no process"), None);
    }

    #[test]
    fn a_tree_has_children_of_children() {
        let one = |parent| Process { parent, ticks: 0, rss_pages: 0 };
        let all = BTreeMap::from([(1, one(0)), (5, one(1)), (6, one(5)), (7, one(6)), (8, one(1))]);
        let below: Vec<u32> = all.keys().copied().filter(|pid| is_below(*pid, 5, &all)).collect();
        assert_eq!(below, [5, 6, 7]);
    }
}
