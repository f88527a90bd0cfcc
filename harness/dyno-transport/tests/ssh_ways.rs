//! Ways to a host: over others, by a command, by a master connection; and odd devices at their end.

mod ssh_parts;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dyno_model::blame::Classify as _;
use dyno_testbench::{KnownHosts, Sshd, SshdOptions, combined_config};
use dyno_transport::{
    Ended, PushOutcome, SshCarrier, SshSettings, SshTransport, Transport as _, TransportError,
};
use ssh_parts::{LIMIT, command, content, reach, refused, settings, start, words, write};

#[test]
fn a_host_behind_two_others() {
    let first = start(SshdOptions::default());
    let second = start(SshdOptions::default());
    let line = format!("ProxyJump {},{}", first.alias(), second.alias());
    let target = start(SshdOptions { client_lines: vec![line], ..SshdOptions::default() });
    combined_config(&target.config(), &[&first, &second, &target]).expect("it can be written");
    let mut transport = reach(&target);
    transport.prepare().expect("it can be reached");
    assert_eq!(transport.carrier(), "libssh2");
    let output = transport.run(&command("sh", &["-c", "echo $HOME"]), LIMIT).expect("it runs");
    assert_eq!(output.stdout, format!("{}\n", target.home().display()).as_bytes());
    assert!([&first, &second].iter().all(|server| server.log().contains("Accepted publickey")));
    let dir = tempfile::tempdir().expect("a temporary folder");
    let local = dir.path().join("model");
    write(&local, &content(10_000_000));
    let remote = transport.work_dir().join("artifacts/model");
    let outcome = transport.push(&local, &remote, &mut |_| {}).expect("it is brought");
    assert_eq!(outcome, PushOutcome::Sent { bytes: 10_000_000 });
    assert_eq!(fs::read(remote.as_str()).expect("it is there"), content(10_000_000));
}

#[test]
fn a_host_on_the_way_that_is_not_who_it_was() {
    let jump = start(SshdOptions { known_hosts: KnownHosts::Empty, ..SshdOptions::default() });
    let line = format!("ProxyJump {}", jump.alias());
    let target = start(SshdOptions { client_lines: vec![line], ..SshdOptions::default() });
    combined_config(&target.config(), &[&jump, &target]).expect("it can be written");
    let text = words(&refused(reach(&target)));
    let expected = format!("{} cannot be reached over {}: ", target.alias(), jump.alias());
    assert!(text.starts_with(&expected) && text.contains("Host key verification failed."), "{text}");
    assert!(text.ends_with(&format!("hint: try `ssh {} true`", jump.alias())), "{text}");
}

/// The same server behind a `ProxyCommand`.
fn by_proxy_command(server: &Sshd, proxy: &str) -> SshSettings {
    let config = fs::read_to_string(server.config()).expect("it was written");
    let file = server.client_home().join("config-with-command");
    write(&file, format!("{config}  ProxyCommand {proxy}\n").as_bytes());
    SshSettings { config_file: Some(file), ..settings(server) }
}

#[test]
fn a_proxy_command_is_left_to_the_ssh_program() {
    let server = start(SshdOptions::default());
    let jump = server.alias();
    let proxy = format!("ssh -F {} -W %h:%p {jump}", server.config().display());
    let mut transport = SshTransport::new("pi", &server.alias(), None, by_proxy_command(&server, &proxy));
    transport.prepare().expect("it can be reached");
    assert_eq!(transport.carrier(), "the ssh program (ProxyCommand)");
    assert_eq!(transport.run(&command("echo", &["on"]), LIMIT).expect("it runs").stdout, b"on\n");
    let library = SshSettings { carrier: SshCarrier::Library, ..by_proxy_command(&server, &proxy) };
    let text = words(&refused(SshTransport::new("pi", &server.alias(), None, library)));
    assert!(text.contains("ProxyCommand needs the ssh program, and EDGEDYNO_SSH rules it out"), "{text}");
    let mut transport = SshTransport::new("pi", &server.alias(), None, by_proxy_command(&server, "false"));
    let error = transport.prepare().expect_err("it leads nowhere");
    let text = words(&error);
    assert!(text.starts_with(&format!("the ssh program cannot reach {}: ", server.alias())), "{text}");
    assert!(error.is_transient(), "{text}");
}

#[test]
fn the_ssh_program_tells_what_breaks() {
    let mut server = start(SshdOptions::default());
    let proxy = format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{}; cat <&3 & exec cat >&3'", server.port());
    let mut transport = SshTransport::new("pi", &server.alias(), None, by_proxy_command(&server, &proxy));
    transport.prepare().expect("it can be reached");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let local = dir.path().join("model");
    write(&local, &content(80_000_000));
    let remote = transport.work_dir().join("artifacts/model");
    let mut is_killed = false;
    let error = transport
        .push(&local, &remote, &mut |_| {
            if !std::mem::replace(&mut is_killed, true) {
                server.kill();
            }
        })
        .expect_err("the server is killed");
    assert_eq!(error.to_string(), "the link to pi broke while sending a file");
    assert!(error.is_transient());
    server.restart().expect("it comes up again");
    transport.push(&local, &remote, &mut |_| {}).expect("it is back");
    assert_eq!(fs::read(remote.as_str()).expect("it is there"), content(80_000_000));
}

