//! Links that break under the adb transport, with the real adb server and the real adbd.

mod adb_parts;

use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use adb_parts::{LIMIT, SHORT, command, noise, phone, script, server_at, sha256, words};
use dyno_model::blame::Classify as _;
use dyno_testbench::{AdbServer, PhoneOptions};
use dyno_transport::adb::devices;
use dyno_transport::{AdbTransport, Ended, Transport, TransportError};

/// Fails unless the call is over within `limit` with an error that may go away.
fn breaks<T>(limit: Duration, call: impl FnOnce() -> Result<T, TransportError>) -> TransportError {
    let begin = Instant::now();
    let Err(error) = call() else { panic!("the link is broken") };
    assert!(begin.elapsed() < limit, "{:?}: {error}", begin.elapsed());
    assert!(error.is_transient(), "{error}");
    error
}

fn pushed_whole(transport: &mut AdbTransport, model: &Path) {
    let remote = transport.work_dir().join("artifacts/digest/model");
    transport.push(model, &remote, &mut |_| {}).expect("the link is up again");
    let output = transport.run(&command(&["sha256sum", remote.as_str()]), LIMIT).expect("a shell");
    assert!(String::from_utf8_lossy(&output.stdout).contains(&sha256(model)));
}

#[test]
fn a_link_that_is_down_ends_a_command_at_its_limit_and_is_made_anew() {
    let server = AdbServer::start().expect("an adb server");
    let (device, transport) = phone(&server, &PhoneOptions::default());
    let mut transport = transport.with_limits(SHORT);
    transport.prepare().expect("a phone is there");
    let mut agent = transport.spawn(&command(&["sleep", "9874"])).expect("a shell");
    device.namespace().link_down().expect("its cable can be pulled");
    let error = breaks(Duration::from_millis(2500), || {
        transport.run(&script("sleep 1; echo done"), Duration::from_secs(2))
    });
    assert_eq!(words(&error), "the link to phone broke while starting a program: timed out");
    // The server still lists it as ready, but now it has to show that it lives.
    let error = breaks(Duration::from_secs(12), || transport.run(&command(&["true"]), LIMIT));
    assert!(words(&error).starts_with("adb cannot connect to "), "{}", words(&error));
    assert!(words(&error).contains("hint: see that the device is on"), "{}", words(&error));
    device.namespace().link_up().expect("its cable can be plugged in");
    let output = transport.run(&script("exit 7"), LIMIT).expect("the link is up again");
    assert_eq!(output.ended, Ended::Code(7));
    agent.wait(LIMIT).expect_err("its connection is gone");
}

#[test]
fn a_link_that_goes_down_in_mid_push_or_mid_run_is_an_error_within_the_silence_limit() {
    let server = AdbServer::start().expect("an adb server");
    let (device, transport) = phone(&server, &PhoneOptions::default());
    let mut transport = transport.with_limits(SHORT);
    transport.prepare().expect("a phone is there");
    let here = tempfile::tempdir().expect("a temporary folder");
    let model = noise(here.path(), "model", 64 << 20);
    let remote = transport.work_dir().join("artifacts/digest/model");
    let mut is_cut = false;
    let mut cut = |_| {
        if !is_cut {
            device.namespace().link_down().expect("its cable can be pulled");
            is_cut = true;
        }
    };
    let error = breaks(Duration::from_secs(8), || transport.push(&model, &remote, &mut cut));
    assert!(matches!(error, TransportError::Link { .. }), "{}", words(&error));
    device.namespace().link_up().expect("its cable can be plugged in");
    assert_eq!(transport.size(&remote).expect("the link is up again"), None, "nothing has the final name");

    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            device.namespace().link_down().expect("its cable can be pulled");
        });
        let command = script("yes | head -c 3000000; sleep 60");
        breaks(Duration::from_secs(3), || transport.run(&command, Duration::from_secs(2)))
    });
    assert_eq!(words(&error), "sh on phone did not end within 2s");
    device.namespace().link_up().expect("its cable can be plugged in");
    pushed_whole(&mut transport, &model);
}

#[test]
fn a_killed_server_is_started_again_and_finds_the_device_again() {
    let mut server = AdbServer::start().expect("an adb server");
    let (_device, mut transport) = phone(&server, &PhoneOptions::default());
    transport.prepare().expect("a phone is there");
    let mut agent = transport.spawn(&command(&["sleep", "9875"])).expect("a shell");
    let mut streams = agent.streams().expect("a fresh process has its streams");
    let home = server.home();
    server.kill();
    let error = streams.stdout.read_to_end(&mut Vec::new()).expect_err("its connection is gone");
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    let error = breaks(LIMIT, || agent.wait(LIMIT));
    assert_eq!(
        words(&error),
        "the link to phone broke while running sleep: the connection ended without an exit code"
    );
    let output = transport.run(&script("exit 7"), LIMIT).expect("we start a server");
    assert_eq!(output.ended, Ended::Code(7));
    // The one that was started is nobody's child here.
    let mut kill = Command::new("adb");
    kill.args(["-P", &server.port().to_string(), "kill-server"]).env("HOME", home);
    assert!(kill.status().expect("adb is here").success());
}

#[test]
fn an_unplugged_device_breaks_a_push_and_is_found_again_when_it_is_back() {
    let server = AdbServer::start().expect("an adb server");
    let (mut device, transport) = phone(&server, &PhoneOptions::default());
    let mut transport = transport.with_limits(SHORT);
    transport.prepare().expect("a phone is there");
    let here = tempfile::tempdir().expect("a temporary folder");
    let model = noise(here.path(), "model", 64 << 20);
    let remote = transport.work_dir().join("artifacts/digest/model");
    let mut is_cut = false;
    let mut cut = |_| {
        if !is_cut {
            device.unplug();
            is_cut = true;
        }
    };
    let error = breaks(Duration::from_secs(8), || transport.push(&model, &remote, &mut cut));
    assert_eq!(
        words(&error),
        "the link to phone broke while copying /data/local/tmp/edgedyno/artifacts/digest/.model.part: \
         the connection ended"
    );
    let error = breaks(Duration::from_secs(15), || transport.run(&command(&["true"]), LIMIT));
    assert!(words(&error).starts_with("adb cannot connect to "), "{}", words(&error));
    device.reboot().expect("it starts again");
    pushed_whole(&mut transport, &model);
}

/// Set for a run of this file in which no adb program is to be found.
const MARK: &str = "EDGEDYNO_TEST_WITHOUT_ADB";

#[test]
fn without_the_adb_program_it_is_said_how_to_get_it() {
    let server = server_at(1);
    if std::env::var_os(MARK).is_some() {
        let error = devices(&server).expect_err("nothing listens on port 1");
        assert_eq!(
            words(&error).lines().next(),
            Some("no adb server answers at 127.0.0.1:1, and there is no adb program to start one")
        );
        assert!(words(&error).contains("hint: install adb: `apt-get install adb`"), "{}", words(&error));
        return;
    }
    let mut again = Command::new(std::env::current_exe().expect("this program"));
    again.args(["--exact", "without_the_adb_program_it_is_said_how_to_get_it"]);
    again.env("PATH", "/nowhere").env_remove("ANDROID_HOME").env_remove("ANDROID_SDK_ROOT").env(MARK, "1");
    let output = again.output().expect("it can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
