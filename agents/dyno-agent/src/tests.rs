//! The whole agent in one process: a controller over a pipe in memory, and the scripted runtime.

mod board;
mod care;
mod held;
mod loads;
mod logprobs;
mod played;

use std::thread::JoinHandle;

use dyno_model::event::{Event, EventKind};
use dyno_model::ids::RunId;
use dyno_model::launch::{Dialect, LaunchSpec};
use dyno_model::load::LoadModel;
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::request::{FinishReason, Message, Request, RequestRecord, Sampling};
use dyno_protocol::build_id::BUILD_ID;
use dyno_protocol::memory::{MemoryEnd, PipeWriter, duplex};
use dyno_protocol::message::{Command, LaunchKey, Lease, Phase, RemoteError, Reply, RunOrder};
use dyno_protocol::peer::ControllerPeer;
use tempfile::TempDir;

use crate::args::OnLinkLoss;
use crate::error::AgentError;
use crate::serve::{Surroundings, serve};

/// An agent on a thread, and the controller's end of its pipe.
struct Agent {
    peer: ControllerPeer,
    thread: JoinHandle<Result<(), AgentError>>,
}

fn spawn(folder: &TempDir, end: MemoryEnd, on_link_loss: OnLinkLoss) -> JoinHandle<Result<(), AgentError>> {
    let work_dir = folder.path().to_owned();
    let surroundings = Surroundings {
        work_dir,
        has_room: || true,
        progress_every_ns: 0,
        wait_for_signal: None,
        on_link_loss,
        boot_id: Some("this boot".to_owned()),
        program: None,
    };
    std::thread::spawn(move || serve(&surroundings, Box::new(end.input), Box::new(end.output)))
}

fn lease(campaign: &str) -> Lease {
    Lease { holder: "ann@lab".to_owned(), campaign: Some(campaign.into()), force: false, is_again: false }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for temporary files")
}

impl Agent {
    /// Starts one and shakes hands.
    fn start(folder: &TempDir) -> Self {
        let mut agent = Self::start_as(folder, BUILD_ID, lease("c"), OnLinkLoss::Stop);
        assert!(matches!(agent.recv(), Reply::Hello(hello) if hello.build_id == BUILD_ID));
        assert_eq!(agent.recv(), Reply::Leased { notes: Vec::new() });
        agent
    }

    fn start_as(folder: &TempDir, build_id: &str, lease: Lease, on_link_loss: OnLinkLoss) -> Self {
        let (here, there) = duplex();
        let thread = spawn(folder, there, on_link_loss);
        let mut peer = ControllerPeer::new(Box::new(here.input), Box::new(here.output));
        peer.send(&Command::Hello { build_id: build_id.to_owned(), lease }).expect("the agent listens");
        Self { peer, thread }
    }

    fn send(&mut self, command: &Command) {
        self.peer.send(command).expect("the agent listens");
    }

    fn recv(&mut self) -> Reply {
        self.peer.recv().expect("the agent answers")
    }

    /// Everything up to the last batch of events.
    fn launched(&mut self) -> (Option<String>, Vec<Event>) {
        let (mut word, mut events) = (None, Vec::new());
        loop {
            match self.recv() {
                Reply::Progress(_) => assert_eq!(word, None, "no progress after the end"),
                Reply::LaunchDone { outcome, .. } => word = Some(outcome),
                Reply::EventBatch(batch) => {
                    events.extend(batch.events);
                    if batch.last {
                        return (word, events);
                    }
                }
                other => panic!("not expected here: {other:?}"),
            }
        }
    }

    fn run(&mut self, order: RunOrder) -> (String, Vec<Event>) {
        self.send(&Command::Run(Box::new(order)));
        let (word, events) = self.launched();
        (word.expect("a launch ends before its events come"), events)
    }

    fn end(mut self) -> Result<(), AgentError> {
        self.send(&Command::Bye);
        assert_eq!(self.recv(), Reply::Bye);
        self.thread.join().expect("no panic")
    }
}

fn order(n_requests: u32, settings: &[(&str, &str)]) -> RunOrder {
    let request = |idx| Request {
        idx,
        prompt_id: format!("p{idx}").as_str().into(),
        messages: vec![Message { role: "user".to_owned(), content: "abcde".to_owned() }],
        sampling: Sampling {
            max_tokens: 3,
            ignore_eos: false,
            temperature_milli: 0,
            top_p_milli: 1000,
            seed: 1,
            top_logprobs: 0,
        },
        due_ns: None,
        limit_ms: 60_000,
    };
    RunOrder {
        campaign: "c".into(),
        run: RunId(7),
        launch: 1,
        launch_spec: LaunchSpec {
            runtime: "fake".to_owned(),
            dialect: Dialect::Fake,
            model_path: None,
            model_digest: None,
            threads: None,
            core_mask: None,
            context_tokens: 64,
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ready_limit_ms: 1000,
            start: dyno_model::start::StartState::AsItIs,
            server: None,
            endpoint: None,
        },
        requests: (0..n_requests).map(request).collect(),
        load: LoadModel::Single { think_ms: 0 },
        sampling_period_ms: 100,
        hold: None,
        care: None,
        sys_root: None,
        api_key: None,
    }
}

