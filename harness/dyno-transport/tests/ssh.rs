//! The ssh transport against a real OpenSSH server.

mod ssh_parts;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dyno_model::blame::Classify as _;
use dyno_testbench::{Sshd, SshdOptions};
use dyno_transport::{Ended, PushOutcome, SshCarrier, SshSettings, SshTransport, Transport as _};
use ssh_parts::{LIMIT, Link, command, content, reach, settings, start, words, write};

#[test]
fn a_device_is_prepared_used_and_cleaned() {
    let server = start(SshdOptions::default());
    let mut transport = reach(&server);
    use_and_clean(&mut transport, &server);
    assert_eq!((transport.kind(), transport.carrier().as_str()), ("ssh", "libssh2"));
    let mut process = transport.spawn(&command("sh", &["-c", "kill -TERM $$"])).expect("sh is there");
    assert_eq!(process.wait(LIMIT).expect("the link holds"), Some(Ended::Signal(15)));
}

#[test]
fn the_ssh_program_does_the_same() {
    let server = start(SshdOptions::default());
    let settings = SshSettings { carrier: SshCarrier::Program, ..settings(&server) };
    let mut transport = SshTransport::new("pi", &server.alias(), None, settings);
    use_and_clean(&mut transport, &server);
    assert_eq!(transport.carrier(), "the ssh program (EDGEDYNO_SSH)");
    talk(&mut transport);
    transport.disconnect();
    assert!(server.log().matches("Accepted publickey").count() <= 2, "one connection carries all");
}

/// What every carrier does.
fn use_and_clean(transport: &mut SshTransport, server: &Sshd) {
    transport.prepare().expect("it can be reached");
    assert_eq!(transport.work_dir().as_str(), server.home().join(".cache/edgedyno").to_str().expect("UTF-8"));
    assert_eq!(transport.platform().expect("a shell is there").machine, std::env::consts::ARCH);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (local, back) = (dir.path().join("model"), dir.path().join("back"));
    let bytes = content(3_000_001);
    write(&local, &bytes);
    let remote = transport.work_dir().join("artifacts/digest/it's a \"model\" $(x)");
    let mut told = Vec::new();
    let outcome = transport.push(&local, &remote, &mut |n_bytes| told.push(n_bytes)).expect("there is room");
    assert_eq!(outcome, PushOutcome::Sent { bytes: 3_000_001 });
    assert_eq!(told.last(), Some(&3_000_001));
    assert!(told.is_sorted() && told.len() > 1, "{told:?}");
    assert_eq!(fs::read(remote.as_str()).expect("it is there"), bytes);
    assert_eq!(transport.push(&local, &remote, &mut |_| {}).expect("still there"), PushOutcome::AlreadyThere);
    assert_eq!(transport.pull(&remote, &back, &mut |_| {}).expect("it is there"), 3_000_001);
    assert_eq!(fs::read(&back).expect("pulled"), bytes);
    let output = transport.run(&command("sh", &["-c", "echo out; echo err >&2; exit 7"]), LIMIT);
    let output = output.expect("sh is there");
    assert_eq!(output.ended, Ended::Code(7));
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    assert!(transport.clean().expect("nobody works there") >= 3_000_001);
    assert!(!server.home().join(".cache/edgedyno").exists());
    transport.disconnect();
    transport.prepare().expect("it connects anew");
}

#[test]
fn a_push_goes_on_where_a_killed_server_left_it() {
    let mut server = start(SshdOptions::default());
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let local = dir.path().join("model");
    let bytes = content(60_000_000);
    write(&local, &bytes);
    let remote = transport.work_dir().join("artifacts/digest/model");
    let mut told = 0;
    let error = transport
        .push(&local, &remote, &mut |n_bytes| {
            if told == 0 && n_bytes > 4_000_000 {
                told = n_bytes;
                server.kill();
            }
        })
        .expect_err("the server is killed");
    assert!(error.is_transient(), "{error}");
    assert_eq!(error.to_string(), "the link to pi broke while sending a file");
    assert!(!Path::new(remote.as_str()).exists(), "nothing under the final name");
    let error = transport.size(&remote).expect_err("there is no server");
    assert!(error.to_string().starts_with("cannot connect to 127.0.0.1:"), "{error}");
    assert_eq!(error.hints().len(), 1);
    server.restart().expect("it comes up again");
    let outcome = transport.push(&local, &remote, &mut |_| {}).expect("it is back");
    let PushOutcome::Sent { bytes: sent } = outcome else { panic!("{outcome:?}") };
    assert!(sent > 0 && sent < 60_000_000, "{sent}");
    assert_eq!(fs::read(remote.as_str()).expect("it is there"), bytes);
}

