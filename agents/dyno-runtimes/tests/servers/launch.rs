//! Servers started from data alone: no code knows the program that this test is.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::canned::{ask, chat, reply};
use dyno_model::launch::{Dialect, LaunchSpec, ServerSpec};
use dyno_model::outcome::Outcome;
use dyno_model::request::FinishReason;
use dyno_model::start::StartState;
use dyno_runtimes::adapter::{LaunchStep, RuntimeAdapter, adapter_for};
use dyno_runtimes::error::RuntimeError;
use dyno_runtimes::interrupt::{Asked, Interrupt};

/// Set for the process that is the server.
const MODE: &str = "DYNO_TEST_SERVER";

/// Not a test of its own: the program that the tests below start.
#[test]
fn the_program_that_serves() {
    let Ok(mode) = std::env::var(MODE) else { return };
    let port: u16 = std::env::var("SERVED_PORT").expect("it was filled in").parse().expect("a port");
    eprintln_("loading");
    if mode == "dies" {
        eprintln_("no such model");
        exit_with(7);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    let loading = || reply(503, "application/json", r#"{"error":"loading"}"#);
    let ready = match mode.as_str() {
        "never" => vec![loading()],
        "garbage" => vec!["SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned()],
        _ => vec![loading(), loading(), loading(), reply(200, "application/json", "{}")],
    };
    let with = std::env::var("SERVED_WITH").unwrap_or_else(|_missing| "nothing".to_owned());
    let answers = vec![("/healthy", ready), ("/v1/chat/completions", vec![chat(&with, "!")])];
    if mode == "silent" {
        std::thread::sleep(Duration::from_mins(1));
    }
    if mode == "leaves" {
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            eprintln_("I am leaving");
            exit_with(0);
        });
    }
    crate::canned::serve(&listener, answers, &Mutex::default());
}

/// The test harness captures what the macro prints.
fn eprintln_(words: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "{words}").expect("stderr");
}

#[expect(clippy::exit, reason = "this process is a server in a test, and its status is what is tested")]
fn exit_with(code: i32) {
    std::process::exit(code);
}

fn spec(mode: &str, ready_limit_ms: u64) -> LaunchSpec {
    let text = |text: &str| text.to_owned();
    let env = [
        (MODE, mode),
        ("SERVED_PORT", "{port}"),
        ("SERVED_WITH", "{slots} of {context_tokens}: {all_context_tokens}"),
    ];
    let server = ServerSpec {
        program: std::env::current_exe().expect("a test has a file").display().to_string(),
        args: ["--exact", "launch::the_program_that_serves", "--nocapture"].map(text).to_vec(),
        env: env.iter().map(|(name, value)| (text(name), text(value))).collect(),
        ready_path: text("/healthy"),
        version_args: Vec::new(),
        prefix: text("/v1"),
        cache_dirs: Vec::new(),
        pins: std::collections::BTreeMap::new(),
    };
    LaunchSpec {
        runtime: text("anything"),
        dialect: Dialect::OpenaiChat,
        model_path: None,
        model_digest: None,
        threads: Some(2),
        core_mask: None,
        context_tokens: 64,
        settings: BTreeMap::from([(text("slots"), text("3"))]),
        ready_limit_ms,
        start: StartState::AsItIs,
        server: Some(Box::new(server)),
        endpoint: None,
    }
}

type Started = (Box<dyn RuntimeAdapter>, Result<Vec<LaunchStep>, RuntimeError>);

fn start(spec: &LaunchSpec, interrupt: Interrupt) -> Started {
    let mut adapter = adapter_for(spec, None, Arc::new(interrupt)).expect("the spec can be used");
    let mut steps = Vec::new();
    let started = adapter.start(spec, &mut |step| steps.push(step));
    (adapter, started.map(|()| steps))
}

fn start_mode(mode: &str, ready_limit_ms: u64) -> Started {
    start(&spec(mode, ready_limit_ms), Interrupt::new().expect("a pipe"))
}