fn key() -> LaunchKey {
    LaunchKey { campaign: "c".into(), run: RunId(7), launch: 1 }
}

fn names(events: &[Event]) -> Vec<&'static str> {
    let name = |event: &Event| match event.kind {
        EventKind::LaunchStarted { .. } => "started",
        EventKind::Spawned => "spawned",
        EventKind::Ready { .. } => "ready",
        EventKind::Sensor(_) => "sensor",
        EventKind::Unreadable(_) => "unreadable",
        EventKind::Request(_) => "request",
        EventKind::Samples(_) => "samples",
        EventKind::Note { .. } => "note",
        EventKind::Calibrated(_) => "calibrated",
        EventKind::StartMade(_) => "start",
        EventKind::StartCost(_) => "start cost",
        EventKind::Span(_) => "span",
        EventKind::LoadEnded(_) => "load",
        EventKind::Network(_) => "network",
        EventKind::LaunchEnded { .. } => "ended",
    };
    events.iter().map(name).collect()
}

fn requests(events: &[Event]) -> Vec<&RequestRecord> {
    let mut records = Vec::new();
    for event in events {
        if let EventKind::Request(record) = &event.kind {
            records.push(record.as_ref());
        }
    }
    records
}

fn ending(events: &[Event]) -> (&Outcome, &Validity) {
    match &events.last().expect("a launch has events").kind {
        EventKind::LaunchEnded { outcome, validity, .. } => (outcome, validity),
        other => panic!("the last event is {other:?}"),
    }
}

fn remote_error(reply: Reply) -> RemoteError {
    match reply {
        Reply::Error(error) => error,
        other => panic!("not an error: {other:?}"),
    }
}

#[test]
fn a_scripted_launch_is_recorded_to_the_nanosecond() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    let mut order = order(
        2,
        &[
            ("load_ns", "500"),
            ("ttft_ns", "1000"),
            ("ttft_per_prompt_char_ns", "10"),
            ("gap_ns", "20,40"),
            ("end_ns", "3"),
            ("text", "one two three"),
        ],
    );
    order.load = LoadModel::Single { think_ms: 1 };
    let (word, events) = agent.run(order);
    assert_eq!(word, "ok");
    assert_eq!(names(&events), ["started", "spawned", "ready", "request", "request", "load", "ended"]);
    assert!(events.iter().enumerate().all(|(n, event)| event.seq == n as u64 && event.run == RunId(7)));
    // The script's clock begins at 1 s. Spawned then, ready 500 ns later.
    let at: Vec<u64> = events.iter().map(|event| event.at.0 - 1_000_000_000).collect();
    // Five characters: first chunk after 1000 + 5 × 10, then gaps of 20 and 40, the end 3 later: 1113 in all.
    // The second request goes out 1 ms after the first one's end.
    assert_eq!(at, [0, 0, 500, 500 + 1113, 1613 + 1_000_000 + 1113, 1_002_726, 1_002_726]);
    let records = requests(&events);
    assert_eq!(records[1].sent_at.0 - 1_000_000_000, 1_001_613);
    for record in records {
        assert_eq!(record.chunk_ns, [1050, 1070, 1110]);
        assert_eq!(record.ended_at.since(record.sent_at), 1113);
        assert_eq!((record.text.as_str(), &record.chunk_bytes[..]), ("one two three ", &[4, 4, 6][..]));
        assert_eq!((record.usage.prompt_tokens, record.usage.completion_tokens), (Some(5), Some(3)));
        assert_eq!(record.finish, Some(FinishReason::Length));
    }
    assert_eq!(ending(&events), (&Outcome::Ok, &Validity::Valid));
    agent.end().expect("a good end");
}

#[test]
fn a_spool_stays_until_it_is_dropped() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    let (_, events) = agent.run(order(2, &[]));
    agent.send(&Command::SendSpool(key()));
    assert_eq!(agent.launched(), (None, events));
    agent.send(&Command::Run(Box::new(order(2, &[]))));
    assert_eq!(remote_error(agent.recv()).message, "launch 1 of run 7 has a spool already");
    agent.send(&Command::DropSpool(key()));
    assert_eq!(agent.recv(), Reply::Dropped(key()));
    agent.send(&Command::Spools { campaign: "c".into() });
    assert_eq!(agent.recv(), Reply::Spools { spools: Vec::new() });
    agent.send(&Command::SendSpool(key()));
    assert_eq!(remote_error(agent.recv()).message, "launch 1 of run 7 has no spool");
    agent.end().expect("a good end");
}