#[test]
fn a_program_talks_while_commands_and_copies_go_on() {
    let server = start(SshdOptions::default());
    talk(&mut reach(&server));
}

/// A program, commands and their streams over one connection.
fn talk(transport: &mut SshTransport) {
    transport.prepare().expect("it can be reached");
    let mut process =
        transport.spawn(&command("sh", &["-c", "echo ready; echo noise >&2; cat"])).expect("a shell");
    let mut streams = process.streams().expect("a fresh process has its streams");
    assert!(process.streams().is_none());
    let mut line = [0; 6];
    streams.stdout.read_exact(&mut line).expect("it greets");
    assert_eq!(&line, b"ready\n");
    for n in 0..3 {
        let output = transport.run(&command("echo", &["word"]), LIMIT).expect("a second channel");
        assert_eq!(output.stdout, b"word\n");
        let frame = [n, 0, 255, b'\n'];
        streams.stdin.write_all(&frame).expect("cat reads");
        let mut back = [0; 4];
        streams.stdout.read_exact(&mut back).expect("cat writes");
        assert_eq!(back, frame);
    }
    assert_eq!(process.wait(Duration::from_millis(10)).expect("the link holds"), None);
    drop(streams.stdin);
    let mut rest = Vec::new();
    streams.stdout.read_to_end(&mut rest).expect("cat ends");
    assert_eq!(rest, b"");
    assert_eq!(process.wait(LIMIT).expect("the link holds"), Some(Ended::Code(0)));
    assert_eq!(process.stderr_tail(), "noise");
}

