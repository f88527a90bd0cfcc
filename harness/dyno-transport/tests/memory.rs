//! The device in memory keeps the promises of every transport.

use std::fs;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use dyno_transport::memory::{MemoryDevice, MemoryTransport};
use dyno_transport::{Ended, PushOutcome, RemoteCommand, RemotePath, Transport as _, TransportError};

const LONG: Duration = Duration::from_mins(1);

fn echo(device: &MemoryDevice) -> RemoteCommand {
    let path = RemotePath::new("/bin/echo-stdin");
    device.install(&path, |command, mut streams| {
        let mut text = command.argv[1..].join(" ").into_bytes();
        // A broken pipe ends the program, as it would a real one.
        let talk = streams.stdin.read_to_end(&mut text).and_then(|_| streams.stdout.write_all(&text));
        let talk = talk.and_then(|()| streams.stderr.write_all(b"done\n"));
        i32::from(talk.is_err())
    });
    RemoteCommand::new(&path)
}

#[test]
fn a_program_gets_words_and_input_and_gives_code_and_outputs() {
    let device = MemoryDevice::default();
    let command = echo(&device).arg("a").arg("b");
    let mut transport = MemoryTransport::new("d", &device);
    let output = transport.run(&command, LONG).expect("it is installed");
    assert_eq!(
        (output.ended, output.stdout, output.stderr),
        (Ended::Code(0), b"a b".to_vec(), b"done\n".to_vec())
    );
    let mut process = transport.spawn(&echo(&device)).expect("it is installed");
    let mut streams = process.streams().expect("the first time");
    assert_eq!(process.wait(Duration::ZERO).expect("memory knows"), None);
    streams.stdin.write_all(b"told").expect("it reads");
    drop(streams.stdin);
    let mut answer = String::new();
    streams.stdout.read_to_string(&mut answer).expect("it answers");
    assert_eq!((answer.as_str(), process.wait(LONG).expect("memory knows")), ("told", Some(Ended::Code(0))));
    assert_eq!(process.stderr_tail(), "done");
}

#[test]
fn a_killed_program_has_ended_by_a_signal_and_sees_its_input_end() {
    let device = MemoryDevice::default();
    let mut process = MemoryTransport::new("d", &device).spawn(&echo(&device)).expect("it is installed");
    process.kill();
    assert_eq!(process.wait(LONG).expect("memory knows"), Some(Ended::Signal(9)));
}

#[test]
fn a_program_that_does_not_end_is_named() {
    let device = MemoryDevice::default();
    let path = RemotePath::new("/bin/hang");
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    device.install(&path, move |_command, _streams| {
        // Ends when the test does.
        i32::from(held.lock().expect("one thread").recv().is_ok())
    });
    let error = MemoryTransport::new("d", &device).run(&RemoteCommand::new(&path), Duration::from_millis(1));
    assert_eq!(error.expect_err("too long").to_string(), "/bin/hang on d did not end within 1ms");
    drop(release);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let mut transport = MemoryTransport::new("d", &MemoryDevice::default());
    let error = transport.run(&RemoteCommand::new(&RemotePath::new("/none")), LONG).expect_err("no program");
    assert!(matches!(error, TransportError::Start { .. }), "{error}");
}

#[test]
fn a_push_that_breaks_off_leaves_nothing_and_works_the_next_time() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let local = dir.path().join("model");
    fs::write(&local, vec![7_u8; 1000]).expect("a temporary file");
    let device = MemoryDevice::default();
    let mut transport = MemoryTransport::new("d", &device);
    let remote = transport.work_dir().join("model");
    device.break_next_push_after(500);
    transport.push(&local, &remote, &mut |_| {}).expect_err("the link breaks");
    assert!(device.paths().is_empty());
    assert_eq!(
        transport.push(&local, &remote, &mut |_| {}).expect("the link holds"),
        PushOutcome::Sent { bytes: 1000 }
    );
    assert_eq!(transport.push(&local, &remote, &mut |_| {}).expect("it is there"), PushOutcome::AlreadyThere);
    let back = dir.path().join("back");
    assert_eq!(transport.pull(&remote, &back, &mut |_| {}).expect("it is there"), 1000);
    assert_eq!(fs::read(&back).expect("pulled"), vec![7_u8; 1000]);
}

#[test]
fn a_push_beyond_the_room_says_how_much_there_is() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let local = dir.path().join("model");
    fs::write(&local, vec![7_u8; 1000]).expect("a temporary file");
    let device = MemoryDevice::default();
    device.put(&RemotePath::new("/old"), b"12345".to_vec());
    device.limit_room(999);
    let mut transport = MemoryTransport::new("d", &device);
    let remote = transport.work_dir().join("model");
    let error = transport.push(&local, &remote, &mut |_| {}).expect_err("no room");
    assert_eq!(error.to_string(), "d has 999 bytes free for /memory/model, which needs 1000");
    assert_eq!(device.paths(), [RemotePath::new("/old")]);
}
