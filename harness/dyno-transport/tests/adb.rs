//! The adb transport against the real adb server and the real adbd.

mod adb_parts;

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use adb_parts::{LIMIT, command, noise, phone, script, server_at, sha256, words};
use dyno_testbench::{AdbServer, FakeAdb, PhoneOptions};
use dyno_transport::adb::{AdbState, devices};
use dyno_transport::{
    AdbTransport, Ended, PushOutcome, RemotePath, RemoteProcess, Transport, TransportError,
};

#[test]
fn two_phones_at_once_run_programs_with_exit_codes_and_separate_stderr() {
    let server = AdbServer::start().expect("an adb server");
    let (first, mut one) = phone(&server, &PhoneOptions::default());
    let (second, mut two) = phone(&server, &PhoneOptions::default());
    let listed = devices(&server_at(server.port())).expect("a server");
    for serial in [first.serial(), second.serial()] {
        assert!(listed.iter().any(|one| one.serial == serial && one.state == AdbState::Device), "{listed:?}");
    }
    let check = |transport: &mut AdbTransport, boot_id: &str| {
        transport.prepare().expect("a phone is there");
        let platform = transport.platform().expect("it was asked");
        assert_eq!((platform.os.as_str(), platform.machine.as_str()), ("Android", std::env::consts::ARCH));
        assert!(!platform.abis.is_empty());
        let output = transport.run(&script("echo out; echo err >&2; exit 7"), LIMIT).expect("a shell");
        assert_eq!(output.ended, Ended::Code(7));
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
        let output = transport.run(&script("kill -9 $$"), LIMIT).expect("a shell");
        assert_eq!(output.ended, Ended::Signal(9));
        let output = transport.run(&command(&["cat"]), LIMIT).expect("its stdin is at its end");
        assert_eq!((output.ended, output.stdout.len()), (Ended::Code(0), 0));
        let output = transport.run(&command(&["cat", "/proc/sys/kernel/random/boot_id"]), LIMIT);
        assert_eq!(output.expect("a shell").stdout, format!("{boot_id}\n").as_bytes());
    };
    std::thread::scope(|scope| {
        scope.spawn(|| check(&mut one, &first.boot_id()));
        check(&mut two, &second.boot_id());
    });
}

/// Whether no `sleep` runs on the device, or none soon.
fn no_sleeper_is_left(transport: &mut AdbTransport) -> bool {
    let ask = "n=0; while pidof sleep; do n=$((n + 1)); [ $n = 50 ] && exit 1; usleep 100000; done";
    transport.run(&script(ask), LIMIT).expect("a shell").ended == Ended::Code(0)
}

/// Sends `input` through `cat` on the device.
fn through_cat(transport: &mut AdbTransport, input: &[u8]) -> (Vec<u8>, Box<dyn RemoteProcess>) {
    let line = "echo ready >&2; cat";
    let mut process = transport.spawn(&script(line)).expect("a shell");
    let mut streams = process.streams().expect("a fresh process has its streams");
    assert!(process.streams().is_none(), "once");
    let mut said = vec![0; input.len()];
    std::thread::scope(|scope| {
        scope.spawn(|| streams.stdin.write_all(input).expect("cat reads"));
        streams.stdout.read_exact(&mut said).expect("cat writes");
    });
    assert_eq!(process.wait(Duration::from_millis(50)).expect("it lives"), None);
    drop(streams.stdin);
    (said, process)
}

fn all_bytes() -> Vec<u8> {
    (0..3_000_000_u32).map(|n| (n ^ (n >> 8)) as u8).collect()
}

#[test]
fn a_program_speaks_in_any_bytes_and_ends_as_it_ends() {
    let server = AdbServer::start().expect("an adb server");
    let (_device, mut transport) = phone(&server, &PhoneOptions::default());
    transport.prepare().expect("a phone is there");
    let (said, mut process) = through_cat(&mut transport, &all_bytes());
    assert!(said == all_bytes());
    assert_eq!(process.wait(LIMIT).expect("it ends"), Some(Ended::Code(0)));
    assert_eq!(process.stderr_tail(), "ready");

    let mut process = transport.spawn(&script("sleep 0.2; kill -6 $$")).expect("a shell");
    assert_eq!(process.wait(LIMIT).expect("it ends"), Some(Ended::Signal(6)));
    // Killed: adbd hangs up on it. Dropped: the same.
    let mut killed = transport.spawn(&command(&["sleep", "9871"])).expect("a shell");
    killed.kill();
    killed.wait(LIMIT).expect_err("nobody knows how it ended");
    drop(transport.spawn(&command(&["sleep", "9872"])).expect("a shell"));
    assert!(no_sleeper_is_left(&mut transport));
}