#[test]
fn a_master_connection_of_the_user_is_the_last_resort() {
    let server = start(SshdOptions::default());
    let config = fs::read_to_string(server.config()).expect("it was written");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let socket = folder.path().join("m");
    let with_socket = format!("{config}  ControlPath {}\n", socket.display());
    let file = server.client_home().join("config-with-master");
    write(&file, with_socket.as_bytes());
    let mut master = Command::new("ssh")
        .arg("-F")
        .arg(&file)
        .args(["-M", "-N", "-o", "BatchMode=yes", &server.alias()])
        .spawn()
        .expect("OpenSSH's client is here");
    while !socket.exists() {
        std::thread::yield_now();
    }
    // Without a key only the master is let in.
    write(&file, with_socket.replace("IdentityFile ", "IdentityFile /nonexistent").as_bytes());
    let settings = SshSettings { config_file: Some(file), ..settings(&server) };
    let mut transport = SshTransport::new("pi", &server.alias(), None, settings);
    transport.prepare().expect("over the master");
    assert_eq!(transport.carrier(), "the ssh program (a master connection of yours)");
    transport.disconnect();
    assert!(matches!(master.try_wait(), Ok(None)), "it is the user's and goes on");
    master.kill().expect("it is ours to end here");
    master.wait().expect("it has ended");
}

/// A file system of its own; unmounted on drop.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: &Path, options: &str) -> Self {
        fs::create_dir_all(at).expect("a temporary folder");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(at).status();
        assert!(mounted.expect("mount is here").success(), "mounting needs root; CI runs as root");
        Self(at.to_owned())
    }

    fn is_read_only(&self) {
        let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status();
        assert!(remounted.expect("mount is here").success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Best effort: what is still busy goes with the machine.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn folders_in_which_nothing_can_be_done() {
    let server = start(SshdOptions::default());
    let dir = tempfile::tempdir().expect("a temporary folder");
    let at = |folder: &Path| SshTransport::new("pi", &server.alias(), folder.to_str(), settings(&server));
    let noexec = Mounted::new(&dir.path().join("noexec"), "size=1m,noexec");
    let text = words(&refused(at(&noexec.0.join("work"))));
    assert!(
        text.contains("/noexec/work on pi is mounted noexec: no program can run there\nhint: "),
        "{text}"
    );
    let read_only = Mounted::new(&dir.path().join("ro"), "size=1m");
    read_only.is_read_only();
    let text = words(&refused(at(&read_only.0.join("work"))));
    assert!(
        text.starts_with("cannot work in ") && text.contains("Read-only file system\nhint: set `work_dir`"),
        "{text}"
    );
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_push_is_cleared_of_it() {
    let server = start(SshdOptions::default());
    let dir = tempfile::tempdir().expect("a temporary folder");
    let small = Mounted::new(&dir.path().join("small"), "size=24m");
    let mut transport = SshTransport::new("pi", &server.alias(), small.0.to_str(), settings(&server));
    transport.prepare().expect("there is some room");
    let local = dir.path().join("model");
    write(&local, &content(40_000_000));
    let remote = transport.work_dir().join("artifacts/model");
    let error = transport.push(&local, &remote, &mut |_| {}).expect_err("too large");
    assert!(matches!(error, TransportError::NoRoom { .. }), "known before a byte is sent: {error}");
    write(&local, &content(20_000_000));
    let mut has_filled = false;
    let error = transport
        .push(&local, &remote, &mut |_| {
            if !std::mem::replace(&mut has_filled, true) {
                write(&small.0.join("of another program"), &content(12_000_000));
            }
        })
        .expect_err("somebody else fills the disk");
    let text = words(&error);
    assert!(
        text.starts_with("cannot write ") && text.contains("No space left on device\nhint: make room"),
        "{text}"
    );
    let left: Vec<_> = fs::read_dir(small.0.join("artifacts")).expect("it was made").flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    fs::remove_file(small.0.join("of another program")).expect("it was written");
    transport.push(&local, &remote, &mut |_| {}).expect("now there is room");
}

#[test]
fn a_device_with_few_tools_is_enough() {
    let tools = tempfile::tempdir().expect("a temporary folder");
    for tool in
        ["sh", "cat", "mkdir", "rm", "mv", "chmod", "wc", "uname", "pwd", "rmdir", "du", "printf", "echo"]
    {
        let place = Command::new("sh").args(["-c", &format!("readlink -f /usr/bin/{tool}")]).output();
        let place = String::from_utf8(place.expect("a shell").stdout).expect("text");
        std::os::unix::fs::symlink(place.trim(), tools.path().join(tool)).expect("a temporary link");
    }
    let path = tools.path().display().to_string();
    let server =
        start(SshdOptions { session_env: vec![("PATH".to_owned(), path)], ..SshdOptions::default() });
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let local = dir.path().join("model");
    write(&local, &content(100_000));
    let remote = transport.work_dir().join("artifacts/model");
    let outcome =
        transport.push(&local, &remote, &mut |_| {}).expect("without stat, flock, sha256sum and df");
    assert_eq!(outcome, PushOutcome::Sent { bytes: 100_000 });
    assert_eq!(transport.size(&remote).expect("wc counts"), Some(100_000));
    assert!(transport.clean().expect("du is there") >= 100_000);
}

#[test]
fn a_work_folder_with_any_name() {
    let server = start(SshdOptions::default());
    let odd = server.home().join("it's a \"$(touch oops)\" `x`; é \\ folder\nof two lines");
    let mut transport = SshTransport::new("pi", &server.alias(), odd.to_str(), settings(&server));
    transport.prepare().expect("it can be made");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let local = dir.path().join("model");
    write(&local, b"weights");
    let remote = transport.work_dir().join("artifacts/model");
    transport.push(&local, &remote, &mut |_| {}).expect("it is brought");
    assert_eq!(fs::read(odd.join("artifacts/model")).expect("it is there"), b"weights");
    let output = transport.run(&command("pwd", &[]), LIMIT).expect("it runs");
    assert_eq!((output.ended, output.stdout), (Ended::Code(0), format!("{}\n", odd.display()).into_bytes()));
    assert!(transport.clean().expect("nobody works there") > 0);
    assert!(!odd.exists());
}
