//! Kills at the worst moment: the record can be read, and `resume` finishes it, each request once.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::sandbox::{Sandbox, journal, requests};

/// A campaign on the real engine that takes some seconds.
const SLOW: &[&str] = &[
    "run",
    "--model",
    "synthetic-tiny",
    "--repetitions",
    "2",
    "--requests",
    "12",
    "--max-tokens",
    "48",
    "--name",
    "c",
];

/// Waits until `seen` says so, with a generous limit: a loaded machine is slow.
fn wait_until(what: &str, mut seen: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !seen() {
        assert!(begun.elapsed() < Duration::from_mins(2), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The processes below `pid`, children before grandchildren.
fn descendants(pid: u32) -> Vec<u32> {
    let children = |pid: u32| -> Vec<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let of = |task: std::fs::DirEntry| {
            std::fs::read_to_string(task.path().join("children")).unwrap_or_default()
        };
        tasks
            .flat_map(|task| {
                of(task).split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()
            })
            .collect()
    };
    let mut all = children(pid);
    let mut next = 0;
    while next < all.len() {
        let more = children(all[next]);
        all.extend(more);
        next += 1;
    }
    all
}

/// Requests that are in the device's spool at this moment.
fn n_spooled(sandbox: &Sandbox) -> usize {
    let spools = sandbox.project().join("../xdg/edgedyno/device-local/spool/c");
    let files = std::fs::read_dir(spools).into_iter().flatten().flatten();
    let count = |path: &Path| {
        std::fs::read_to_string(path).unwrap_or_default().matches("\"event\":\"request\"").count()
    };
    files.map(|file| count(&file.path())).sum()
}

fn kill(pid: u32, signal: i32) {
    let status = std::process::Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status();
    assert!(status.expect("kill can be started").success());
}

/// Starts the slow campaign and waits until some requests of the first launch are done.
fn in_mid_run(sandbox: &Sandbox) -> Child {
    let child = sandbox.start(SLOW);
    wait_until("a third request", || n_spooled(sandbox) >= 3);
    child
}

fn each_once(sandbox: &Sandbox) {
    let all = requests(&sandbox.campaign("c"));
    let distinct: BTreeSet<_> = all.iter().copied().collect();
    let expected: BTreeSet<_> = (0..2).flat_map(|run| (0..12).map(move |idx| (run, idx))).collect();
    assert_eq!(distinct, expected);
    assert_eq!(all.len(), distinct.len(), "a request stands twice in the record");
}

#[test]
fn after_kill_9_of_the_controller_resume_finishes_the_rest() {
    let sandbox = Sandbox::new();
    let mut child = in_mid_run(&sandbox);
    let below = descendants(child.id());
    kill(child.id(), 9);
    child.wait().expect("our child");
    wait_until("the end of agent and engine", || {
        below.iter().all(|pid| !Path::new(&format!("/proc/{pid}/exe")).exists())
    });
    assert_ne!(sandbox.run(&["report", "c"]).code, Some(70), "the record can be read");
    sandbox.ok(&["resume", "c"]);
    each_once(&sandbox);
}

#[test]
fn after_kill_9_of_the_agent_the_error_says_how_to_go_on() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(SLOW);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let child = command.spawn().expect("edgedyno starts");
    wait_until("a third request", || n_spooled(&sandbox) >= 3);
    let agent = descendants(child.id())[0];
    kill(agent, 9);
    let output = child.wait_with_output().expect("our child");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("signal 9") && stderr.contains("edgedyno resume c"), "{stderr}");
    assert!(requests(&sandbox.campaign("c")).len() >= 3, "what was spooled is in the record");
    sandbox.ok(&["resume"]);
    each_once(&sandbox);
}

#[test]
fn a_killed_engine_is_an_outcome_and_the_next_run_goes_on() {
    let sandbox = Sandbox::new();
    let mut child = in_mid_run(&sandbox);
    let engine = *descendants(child.id()).last().expect("agent and engine run");
    kill(engine, 9);
    child.wait().expect("our child");
    let crashed = |entry: &serde_json::Value| {
        entry["event"]["event"] == "launch_ended" && entry["event"]["outcome"]["kind"] == "crashed"
    };
    assert!(journal(&sandbox.campaign("c")).iter().any(crashed));
    let second_run = requests(&sandbox.campaign("c")).iter().filter(|(run, _)| *run == 1).count();
    assert_eq!(second_run, 12);
}

#[test]
fn ctrl_c_stops_the_engine_and_says_how_to_go_on() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(SLOW);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let child = command.spawn().expect("edgedyno starts");
    wait_until("a third request", || n_spooled(&sandbox) >= 3);
    let below = descendants(child.id());
    kill(child.id(), 2);
    let output = child.wait_with_output().expect("our child");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("edgedyno resume c"), "{stderr}");
    assert!(
        below.iter().all(|pid| !Path::new(&format!("/proc/{pid}/exe")).exists()),
        "agent or engine still runs"
    );
    sandbox.ok(&["resume", "c"]);
    each_once(&sandbox);
}

#[test]
fn a_torn_journal_is_cut_off_and_finished() {
    let sandbox = Sandbox::new();
    sandbox.ok(&[
        "run",
        "--runtime",
        "fake",
        "--model",
        "none",
        "--repetitions",
        "2",
        "--requests",
        "12",
        "--name",
        "c",
    ]);
    let path = sandbox.campaign("c").join("journal.log");
    let whole = crate::sandbox::bytes(&path);
    std::fs::write(&path, &whole[..whole.len() * 2 / 3]).expect("a temporary file");
    let done = sandbox.ok(&["resume", "c"]);
    assert!(done.stderr.contains("torn"), "{}", done.stderr);
    each_once(&sandbox);
}