#[test]
fn an_endless_output_is_cut_and_ends_at_the_limit() {
    let server = AdbServer::start().expect("an adb server");
    let (_device, mut transport) = phone(&server, &PhoneOptions::default());
    let mut too_long = transport.run(&command(&["echo", &"x".repeat(70_000)]), LIMIT).expect_err("too long");
    assert!(words(&too_long).starts_with("cannot start a command on phone: a request of 7"), "{too_long}");
    too_long = transport.run(&command(&["echo", "a\0b"]), LIMIT).expect_err("no shell has a NUL");
    assert!(words(&too_long).starts_with("cannot start a command on phone: a request of "), "{too_long}");
    let error = transport.run(&command(&["yes"]), Duration::from_secs(1)).expect_err("it never ends");
    assert_eq!(words(&error), "yes on phone did not end within 1s");
    let output = transport.run(&script("head -c 20000000 /dev/zero; exit 3"), LIMIT).expect("it ends");
    assert_eq!(
        (output.ended, output.stdout.len()),
        (Ended::Code(3), (16 << 20) - "\nedgedyno-begins-here\n".len())
    );
}

#[test]
fn files_travel_whole_into_a_folder_of_any_name() {
    let server = AdbServer::start().expect("an adb server");
    let (device, _) = phone(&server, &PhoneOptions::default());
    let here = tempfile::tempdir().expect("a temporary folder");
    let model = noise(here.path(), "model", 50_000_003);
    let odd = "/data/local/tmp/it's, a \"$(touch oops)\"\n`folder`";
    let mut transport = AdbTransport::new("phone", &device.serial(), Some(odd), server_at(server.port()));
    transport.prepare().expect("it can be made");
    assert_eq!(transport.work_dir().as_str(), odd);
    let remote = transport.work_dir().join("artifacts/digest/model");

    let mut told = vec![0];
    let outcome = transport.push(&model, &remote, &mut |bytes| told.push(bytes)).expect("there is room");
    assert_eq!(outcome, PushOutcome::Sent { bytes: 50_000_003 });
    assert!(told.is_sorted() && told.last() == Some(&50_000_003), "{told:?}");
    let output = transport.run(&command(&["sha256sum", remote.as_str()]), LIMIT).expect("a shell");
    assert!(String::from_utf8_lossy(&output.stdout).contains(&sha256(&model)));
    assert_eq!(transport.push(&model, &remote, &mut |_| {}).expect("there"), PushOutcome::AlreadyThere);
    let back = here.path().join("back");
    assert_eq!(transport.pull(&remote, &back, &mut |_| {}).expect("it is there"), 50_000_003);
    assert_eq!(sha256(&back), sha256(&model));

    let empty = noise(here.path(), "empty", 0);
    let remote = transport.work_dir().join("artifacts/digest/empty");
    transport.push(&empty, &remote, &mut |_| {}).expect("there is room");
    assert_eq!(transport.size(&remote).expect("a shell"), Some(0));
    assert_eq!(transport.pull(&remote, &back, &mut |_| {}).expect("it is there"), 0);

    assert!(transport.clean().expect("nobody works there") >= 50_000_000);
    let left: Vec<_> = fs::read_dir(device.root().join("data/local/tmp")).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_a_disk_refuses_is_said() {
    let server = AdbServer::start().expect("an adb server");
    let here = tempfile::tempdir().expect("a temporary folder");
    let model = noise(here.path(), "model", 9_000_000);
    let mounted =
        |options: &str| PhoneOptions { data_mount: Some(options.to_owned()), ..PhoneOptions::default() };

    let (_device, mut small) = phone(&server, &mounted("size=4m"));
    small.prepare().expect("it can be written");
    let remote = small.work_dir().join("artifacts/digest/model");
    let error = small.push(&model, &remote, &mut |_| {}).expect_err("it is too small");
    assert!(matches!(error, TransportError::NoRoom { needed: 9_000_000, .. }), "{error}");

    // A phone that does not say how much is free: the disk fills up in mid-push.
    let silent = PhoneOptions { without_commands: vec!["df".to_owned()], ..mounted("size=4m") };
    let (_device, mut full) = phone(&server, &silent);
    full.prepare().expect("it can be written");
    let error = full.push(&model, &remote, &mut |_| {}).expect_err("it is too small");
    let TransportError::File { source, .. } = &error else { panic!("{error}") };
    assert_eq!(source.kind(), ErrorKind::StorageFull);
    assert!(words(&error).contains("No space left on device\nhint: make room"), "{}", words(&error));
    let left = full.run(&script("ls -A artifacts/digest"), LIMIT).expect("a shell");
    assert_eq!(left.stdout, b"", "nothing is left");

    let (_device, mut readonly) = phone(&server, &mounted("ro"));
    let error = readonly.prepare().expect_err("it cannot be written");
    let TransportError::File { source, .. } = &error else { panic!("{error}") };
    assert_eq!(source.kind(), ErrorKind::ReadOnlyFilesystem);

    // The system itself lies on a disk that nobody may write.
    let error =
        full.push(&model, &RemotePath::new("/usr/lib/model"), &mut |_| {}).expect_err("a system disk");
    assert!(
        words(&error).contains("couldn't create file: Read-only file system\nhint: set `work_dir`"),
        "{error}"
    );

    let (_device, mut noexec) = phone(&server, &mounted("noexec"));
    let error = noexec.prepare().expect_err("nothing runs there");
    assert!(matches!(error, TransportError::NoExec { .. }), "{error}");
}

#[test]
fn what_is_not_there_or_has_too_long_a_name_is_said() {
    let server = AdbServer::start().expect("an adb server");
    let (_device, mut transport) = phone(&server, &PhoneOptions::default());
    transport.prepare().expect("a phone is there");
    let here = tempfile::tempdir().expect("a temporary folder");
    let to = here.path().join("to");
    let remote = transport.work_dir().join("absent");
    let error = transport.pull(&remote, &to, &mut |_| {}).expect_err("it is not there");
    assert_eq!(
        words(&error),
        "cannot read /data/local/tmp/edgedyno/absent on phone: open failed: No such file or directory"
    );
    let error = transport.pull(&transport.work_dir().clone(), &to, &mut |_| {}).expect_err("a folder");
    assert!(words(&error).contains("Is a directory"), "{}", words(&error));
    assert!(!to.exists());
    // Four folders of 250 letters: the path exists, but adb's protocol has no room for it.
    let deep = transport.work_dir().join(&format!("{}/", "d".repeat(250)).repeat(4)).join("file");
    let file = noise(here.path(), "file", 10);
    let error = transport.push(&file, &deep, &mut |_| {}).expect_err("it is too long");
    assert!(words(&error).contains("adb takes paths of at most 1024 bytes"), "{}", words(&error));
    transport.clean().expect("nobody works there");
}

#[test]
fn a_phone_without_shell_v2_does_the_same() {
    let server = AdbServer::start().expect("an adb server");
    let (device, _) = phone(&server, &PhoneOptions::default());
    let old = FakeAdb::with_old_phones(&server).expect("a fake server in front");
    let mut transport = AdbTransport::new("old", &device.serial(), None, server_at(old.port()));
    transport.prepare().expect("a phone is there");
    let output = transport.run(&script("echo out; echo err >&2; exit 7"), LIMIT).expect("a shell");
    assert_eq!(output.ended, Ended::Code(7));
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err"[..]));
    let output = transport.run(&script("printf 'a\\r\\nb\\n'; kill -9 $$"), LIMIT).expect("a shell");
    assert_eq!((output.ended, &output.stdout[..]), (Ended::Signal(9), &b"a\r\nb\n"[..]));

    let bytes = all_bytes();
    let mut process = transport.spawn(&script("echo ready >&2; head -c 3000000; exit 4")).expect("a shell");
    let mut streams = process.streams().expect("a fresh process has its streams");
    let mut said = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| streams.stdin.write_all(&bytes).expect("head reads"));
        streams.stdout.read_to_end(&mut said).expect("head writes");
    });
    assert!(said == bytes);
    assert_eq!(process.wait(LIMIT).expect("it ends"), Some(Ended::Code(4)));
    assert_eq!(process.stderr_tail(), "ready");
    drop(transport.spawn(&command(&["sleep", "9873"])).expect("a shell"));
    assert!(no_sleeper_is_left(&mut transport));

    let here = tempfile::tempdir().expect("a temporary folder");
    let model = noise(here.path(), "model", 1_000_003);
    let remote = transport.work_dir().join("artifacts/model");
    transport.push(&model, &remote, &mut |_| {}).expect("there is room");
    transport.pull(&remote, &here.path().join("back"), &mut |_| {}).expect("it is there");
    assert_eq!(sha256(&here.path().join("back")), sha256(&model));
}
