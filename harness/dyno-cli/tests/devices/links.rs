//! Links that break in mid-run: the device goes on, and what it recorded is brought home.

use std::process::Child;
use std::time::Duration;

use dyno_testbench::{AdbDevice, AdbServer, PhoneOptions, Sshd, SshdOptions, Userland, UserlandOptions};

use crate::bench::{Bench, SLOW_RUN, done, in_mid_run, n_spooled, started, wait_until};
use crate::sandbox::Done;

fn ended(child: Child) -> Done {
    done(child.wait_with_output().expect("our child"))
}

/// Everything was measured, each request once, and all launches ended well.
fn check_whole(bench: &Bench, done: &Done) {
    assert!(matches!(done.code, Some(0 | 5)), "{}{}", done.stdout, done.stderr);
    assert_eq!(bench.outcomes(), ["ok", "ok"], "{}", done.stderr);
    assert_eq!(bench.n_requests(), 24);
}

#[test]
fn killed_ssh_connections_are_had_again() {
    let sshd = started(Sshd::start(SshdOptions::default()));
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    let child = bench.start_campaign("pi", SLOW_RUN);
    let work_dir = sshd.home().join(".cache/edgedyno");
    in_mid_run(&[&work_dir]);
    assert!(sshd.kill_sessions() > 0);
    let done = ended(child);
    assert!(done.stderr.contains("trying again in 1 s"), "{}", done.stderr);
    check_whole(&bench, &done);
}

#[test]
fn a_killed_sshd_that_comes_back_is_had_again() {
    let mut sshd = started(Sshd::start(SshdOptions::default()));
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    let child = bench.start_campaign("pi", SLOW_RUN);
    let work_dir = sshd.home().join(".cache/edgedyno");
    in_mid_run(&[&work_dir]);
    sshd.kill();
    sshd.kill_sessions();
    // The launch goes on without its controller.
    let before = n_spooled(&work_dir);
    wait_until("a further request", || n_spooled(&work_dir) > before + 2);
    started(sshd.restart());
    check_whole(&bench, &ended(child));
}

#[test]
fn a_link_that_stays_lost_is_given_up_and_resumed_later() {
    let mut sshd = started(Sshd::start(SshdOptions::default()));
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    let child = bench.start_campaign("pi", &[SLOW_RUN, &["--reconnect-limit", "2"]].concat());
    let work_dir = sshd.home().join(".cache/edgedyno");
    in_mid_run(&[&work_dir]);
    sshd.kill();
    sshd.kill_sessions();
    let done = ended(child);
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    assert!(done.stderr.contains("could not be had again within 2 s"), "{}", done.stderr);
    assert!(done.stderr.contains("edgedyno resume c"), "{}", done.stderr);
    started(sshd.restart());
    let done = bench.run(&["resume", "c"]);
    check_whole(&bench, &done);
}

#[test]
fn a_controller_that_was_killed_finds_its_launch_again() {
    let sshd = started(Sshd::start(SshdOptions::default()));
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    let mut child = bench.start_campaign("pi", SLOW_RUN);
    let work_dir = sshd.home().join(".cache/edgedyno");
    in_mid_run(&[&work_dir]);
    child.kill().expect("our child");
    child.wait().expect("our child");
    let done = bench.run(&["resume", "c"]);
    check_whole(&bench, &done);
}

#[test]
fn an_agent_that_is_killed_is_an_end_of_its_launch_and_not_of_the_campaign() {
    let sshd = started(Sshd::start(SshdOptions::default()));
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    let child = bench.start_campaign("pi", SLOW_RUN);
    let work_dir = sshd.home().join(".cache/edgedyno");
    in_mid_run(&[&work_dir]);
    let agents: Vec<u32> = sshd
        .device_processes()
        .into_iter()
        .filter(|(_, words)| words.contains("edgedyno-agent") && words.contains("serve"))
        .map(|(pid, _)| pid)
        .collect();
    for pid in agents {
        std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill is here");
    }
    let done = ended(child);
    assert!(done.stderr.contains("run 0 ended: unknown"), "{}", done.stderr);
    let n = bench.n_requests();
    assert!((15..24).contains(&n), "{n} requests: {}", done.stderr);
    // What is missing is measured when somebody asks for it.
    bench.run(&["resume", "c"]);
    assert_eq!(bench.n_requests(), 24);
}

#[test]
fn a_released_device_is_left_alone_until_somebody_resumes() {
    let sshd = started(Sshd::start(SshdOptions::default()));
    let mut bench = Bench::new();
    bench.add_sshd("pi", &sshd, None);
    let long: Vec<&str> = SLOW_RUN.iter().map(|word| if *word == "12" { "40" } else { word }).collect();
    let child = bench.start_campaign("pi", &long);
    let work_dir = sshd.home().join(".cache/edgedyno");
    in_mid_run(&[&work_dir]);
    bench.ok(&["devices", "release", "pi"]);
    let done = ended(child);
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    assert!(done.stderr.contains("has released the device"), "{}", done.stderr);
    bench.run(&["resume", "c"]);
    assert_eq!(bench.n_requests(), 80);
}

