//! Facts and rows from the trees in `fixtures/`; every expected value is worked out by hand from their files.

use std::collections::BTreeMap;
use std::path::Path;

use dyno_model::sample::{Quantity, SensorDeclared};
use dyno_sensors::{DRIVERS, Found, ProbeContext, Sampler, SamplerConfig, Sensor, SysRoot, device_facts};

fn root(name: &str) -> SysRoot {
    SysRoot::tree(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name))
}

fn text(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str)
}

#[test]
fn a_laptop_says_what_it_is() {
    let facts = device_facts(&root("laptop-x86"), Path::new("/"));
    assert_eq!(text(facts.model.as_ref()), Some("LENOVO 20XW0055GE"));
    assert_eq!(text(facts.cpu.as_ref()), Some("11th Gen Intel(R) Core(TM) i5-1135G7 @ 2.40GHz"));
    assert_eq!(facts.arch, "x86_64");
    let features = "avx avx2 avx512bw avx512dq avx512f avx512vbmi avx512vl avx512vnni bmi2 f16c fma sse4.2";
    assert_eq!(facts.cpu_features.join(" "), features);
    assert_eq!((facts.n_cpus, facts.n_cores), (Some(4), Some(2)));
    let [cluster] = facts.clusters.as_slice() else {
        panic!("four equal CPUs are one cluster: {:?}", facts.clusters)
    };
    assert_eq!(
        (cluster.cpus.as_slice(), text(cluster.governor.as_ref())),
        ([0, 1, 2, 3].as_slice(), Some("powersave"))
    );
    assert_eq!((cluster.min_freq_khz, cluster.max_freq_khz), (Some(400_000), Some(4_200_000)));
    assert_eq!(cluster.now_freq_khz, Some(2_400_500));
    // 16184084, 9038300 and 2097148 KiB.
    assert_eq!(facts.ram_bytes, Some(16_572_502_016));
    assert_eq!((facts.ram_available_bytes, facts.swap_bytes), (Some(9_255_219_200), Some(2_147_479_552)));
    assert_eq!(text(facts.os_version.as_ref()), Some("Ubuntu 24.04.1 LTS"));
    assert_eq!(text(facts.kernel.as_ref()), Some("6.8.0-45-generic"));
    assert_eq!(text(facts.host.as_ref()), Some("laptop"));
    assert_eq!(text(facts.boot_id.as_ref()), Some("0f8fad5b-d9cb-469f-a165-70867728950e"));
    assert_eq!(facts.hypervisor, None);
    assert_eq!((text(facts.battery_status.as_ref()), facts.battery_percent), (Some("Discharging"), Some(83)));
}

#[test]
fn a_board_says_what_it_is() {
    let facts = device_facts(&root("raspberry-pi-5"), Path::new("/"));
    assert_eq!(text(facts.model.as_ref()), Some("Raspberry Pi 5 Model B Rev 1.0"));
    assert_eq!(text(facts.cpu.as_ref()), Some("Arm Cortex-A76"));
    assert_eq!(facts.arch, "aarch64");
    assert_eq!(facts.cpu_features, ["dotprod", "fp16", "neon"]);
    assert_eq!((facts.n_cpus, facts.n_cores), (Some(4), Some(4)));
    let [cluster] = facts.clusters.as_slice() else {
        panic!("one policy is one cluster: {:?}", facts.clusters)
    };
    assert_eq!(
        (cluster.cpus.as_slice(), text(cluster.governor.as_ref())),
        ([0, 1, 2, 3].as_slice(), Some("ondemand"))
    );
    assert_eq!((cluster.max_freq_khz, cluster.now_freq_khz), (Some(2_400_000), Some(1_500_000)));
    assert_eq!(facts.ram_bytes, Some(8_443_592_704));
    assert_eq!((facts.battery_status, facts.battery_percent, facts.hypervisor), (None, None, None));
}

