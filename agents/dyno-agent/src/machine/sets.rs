//! Which CPUs are measured together, and how much memory that takes.

use std::collections::BTreeMap;

use dyno_model::device::CpuCluster;
use dyno_sensors::SysRoot;

use super::kernels::BLOCK_BYTES;

const CPUS: &str = "sys/devices/system/cpu";
/// More sets than this are not measured (house rule): phones have up to four clusters.
const MAX_SETS: usize = 8;
/// A cache of more than this is none (house rule).
const MAX_CACHE_BYTES: u64 = 4 << 30;
/// More levels of cache than this no CPU has.
const MAX_CACHES: u32 = 8;
/// An array is this much bigger than the last-level caches together (STREAM's rule).
const TIMES_CACHE: u64 = 4;
/// And at least this big (house rule): the kernel does not list the system caches of phones' chips.
const MIN_ARRAY_BYTES: u64 = 32 << 20;
/// Where no cache is known (house rule).
const UNKNOWN_CACHE_BYTES: u64 = 16 << 20;
/// The arrays take this part of the memory that could be had, at most (house rule).
const PART_OF_AVAILABLE: u64 = 4;

/// CPUs that are measured together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CpuSet {
    pub(super) label: String,
    pub(super) cpus: Vec<u32>,
    /// Bytes of their last-level caches together.
    pub(super) cache_bytes: Option<u64>,
}

/// All of `allowed` first; then each cluster, or one CPU where all are alike.
pub(super) fn sets(root: &SysRoot, allowed: &[u32], clusters: &[CpuCluster]) -> Vec<CpuSet> {
    let set = |label: String, cpus: Vec<u32>| {
        let cache_bytes = cache_bytes(root, &cpus);
        CpuSet { label, cpus, cache_bytes }
    };
    let mut found = match allowed {
        [] => return Vec::new(),
        [only] => return vec![set(format!("CPU {only}, the only one"), vec![*only])],
        all => vec![set(format!("all {} CPUs", all.len()), all.to_vec())],
    };
    let usable = |cluster: &CpuCluster| {
        let cpus: Vec<u32> = cluster.cpus.iter().filter(|cpu| allowed.contains(cpu)).copied().collect();
        (!cpus.is_empty()).then(|| (label(cluster, &cpus), cpus))
    };
    let usable: Vec<_> = clusters.iter().filter_map(usable).collect();
    if usable.len() > 1 {
        found.extend(usable.into_iter().map(|(label, cpus)| set(label, cpus)));
    } else {
        found.push(set(format!("CPU {} alone", allowed[0]), vec![allowed[0]]));
    }
    found.truncate(MAX_SETS);
    found
}