#[test]
fn a_runtime_that_dies_leaves_the_rest_unrecorded() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    let (word, events) = agent.run(order(4, &[("crash_at", "1")]));
    assert_eq!(word, "crashed");
    let outcomes: Vec<_> =
        requests(&events).iter().map(|record| (record.idx, record.outcome.word())).collect();
    assert_eq!(outcomes, [(0, "ok"), (1, "crashed")]);
    assert_eq!(requests(&events)[1].chunk_ns.len(), 1);
    let Outcome::Crashed { stderr_tail, .. } = ending(&events).0 else { panic!("crashed") };
    assert_eq!(stderr_tail, "scripted crash");
    agent.end().expect("a good end");
}

#[test]
fn a_request_that_fails_does_not_end_the_launch() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    let (word, events) = agent.run(order(4, &[("fail_every", "2"), ("timeout_at", "2")]));
    let outcomes: Vec<_> = requests(&events).iter().map(|record| record.outcome.word()).collect();
    assert_eq!((word.as_str(), outcomes), ("ok", vec!["ok", "refused", "timeout", "refused"]));
    agent.end().expect("a good end");
}

#[test]
fn a_launch_that_cannot_be_is_data() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    let (word, events) = agent.run(order(1, &[("refuse", "not today")]));
    assert_eq!((word.as_str(), names(&events)), ("refused", vec!["started", "spawned", "ended"]));
    assert_eq!(ending(&events).0, &Outcome::Refused { detail: "not today".to_owned() });
    let mut unknown = order(1, &[("speed", "11")]);
    unknown.launch = 2;
    let (word, events) = agent.run(unknown);
    assert_eq!((word.as_str(), names(&events)), ("refused", vec!["started", "ended"]));
    agent.end().expect("a good end");
}

/// Sends an order and waits until it hangs in its third request.
fn hang(agent: &mut Agent) {
    agent.send(&Command::Run(Box::new(order(5, &[("hang_at", "2")]))));
    loop {
        match agent.recv() {
            Reply::Progress(at) if at.phase == Phase::Serving && at.done == 2 => return,
            Reply::Progress(_) => {}
            other => panic!("not expected here: {other:?}"),
        }
    }
}

fn check_cancelled(events: &[Event]) {
    // A note tells of the request that was cut off, unless the cancel came before it went out.
    let names: Vec<_> = names(events).into_iter().filter(|name| *name != "note").collect();
    assert_eq!(names, ["started", "spawned", "ready", "request", "request", "load", "ended"]);
    assert_eq!(ending(events).0, &Outcome::Cancelled);
}

#[test]
fn a_cancel_stops_the_launch_and_not_the_agent() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    hang(&mut agent);
    agent.send(&Command::Cancel);
    let (word, events) = agent.launched();
    assert_eq!(word.as_deref(), Some("cancelled"));
    check_cancelled(&events);
    agent.send(&Command::Cancel);
    let mut next = order(1, &[]);
    next.launch = 2;
    assert_eq!(agent.run(next).0, "ok");
    agent.end().expect("a good end");
}

#[test]
fn a_lost_link_leaves_a_complete_spool_for_the_next_agent() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    hang(&mut agent);
    let Agent { peer, thread } = agent;
    drop(peer);
    thread.join().expect("no panic").expect("a lost link is no error");

    let mut agent = Agent::start(&folder);
    agent.send(&Command::Spools { campaign: "c".into() });
    let Reply::Spools { spools } = agent.recv() else { panic!("a list") };
    assert_eq!(
        spools.iter().map(|spool| (spool.run, spool.launch, spool.complete)).collect::<Vec<_>>(),
        [(RunId(7), 1, true)]
    );
    agent.send(&Command::SendSpool(key()));
    check_cancelled(&agent.launched().1);
    agent.end().expect("a good end");
}

#[test]
fn a_launch_outlives_its_link_and_the_next_contact_waits_for_it() {
    let folder = folder();
    let mut agent = Agent::start_as(&folder, BUILD_ID, lease("c"), OnLinkLoss::Finish);
    assert!(matches!((agent.recv(), agent.recv()), (Reply::Hello(_), Reply::Leased { .. })));
    agent.send(&Command::Run(Box::new(order(4, &[("wait_ms", "300")]))));
    assert!(matches!(agent.recv(), Reply::Progress(_)));
    let Agent { peer, thread } = agent;
    drop(peer);
    let mut next = Agent::start_as(&folder, BUILD_ID, lease("c"), OnLinkLoss::Finish);
    assert!(matches!(next.recv(), Reply::Hello(_)));
    let notes = loop {
        match next.recv() {
            Reply::Waiting(note) => assert_eq!(note.holder, "ann@lab"),
            Reply::Leased { notes } => break notes,
            other => panic!("not expected here: {other:?}"),
        }
    };
    assert_eq!(notes.len(), 1, "{notes:?}");
    thread.join().expect("no panic").expect_err("its link was lost");
    next.send(&Command::SendSpool(key()));
    let (_, events) = next.launched();
    assert_eq!((requests(&events).len(), ending(&events).0), (4, &Outcome::Ok));
    next.end().expect("a good end");
}

