//! A session against a scripted agent over a pipe in memory: what it asks, what it keeps, how it fails.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dyno_model::blame::{Blame, Classify as _};
use dyno_model::clock::MonoNs;
use dyno_model::device::DeviceFacts;
use dyno_model::digest::Digest;
use dyno_model::event::{Event, EventKind, SinkError};
use dyno_model::ids::{CampaignId, CellId, DeviceId, PromptId, RunId};
use dyno_model::launch::Dialect;
use dyno_model::load::LoadModel;
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::plan::{
    Cell, ModelOrigin, PLAN_FORMAT, Plan, PlannedCorpus, PlannedDevice, PlannedModel, PlannedPrompt,
    PlannedRequest, PlannedRun, PlannedRuntime, PlannedSuite, TransportSpec,
};
use dyno_model::request::{Message, RequestRecord, Sampling, Usage};
use dyno_model::sample::OwnCost;
use dyno_protocol::build_id::BUILD_ID;
use dyno_protocol::memory::duplex;
use dyno_protocol::message::{Command, EventBatch, Hello, LaunchKey, Reply, SpoolInfo};
use dyno_protocol::peer::AgentPeer;
use dyno_session::{
    AgentBinary, Cancel, Finished, Observer, Opened, RecordSink, Session, SessionError, SessionSummary, Step,
};
use dyno_transport::{
    Ended, Output, PushOutcome, RemoteCommand, RemotePath, RemoteProcess, Streams, Transport, TransportError,
};

const AGENT_BYTES: u64 = 5;

/// What the scripted agent does differently from a healthy one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Healthy,
    OtherBuild,
    Banner,
    /// Dies after one request of the first launch; the next agent finds its spool.
    DiesMidRun,
}

#[derive(Debug, Default)]
struct Device {
    n_started: usize,
    spools: BTreeMap<(RunId, u16), Vec<Event>>,
    ordered: Vec<(RunId, u16, Vec<u32>)>,
}

struct ScriptedTransport {
    work_dir: RemotePath,
    script: Script,
    device: Arc<Mutex<Device>>,
}

struct ScriptedProcess(Option<Streams>);

impl RemoteProcess for ScriptedProcess {
    fn streams(&mut self) -> Option<Streams> {
        self.0.take()
    }
    fn wait(&mut self, _limit: Duration) -> Result<Option<Ended>, TransportError> {
        Ok(Some(Ended::Signal(9)))
    }
    fn kill(&mut self) {}
    fn stderr_tail(&self) -> String {
        String::new()
    }
}

impl Transport for ScriptedTransport {
    fn kind(&self) -> &'static str {
        "memory"
    }
    fn work_dir(&self) -> &RemotePath {
        &self.work_dir
    }
    fn prepare(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
    fn run(&mut self, _command: &RemoteCommand, _limit: Duration) -> Result<Output, TransportError> {
        Err(TransportError::NoHome)
    }
    fn push(&mut self, _local: &Path, _remote: &RemotePath) -> Result<PushOutcome, TransportError> {
        Ok(PushOutcome::AlreadyThere)
    }
    /// All files are there already, as long as they must be.
    fn size(&mut self, _remote: &RemotePath) -> Result<Option<u64>, TransportError> {
        Ok(Some(AGENT_BYTES))
    }
    fn pull(&mut self, _remote: &RemotePath, _local: &Path) -> Result<u64, TransportError> {
        Err(TransportError::NoHome)
    }
    fn spawn(&mut self, _command: &RemoteCommand) -> Result<Box<dyn RemoteProcess>, TransportError> {
        let (controller, agent) = duplex();
        let (script, device) = (self.script, Arc::clone(&self.device));
        std::thread::spawn(move || {
            if script == Script::Banner {
                let mut output = agent.output;
                std::io::Write::write_all(&mut output, b"Welcome to the lab! Have fun.\n").ok();
                return;
            }
            // Best effort: the talk ends when either side goes.
            agent_main(AgentPeer::new(Box::new(agent.input), Box::new(agent.output)), script, &device).ok();
        });
        let streams = Streams { stdin: Box::new(controller.output), stdout: Box::new(controller.input) };
        Ok(Box::new(ScriptedProcess(Some(streams))))
    }
}

