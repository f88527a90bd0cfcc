//! Several devices in one campaign.

use dyno_testbench::{AdbDevice, AdbServer, PhoneOptions, Sshd, SshdOptions, Userland, UserlandOptions};
use serde_json::Value;

use crate::bench::{Bench, SHORT_RUN, started};

#[test]
fn one_command_over_three_devices_ends_with_one_report_that_compares_them() {
    let server = started(AdbServer::start());
    let phone = started(AdbDevice::start(&server, &PhoneOptions::default()));
    let userland = started(Userland::start(&UserlandOptions::default()));
    let mut bench = Bench::new();
    bench.add_local("here");
    bench.add_userland_ssh("pi", &userland);
    bench.add_adb("phone", &server, &phone.serial());
    let words = [
        "--model",
        "synthetic-tiny",
        "--repetitions",
        "1",
        "--requests",
        "3",
        "--max-tokens",
        "4",
        "--name",
        "c",
    ];
    let done = bench.campaign("here,pi,phone", &words);
    assert!(matches!(done.code, Some(0 | 5)), "{}{}", done.stdout, done.stderr);
    for device in ["here", "pi", "phone"] {
        assert!(done.stdout.contains(device), "{device}: {}", done.stdout);
    }
    assert!(done.stdout.contains("Comparison"), "{}", done.stdout);
    let report = bench.run(&["report", "c", "--format", "json"]).stdout;
    let report: Value = serde_json::from_str(&report).expect("report.json is JSON");
    let cells = report["cells"].as_array().expect("cells");
    let devices: Vec<&str> = cells.iter().filter_map(|cell| cell["device"].as_str()).collect();
    assert_eq!(devices, ["here", "phone", "pi"]);
    for cell in cells {
        assert_eq!(cell["outcomes"][0]["outcome"], "ok", "{cell}");
        assert_eq!(cell["outcomes"][0]["n"], 3, "{cell}");
    }
    // The engine really ran as an aarch64 program.
    let sessions = bench.journal();
    let session = |device: &str| {
        let is_it = |entry: &&Value| entry["entry"] == "session" && entry["device"] == device;
        sessions.iter().find(is_it).unwrap_or_else(|| panic!("no session on {device}")).clone()
    };
    assert_eq!(session("pi")["facts"]["arch"], "aarch64");
    assert_eq!(session("phone")["facts"]["arch"], "x86_64");
    assert_eq!(session("here")["transport"], "local");
    assert_eq!(session("pi")["transport"], "libssh2");
    assert!(session("phone")["transport"].as_str().is_some_and(|words| words.contains("adb")));
    assert_eq!(bench.n_requests(), 9);
}

#[test]
fn a_second_run_sends_nothing() {
    let sshd = started(Sshd::start(SshdOptions::default()));
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    let words = ["--model", "synthetic-tiny", "--repetitions", "1", "--requests", "1", "--max-tokens", "2"];
    let first = bench.ok(&[&["run", "--verbose", "--device", "pi"][..], &words].concat());
    assert!(first.stderr.contains("deploying the agent"), "{}", first.stderr);
    let artifacts = sshd.home().join(".cache/edgedyno/artifacts");
    let stamps = |dir: &std::path::Path| {
        let mut all: Vec<_> = walk(dir).into_iter().filter(|(path, _)| !path.ends_with(".sha256")).collect();
        all.sort();
        all
    };
    let before = stamps(&artifacts);
    assert!(before.len() >= 2, "agent and model: {before:?}");
    bench.ok(&[&["run", "--device", "pi"][..], &words].concat());
    assert_eq!(stamps(&artifacts), before, "nothing was written again");
}

/// Every file below `dir` with the time of its last change.
fn walk(dir: &std::path::Path) -> Vec<(String, std::time::SystemTime)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("the agent made it").flatten() {
        let about = entry.metadata().expect("it is there");
        if about.is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push((entry.path().display().to_string(), about.modified().expect("a time")));
        }
    }
    found
}

#[test]
fn a_phone_with_few_programs_is_measured_all_the_same() {
    let server = started(AdbServer::start());
    let without = ["sha256sum", "stat", "flock", "getconf"].map(str::to_owned).to_vec();
    let options = PhoneOptions { without_commands: without, ..PhoneOptions::default() };
    let phone = started(AdbDevice::start(&server, &options));
    let mut bench = Bench::new();
    bench.add_adb("phone", &server, &phone.serial());
    let done = bench.campaign("phone", SHORT_RUN);
    assert!(matches!(done.code, Some(0 | 5)), "{}", done.stderr);
    assert_eq!(bench.n_requests(), 3);
}

#[test]
fn one_device_that_fails_does_not_stop_the_others() {
    let sshd = started(Sshd::start(SshdOptions::default()));
    let mut bench = Bench::new();
    bench.add_local("here");
    bench.add_sshd("pi", &sshd, None);
    bench.add("gone", "kind = \"ssh\", host = \"no-such-host.invalid\"", None);
    let done = bench.campaign("here,pi,gone", SHORT_RUN);
    assert_eq!(done.code, Some(3), "{}{}", done.stdout, done.stderr);
    assert!(done.stderr.contains("gone") && done.stderr.contains("edgedyno resume c"), "{}", done.stderr);
    assert!(done.stdout.contains("here") && done.stdout.contains("pi"), "{}", done.stdout);
    assert_eq!(bench.n_requests(), 6);
}