#[test]
fn a_stranger_is_told_who_has_the_device() {
    let folder = folder();
    let agent = Agent::start(&folder);
    let mut other = Agent::start_as(&folder, BUILD_ID, lease("c2"), OnLinkLoss::Stop);
    assert!(matches!(other.recv(), Reply::Hello(_)));
    let error = remote_error(other.recv());
    assert!(error.message.contains(" for ann@lab, campaign c, since "), "{}", error.message);
    assert!(error.hints[0].contains("devices release"), "{:?}", error.hints);
    assert!(matches!(other.thread.join().expect("no panic"), Err(AgentError::Lease(_))));
    agent.end().expect("a good end");
}

#[test]
fn the_clock_is_told() {
    let folder = folder();
    let mut agent = Agent::start(&folder);
    let before = dyno_model::clock::monotonic_now();
    agent.send(&Command::Clock);
    let Reply::Clock { received, sent, .. } = agent.recv() else { panic!("a clock") };
    let after = dyno_model::clock::monotonic_now();
    assert!(before <= received && received <= sent && sent <= after);
    agent.end().expect("a good end");
}

#[test]
fn another_build_is_refused() {
    let folder = folder();
    let mut agent = Agent::start_as(&folder, "0123456789abcdef", lease("c"), OnLinkLoss::Stop);
    assert!(matches!(agent.recv(), Reply::Hello(_)));
    let error = remote_error(agent.recv());
    assert!(error.message.starts_with("the controller is of build 0123456789ab"), "{}", error.message);
    assert!(matches!(agent.thread.join().expect("no panic"), Err(AgentError::Build(_))));
}

#[test]
fn garbage_ends_the_talk_with_its_first_bytes() {
    use std::io::Write;
    let folder = folder();
    let (here, there) = duplex();
    let thread = spawn(&folder, there, OnLinkLoss::Stop);
    let MemoryEnd { input, mut output } = here;
    let mut peer = ControllerPeer::new(Box::new(input), Box::new(std::io::sink()));
    output.write_all(b"GET / HTTP/1.1\r\n").expect("the agent listens");
    let _open: PipeWriter = output;
    assert!(matches!(peer.recv().expect("it speaks first"), Reply::Hello(_)));
    let error = remote_error(peer.recv().expect("it says why"));
    let expected = "expected a frame, but this came: `GET / HTTP/1.1\\r\\n`";
    assert!(error.message.ends_with(expected), "{}", error.message);
    assert!(matches!(thread.join().expect("no panic"), Err(AgentError::Link(_))));
}

#[test]
fn nothing_is_done_for_a_stranger() {
    let folder = folder();
    let (here, there) = duplex();
    let thread = spawn(&folder, there, OnLinkLoss::Stop);
    let mut peer = ControllerPeer::new(Box::new(here.input), Box::new(here.output));
    peer.send(&Command::Facts).expect("the agent listens");
    assert!(matches!(peer.recv().expect("it speaks first"), Reply::Hello(_)));
    assert_eq!(
        remote_error(peer.recv().expect("it says why")).message,
        "expected the controller's hello, but another command came"
    );
    assert!(matches!(thread.join().expect("no panic"), Err(AgentError::NoHello)));
}

#[test]
fn what_is_asked_beside_launches_is_answered() {
    let folder = folder();
    std::fs::write(folder.path().join("m.gguf"), "abc").expect("our own folder");
    let mut agent = Agent::start(&folder);
    agent.send(&Command::Facts);
    assert!(matches!(agent.recv(), Reply::Facts { facts } if !facts.arch.is_empty()));
    agent.send(&Command::Verify { path: "m.gguf".to_owned(), digest: None });
    assert_eq!(agent.recv(), Reply::Verified { digest: dyno_model::digest::Digest::of(b"abc") });
    agent.send(&Command::Quantize {
        source: "m.gguf".to_owned(),
        path: "/elsewhere/m.gguf".to_owned(),
        to: "q8_0".to_owned(),
        threads: None,
    });
    let error = remote_error(agent.recv());
    assert!(error.message.starts_with("the agent writes only within its folder"), "{}", error.message);
    agent.end().expect("a good end");
}