/// `CPUs 4-7, Arm Cortex-A76, up to 2.40 GHz`.
fn label(cluster: &CpuCluster, cpus: &[u32]) -> String {
    let which = match cpus {
        [one] => format!("CPU {one}"),
        many => format!("CPUs {}", ranges(many)),
    };
    let clock = cluster.max_freq_khz.map(|khz| format!("up to {:.2} GHz", khz as f64 / 1e6));
    [Some(which), cluster.core.clone(), clock].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `0-3,6`, as the kernel writes lists.
fn ranges(cpus: &[u32]) -> String {
    let alone = |cpu: &u32| cpu.checked_sub(1).is_none_or(|before| !cpus.contains(&before));
    let last = cpus.iter().copied().max().unwrap_or_default();
    let end = |first: u32| (first..=last).take_while(|cpu| cpus.contains(cpu)).last().unwrap_or(first);
    let range = |first: &u32| match end(*first) {
        last if last == *first => first.to_string(),
        last => format!("{first}-{last}"),
    };
    cpus.iter().filter(|cpu| alone(cpu)).map(range).collect::<Vec<_>>().join(",")
}

/// Bytes of all last-level caches that these CPUs have (Documentation/ABI/testing/sysfs-devices-system-cpu).
fn cache_bytes(root: &SysRoot, cpus: &[u32]) -> Option<u64> {
    // By level and by who shares it, each cache once.
    let mut caches: BTreeMap<(u64, String), u64> = BTreeMap::new();
    for cpu in cpus {
        for idx in 0..MAX_CACHES {
            let file = |name: &str| root.text(&format!("{CPUS}/cpu{cpu}/cache/index{idx}/{name}"));
            let Some(level) = file("level").and_then(|level| level.parse().ok()) else { break };
            let is_data = file("type").is_some_and(|kind| kind != "Instruction");
            let Some(size) = file("size").and_then(|size| bytes(&size)).filter(|_| is_data) else { continue };
            let shared = file("shared_cpu_list").unwrap_or_else(|| cpu.to_string());
            caches.insert((level, shared), size);
        }
    }
    let last = caches.keys().map(|(level, _)| *level).max()?;
    Some(caches.iter().filter(|((level, _), _)| *level == last).map(|(_, size)| size).sum())
}

/// `32768K`, as the kernel writes the size of a cache.
fn bytes(text: &str) -> Option<u64> {
    let (digits, unit) = [("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)]
        .into_iter()
        .find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, bytes)))
        .unwrap_or((text, 1));
    // Best effort: a text that is no number is no size, and neither is 0.
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|bytes| (1..=MAX_CACHE_BYTES).contains(bytes))
}

/// Bytes that could be had: what the system says, or less where the agent's control group is allowed less.
pub(super) fn available_bytes(root: &SysRoot, of_system: Option<u64>) -> Option<u64> {
    [of_system, left_in_group(root)].into_iter().flatten().min()
}

/// What the agent's control groups leave (cgroup-v2.rst): the least of all from its own up.
fn left_in_group(root: &SysRoot) -> Option<u64> {
    let lines = root.text("proc/self/cgroup")?;
    let own = lines.split_once("0::")?.1;
    let mut left = None;
    let mut folder = format!("sys/fs/cgroup{own}");
    while folder.len() >= "sys/fs/cgroup".len() {
        let number = |name: &str| root.number(&format!("{folder}/{name}"));
        if let (Some(most), Some(now)) = (number("memory.max"), number("memory.current")) {
            let here = most.saturating_sub(now);
            left = Some(left.map_or(here, |left: u64| left.min(here)));
        }
        let Some((above, _)) = folder.rsplit_once('/') else { break };
        folder = above.to_owned();
    }
    left
}

/// How big the arrays are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Bytes of one array over all threads.
    array_bytes: u64,
    /// What it should have been, where memory is short.
    wanted_bytes: u64,
}

impl Room {
    /// For a set, with so much memory.
    pub(super) fn of(set: &CpuSet, available_bytes: Option<u64>) -> Self {
        let cache = set.cache_bytes.unwrap_or(UNKNOWN_CACHE_BYTES);
        let wanted_bytes = (cache * TIMES_CACHE).max(MIN_ARRAY_BYTES);
        let most = available_bytes.map_or(u64::MAX, |bytes| bytes / PART_OF_AVAILABLE / 3);
        Self { array_bytes: wanted_bytes.min(most), wanted_bytes }
    }

    /// Blocks of one array for each of `n_threads`, at least one; rounded up.
    pub(super) fn n_blocks(&self, n_threads: usize) -> usize {
        let each = self.array_bytes.div_ceil(BLOCK_BYTES * n_threads as u64).max(1);
        usize::try_from(each).unwrap_or(usize::MAX)
    }

    /// What is to be said where memory is short.
    pub(super) fn note(&self, set: &CpuSet) -> Option<String> {
        let mib = |bytes: u64| bytes >> 20;
        (self.array_bytes < self.wanted_bytes).then(|| {
            format!(
                "{}: memory is short, so that each array has {} MiB instead of {} MiB; caches may hold a part of them",
                set.label,
                mib(self.array_bytes),
                mib(self.wanted_bytes)
            )
        })
    }
}

#[cfg(test)]
mod tests;