#[test]
fn a_pinned_program_is_started_only_if_it_is_the_one() {
    let own = std::env::current_exe().expect("a test has a file");
    let digest = dyno_model::digest::Digest::of(&std::fs::read(own).expect("our own file"));
    let pinned = |sha256| {
        let mut spec = spec("good", 20_000);
        let pin = dyno_model::trust::ProgramPin { sha256, signature_from: None, signature: None };
        spec.server.as_mut().expect("it has one").pins =
            BTreeMap::from([(std::env::consts::ARCH.to_owned(), pin)]);
        spec
    };
    let (mut adapter, steps) = start(&pinned(digest.clone()), Interrupt::new().expect("a pipe"));
    steps.expect("it is the pinned one");
    adapter.stop().expect("it can be ended");

    let other = dyno_model::digest::Digest::of(b"another build");
    let interrupt = Arc::new(Interrupt::new().expect("a pipe"));
    let Err(error) = adapter_for(&pinned(other.clone()), None, interrupt) else {
        panic!("it is another one")
    };
    let Outcome::Refused { detail } = error.outcome() else { panic!("{error}") };
    assert!(detail.contains(digest.as_str()) && detail.contains(other.as_str()), "{detail}");
}

#[test]
fn a_server_is_started_asked_and_ended_from_its_spec_alone() {
    let (mut adapter, steps) = start_mode("good", 20_000);
    let steps = steps.expect("it gets ready");
    let [LaunchStep::Spawned { at: spawned, pid }, LaunchStep::Ready { at: ready, facts }] = &steps[..]
    else {
        panic!("two steps: {steps:?}");
    };
    assert!(ready > spawned && pid.is_some() && facts.pid == *pid);
    assert_eq!((facts.name.as_str(), facts.threads), ("anything", Some(2)));
    assert_eq!((facts.backend.as_str(), facts.version.as_str()), ("OpenAI chat, 3 slots", "not said"));
    let own = std::env::current_exe().expect("a test has a file");
    let digest = dyno_model::digest::Digest::of(&std::fs::read(own).expect("our own file"));
    assert_eq!(facts.binary_digest, Some(digest));
    assert!(adapter.is_running());

    let (text, finish) = ask(adapter.as_ref());
    assert_eq!((text.as_str(), finish.outcome), ("3 of 64: 192!", Outcome::Ok));
    assert_eq!((finish.reason, finish.usage.prompt_tokens), (Some(FinishReason::Stop), Some(3)));

    let report = adapter.stop().expect("it can be ended");
    // The program does not listen to SIGTERM in a way of its own.
    assert_eq!(
        (report.outcome, report.exit.as_deref()),
        (Outcome::Ok, Some("killed by signal 15 (SIGTERM)"))
    );
    assert!(report.cpu_ns.is_some() && report.peak_rss_bytes.is_some_and(|bytes| bytes > 1 << 20));
    assert!(!adapter.is_running() && adapter.carrier().is_err());
}

#[test]
fn a_variable_without_a_value_is_left_out() {
    let mut wanted = spec("good", 20_000);
    wanted.threads = None;
    let server = wanted.server.as_mut().expect("a server");
    server.env.insert("SERVED_WITH".to_owned(), "{threads} threads".to_owned());
    let (mut adapter, steps) = start(&wanted, Interrupt::new().expect("a pipe"));
    steps.expect("it gets ready");
    assert_eq!(ask(adapter.as_ref()).0, "nothing!");
    adapter.stop().expect("it can be ended");
}

#[test]
fn a_death_before_ready_keeps_the_last_words() {
    let (mut adapter, steps) = start_mode("dies", 20_000);
    let outcome = steps.expect_err("it is dead").outcome();
    let Outcome::Crashed { exit, stderr_tail } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(exit, "exit status 7");
    assert!(stderr_tail.ends_with("loading\nno such model"), "{stderr_tail}");
    assert_eq!(adapter.stop().expect("it was started").outcome, outcome);
}