#[test]
fn an_empty_tree_knows_nothing_and_says_so() {
    let empty = tempfile::tempdir().expect("a temporary folder");
    let facts = device_facts(&SysRoot::tree(empty.path()), Path::new("/"));
    assert_eq!((facts.model, facts.cpu, facts.n_cpus, facts.n_cores), (None, None, None, None));
    assert_eq!((facts.ram_bytes, facts.ram_available_bytes, facts.swap_bytes), (None, None, None));
    assert_eq!((facts.kernel, facts.host, facts.boot_id, facts.os_version), (None, None, None, None));
    assert!(facts.clusters.is_empty() && facts.cpu_features.is_empty());
    for driver in DRIVERS {
        let found =
            driver.probe(&SysRoot::tree(empty.path()), &ProbeContext::new(100)).expect("absence is no error");
        assert!(found.sensors.is_empty() && found.unreadable.is_empty(), "{}", driver.name());
    }
}

fn probe(root: &SysRoot, driver: &str) -> Found {
    let driver = DRIVERS.iter().find(|known| known.name() == driver).expect("a driver of that name");
    driver.probe(root, &ProbeContext::new(100)).expect("a tree that can be listed")
}

fn row(sensor: &mut Box<dyn Sensor>) -> Vec<Option<i64>> {
    let mut row = vec![Some(-1); sensor.channels().len()];
    sensor.read(&mut row).expect("a row");
    row
}

fn columns(sensor: &dyn Sensor) -> Vec<(Quantity, String)> {
    sensor.channels().iter().map(|channel| (channel.quantity, channel.site.clone())).collect()
}

#[test]
fn the_system_is_one_row_in_our_units() {
    let mut found = probe(&root("laptop-x86"), "procfs");
    let system = found.sensors.last_mut().expect("after the process");
    let expected = [
        (Quantity::AvailableBytes, "system"),
        (Quantity::SwapBytes, "system"),
        (Quantity::BusyNs, "system"),
        (Quantity::StealNs, "system"),
        (Quantity::StallNs, "memory"),
        (Quantity::StallFullNs, "memory"),
        (Quantity::StallNs, "cpu"),
        (Quantity::StallNs, "io"),
        (Quantity::StallFullNs, "io"),
    ];
    assert_eq!(columns(system.as_ref()), expected.map(|(quantity, site)| (quantity, site.to_owned())));
    // Busy: (1000 + 50 + 300 + 20 + 30) ticks of 10 ms.
    let expected = [9_255_219_200, 0, 14_000_000_000, 0, 123_456_000, 1_000_000, 7_000_001_000, 42_000, 7000];
    assert_eq!(row(system), expected.map(Some));
    assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
}

#[test]
fn a_kernel_without_pressure_figures_has_no_such_channels() {
    let mut found = probe(&root("raspberry-pi-5"), "procfs");
    let system = found.sensors.last_mut().expect("after the process");
    // 7654321 KiB; (5000 + 1000 + 200) ticks of 10 ms.
    assert_eq!(row(system), [Some(7_838_024_704), Some(0), Some(62_000_000_000), Some(0)]);
}

#[test]
fn clocks_have_a_channel_for_each_policy() {
    let mut found = probe(&root("laptop-x86"), "cpufreq");
    assert_eq!(row(&mut found.sensors[0]), [1_200_000, 2_400_500, 800_000, 900_125].map(Some));
    let sites = |sensor: &dyn Sensor| {
        sensor.channels().iter().map(|channel| channel.site.clone()).collect::<Vec<_>>()
    };
    assert_eq!(sites(found.sensors[0].as_ref()), ["cpu0", "cpu1", "cpu2", "cpu3"]);
    let found = probe(&root("raspberry-pi-5"), "cpufreq");
    assert_eq!(sites(found.sensors[0].as_ref()), ["cpu0-3"]);
    assert_eq!(found.sensors[0].channels()[0].period_ms, 1000);
}