fn agent_main(
    mut peer: AgentPeer,
    script: Script,
    device: &Mutex<Device>,
) -> Result<(), Box<dyn std::error::Error>> {
    let nth = {
        let mut device = device.lock().expect("no test panics with the lock");
        device.n_started += 1;
        device.n_started
    };
    let build_id = if script == Script::OtherBuild { "0".repeat(64) } else { BUILD_ID.to_owned() };
    peer.send(&Reply::Hello(Hello { build_id, protocol: 1, pid: 1, work_dir: "/work".to_owned() }))?;
    loop {
        match peer.recv()? {
            Command::Facts => peer.send(&Reply::Facts { facts: Box::new(DeviceFacts::default()) })?,
            Command::Spools { campaign } => {
                let device = device.lock().expect("no test panics with the lock");
                let info = |(run, launch): &(RunId, u16)| SpoolInfo {
                    campaign: campaign.clone(),
                    run: *run,
                    launch: *launch,
                    bytes: 1,
                    complete: false,
                };
                peer.send(&Reply::Spools { spools: device.spools.keys().map(info).collect() })?;
            }
            Command::Run(order) => {
                let indices: Vec<u32> = order.requests.iter().map(|request| request.idx).collect();
                let dies = script == Script::DiesMidRun && nth == 1;
                let served = if dies { &indices[..1] } else { &indices[..] };
                let events = events(order.run, order.launch, served, !dies);
                let mut device = device.lock().expect("no test panics with the lock");
                device.ordered.push((order.run, order.launch, indices.clone()));
                device.spools.insert((order.run, order.launch), events.clone());
                if dies {
                    return Ok(());
                }
                peer.send(&Reply::LaunchDone {
                    run: order.run,
                    launch: order.launch,
                    outcome: "ok".to_owned(),
                })?;
                send_events(&mut peer, order.key(), events)?;
            }
            Command::SendSpool(key) => {
                let events = device.lock().expect("no test panics with the lock").spools
                    [&(key.run, key.launch)]
                    .clone();
                send_events(&mut peer, key, events)?;
            }
            Command::DropSpool(key) => {
                device.lock().expect("no test panics with the lock").spools.remove(&(key.run, key.launch));
                peer.send(&Reply::Dropped(key))?;
            }
            Command::Bye => return Ok(peer.send(&Reply::Bye)?),
            _ => {}
        }
    }
}

fn send_events(
    peer: &mut AgentPeer,
    key: LaunchKey,
    events: Vec<Event>,
) -> Result<(), Box<dyn std::error::Error>> {
    let LaunchKey { campaign, run, launch } = key;
    peer.send(&Reply::EventBatch(EventBatch { campaign, run, launch, events, last: true }))?;
    Ok(())
}

fn events(run: RunId, launch: u16, indices: &[u32], complete: bool) -> Vec<Event> {
    let mut kinds: Vec<EventKind> =
        indices.iter().map(|idx| EventKind::Request(Box::new(record(*idx)))).collect();
    if complete {
        kinds.push(EventKind::LaunchEnded {
            outcome: Outcome::Ok,
            validity: Validity::Valid,
            exit: None,
            cpu_ns: None,
            peak_rss_bytes: None,
            own: OwnCost::default(),
        });
    }
    let numbered = kinds.into_iter().zip(0..);
    numbered.map(|(kind, seq)| Event { run, launch, seq, at: MonoNs(seq), kind }).collect()
}

fn record(idx: u32) -> RequestRecord {
    RequestRecord {
        idx,
        prompt_id: PromptId::from("p"),
        due_at: None,
        sent_at: MonoNs(1),
        ended_at: MonoNs(2),
        outcome: Outcome::Ok,
        finish: None,
        usage: Usage::default(),
        timings: None,
        chunk_ns: Vec::new(),
        chunk_kind: Vec::new(),
        chunk_tokens: Vec::new(),
        chunk_bytes: Vec::new(),
        text: String::new(),
    }
}

#[derive(Default)]
struct Memory {
    sessions: Vec<Opened>,
    events: Vec<Event>,
    closed: Vec<Option<String>>,
}

impl RecordSink for Memory {
    fn opened(&mut self, opened: &Opened) -> Result<u32, SinkError> {
        self.sessions.push(opened.clone());
        Ok(0)
    }
    fn events(&mut self, _session: u32, events: &[Event]) -> Result<(), SinkError> {
        self.events.extend_from_slice(events);
        Ok(())
    }
    fn closed(&mut self, _session: u32, error: Option<&str>) -> Result<(), SinkError> {
        self.closed.push(error.map(str::to_owned));
        Ok(())
    }
}

struct Nobody;

impl Observer for Nobody {
    fn step(&mut self, _device: &DeviceId, _step: &Step) {}
}

