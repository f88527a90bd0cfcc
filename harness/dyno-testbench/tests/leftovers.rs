//! A test run that is killed leaves nothing behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dyno_testbench::{Namespace, Sshd, SshdOptions};

const VARIABLE: &str = "DYNO_TESTBENCH_TO_BE_KILLED";

/// Not a test of its own: the process that the test below starts and kills.
#[test]
fn holder_of_parts() {
    if std::env::var_os(VARIABLE).is_none() {
        return;
    }
    let server = Sshd::start(SshdOptions::default()).expect("sshd");
    let sleep = server.ssh(&server.alias(), "setsid sleep 1001 >/dev/null 2>&1 </dev/null & echo started");
    assert_eq!(sleep.expect("ssh runs").text(), "started");
    let namespace = Namespace::new().expect("a namespace");
    let (pid, _) =
        server.device_processes().into_iter().find(|(_, words)| words == "sleep 1001").expect("it");
    let line = format!("parts {} {} {pid} {}\n", server.port(), namespace.name(), server.home().display());
    std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes()).expect("stdout");
    std::thread::sleep(Duration::from_mins(1));
}

#[test]
fn parts_of_a_killed_test_run_end_with_it() {
    let own = std::env::current_exe().expect("a test has a file");
    let mut child = Command::new(own);
    child.args(["--exact", "holder_of_parts", "--nocapture"]).env(VARIABLE, "1").stdout(Stdio::piped());
    let mut child = child.spawn().expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut lines = lines.map(|line| line.expect("text"));
    let line = lines.find_map(|line| line.split_once("parts ").map(|(_, rest)| rest.to_owned()));
    let line = line.expect("it holds its parts");
    let words: Vec<&str> = line.split(' ').collect();
    let [port, namespace, pid, home] = words[..] else { panic!("{line}") };
    let address = format!("127.0.0.1:{port}");
    assert!(std::net::TcpStream::connect(&address).is_ok());

    child.kill().expect("it can be killed");
    child.wait().expect("it has ended");
    let until = Instant::now() + Duration::from_secs(10);
    let is_left = || {
        let words = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        std::net::TcpStream::connect(&address).is_ok()
            || Path::new("/run/netns").join(namespace).exists()
            || Path::new(home).exists()
            || !words.is_empty()
    };
    while is_left() {
        assert!(Instant::now() < until, "still there: {line}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