#[test]
fn a_server_that_is_never_ready_is_a_timeout_with_its_last_words() {
    let check = |mode: &str, last: &str| {
        let (mut adapter, steps) = start_mode(mode, 1_000);
        let timeout = Outcome::Timeout { limit_ms: 1_000 };
        assert_eq!(steps.expect_err("never ready").outcome(), timeout);
        assert!(!adapter.is_running());
        let report = adapter.stop().expect("it was started");
        let exit = report.exit.unwrap_or_default();
        assert_eq!(report.outcome, timeout);
        assert!(exit.starts_with("killed by signal 9 (SIGKILL); never ready, at last: "), "{exit}");
        assert!(exit.contains(last) && exit.ends_with("loading"), "{exit}");
    };
    check("never", "HTTP 503");
    check("silent", "within");
}

#[test]
fn what_is_no_http_is_a_crash_and_not_waited_for() {
    let (mut adapter, steps) = start_mode("garbage", 600_000);
    let outcome = steps.expect_err("garbage").outcome();
    let Outcome::Crashed { exit, stderr_tail } = &outcome else { panic!("{outcome:?}") };
    assert!(exit.starts_with("the answer is no HTTP/1.1"), "{exit}");
    assert!(stderr_tail.ends_with("loading"), "{stderr_tail}");
    assert_eq!(adapter.stop().expect("it was started").outcome, outcome);
}

#[test]
fn a_server_that_leaves_while_it_should_serve_is_seen() {
    let (mut adapter, steps) = start_mode("leaves", 20_000);
    // It may leave before or after it was seen to be ready; both are told.
    let left = match steps {
        Ok(_) => {
            while adapter.is_running() {
                std::thread::sleep(Duration::from_millis(5));
            }
            assert!(adapter.carrier().is_err(), "nobody listens any more");
            adapter.stop().expect("it was started").exit
        }
        Err(error) => error.outcome().detail(),
    };
    assert!(left.unwrap_or_default().starts_with("exit status 0"));
}

#[test]
fn a_cancelled_launch_does_not_get_ready() {
    let interrupt = Interrupt::new().expect("a pipe");
    interrupt.raise(Asked::Cancel);
    let (mut adapter, steps) = start(&spec("good", 600_000), interrupt);
    assert_eq!(steps.expect_err("cancelled").outcome(), Outcome::Cancelled);
    assert_eq!(adapter.stop().expect("it was started").outcome, Outcome::Cancelled);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let mut wanted = spec("good", 1_000);
    wanted.server.as_mut().expect("a server").program = "/nowhere/llama-server".to_owned();
    let interrupt = Arc::new(Interrupt::new().expect("a pipe"));
    let error = adapter_for(&wanted, None, interrupt).map(drop).expect_err("no such program");
    assert_eq!(
        error.outcome(),
        Outcome::Unsupported {
            detail: "the program `/nowhere/llama-server` is not on this device (looked for in /nowhere/llama-server)"
                .to_owned()
        }
    );
}

#[test]
fn a_launch_that_needs_a_model_file_says_so() {
    let mut wanted = spec("good", 1_000);
    wanted.server.as_mut().expect("a server").args.push("--model={model}".to_owned());
    let interrupt = Arc::new(Interrupt::new().expect("a pipe"));
    let error = adapter_for(&wanted, None, interrupt).map(drop).expect_err("no model");
    assert_eq!(error.to_string(), "the runtime `anything` needs a model file");
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_runs_on_the_cpus_that_it_is_given() {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc is there");
    let list =
        status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("a list").trim();
    let cpu: u32 = list.rsplit([',', '-']).next().expect("a CPU").parse().expect("a number");
    let mut wanted = spec("good", 20_000);
    wanted.core_mask = Some(vec![cpu]);
    let (mut adapter, steps) = start(&wanted, Interrupt::new().expect("a pipe"));
    let steps = steps.expect("it gets ready");
    let Some(LaunchStep::Ready { facts, .. }) = steps.last() else { panic!("ready: {steps:?}") };
    assert_eq!(facts.allowed_cpus, Some(vec![cpu]));
    adapter.stop().expect("it can be ended");
}
