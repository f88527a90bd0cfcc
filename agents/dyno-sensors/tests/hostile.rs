//! Trees that lie, break off and vanish: what comes of them is `None` or a reason, never a wrong number.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use dyno_sensors::{DRIVERS, Found, ProbeContext, Sampler, SamplerConfig, SysRoot, device_facts};

struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().expect("a temporary folder"));
        for (name, text) in files {
            tree.write(name, text);
        }
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a temporary folder");
        fs::write(path, text).expect("a temporary file");
    }

    fn root(&self) -> SysRoot {
        SysRoot::tree(self.0.path())
    }

    fn probe(&self, driver: &str) -> Found {
        let driver = DRIVERS.iter().find(|known| known.name() == driver).expect("a driver of that name");
        driver.probe(&self.root(), &ProbeContext::new(100)).expect("a tree that can be listed")
    }

    /// The first row of the driver's last sensor after `change`.
    fn row_after(&self, driver: &str, change: impl FnOnce(&Self)) -> Vec<Option<i64>> {
        let mut sensor = self.probe(driver).sensors.pop().expect("a sensor");
        change(self);
        let mut row = vec![Some(-1); sensor.channels().len()];
        sensor.read(&mut row).expect("a row");
        row
    }
}

const ZONE: &str = "sys/class/thermal/thermal_zone0/temp";
const CLOCK: &str = "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq";
const ABSURD: [&str; 10] =
    ["", "\n", "hot", "-300000", "999999999", "99999999999999999999999", "12.5", "0x10", "4 2", "\u{0}\u{0}"];

#[test]
fn a_zone_that_turns_absurd_is_not_readable_now() {
    for absurd in ABSURD {
        let tree = Tree::new(&[(ZONE, "40000\n")]);
        assert_eq!(tree.row_after("thermal", |tree| tree.write(ZONE, absurd)), [None], "{absurd:?}");
    }
    let tree = Tree::new(&[(ZONE, "40000\n")]);
    assert_eq!(tree.row_after("thermal", |tree| tree.write(ZONE, "41000\n")), [Some(41_000)]);
    let huge = "4".repeat(1 << 20);
    assert_eq!(tree.row_after("thermal", |tree| tree.write(ZONE, &huge)), [None]);
}

#[test]
fn a_clock_that_turns_absurd_is_not_readable_now() {
    for absurd in ABSURD.into_iter().chain(["0\n", "-1\n", "20000001\n", "<unknown>\n"]) {
        let tree = Tree::new(&[(CLOCK, "1500000\n")]);
        assert_eq!(tree.row_after("cpufreq", |tree| tree.write(CLOCK, absurd)), [None], "{absurd:?}");
    }
}

#[test]
fn a_zone_that_is_absurd_from_the_start_is_listed_with_the_reason() {
    for absurd in ABSURD {
        let found = Tree::new(&[(ZONE, absurd)]).probe("thermal");
        assert!(found.sensors.is_empty(), "{absurd:?}");
        assert_eq!(found.unreadable.len(), 1, "{absurd:?}");
        assert!(!found.unreadable[0].reason.is_empty(), "{absurd:?}");
    }
}

#[test]
fn a_limit_that_looks_like_a_temperature_is_left_out() {
    let tree = Tree::new(&[(ZONE, "75000\n"), ("sys/class/thermal/thermal_zone0/type", "lmh-dcvs-01\n")]);
    let found = tree.probe("thermal");
    assert!(found.sensors.is_empty());
    assert_eq!(found.unreadable[0].reason, "a limit, not a temperature");
}

#[test]
fn ten_thousand_zones_are_sampled_in_part_and_said_so() {
    let tree = Tree::new(&[]);
    for zone in 0..64 {
        tree.write(&format!("sys/class/thermal/thermal_zone{zone}/temp"), "40000\n");
    }
    // Names of one file, not folders: no more than the names of these zones is ever read.
    tree.write("name", "");
    for zone in 64..10_000 {
        let name = tree.path(&format!("sys/class/thermal/thermal_zone{zone}"));
        fs::hard_link(tree.path("name"), name).expect("a temporary name");
    }
    let found = tree.probe("thermal");
    let sites: Vec<&str> = found.sensors[0].channels().iter().map(|channel| channel.site.as_str()).collect();
    assert_eq!((sites.len(), sites[0], sites[63]), (64, "thermal_zone0", "thermal_zone63"));
    let left_out: Vec<String> =
        found.unreadable.iter().map(|one| format!("{}: {}", one.what, one.reason)).collect();
    assert_eq!(left_out, ["thermal_zone64 and all after it, 9936 zones: more than 64 are not sampled"]);
}