/// Two runs of three requests each.
fn plan() -> Plan {
    let cell = CellId::from("cell");
    let sampling =
        Sampling { max_tokens: 1, ignore_eos: false, temperature_milli: 0, top_p_milli: 1000, seed: 0 };
    let request = PlannedRequest { prompt: PromptId::from("p"), sampling, due_ns: None, limit_ms: 1000 };
    let run = |n| PlannedRun {
        id: RunId(n),
        cell: cell.clone(),
        repetition: n,
        requests: vec![request.clone(); 3],
    };
    let device = PlannedDevice {
        transport: TransportSpec::Local,
        board: None,
        tags: Vec::new(),
        work_dir: None,
        price_eur_cents: None,
    };
    let model = PlannedModel {
        title: "none".to_owned(),
        license: String::new(),
        origin: ModelOrigin::None,
        context_tokens: 8,
    };
    let runtime = PlannedRuntime {
        title: "fake".to_owned(),
        dialect: Dialect::Fake,
        settings: BTreeMap::new(),
        ready_limit_ms: 1,
    };
    let message = Message { role: "user".to_owned(), content: "hello".to_owned() };
    let prompt =
        PlannedPrompt { category: "chat".to_owned(), language: "en".to_owned(), messages: vec![message] };
    Plan {
        format: PLAN_FORMAT,
        tool_version: "0".to_owned(),
        suite: PlannedSuite { name: "s".to_owned(), description: String::new(), digest: Digest::of(b"s") },
        seed: 0,
        devices: BTreeMap::from([(DeviceId::from("d"), device)]),
        models: BTreeMap::from([("none".to_owned(), model)]),
        runtimes: BTreeMap::from([("fake".to_owned(), runtime)]),
        corpus: PlannedCorpus { name: "c".to_owned(), digest: Digest::of(b"c"), slice: None },
        prompts: BTreeMap::from([(PromptId::from("p"), prompt)]),
        cells: vec![Cell {
            id: cell.clone(),
            device: DeviceId::from("d"),
            runtime: "fake".to_owned(),
            model: "none".to_owned(),
            threads: None,
            context_tokens: 8,
            load: LoadModel::Single { think_ms: 0 },
        }],
        runs: vec![run(0), run(1)],
        sampling_period_ms: 100,
    }
}

struct Contact {
    result: Result<SessionSummary, SessionError>,
    sink: Memory,
    ordered: Vec<(RunId, u16, Vec<u32>)>,
    left_over: usize,
}

fn contact(script: Script, finished: Finished, cancel: &Cancel) -> Contact {
    let device = Arc::new(Mutex::new(Device::default()));
    let mut transport =
        ScriptedTransport { work_dir: RemotePath::new("/work"), script, device: Arc::clone(&device) };
    let plan = plan();
    let session = Session {
        campaign: CampaignId::from("c"),
        plan: &plan,
        device: DeviceId::from("d"),
        agent: AgentBinary {
            path: PathBuf::from("/agent"),
            digest: Digest::of(b"agent"),
            bytes: AGENT_BYTES,
        },
        models: BTreeMap::new(),
        finished,
        cancel: cancel.clone(),
    };
    let mut sink = Memory::default();
    let result = session.execute(&mut transport, &mut sink, &mut Nobody);
    let device = device.lock().expect("no test panics with the lock");
    Contact { result, sink, ordered: device.ordered.clone(), left_over: device.spools.len() }
}

#[test]
fn a_plan_is_executed_in_order_and_the_device_forgets_what_is_recorded() {
    let contact = contact(Script::Healthy, Finished::default(), &Cancel::default());
    let summary = contact.result.expect("a healthy agent");
    assert_eq!(summary, SessionSummary { n_launches: 2, n_failed: 0, cancelled: false });
    assert_eq!(contact.ordered, [(RunId(0), 1, vec![0, 1, 2]), (RunId(1), 1, vec![0, 1, 2])]);
    assert_eq!((contact.sink.events.len(), contact.left_over), (8, 0));
    assert_eq!(contact.sink.closed, [None]);
}

#[test]
fn only_what_is_missing_is_ordered_under_a_fresh_launch_number() {
    let mut finished = Finished::default();
    finished.requests.extend([(RunId(0), 0), (RunId(0), 2), (RunId(1), 0), (RunId(1), 1), (RunId(1), 2)]);
    finished.launches.extend([(RunId(0), 3), (RunId(1), 1)]);
    let contact = contact(Script::Healthy, finished, &Cancel::default());
    assert_eq!(contact.ordered, [(RunId(0), 4, vec![1])]);
}

#[test]
fn a_dead_agent_is_an_error_and_its_spool_is_brought_home() {
    let contact = contact(Script::DiesMidRun, Finished::default(), &Cancel::default());
    let error = contact.result.expect_err("the agent died");
    assert_eq!(error.to_string(), "the agent on d is gone (signal 9)");
    assert_eq!(error.blame(), Blame::Lab);
    assert_eq!((contact.sink.events.len(), contact.left_over), (1, 0));
    assert_eq!(contact.sink.closed, [Some("the agent on d is gone (signal 9)".to_owned())]);
}

#[test]
fn an_agent_of_another_build_is_refused() {
    let error = contact(Script::OtherBuild, Finished::default(), &Cancel::default())
        .result
        .expect_err("another build");
    assert!(matches!(error, SessionError::OtherBuild { .. }), "{error}");
    assert_eq!(error.hints().len(), 1);
}

#[test]
fn a_login_banner_is_named_for_what_it_is() {
    let error =
        contact(Script::Banner, Finished::default(), &Cancel::default()).result.expect_err("no protocol");
    assert!(matches!(error, SessionError::Garbage { .. }), "{error}");
    assert!(error.to_string().contains("Welcome"), "{error}");
}

#[test]
fn nothing_is_ordered_once_somebody_asked_to_stop() {
    let cancel = Cancel::default();
    cancel.cancel();
    let contact = contact(Script::Healthy, Finished::default(), &cancel);
    assert!(contact.result.expect("a healthy agent").cancelled);
    assert_eq!(contact.ordered, []);
}
