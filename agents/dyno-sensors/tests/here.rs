//! Facts of the machine that runs the test, against what its own tools say.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use dyno_model::device::DeviceFacts;
use dyno_sensors::{SysRoot, device_facts};

fn facts() -> DeviceFacts {
    device_facts(&SysRoot::real(), &std::env::temp_dir())
}

/// What a tool says, without white space around it.
fn said(program: &str, args: &[&str]) -> String {
    let output =
        Command::new(program).args(args).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    String::from_utf8(output.stdout).expect("tools speak UTF-8").trim().to_owned()
}

#[test]
fn kernel_and_cpus_are_those_of_uname_and_nproc() {
    let facts = facts();
    assert_eq!(facts.arch, said("uname", &["-m"]));
    assert_eq!(facts.kernel, Some(said("uname", &["-r"])));
    assert_eq!(facts.host, Some(said("uname", &["-n"])));
    let of_nproc: u32 = said("getconf", &["_NPROCESSORS_ONLN"]).parse().expect("a number");
    assert_eq!(facts.n_cpus, Some(of_nproc));
    assert_eq!(facts.userland_bits.map(|bits| bits.to_string()), Some(said("getconf", &["LONG_BIT"])));
}

#[test]
fn memory_is_that_of_free_and_the_disk_that_of_df() {
    let facts = facts();
    let free = said("free", &["-b"]);
    let column = |row: &str, column: usize| -> u64 {
        let line = free.lines().find(|line| line.starts_with(row)).expect("a row");
        line.split_whitespace().nth(column).and_then(|word| word.parse().ok()).expect("a number")
    };
    assert_eq!(facts.ram_bytes, Some(column("Mem:", 1)));
    assert_eq!(facts.swap_bytes, Some(column("Swap:", 1)));
    let folder = std::env::temp_dir().display().to_string();
    let df = said("df", &["--output=avail,fstype", "-B1", &folder]);
    let words: Vec<&str> = df.lines().nth(1).expect("a row").split_whitespace().collect();
    let avail: i128 = words[0].parse().expect("a number");
    let free_bytes = i128::from(facts.free_bytes.expect("a disk has room"));
    // Others write at the same time.
    assert!((avail - free_bytes).abs() < 2_000_000_000, "{avail} {free_bytes}");
    let disk = facts.work_disk.expect("mounts can be read");
    assert_eq!(disk.file_system.as_deref(), Some(words[1]));
}

#[test]
fn uptime_and_load_are_those_of_proc() {
    let before = uptime_s();
    let facts = facts();
    assert!((before..=uptime_s()).contains(&facts.uptime_s.expect("Linux has one")), "{:?}", facts.uptime_s);
    let load = facts.load.expect("Linux has one");
    let window_ms = load.window_ms.expect("it was looked at");
    assert!((100..10_000).contains(&window_ms), "{window_ms}");
    assert!(load.busiest.iter().all(|one| !one.name.is_empty() && one.cpu_milli >= 100), "{load:?}");
}

fn uptime_s() -> u64 {
    let text = std::fs::read_to_string("/proc/uptime").expect("Linux has one");
    text.split('.').next().and_then(|whole| whole.parse().ok()).expect("a number")
}

#[test]
fn facts_take_little_longer_than_the_window_in_which_the_load_is_seen() {
    let quickest = (0..5).map(|_| {
        let begun = Instant::now();
        let facts = device_facts(&SysRoot::real(), Path::new("/"));
        assert!(!facts.arch.is_empty());
        begun.elapsed()
    });
    let quickest = quickest.min().expect("five of them");
    assert!(quickest >= Duration::from_millis(100), "{quickest:?}");
    // A loaded machine is slower; an endless wait is not load.
    assert!(quickest < Duration::from_secs(3), "{quickest:?}");
}
