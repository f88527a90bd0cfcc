//! CPUs of one kind, by cpufreq policy and capacity.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use dyno_model::device::CpuCluster;

use crate::cpufreq::FOLDER;
use crate::facts::cpu_list;
use crate::facts::cpuinfo::CpuInfo;
use crate::root::SysRoot;

const CPUS: &str = "sys/devices/system/cpu";

/// CPU numbers that are online.
pub(crate) fn online(root: &SysRoot) -> Option<Vec<u32>> {
    cpu_list(&root.text(&format!("{CPUS}/online"))?).filter(|cpus| !cpus.is_empty())
}

/// Physical cores among `cpus`: sets of CPUs that share one core are counted once.
pub(crate) fn n_cores(root: &SysRoot, cpus: &[u32]) -> Option<u32> {
    let siblings = |cpu: &u32| {
        let file = |name: &str| root.text(&format!("{CPUS}/cpu{cpu}/topology/{name}"));
        file("core_cpus_list").or_else(|| file("thread_siblings_list"))
    };
    let cores: Option<BTreeSet<String>> = cpus.iter().map(siblings).collect();
    // More cores than fit are no count.
    u32::try_from(cores?.len()).ok().filter(|n| *n > 0)
}

/// Clusters of equal CPUs among `online`, biggest first.
///
/// CPUs are equal if capacity, governor and clock limits are; policies of equal CPUs (x86 has one for each) are one
/// cluster. Without cpufreq, capacity alone decides, and `now_freq_khz` is the clock that `/proc/cpuinfo` gives.
pub(crate) fn clusters(root: &SysRoot, online: &[u32], cpuinfo: &CpuInfo<'_>) -> Vec<CpuCluster> {
    let mut found: Vec<(Option<u64>, CpuCluster)> = Vec::new();
    let policies = policies(root, online);
    let covered: BTreeSet<u32> = policies.iter().flat_map(|cluster| cluster.cpus.iter().copied()).collect();
    let bare = |cpu: &u32| CpuCluster {
        cpus: vec![*cpu],
        now_freq_khz: cpuinfo.freq_khz().filter(|_| covered.is_empty()),
        ..CpuCluster::default()
    };
    let without_policy = online.iter().filter(|cpu| !covered.contains(cpu)).map(bare);
    for cluster in policies.iter().cloned().chain(without_policy) {
        let capacity =
            cluster.cpus.first().and_then(|cpu| root.number(&format!("{CPUS}/cpu{cpu}/cpu_capacity")));
        let alike = |other: &CpuCluster| {
            (&other.governor, other.min_freq_khz, other.max_freq_khz, other.limit_freq_khz)
                == (&cluster.governor, cluster.min_freq_khz, cluster.max_freq_khz, cluster.limit_freq_khz)
        };
        match found.iter_mut().find(|(of, other)| *of == capacity && alike(other)) {
            Some((_, same)) => {
                same.now_freq_khz = same.now_freq_khz.max(cluster.now_freq_khz);
                same.cpus.extend(cluster.cpus);
                same.cpus.sort_unstable();
            }
            None => found.push((capacity, cluster)),
        }
    }
    found.sort_by_key(|(capacity, cluster)| {
        (Reverse((*capacity, cluster.max_freq_khz)), cluster.cpus.first().copied())
    });
    let named = |mut cluster: CpuCluster| {
        cluster.core = cluster.cpus.first().and_then(|cpu| cpuinfo.core_of(*cpu));
        cluster
    };
    found.into_iter().map(|(_, cluster)| named(cluster)).collect()
}

/// One cluster for each cpufreq policy that has a CPU online.
fn policies(root: &SysRoot, online: &[u32]) -> Vec<CpuCluster> {
    // Best effort: without cpufreq there are no policies.
    let names = root.names(FOLDER).unwrap_or_default();
    let policy = |name: &String| {
        let file = |file: &str| format!("{FOLDER}/{name}/{file}");
        let cpus =
            cpu_list(&root.text(&file("related_cpus")).or_else(|| root.text(&file("affected_cpus")))?)?;
        let cpus: Vec<u32> = cpus.into_iter().filter(|cpu| online.contains(cpu)).collect();
        let believed = |khz: &u64| (1..=20_000_000).contains(khz);
        let freq_khz = |name: &str| root.number(&file(name)).filter(believed);
        (!cpus.is_empty()).then(|| CpuCluster {
            cpus,
            core: None,
            governor: root.text(&file("scaling_governor")),
            driver: root.text(&file("scaling_driver")),
            min_freq_khz: freq_khz("cpuinfo_min_freq"),
            max_freq_khz: freq_khz("cpuinfo_max_freq"),
            limit_freq_khz: freq_khz("scaling_max_freq"),
            now_freq_khz: freq_khz("scaling_cur_freq"),
        })
    };
    names.iter().filter(|name| name.starts_with("policy")).filter_map(policy).collect()
}
