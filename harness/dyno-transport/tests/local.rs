//! This machine as a device: programs, files, and what goes wrong with them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use dyno_model::blame::{Blame, Classify as _};
use dyno_transport::{
    Ended, LocalTransport, PushOutcome, RemoteCommand, RemotePath, Transport as _, TransportError,
};

/// Longer than any program here takes on a busy machine.
const LONG: Duration = Duration::from_mins(1);

fn transport(dir: &Path) -> LocalTransport {
    let mut transport = LocalTransport::new("here", dir.to_str()).expect("an absolute folder");
    transport.prepare().expect("a temporary folder can be written");
    transport
}

fn shell(script: &str) -> RemoteCommand {
    RemoteCommand::new(&RemotePath::new("/bin/sh")).arg("-c").arg(script)
}

fn tempdir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn a_program_gives_code_and_both_outputs() {
    let dir = tempdir();
    let output =
        transport(dir.path()).run(&shell("echo out; echo err >&2; exit 7"), LONG).expect("a shell runs");
    assert_eq!(output.ended, Ended::Code(7));
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
}

#[test]
fn a_program_that_prints_more_than_a_pipe_holds_does_not_hang() {
    let dir = tempdir();
    let script = "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789012345678901234567890123; \
                  echo e >&2; i=$((i+1)); done";
    let output = transport(dir.path()).run(&shell(script), LONG).expect("a shell runs");
    assert_eq!((output.stdout.len(), output.stderr.len()), (3000 * 65, 3000 * 2));
}

