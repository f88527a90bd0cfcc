//! A controller for tests, at the other end of the built agent's pipes.

use std::path::Path;
use std::process::{Child, Command as Program, Stdio};

use dyno_model::event::{Event, EventKind};
use dyno_model::ids::RunId;
use dyno_model::launch::{Dialect, LaunchSpec};
use dyno_model::load::LoadModel;
use dyno_model::outcome::Outcome;
use dyno_model::request::{Message, Request, RequestRecord, Sampling};
use dyno_protocol::build_id::BUILD_ID;
use dyno_protocol::message::{Command, Lease, Reply, RunOrder, SpoolInfo};
use dyno_protocol::peer::ControllerPeer;
use tempfile::TempDir;

pub(crate) const AGENT: &str = env!("CARGO_BIN_EXE_edgedyno-agent");

pub(crate) struct Agent {
    pub(crate) child: Child,
    pub(crate) peer: ControllerPeer,
}

impl Agent {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut program = Program::new(AGENT);
        program.arg("serve").arg("--work-dir").arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = program.spawn().expect("the agent was built");
        let (stdin, stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut peer = ControllerPeer::new(Box::new(stdout), Box::new(stdin));
        let Reply::Hello(hello) = peer.recv().expect("it speaks first") else { panic!("it says hello") };
        assert_eq!((hello.build_id.as_str(), hello.pid), (BUILD_ID, child.id()));
        let lease =
            Lease { holder: "test".to_owned(), campaign: Some("c".into()), force: false, is_again: false };
        peer.send(&Command::Hello { build_id: BUILD_ID.to_owned(), lease }).expect("it listens");
        let leased = loop {
            match peer.recv().expect("it answers") {
                Reply::Waiting(_) => {}
                other => break other,
            }
        };
        assert!(matches!(leased, Reply::Leased { .. }), "{leased:?}");
        Self { child, peer }
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match self.peer.recv().expect("it answers") {
                Reply::EventBatch(batch) => {
                    events.extend(batch.events);
                    if batch.last {
                        return events;
                    }
                }
                Reply::Progress(_) | Reply::LaunchDone { .. } => {}
                other => panic!("not expected here: {other:?}"),
            }
        }
    }

    pub(crate) fn spools(&mut self) -> Vec<SpoolInfo> {
        self.peer.send(&Command::Spools { campaign: "c".into() }).expect("it listens");
        match self.peer.recv().expect("it answers") {
            Reply::Spools { spools } => spools,
            other => panic!("not expected here: {other:?}"),
        }
    }

    /// Sends an order and waits until its spool holds the two requests before the one that hangs.
    pub(crate) fn hang(&mut self, folder: &Path) {
        let order = order(5, &[("hang_at", "2")]);
        self.peer.send(&Command::Run(Box::new(order))).expect("it listens");
        let spool = folder.join("spool/c/00007-001.jsonl");
        while std::fs::read_to_string(&spool).unwrap_or_default().matches(r#""event":"request""#).count() < 2
        {
            std::thread::yield_now();
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Program::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(status.expect("every system has kill").success());
    }

    pub(crate) fn end(mut self) {
        self.peer.send(&Command::Bye).expect("it listens");
        assert_eq!(self.peer.recv().expect("it answers"), Reply::Bye);
        assert!(self.child.wait().expect("our child").success());
    }
}

pub(crate) fn order(n_requests: u32, settings: &[(&str, &str)]) -> RunOrder {
    let request = |idx| Request {
        idx,
        prompt_id: "p".into(),
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

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for temporary files")
}

pub(crate) fn requests(events: &[Event]) -> Vec<&RequestRecord> {
    let mut records = Vec::new();
    for event in events {
        if let EventKind::Request(record) = &event.kind {
            records.push(record.as_ref());
        }
    }
    records
}

pub(crate) fn outcome(events: &[Event]) -> Option<&Outcome> {
    match &events.last()?.kind {
        EventKind::LaunchEnded { outcome, .. } => Some(outcome),
        _ => None,
    }
}