#[test]
fn zones_that_say_nothing_sensible_are_listed_with_the_reason() {
    let mut found = probe(&root("laptop-x86"), "thermal");
    let expected = ["thermal_zone0 acpitz", "thermal_zone10 x86_pkg_temp"];
    assert_eq!(
        columns(found.sensors[0].as_ref()),
        expected.map(|site| (Quantity::TempMdegc, site.to_owned()))
    );
    assert_eq!(row(&mut found.sensors[0]), [Some(27_800), Some(61_000)]);
    let unreadable: BTreeMap<&str, &str> =
        found.unreadable.iter().map(|one| (&*one.what, &*one.reason)).collect();
    assert!(unreadable["thermal_zone1 iwlwifi_1"].contains("No such file"), "{unreadable:?}");
    assert_eq!(unreadable["thermal_zone2 INT3400 Thermal"], "-274000 m°C is not between -40000 and 150000");
}

/// All values of one channel, in order.
fn values(sampler: Sampler, quantity: Quantity, site: &str) -> Vec<Option<i64>> {
    let declared = sampler.declared();
    let has = |sensor: &SensorDeclared| {
        sensor.channels.iter().position(|channel| channel.quantity == quantity && channel.site == site)
    };
    let (sensor, column) =
        declared.iter().find_map(|sensor| Some((sensor, has(sensor)?))).expect("a channel");
    let (batches, _own) = sampler.stop();
    let of_sensor = batches.iter().filter(|batch| batch.sensor == sensor.sensor);
    of_sensor
        .flat_map(|batch| batch.values.iter().skip(column).step_by(sensor.channels.len()).copied())
        .collect()
}

fn start(root: SysRoot, runtime_pid: Option<u32>) -> Sampler {
    Sampler::start(SamplerConfig { root, period_ms: 60_000, runtime_pid }).expect("a thread and a process")
}

#[test]
fn a_process_is_sampled_at_the_start_and_at_the_end() {
    let check = |quantity, expected: i64| {
        let sampler = start(root("laptop-x86"), Some(4242));
        assert_eq!(values(sampler, quantity, "process"), [Some(expected); 2], "{quantity:?}");
    };
    check(Quantity::RssBytes, 640 << 20);
    check(Quantity::PeakRssBytes, 880 << 20);
    check(Quantity::AnonBytes, 128 << 20);
    check(Quantity::FileBytes, 512 << 20);
    // 1500 + 250 ticks of 10 ms.
    check(Quantity::CpuNs, 17_500_000_000);
    check(Quantity::MajorFaults, 77);
    check(Quantity::ReadBytes, 512 << 20);
}

#[test]
fn an_agent_watches_itself_from_the_start() {
    let sampler = start(root("laptop-x86"), None);
    assert_eq!(values(sampler, Quantity::RssBytes, "agent"), [Some(8000 << 10); 2]);
}

#[test]
fn there_are_no_rows_of_a_process_that_is_not_known_yet() {
    assert_eq!(values(start(root("laptop-x86"), None), Quantity::RssBytes, "process"), []);
    let sampler = start(root("laptop-x86"), None);
    sampler.attach(4242).expect("it is in the tree");
    // The first row may come before or after the process is known; the last one is after.
    assert_eq!(values(sampler, Quantity::RssBytes, "process").last(), Some(&Some(640 << 20)));
}

#[test]
fn a_process_that_is_not_there_is_an_error_with_its_number() {
    let sampler = start(root("laptop-x86"), None);
    let error = sampler.attach(4243).expect_err("it is not in the tree");
    assert_eq!(error.to_string(), "cannot watch process 4243");
    assert!(
        Sampler::start(SamplerConfig { root: root("laptop-x86"), period_ms: 100, runtime_pid: Some(1) })
            .is_err()
    );
}

/// A process with its group and its memory shared out, as Documentation/admin-guide/cgroup-v2.rst and proc(5) have them.
fn grouped() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a temporary folder");
        std::fs::write(path, text).expect("a temporary file");
    };
    write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    for pid in ["self", "7"] {
        write(&format!("proc/{pid}/status"), "VmRSS: 100 kB\nVmSwap: 8 kB\n");
        write(&format!("proc/{pid}/stat"), "7 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 0\n");
        let rollup =
            "Pss: 80 kB\nPss_Anon: 50 kB\nPss_File: 30 kB\nPrivate_Clean: 20 kB\nPrivate_Dirty: 40 kB\n";
        write(&format!("proc/{pid}/smaps_rollup"), rollup);
    }
    write("proc/7/cgroup", "0::/user.slice/run.scope\n");
    let group = "sys/fs/cgroup/user.slice/run.scope";
    write(&format!("{group}/memory.current"), "1048576\n");
    write(&format!("{group}/memory.peak"), "2097152\n");
    write(&format!("{group}/memory.events"), "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n");
    dir
}

