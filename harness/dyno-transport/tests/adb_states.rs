//! What devices on adb can be instead of ready, played by a fake server: a real adbd cannot show these.

mod adb_parts;

use std::io::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use adb_parts::{SHORT, command, server_at, words};
use dyno_model::blame::{Blame, Classify as _};
use dyno_testbench::{FakeAdb, FakePhone, FakeState};
use dyno_transport::adb::{AdbState, Server, devices};
use dyno_transport::{AdbTransport, Transport, TransportError};

fn fake(phones: &[(&str, FakeState)]) -> FakeAdb {
    let phone =
        |(serial, state): &(&str, FakeState)| FakePhone { serial: (*serial).to_owned(), state: *state };
    FakeAdb::start(phones.iter().map(phone).collect()).expect("a fake server")
}

fn error_of(server: Server, serial: &str) -> TransportError {
    let mut transport = AdbTransport::new("phone", serial, None, server).with_limits(SHORT);
    let begin = Instant::now();
    let error = transport.run(&command(&["true"]), Duration::from_secs(2)).expect_err("it is not ready");
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}: {error}", begin.elapsed());
    error
}

#[test]
fn each_state_is_told_with_what_to_do() {
    let server = fake(&[
        ("NEW", FakeState::Unauthorized),
        ("FAR", FakeState::Offline),
        ("RULES", FakeState::NoPermissions),
        ("REC", FakeState::Recovery),
    ]);
    let check = |serial: &str, is_transient: bool, expected: &str, hint: &str| {
        let error = error_of(server_at(server.port()), serial);
        let words = words(&error);
        let (first, hints) = words.split_once('\n').unwrap_or((&words, ""));
        assert_eq!((first, error.blame(), error.is_transient()), (expected, Blame::Lab, is_transient));
        assert!(hints.contains(hint), "{words}");
    };
    check(
        "NEW",
        false,
        "phone (adb serial NEW) is unauthorized: its user has not allowed this machine",
        "accept \"Allow USB debugging?\"",
    );
    check("FAR", true, "phone (adb serial FAR) is offline: it does not answer", "adb -s FAR reconnect");
    check(
        "RULES",
        false,
        "phone (adb serial RULES) is there, but your user has no permissions for its USB device",
        "usermod -aG plugdev",
    );
    check("REC", false, "phone (adb serial REC) is in its recovery system", "adb -s REC reboot");
    check(
        "GONE",
        true,
        "adb knows no device `GONE` for phone; it lists NEW (unauthorized: its user has not allowed this machine), \
         FAR (offline: it does not answer), RULES (there, but your user has no permissions for its USB device), \
         REC (in its recovery system)",
        "plug it in",
    );
    let listed = devices(&server_at(server.port())).expect("a server");
    let states: Vec<&AdbState> = listed.iter().map(|one| &one.state).collect();
    assert_eq!(
        states,
        [&AdbState::Unauthorized, &AdbState::Offline, &AdbState::NoPermissions, &AdbState::Recovery]
    );
}

#[test]
fn usb_means_the_only_one_on_usb() {
    let none = fake(&[("10.0.0.9:5555", FakeState::Silent), ("emulator-5554", FakeState::Silent)]);
    let error = error_of(server_at(none.port()), "usb");
    assert_eq!(
        words(&error).lines().next(),
        Some("no device is on USB for phone; adb lists 10.0.0.9:5555 (ready), emulator-5554 (ready)")
    );
    let several = fake(&[("AAA", FakeState::Silent), ("BBB", FakeState::Unauthorized)]);
    let error = error_of(server_at(several.port()), "usb");
    assert_eq!(
        words(&error),
        "several devices are on USB for phone: AAA (ready), BBB (unauthorized: its user has not allowed this machine)\n\
         hint: write one of the serials as `serial` in devices.toml"
    );
    let one = fake(&[("AAA", FakeState::Unauthorized), ("emulator-5554", FakeState::Silent)]);
    let error = error_of(server_at(one.port()), "usb");
    assert!(words(&error).starts_with("phone (adb serial AAA) is unauthorized"), "{}", words(&error));
}

#[test]
fn a_device_that_speaks_nonsense_or_nothing_is_an_error_in_time() {
    let server = fake(&[("NOISE", FakeState::Garbage), ("MUTE", FakeState::Silent)]);
    let error = error_of(server_at(server.port()), "NOISE");
    assert!(
        words(&error).starts_with("phone broke adb's protocol while running a command: a packet of kind"),
        "{error}"
    );
    let error = error_of(server_at(server.port()), "MUTE");
    assert_eq!(words(&error), "true on phone did not end within 2s");
    let here = tempfile::tempdir().expect("a temporary folder");
    for serial in ["NOISE", "MUTE"] {
        let mut transport =
            AdbTransport::new("phone", serial, None, server_at(server.port())).with_limits(SHORT);
        let begin = Instant::now();
        let remote = transport.work_dir().join("spool");
        let error = transport.pull(&remote, &here.path().join("to"), &mut |_| {}).expect_err("nonsense");
        assert!(begin.elapsed() < Duration::from_secs(4), "{:?}: {error}", begin.elapsed());
        let expected = match serial {
            "NOISE" => "phone broke adb's protocol while copying a file: `",
            _ => "the link to phone broke while copying /data/local/tmp/edgedyno/spool: timed out",
        };
        assert!(words(&error).starts_with(expected), "{}", words(&error));
        let mut process = transport.spawn(&command(&["agent"])).expect("it takes every service");
        let said = process.wait(Duration::from_millis(500));
        assert_eq!(said.is_err(), serial == "NOISE", "{said:?}");
    }
}

#[test]
fn a_serial_of_any_letters_is_only_a_serial() {
    let odd = "it's \"$(reboot)\"\n;:features";
    let server = fake(&[("PLAIN", FakeState::Silent)]);
    let error = error_of(server_at(server.port()), odd);
    assert_eq!(
        words(&error).lines().next().unwrap_or_default(),
        "adb knows no device `it's \"$(reboot)\" ;:features` for phone; it lists PLAIN (ready)"
    );
}

#[test]
fn what_is_no_adb_server_is_said() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has ports");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            client.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n").expect("a client");
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    let error = devices(&server_at(port)).expect_err("it speaks otherwise");
    assert_eq!(
        words(&error).lines().next(),
        Some(&*format!("what listens at 127.0.0.1:{port} is no adb server; it said `SSH-`"))
    );
    // On another machine nothing is started.
    let error = devices(&Server::at("127.0.0.2", 1)).expect_err("nothing listens there");
    assert!(words(&error).starts_with("no adb server answers at 127.0.0.2:1: "), "{}", words(&error));
}
