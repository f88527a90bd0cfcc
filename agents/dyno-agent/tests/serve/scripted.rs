//! The built agent with the scripted runtime.

use std::process::Command as Program;

use dyno_model::outcome::Outcome;
use dyno_protocol::build_id::BUILD_ID;
use dyno_protocol::message::{Command, Reply};

use crate::support::{AGENT, Agent, folder, order, outcome, requests};

#[test]
fn a_launch_comes_home_over_pipes() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    agent.peer.send(&Command::Run(Box::new(order(1000, &[])))).expect("it listens");
    let events = agent.events();
    assert_eq!((requests(&events).len(), outcome(&events)), (1000, Some(&Outcome::Ok)));
    assert!(events.iter().enumerate().all(|(n, event)| event.seq == n as u64));
    agent.end();
}

#[test]
fn a_killed_agent_leaves_what_was_finished() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    agent.hang(folder.path());
    agent.signal("-KILL");
    agent.child.wait().expect("our child");

    let mut agent = Agent::start(folder.path());
    let spools = agent.spools();
    assert_eq!((spools.len(), spools[0].launch, spools[0].complete), (1, 1, false));
    let key = order(0, &[]).key();
    agent.peer.send(&Command::SendSpool(key.clone())).expect("it listens");
    let events = agent.events();
    assert_eq!((requests(&events).len(), outcome(&events)), (2, None));
    agent.peer.send(&Command::DropSpool(key.clone())).expect("it listens");
    assert_eq!(agent.peer.recv().expect("it answers"), Reply::Dropped(key));
    agent.end();
}

#[test]
fn a_terminated_agent_and_an_abandoned_one_end_well() {
    for is_terminated in [true, false] {
        let folder = folder();
        let mut agent = Agent::start(folder.path());
        agent.hang(folder.path());
        let Agent { mut child, peer } = agent;
        if is_terminated {
            let status = Program::new("kill").args(["-TERM", &child.id().to_string()]).status();
            assert!(status.expect("every system has kill").success());
            assert!(child.wait().expect("our child").success());
            drop(peer);
        } else {
            drop(peer);
            assert!(child.wait().expect("our child").success());
        }
        let mut agent = Agent::start(folder.path());
        assert!(agent.spools()[0].complete);
        agent.peer.send(&Command::SendSpool(order(0, &[]).key())).expect("it listens");
        let events = agent.events();
        assert_eq!((requests(&events).len(), outcome(&events)), (2, Some(&Outcome::Cancelled)));
        agent.end();
    }
}

#[test]
fn the_interrupt_key_is_the_controllers_business() {
    let folder = folder();
    let mut agent = Agent::start(folder.path());
    agent.hang(folder.path());
    agent.signal("-INT");
    agent.peer.send(&Command::Cancel).expect("it still listens");
    assert_eq!(outcome(&agent.events()), Some(&Outcome::Cancelled));
    agent.end();
}

#[test]
fn wrong_words_are_told_on_stderr_with_status_2() {
    let output = Program::new(AGENT).arg("surf").output().expect("the agent was built");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let expected = "edgedyno-agent: unknown subcommand `surf` (see --help)\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
}

#[test]
fn facts_are_json() {
    let output = Program::new(AGENT).arg("facts").output().expect("the agent was built");
    assert!(output.status.success());
    let facts: dyno_model::device::DeviceFacts = serde_json::from_slice(&output.stdout).expect("JSON");
    let (facts, agent) = (facts.arch.as_str(), std::env::consts::ARCH);
    // An agent of 32 bits says what the kernel is, which may be more.
    let is_arm = agent == "arm" && ["armv6l", "armv7l", "armv8l", "aarch64"].contains(&facts);
    assert!(facts == agent || is_arm, "{facts} is no {agent}");
}

#[test]
fn the_version_names_the_build() {
    let output = Program::new(AGENT).arg("--version").output().expect("the agent was built");
    let expected = format!("edgedyno-agent {} build {BUILD_ID}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}
