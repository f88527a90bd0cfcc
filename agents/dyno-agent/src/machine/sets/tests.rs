//! Sets of cores, on trees of machines that are not here.

use std::fs;

use super::*;

fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, SysRoot) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a temporary folder");
        fs::write(path, text).expect("a temporary file");
    }
    let root = SysRoot::tree(dir.path());
    (dir, root)
}

fn cluster(cpus: &[u32], core: Option<&str>, max_freq_khz: Option<u64>) -> CpuCluster {
    CpuCluster { cpus: cpus.to_vec(), core: core.map(str::to_owned), max_freq_khz, ..CpuCluster::default() }
}

#[test]
fn all_cpus_come_first_and_then_each_kind() {
    let (_dir, root) = tree(&[]);
    let labels = |allowed: &[u32], clusters: &[CpuCluster]| -> Vec<String> {
        sets(&root, allowed, clusters).into_iter().map(|set| set.label).collect()
    };
    let phone = [
        cluster(&[7], Some("Arm Cortex-X4"), Some(3_200_000)),
        cluster(&[4, 5, 6], None, Some(2_800_000)),
        cluster(&[0, 1, 2, 3], Some("Arm Cortex-A520"), None),
    ];
    let all: Vec<u32> = (0..8).collect();
    let expected = [
        "all 8 CPUs",
        "CPU 7, Arm Cortex-X4, up to 3.20 GHz",
        "CPUs 4-6, up to 2.80 GHz",
        "CPUs 0-3, Arm Cortex-A520",
    ];
    assert_eq!(labels(&all, &phone), expected);
    assert_eq!(labels(&[0, 1], &phone), ["all 2 CPUs", "CPU 0 alone"], "what may not be used is left out");
    assert_eq!(labels(&[0, 1], &[cluster(&[0, 1], None, None)]), ["all 2 CPUs", "CPU 0 alone"]);
    assert_eq!(labels(&[5], &phone), ["CPU 5, the only one"]);
    assert!(labels(&[], &phone).is_empty());
    assert_eq!(ranges(&[0, 1, 3, 5, 6]), "0-1,3,5-6");
}

#[test]
fn each_last_level_cache_counts_once() {
    // CPUs 0 and 1 share 2 MiB, CPU 2 has 2 MiB of its own; the level below and instructions are no matter.
    let mut files = Vec::new();
    for (cpu, shared) in [(0, "0-1"), (1, "0-1"), (2, "2")] {
        let file = |idx: u32, name: &str, text: &str| {
            (format!("{CPUS}/cpu{cpu}/cache/index{idx}/{name}"), text.to_owned())
        };
        files.extend([
            file(0, "level", "1"),
            file(0, "type", "Instruction"),
            file(0, "size", "64K"),
            file(1, "level", "2"),
            file(1, "type", "Unified"),
            file(1, "size", "512K"),
            file(1, "shared_cpu_list", &cpu.to_string()),
            file(2, "level", "3"),
            file(2, "type", "Unified"),
            file(2, "size", "2048K"),
            file(2, "shared_cpu_list", shared),
        ]);
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let (_dir, root) = tree(&files);
    assert_eq!(cache_bytes(&root, &[0, 1]), Some(2 << 20));
    assert_eq!(cache_bytes(&root, &[0, 1, 2]), Some(4 << 20));
    assert_eq!(cache_bytes(&root, &[9]), None);
    assert_eq!(
        [bytes("32M"), bytes("512K"), bytes("0K"), bytes("x")],
        [Some(32 << 20), Some(512 << 10), None, None]
    );
}

#[test]
fn arrays_are_four_times_the_caches_as_far_as_there_is_memory() {
    let set = |cache_bytes| CpuSet { label: "all 2 CPUs".to_owned(), cpus: vec![0, 1], cache_bytes };
    let big = Room::of(&set(Some(32 << 20)), Some(8 << 30));
    assert_eq!((big.array_bytes, big.note(&set(None))), (128 << 20, None));
    if cfg!(feature = "engine-embedded") {
        // 128 MiB in blocks of 256 KiB for two.
        assert_eq!(big.n_blocks(2), 256);
    }
    assert_eq!(Room::of(&set(Some(1 << 20)), None).array_bytes, 32 << 20);
    assert_eq!(Room::of(&set(None), None).array_bytes, 64 << 20);
    // 96 MiB could be had: three arrays share a quarter.
    let short = Room::of(&set(Some(32 << 20)), Some(96 << 20));
    let note = short.note(&set(None)).expect("memory is short");
    assert_eq!(short.array_bytes, 8 << 20);
    assert!(note.contains("8 MiB instead of 128 MiB"), "{note}");
}

#[test]
fn a_control_group_may_leave_less_than_the_system_has() {
    let (_dir, root) = tree(&[
        ("proc/self/cgroup", "0::/box/inner\n"),
        ("sys/fs/cgroup/box/inner/memory.max", "max\n"),
        ("sys/fs/cgroup/box/inner/memory.current", "100\n"),
        ("sys/fs/cgroup/box/memory.max", "1000\n"),
        ("sys/fs/cgroup/box/memory.current", "400\n"),
    ]);
    assert_eq!(available_bytes(&root, Some(5000)), Some(600));
    assert_eq!(available_bytes(&root, Some(500)), Some(500));
    let (_dir, bare) = tree(&[]);
    assert_eq!(available_bytes(&bare, Some(5000)), Some(5000));
    assert_eq!(available_bytes(&bare, None), None);
}