#[test]
fn the_runtimes_group_tells_its_peak_and_its_kills() {
    let dir = grouped();
    let check = |quantity, expected: Option<i64>| {
        let sampler = start(SysRoot::tree(dir.path()), Some(7));
        assert_eq!(values(sampler, quantity, "runtime's group"), [expected; 2], "{quantity:?}");
    };
    check(Quantity::CgroupBytes, Some(1 << 20));
    check(Quantity::CgroupPeakBytes, Some(2 << 20));
    check(Quantity::OomKills, Some(1));
    // A kernel that does not count swap has no such file.
    check(Quantity::SwapBytes, None);
    let sampler = start(SysRoot::tree(dir.path()), Some(7));
    assert_eq!(values(sampler, Quantity::SwapBytes, "process"), [Some(8 << 10); 2]);
}

#[test]
fn a_group_of_the_older_kind_tells_the_same_but_for_swap() {
    let dir = grouped();
    std::fs::remove_file(dir.path().join("sys/fs/cgroup/cgroup.controllers")).expect("it was made above");
    std::fs::write(dir.path().join("proc/7/cgroup"), "4:memory:/box\n0::/\n").expect("a temporary file");
    let folder = dir.path().join("sys/fs/cgroup/memory");
    std::fs::create_dir_all(folder.join("box")).expect("a temporary folder");
    for (file, text) in [
        ("memory.usage_in_bytes", "9\n"),
        ("box/memory.usage_in_bytes", "4096\n"),
        ("box/memory.max_usage_in_bytes", "8192\n"),
        ("box/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
    ] {
        std::fs::write(folder.join(file), text).expect("a temporary file");
    }
    let check = |quantity, expected: Option<i64>| {
        let sampler = start(SysRoot::tree(dir.path()), Some(7));
        assert_eq!(values(sampler, quantity, "runtime's group"), [expected; 2], "{quantity:?}");
    };
    check(Quantity::CgroupBytes, Some(4096));
    check(Quantity::CgroupPeakBytes, Some(8192));
    check(Quantity::OomKills, Some(3));
    check(Quantity::SwapBytes, None);
}

#[test]
fn a_group_that_leads_outside_is_not_followed() {
    let dir = grouped();
    std::fs::write(dir.path().join("proc/7/cgroup"), "0::/../../../etc\n").expect("a temporary file");
    let sampler = start(SysRoot::tree(dir.path()), Some(7));
    let noted = sampler.unreadable();
    assert!(noted.iter().any(|one| one.what == "the control group of process 7"), "{noted:?}");
    assert_eq!(values(sampler, Quantity::CgroupBytes, "runtime's group"), []);
}

#[test]
fn shares_are_read_at_boundaries_and_at_no_other_time() {
    let dir = grouped();
    let sampler = start(SysRoot::tree(dir.path()), None);
    assert!(sampler.take_boundary().is_err(), "no process is known yet");
    assert_eq!(values(sampler, Quantity::PssBytes, "process"), []);

    let sampler = start(SysRoot::tree(dir.path()), Some(7));
    sampler.take_boundary().expect("it is known");
    std::fs::write(dir.path().join("proc/7/smaps_rollup"), "").expect("a temporary file");
    sampler.take_boundary().expect("a row without figures");
    let declared = sampler.declared();
    let last = declared.last().expect("after all drivers");
    assert_eq!((last.driver.as_str(), last.channels[0].period_ms), ("smaps", 0));
    let (batches, _own) = sampler.stop();
    let batch = batches.iter().find(|batch| batch.sensor == last.sensor).expect("two rows");
    let kib = |values: [i64; 4]| values.map(|kib| Some(kib << 10)).to_vec();
    assert_eq!(batch.values, [kib([80, 50, 30, 60]), vec![None; 4]].concat());
}