#[test]
fn two_controllers_are_kept_apart() {
    let sshd = started(Sshd::start(SshdOptions::default()));
    let (mut first, mut second) = (Bench::new(), Bench::new());
    first.add_sshd("pi", &sshd, None);
    second.add_sshd("pi", &sshd, None);
    // Longer than the second one waits for the first to end.
    let long: Vec<&str> = SLOW_RUN.iter().map(|word| if *word == "12" { "40" } else { word }).collect();
    let child = first.start_campaign("pi", &long);
    let work_dir = sshd.home().join(".cache/edgedyno");
    in_mid_run(&[&work_dir]);
    let words: Vec<&str> = SLOW_RUN.iter().map(|word| if *word == "c" { "d" } else { word }).collect();
    let refused = second.campaign("pi", &words);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("another agent works in"), "{}", refused.stderr);
    assert!(refused.stderr.contains("campaign c, since"), "{}", refused.stderr);
    assert!(matches!(ended(child).code, Some(0 | 5)));
    assert_eq!(first.n_requests(), 80);
}

#[test]
fn a_device_that_restarts_has_rebooted_with_all_that_was_recorded_before() {
    let mut userland = started(Userland::start(&UserlandOptions::default()));
    let mut bench = Bench::new();
    bench.add_userland_ssh("pi", &userland);
    let child = bench.start_campaign("pi", SLOW_RUN);
    let work_dir = userland.root().join("root/.cache/edgedyno");
    in_mid_run(&[&work_dir]);
    started(userland.reboot());
    let done = ended(child);
    assert_eq!(bench.outcomes(), ["rebooted", "ok"], "{}", done.stderr);
    let n = bench.n_requests();
    assert!((15..24).contains(&n), "{n} requests: {}", done.stderr);
    assert!(done.stderr.contains("ended: rebooted"), "{}", done.stderr);
}

/// Cuts both ways to one userland for a minute: its ssh session and its adb session run at the same time.
#[test]
fn a_link_that_is_down_for_a_minute_loses_nothing() {
    let server = started(AdbServer::start());
    let userland = started(Userland::start(&UserlandOptions::default()));
    started(userland.connect(&server));
    let mut bench = Bench::new();
    bench.add_userland_ssh("pi", &userland);
    bench.add_adb("phone", &server, &userland.serial());
    let child = bench.start_campaign("pi,phone", SLOW_RUN);
    let ssh_dir = userland.root().join("root/.cache/edgedyno");
    let adb_dir = userland.root().join("data/local/tmp/edgedyno");
    in_mid_run(&[&ssh_dir, &adb_dir]);
    started(userland.namespace().link_down());
    std::thread::sleep(Duration::from_mins(1));
    started(userland.namespace().link_up());
    let done = ended(child);
    assert!(matches!(done.code, Some(0 | 5)), "{}{}", done.stdout, done.stderr);
    assert_eq!(bench.outcomes(), ["ok"; 4], "{}", done.stderr);
    assert_eq!(bench.n_requests(), 48);
}

#[test]
fn a_killed_adb_server_is_started_again() {
    let mut server = started(AdbServer::start());
    let phone = started(AdbDevice::start(&server, &PhoneOptions::default()));
    let mut bench = Bench::new();
    bench.add_adb("phone", &server, &phone.serial());
    let child = bench.start_campaign("phone", SLOW_RUN);
    let work_dir = phone.root().join("data/local/tmp/edgedyno");
    in_mid_run(&[&work_dir]);
    server.kill();
    started(server.restart());
    check_whole(&bench, &ended(child));
}

#[test]
fn an_unplugged_phone_is_given_up_and_resumed_when_it_is_back() {
    let server = started(AdbServer::start());
    let mut phone = started(AdbDevice::start(&server, &PhoneOptions::default()));
    let mut bench = Bench::new();
    bench.add_adb("phone", &server, &phone.serial());
    let child = bench.start_campaign("phone", &[SLOW_RUN, &["--reconnect-limit", "2"]].concat());
    let work_dir = phone.root().join("data/local/tmp/edgedyno");
    in_mid_run(&[&work_dir]);
    phone.unplug();
    let done = ended(child);
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    assert!(done.stderr.contains("could not be had again within 2 s"), "{}", done.stderr);
    assert_ne!(bench.run(&["report", "c"]).code, Some(70), "the record can be read");
    started(phone.reboot());
    wait_until("the phone's return", || phone.connect(&server).is_ok());
    let done = bench.run(&["resume", "c"]);
    assert!(matches!(done.code, Some(0 | 5)), "{}", done.stderr);
    assert_eq!(bench.outcomes().first().map(String::as_str), Some("rebooted"));
    assert_eq!(bench.n_requests(), 24);
}

#[test]
fn a_phone_that_restarts_has_rebooted() {
    let server = started(AdbServer::start());
    let mut phone = started(AdbDevice::start(&server, &PhoneOptions::default()));
    let mut bench = Bench::new();
    bench.add_adb("phone", &server, &phone.serial());
    let child = bench.start_campaign("phone", SLOW_RUN);
    let work_dir = phone.root().join("data/local/tmp/edgedyno");
    in_mid_run(&[&work_dir]);
    started(phone.reboot());
    let done = ended(child);
    assert_eq!(bench.outcomes(), ["rebooted", "ok"], "{}", done.stderr);
}