#[test]
fn words_environment_and_folder_arrive_as_they_are() {
    let dir = tempdir();
    let words = ["a b", "$(exit 3)", "it's", "x\ny", ""];
    let mut command = shell(r#"printf '%s|' "$PWD" "$NAME" "$@""#).arg("sh");
    command.argv.extend(words.map(str::to_owned));
    command.env.push(("NAME".to_owned(), "v $HOME".to_owned()));
    let folder = dir.path().canonicalize().expect("it is there");
    command.dir = Some(RemotePath::new(folder.to_str().expect("a plain path")));
    let output = transport(dir.path()).run(&command, LONG).expect("a shell runs");
    let expected = format!("{}|v $HOME|a b|$(exit 3)|it's|x\ny||", folder.display());
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[test]
fn a_program_that_does_not_end_is_killed_and_named() {
    let dir = tempdir();
    let error = transport(dir.path()).run(&shell("echo $$ > pid; sleep 600"), Duration::from_millis(300));
    let error = error.expect_err("too long");
    assert_eq!(error.to_string(), "/bin/sh on here did not end within 300ms");
    assert!(error.is_transient());
    let pid = fs::read_to_string(dir.path().join("pid")).expect("it got so far");
    assert!(!Path::new("/proc").join(pid.trim()).exists());
}

#[test]
fn a_program_that_leaves_another_behind_still_ends() {
    let dir = tempdir();
    let began = Instant::now();
    let output =
        transport(dir.path()).run(&shell("sleep 30 & echo $! > pid; echo out"), LONG).expect("a shell runs");
    assert_eq!((output.ended, output.stdout.as_slice()), (Ended::Code(0), &b"out\n"[..]));
    assert!(began.elapsed() < Duration::from_secs(20));
    let pid = fs::read_to_string(dir.path().join("pid")).expect("it was written");
    transport(dir.path()).run(&shell(&format!("kill -9 {pid}")), LONG).expect("a shell runs");
}

#[test]
fn a_signal_is_not_an_exit_code() {
    let dir = tempdir();
    let output = transport(dir.path()).run(&shell("kill -9 $$"), LONG).expect("a shell runs");
    assert_eq!(output.ended, Ended::Signal(9));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let dir = tempdir();
    let error = transport(dir.path()).run(&RemoteCommand::new(&RemotePath::new("/no/such/program")), LONG);
    assert_eq!(error.expect_err("no program").to_string(), "cannot start /no/such/program on here");
    let nothing = RemoteCommand { argv: Vec::new(), env: Vec::new(), dir: None };
    transport(dir.path()).run(&nothing, LONG).expect_err("no program");
}

#[test]
fn a_file_without_permission_to_run_says_what_to_do() {
    let dir = tempdir();
    fs::write(dir.path().join("plain"), "#!/bin/sh\n").expect("a temporary file");
    let program = RemotePath::new(dir.path().to_str().expect("a plain path")).join("plain");
    let error = transport(dir.path()).run(&RemoteCommand::new(&program), LONG).expect_err("not a program");
    assert_eq!(error.blame(), Blame::Lab);
    assert!(error.hints()[0].contains("noexec"), "{:?}", error.hints());
}

#[test]
fn a_spawned_program_talks_both_ways_and_keeps_the_end_of_its_stderr() {
    let dir = tempdir();
    let script =
        "i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; cat; printf '\\033[2Jlast' >&2";
    let mut process = transport(dir.path()).spawn(&shell(script)).expect("a shell runs");
    let mut streams = process.streams().expect("the first time");
    assert!(process.streams().is_none());
    assert_eq!(process.wait(Duration::ZERO).expect("our own child"), None);
    streams.stdin.write_all(b"hello\n").expect("it reads");
    let mut line = [0; 6];
    streams.stdout.read_exact(&mut line).expect("it answers");
    assert_eq!(&line, b"hello\n");
    drop(streams.stdin);
    assert_eq!(process.wait(LONG).expect("our own child"), Some(Ended::Code(0)));
    assert_eq!(process.wait(LONG).expect("a second time"), Some(Ended::Code(0)));
    let tail = process.stderr_tail();
    assert!(tail.ends_with("line 1999\n [2Jlast") && tail.len() <= 4096, "{tail}");
}

#[test]
fn dropping_a_program_kills_all_that_it_started() {
    let dir = tempdir();
    let mut process = transport(dir.path()).spawn(&shell("sleep 600 & echo $!; wait")).expect("a shell runs");
    let mut streams = process.streams().expect("the first time");
    let mut pid = Vec::new();
    while pid.last() != Some(&b'\n') {
        let mut byte = [0];
        streams.stdout.read_exact(&mut byte).expect("it says its child's number");
        pid.push(byte[0]);
    }
    drop(process);
    // Both writers of the pipe are gone: it ends, where it would stay open for 600 s.
    let mut rest = Vec::new();
    streams.stdout.read_to_end(&mut rest).expect("a closed pipe");
    assert!(rest.is_empty());
}

#[test]
fn a_push_is_whole_keeps_permissions_and_happens_once() {
    let dir = tempdir();
    let source = dir.path().join("program");
    fs::write(&source, b"#!/bin/sh\necho ran\n").expect("a temporary file");
    fs::set_permissions(&source, fs::Permissions::from_mode(0o755)).expect("our own file");
    let mut transport = transport(&dir.path().join("work"));
    let remote = transport.work_dir().join("artifacts/abc/program");
    assert_eq!(transport.size(&remote).expect("a readable folder"), None);
    assert_eq!(transport.push(&source, &remote, &mut |_| {}).expect("room"), PushOutcome::Sent { bytes: 19 });
    assert_eq!(transport.push(&source, &remote, &mut |_| {}).expect("room"), PushOutcome::AlreadyThere);
    assert_eq!(transport.size(&remote).expect("a readable folder"), Some(19));
    let output = transport.run(&RemoteCommand::new(&remote), LONG).expect("it may run");
    assert_eq!(output.stdout, b"ran\n");
    let inode = |path: &Path| fs::metadata(path).expect("it is there").ino();
    assert_eq!(inode(&source), inode(Path::new(remote.as_str())), "one disk, one file");
}

#[test]
fn a_file_of_another_size_is_replaced() {
    let dir = tempdir();
    let source = dir.path().join("model");
    fs::write(&source, b"weights").expect("a temporary file");
    let mut transport = transport(&dir.path().join("work"));
    let remote = transport.work_dir().join("model");
    fs::write(remote.as_str(), b"half").expect("the work folder");
    assert_eq!(transport.push(&source, &remote, &mut |_| {}).expect("room"), PushOutcome::Sent { bytes: 7 });
    assert_eq!(fs::read(remote.as_str()).expect("pushed"), b"weights");
}

#[test]
fn a_pull_is_a_copy_that_no_longer_changes() {
    let dir = tempdir();
    let mut transport = transport(&dir.path().join("work"));
    let (remote, local) = (transport.work_dir().join("spool"), dir.path().join("record/spool"));
    fs::write(remote.as_str(), b"events").expect("the work folder");
    assert_eq!(transport.pull(&remote, &local, &mut |_| {}).expect("room"), 6);
    fs::OpenOptions::new()
        .append(true)
        .open(remote.as_str())
        .and_then(|mut file| file.write_all(b"!"))
        .expect("ours");
    assert_eq!(fs::read(&local).expect("pulled"), b"events");
    let error = transport
        .pull(&transport.work_dir().join("absent"), &dir.path().join("x"), &mut |_| {})
        .expect_err("no such file");
    assert!(error.to_string().starts_with("cannot read ") && !dir.path().join("x").exists(), "{error}");
}

#[test]
fn a_missing_source_leaves_nothing() {
    let dir = tempdir();
    let mut transport = transport(dir.path());
    let remote = transport.work_dir().join("artifacts/abc/model");
    transport.push(&dir.path().join("absent"), &remote, &mut |_| {}).expect_err("no such file");
    assert!(!dir.path().join("artifacts").exists());
}

#[test]
fn a_file_in_the_place_of_the_folder_is_named_with_its_path() {
    let dir = tempdir();
    let file = dir.path().join("file");
    fs::write(&file, b"").expect("a temporary file");
    let error = LocalTransport::new("here", file.join("work").to_str()).expect("absolute").prepare();
    assert!(error.expect_err("not a folder").to_string().contains("file/work"));
}

#[test]
fn an_empty_work_folder_is_the_users_to_mend() {
    let error = LocalTransport::new("here", Some("")).expect_err("no path");
    assert!(matches!(error, TransportError::WorkDir { .. }), "{error}");
    assert_eq!(error.blame(), Blame::User);
}