#[test]
fn a_killed_program_loses_its_streams_and_the_link_stays() {
    let server = start(SshdOptions::default());
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    let mut process = transport.spawn(&command("cat", &[])).expect("cat is there");
    let mut streams = process.streams().expect("a fresh process has its streams");
    process.kill();
    assert_eq!(process.wait(LIMIT).expect("it is given up"), Some(Ended::Signal(9)));
    let mut rest = Vec::new();
    streams.stdout.read_to_end(&mut rest).expect("no more comes");
    assert!(streams.stdin.write_all(b"x").is_err());
    assert_eq!(transport.run(&command("echo", &["on"]), LIMIT).expect("the link holds").stdout, b"on\n");
    let until = Instant::now() + LIMIT;
    while server.device_processes().iter().any(|(_, words)| words == "cat") {
        assert!(Instant::now() < until, "cat sees the end of its input");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_command_that_takes_too_long_is_given_up() {
    let server = start(SshdOptions::default());
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    let begin = Instant::now();
    let error = transport.run(&command("sleep", &["5"]), Duration::from_millis(300)).expect_err("too long");
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert!(error.is_transient() && error.to_string() == "sleep on pi did not end within 300ms", "{error}");
    assert_eq!(transport.run(&command("echo", &["on"]), LIMIT).expect("the link holds").stdout, b"on\n");
}

#[test]
fn a_command_that_cannot_be_sent_is_refused_and_the_link_stays() {
    let server = start(SshdOptions::default());
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    for word in ["a\0b".to_owned(), "x".repeat(34_000)] {
        let text = words(&transport.run(&command("echo", &[&word]), LIMIT).expect_err("no shell takes it"));
        assert!(text.starts_with("cannot start a command on pi\ncaused by: a command of "), "{text}");
    }
    let long = "x".repeat(33_000);
    let output = transport.run(&command("echo", &[&long]), LIMIT).expect("just short enough");
    assert_eq!(output.stdout.len(), 33_001);
    assert_eq!(server.log().matches("Accepted publickey").count(), 1, "one connection carried all");
}

#[test]
fn endless_output_is_held_back_or_thrown_away() {
    let server = start(SshdOptions::default());
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    let flood = "head -c 200000000 /dev/zero; yes | head -c 30000000 >&2; exit 3";
    let output = transport.run(&command("sh", &["-c", flood]), LIMIT).expect("it ends");
    // A line of ours comes before the program's first byte.
    assert_eq!(output.ended, Ended::Code(3));
    assert_eq!((output.stdout.len(), output.stderr.len()), ((16 << 20) - 22, 16 << 20));
}

#[test]
fn a_slow_reader_holds_the_program_back_and_not_the_others() {
    let server = start(SshdOptions::default());
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    let mut process = transport.spawn(&command("cat", &["/dev/zero"])).expect("cat is there");
    let mut streams = process.streams().expect("a fresh process has its streams");
    let mut first = [1];
    streams.stdout.read_exact(&mut first).expect("zeros come");
    let held_back = written_by("cat /dev/zero", &server);
    assert!(held_back < 16 << 20, "{held_back} bytes are on the way to one who does not read");
    assert_eq!(transport.run(&command("echo", &["on"]), LIMIT).expect("the link is free").stdout, b"on\n");
    let mut zeros = vec![1; 8 << 20];
    streams.stdout.read_exact(&mut zeros).expect("they go on");
    assert!(zeros.iter().all(|byte| *byte == 0));
}

/// Bytes that a program on the device has written when it writes no more.
fn written_by(words: &str, server: &Sshd) -> u64 {
    let processes = server.device_processes();
    let (pid, _) = processes.iter().find(|(_, found)| found == words).expect("it runs");
    let written = || {
        let text = fs::read_to_string(format!("/proc/{pid}/io")).expect("Linux");
        let line = text.lines().find_map(|line| line.strip_prefix("wchar: ")).expect("it is there");
        line.parse::<u64>().expect("a number")
    };
    let mut before = written();
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = written();
        if now == before || now > 1 << 30 {
            return now;
        }
        before = now;
    }
}

#[test]
fn a_server_that_dies_ends_what_runs_and_the_next_call_reaches_it_anew() {
    let mut server = start(SshdOptions::default());
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    let mut process = transport.spawn(&command("cat", &[])).expect("cat is there");
    let mut streams = process.streams().expect("a fresh process has its streams");
    server.kill();
    let mut rest = Vec::new();
    assert!(streams.stdout.read_to_end(&mut rest).is_err(), "a broken link is no end of file");
    let error = process.wait(LIMIT).expect_err("nobody knows how it ended");
    assert!(words(&error).starts_with("the link to pi broke while cat ran"), "{}", words(&error));
    assert!(error.is_transient());
    server.restart().expect("it comes up again");
    assert_eq!(transport.run(&command("echo", &["on"]), LIMIT).expect("it is back").stdout, b"on\n");
}

#[test]
fn a_connection_that_died_unused_is_made_anew_without_a_word() {
    let mut server = start(SshdOptions::default());
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    server.restart().expect("it comes up again");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(transport.run(&command("echo", &["on"]), LIMIT).expect("it is back").stdout, b"on\n");
}

#[test]
fn a_link_that_stalls_is_given_up_and_found_again() {
    let server = start(SshdOptions::default());
    let link = Link::to(server.port());
    let config = fs::read_to_string(server.config()).expect("it was written");
    let config = config.replace(&format!("Port {}", server.port()), &format!("Port {}", link.port));
    let file = server.client_home().join("config-by-link");
    write(&file, format!("{config}  HostKeyAlias [127.0.0.1]:{}\n", server.port()).as_bytes());
    let settings = SshSettings {
        config_file: Some(file),
        alive_interval: Duration::from_secs(1),
        alive_tries: 1,
        ..SshSettings::default()
    };
    let mut transport = SshTransport::new("pi", &server.alias(), None, settings);
    transport.prepare().expect("it can be reached");
    let mut process = transport.spawn(&command("cat", &[])).expect("cat is there");
    // Longer than the link may be silent, which is 5 s: the server answers the questions for a sign of life.
    assert_eq!(process.wait(Duration::from_millis(5500)).expect("the link holds"), None);
    link.stall();
    let begin = Instant::now();
    let error = process.wait(LIMIT).expect_err("nothing passes");
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert!(words(&error).contains("caused by: nothing was heard for "), "{}", words(&error));
    link.go_on();
    assert_eq!(transport.run(&command("echo", &["on"]), LIMIT).expect("it is back").stdout, b"on\n");
}

#[test]
fn transports_are_sent_to_threads() {
    fn is_send<T: Send>(_: &T) {}
    let nobody = SshSettings { ask: Arc::new(dyno_transport::NoAsk), ..SshSettings::default() };
    is_send(&SshTransport::new("pi", "pi", None, nobody));
}

#[test]
fn programs_killed_in_the_middle_of_their_input_leave_the_link_usable() {
    let server = start(SshdOptions::default());
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    for (round, program) in
        ["sleep 100", "exec cat >/dev/null", "exec cat"].into_iter().cycle().take(12).enumerate()
    {
        let mut process = transport.spawn(&command("sh", &["-c", program])).expect("sh is there");
        let mut streams = process.streams().expect("a fresh process has its streams");
        let block = vec![7; 100_000];
        let writer = std::thread::spawn(move || while streams.stdin.write_all(&block).is_ok() {});
        // Not for a state, but for many different ones.
        std::thread::sleep(Duration::from_millis(7 * round as u64));
        if round % 2 == 0 {
            process.kill();
        } else {
            drop(process);
        }
        let output = transport.run(&command("echo", &["on"]), LIMIT).expect("the link is free");
        assert_eq!(output.stdout, b"on\n");
        writer.join().expect("the writer gets an error");
    }
    assert_eq!(server.log().matches("Accepted publickey").count(), 1, "one connection carried all");
}

#[test]
fn keys_are_exchanged_anew_in_the_middle_of_copies() {
    let lines = vec!["RekeyLimit 1M".to_owned()];
    let server = start(SshdOptions { server_lines: lines, ..SshdOptions::default() });
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    let mut process = transport.spawn(&command("cat", &[])).expect("cat is there");
    let mut streams = process.streams().expect("a fresh process has its streams");
    let echo = std::thread::spawn(move || {
        let (frame, mut back) = ([9; 1000], [0; 1000]);
        for _ in 0..300 {
            streams.stdin.write_all(&frame).expect("cat reads");
            streams.stdout.read_exact(&mut back).expect("cat writes");
            assert_eq!(back, frame);
        }
    });
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (local, back) = (dir.path().join("model"), dir.path().join("back"));
    let bytes = content(20_000_000);
    write(&local, &bytes);
    let remote = transport.work_dir().join("artifacts/model");
    transport.push(&local, &remote, &mut |_| {}).expect("it is brought");
    transport.pull(&remote, &back, &mut |_| {}).expect("it is fetched");
    assert_eq!(fs::read(&back).expect("pulled"), bytes);
    echo.join().expect("all frames came back");
}

#[test]
fn a_server_that_asks_for_signs_of_life_gets_them() {
    let lines = vec!["ClientAliveInterval 1".to_owned(), "ClientAliveCountMax 1".to_owned()];
    let server = start(SshdOptions { server_lines: lines, ..SshdOptions::default() });
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(transport.run(&command("echo", &["on"]), LIMIT).expect("it is there").stdout, b"on\n");
    assert_eq!(server.log().matches("Accepted publickey").count(), 1, "{}", server.log());
}

#[test]
fn many_commands_run_over_one_connection_at_once() {
    let server = start(SshdOptions::default());
    let mut transport = reach(&server);
    transport.prepare().expect("it can be reached");
    let mut processes: Vec<_> = (0..20_u8)
        .map(|n| transport.spawn(&command("sh", &["-c", &format!("cat; exit {n}")])).expect("sh is there"))
        .collect();
    for (n, process) in (0..20_u8).zip(&mut processes) {
        let mut streams = process.streams().expect("a fresh process has its streams");
        streams.stdin.write_all(&[n]).expect("cat reads");
        drop(streams.stdin);
        let mut said = Vec::new();
        streams.stdout.read_to_end(&mut said).expect("cat writes");
        assert_eq!(said, [n]);
        assert_eq!(process.wait(LIMIT).expect("the link holds"), Some(Ended::Code(i32::from(n))));
    }
}