#[test]
fn counters_that_break_off_are_not_readable_now() {
    let whole = "cpu  100 5 20 1000 7 3 2 11 40 0\n";
    for broken in
        ["", "cpu", "cpu  100 5", "cpu  100 5 20 1000 7 3\n", "cpu  a 5 20 1000 7 3 2 11\n", "intr 5\n"]
    {
        let tree = Tree::new(&[("proc/stat", whole)]);
        assert_eq!(
            tree.row_after("procfs", |tree| tree.write("proc/stat", broken)),
            [None, None],
            "{broken:?}"
        );
    }
    let max = i64::MAX;
    for overflowing in [format!("cpu  {max} {max} 1 1 1 1 1 1\n"), format!("cpu  {max} 0 0 0 0 0 0 1\n")] {
        let tree = Tree::new(&[("proc/stat", whole)]);
        let row = tree.row_after("procfs", |tree| tree.write("proc/stat", &overflowing));
        assert_eq!(row[0], None, "{overflowing}");
    }
}

#[test]
fn a_counter_that_was_never_sensible_is_listed_with_the_reason() {
    let tree =
        Tree::new(&[("proc/meminfo", "MemTotal: lots\n"), ("proc/stat", "cpu  100 5 20 1000 7 3 2 11\n")]);
    let found = tree.probe("procfs");
    assert_eq!(found.sensors.len(), 1);
    assert_eq!(found.unreadable[0].what, "/proc/meminfo");
}

#[test]
fn a_folder_where_a_file_should_be_is_listed_with_the_reason() {
    let tree = Tree::new(&[]);
    fs::create_dir_all(tree.path(ZONE)).expect("a fresh folder");
    assert_eq!(tree.probe("thermal").unreadable.len(), 1);
}

#[test]
fn facts_of_a_lying_tree_are_unknown() {
    let tree = Tree::new(&[
        ("proc/cpuinfo", "processor\t: zero\nmodel name\t: \u{1b}[31m\n"),
        ("proc/meminfo", "MemTotal: -5 kB\nMemAvailable: 99999999999999999999 kB\nSwapTotal: 1 GB\n"),
        ("sys/devices/system/cpu/online", "0-4294967295\n"),
        ("sys/devices/system/cpu/cpufreq/policy0/related_cpus", "0\n"),
        ("sys/class/dmi/id/sys_vendor", "Default string\n"),
        ("sys/class/dmi/id/product_name", "To Be Filled By O.E.M.\n"),
        ("sys/class/power_supply/BAT0/type", "Battery\n"),
        ("sys/class/power_supply/BAT0/status", "Unknown\n"),
        ("sys/class/power_supply/BAT0/capacity", "101\n"),
    ]);
    tree.write("proc/sys/kernel/osrelease", [0xff, 0xfe, b'\n']);
    let facts = device_facts(&tree.root(), std::path::Path::new("/"));
    assert_eq!((facts.model, facts.cpu, facts.n_cpus, facts.n_cores), (None, None, None, None));
    assert_eq!((facts.ram_bytes, facts.ram_available_bytes, facts.swap_bytes), (None, None, None));
    assert_eq!((facts.battery_status, facts.battery_percent), (None, None));
    assert!(facts.clusters.is_empty(), "{:?}", facts.clusters);
}

#[test]
fn a_guest_is_known_by_its_board_or_its_cpu() {
    let guest =
        |files: &[(&str, &str)]| device_facts(&Tree::new(files).root(), std::path::Path::new("/")).hypervisor;
    let flag = ("proc/cpuinfo", "processor\t: 0\nflags\t: fpu hypervisor\n");
    assert_eq!(guest(&[flag]).as_deref(), Some("unnamed"));
    assert_eq!(guest(&[flag, ("sys/class/dmi/id/sys_vendor", "QEMU\n")]).as_deref(), Some("QEMU"));
    assert_eq!(guest(&[("sys/hypervisor/type", "xen\n")]).as_deref(), Some("xen"));
    assert_eq!(guest(&[("proc/cpuinfo", "processor\t: 0\nflags\t: fpu\n")]), None);
}

#[test]
fn a_process_that_ends_has_no_figures_any_more() {
    let mut child =
        Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat is on every system with procfs");
    let (root, runtime_pid) = (SysRoot::real(), Some(child.id()));
    let sampler =
        Sampler::start(SamplerConfig { root, period_ms: 60_000, runtime_pid }).expect("a running process");
    child.kill().expect("our own child");
    child.wait().expect("our own child");
    let declared = sampler.declared();
    let process =
        declared.iter().find(|sensor| sensor.channels[0].site == "process").expect("it was declared");
    let (batches, own) = sampler.stop();
    let batch = batches.iter().find(|batch| batch.sensor == process.sensor).expect("two rows");
    let rows: Vec<&[Option<i64>]> = batch.values.chunks(process.channels.len()).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[1].iter().all(Option::is_none), "{rows:?}");
    assert_ne!(rows[0][0], Some(0), "resident bytes are unknown or real");
    assert_eq!((own.n_dropped, own.lateness_max_ns.is_some()), (0, true));
    assert!(own.peak_rss_bytes.is_some_and(|bytes| bytes > 100_000), "{own:?}");
}
