//! A session against a scripted agent over a pipe in memory: what it asks, what it keeps, how it fails.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dyno_model::blame::{Blame, Classify as _};
use dyno_model::care::{Care, Hold};
use dyno_model::clock::{ClockSample, MonoNs, WallNs};
use dyno_model::device::DeviceFacts;
use dyno_model::digest::Digest;
use dyno_model::event::{Event, EventKind, SinkError};
use dyno_model::ids::{CampaignId, CellId, DeviceId, PromptId, RunId};
use dyno_model::launch::Dialect;
use dyno_model::load::LoadModel;
use dyno_model::machine::MachineFigures;
use dyno_model::meter::{MeterKnocked, Metered};
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::plan::{
    Cell, ModelOrigin, PLAN_FORMAT, Plan, PlannedCorpus, PlannedDevice, PlannedModel, PlannedPrompt,
    PlannedRequest, PlannedRun, PlannedRuntime, PlannedSuite, TransportSpec,
};
use dyno_model::prepare::{Prepared, Restored};
use dyno_model::request::{Message, RequestRecord, Sampling, Usage};
use dyno_model::sample::OwnCost;
use dyno_model::sensor_test::SourceTest;
use dyno_protocol::build_id::BUILD_ID;
use dyno_protocol::memory::duplex;
use dyno_protocol::message::{
    Command, EventBatch, Hello, LaunchKey, LeaseNote, RemoteError, Reply, SpoolInfo,
};
use dyno_protocol::peer::AgentPeer;
use dyno_session::{
    AgentBinary, AgentSource, Cancel, Finished, NoAgent, Observer, Opened, RecordSink, RemainingRun, Session,
    SessionError, SessionSummary, Steer, Step, TakeAll, Wanted, remaining_runs,
};
use dyno_transport::{
    Ended, OnBytes, Output, Platform, PushOutcome, RemoteCommand, RemotePath, RemoteProcess, Streams,
    Transport, TransportError,
};

const AGENT_BYTES: u64 = 5;

/// What the scripted agent does differently from a healthy one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Healthy,
    /// Cannot read its sensors.
    Blind,
    OtherBuild,
    Banner,
    /// Dies after one request of the first launch; the next agent finds its spool.
    DiesMidRun,
    /// Is another machine, and its link breaks in the first launch, which goes on.
    LosesLink,
    /// Is another machine, and restarts in the first launch.
    Reboots,
    /// Is another machine, and loses its link in every launch before anything is recorded.
    LosesLinkAlways,
    /// Is another machine, and every launch wants it restarted.
    Restarts,
}

#[derive(Debug, Default)]
struct Device {
    n_started: usize,
    spools: BTreeMap<(RunId, u16), Vec<Event>>,
    ordered: Vec<(RunId, u16, Vec<u32>)>,
    n_restarts: usize,
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
    fn is_remote(&self) -> bool {
        matches!(
            self.script,
            Script::LosesLink | Script::Reboots | Script::LosesLinkAlways | Script::Restarts
        )
    }
    fn work_dir(&self) -> &RemotePath {
        &self.work_dir
    }
    fn prepare(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
    fn run(&mut self, command: &RemoteCommand, _limit: Duration) -> Result<Output, TransportError> {
        let mut device = self.device.lock().expect("no test panics with the lock");
        match command.argv[0].as_str() {
            "cat" => {
                let stdout = format!("b{}\n", device.n_restarts).into_bytes();
                Ok(Output { ended: Ended::Code(0), stdout, stderr: Vec::new() })
            }
            "reboot" => {
                device.n_restarts += 1;
                Err(TransportError::NoHome)
            }
            _ => Err(TransportError::NoHome),
        }
    }
    fn platform(&mut self) -> Result<Platform, TransportError> {
        Ok(Platform::default())
    }
    fn remove(&mut self, _remote: &RemotePath) -> Result<(), TransportError> {
        Ok(())
    }
    fn clean(&mut self) -> Result<u64, TransportError> {
        Ok(0)
    }
    fn push(
        &mut self,
        _local: &Path,
        _remote: &RemotePath,
        _on_bytes: OnBytes<'_>,
    ) -> Result<PushOutcome, TransportError> {
        Ok(PushOutcome::AlreadyThere)
    }
    /// All files are there already, as long as they must be.
    fn size(&mut self, _remote: &RemotePath) -> Result<Option<u64>, TransportError> {
        Ok(Some(AGENT_BYTES))
    }
    fn pull(
        &mut self,
        _remote: &RemotePath,
        _local: &Path,
        _on_bytes: OnBytes<'_>,
    ) -> Result<u64, TransportError> {
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
    let is_again = nth > 1;
    let build_id = if script == Script::OtherBuild { "0".repeat(64) } else { BUILD_ID.to_owned() };
    peer.send(&Reply::Hello(Hello { build_id, protocol: 1, pid: 1, work_dir: "/work".to_owned() }))?;
    loop {
        match peer.recv()? {
            Command::Hello { lease, .. } => {
                let note = LeaseNote {
                    holder: lease.holder.clone(),
                    campaign: lease.campaign.clone(),
                    since: WallNs(1),
                    pid: 1,
                };
                if script == Script::LosesLink && is_again {
                    peer.send(&Reply::Waiting(note))?;
                }
                assert_eq!((lease.holder.as_str(), lease.campaign), ("ann@lab", Some(CampaignId::from("c"))));
                peer.send(&Reply::Leased { notes: Vec::new() })?;
            }
            Command::Clock => {
                peer.send(&Reply::Clock { received: MonoNs(7), sent: MonoNs(7), wall: WallNs(7) })?;
            }
            Command::Facts => peer.send(&Reply::Facts { facts: Box::new(DeviceFacts::default()) })?,
            Command::Spools { campaign } => peer.send(&spools(device, &campaign))?,
            Command::Run(order) => {
                let indices: Vec<u32> = order.requests.iter().map(|request| request.idx).collect();
                let loses = matches!(script, Script::LosesLink | Script::Reboots) && nth == 1;
                if script == Script::LosesLinkAlways {
                    return Ok(());
                }
                let dies = script == Script::DiesMidRun && nth == 1;
                let served =
                    if dies || (loses && script == Script::Reboots) { &indices[..1] } else { &indices[..] };
                let end = match script {
                    _ if dies => None,
                    Script::Reboots if loses => Some(Outcome::Rebooted),
                    _ => Some(Outcome::Ok),
                };
                let events = events(order.run, order.launch, served, end);
                let mut device = device.lock().expect("no test panics with the lock");
                device.ordered.push((order.run, order.launch, indices.clone()));
                device.spools.insert((order.run, order.launch), events.clone());
                if dies || loses {
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
            command @ (Command::Machine { .. } | Command::TestSensors { .. }) => {
                peer.send(&examined(script, command))?;
            }
            Command::Bye => return Ok(peer.send(&Reply::Bye)?),
            _ => {}
        }
    }
}

fn spools(device: &Mutex<Device>, campaign: &CampaignId) -> Reply {
    let device = device.lock().expect("no test panics with the lock");
    let info = |(run, launch): &(RunId, u16)| SpoolInfo {
        campaign: campaign.clone(),
        run: *run,
        launch: *launch,
        bytes: 1,
        complete: false,
    };
    Reply::Spools { spools: device.spools.keys().map(info).collect() }
}

fn examined(script: Script, command: Command) -> Reply {
    match command {
        Command::Machine { for_ms, sys_root } => {
            let notes = vec![format!("{for_ms} ms below {}", sys_root.as_deref().unwrap_or("/"))];
            Reply::Machine { figures: Box::new(MachineFigures { notes, ..MachineFigures::default() }) }
        }
        _ if script == Script::Blind => Reply::Error(RemoteError::of(&TransportError::NoHome)),
        _ => Reply::SensorsTested {
            declared: Vec::new(),
            unreadable: Vec::new(),
            tests: Vec::new(),
            facts: Box::new(DeviceFacts::default()),
        },
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

fn events(run: RunId, launch: u16, indices: &[u32], end: Option<Outcome>) -> Vec<Event> {
    let mut kinds: Vec<EventKind> =
        indices.iter().map(|idx| EventKind::Request(Box::new(record(*idx)))).collect();
    if let Some(outcome) = end {
        kinds.push(EventKind::LaunchEnded {
            outcome,
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
        queue_ns: None,
        exchange: None,
        logprobs: None,
    }
}

#[derive(Default)]
struct Memory {
    sessions: Vec<Opened>,
    events: Vec<Event>,
    closed: Vec<Option<String>>,
    clocks: Vec<ClockSample>,
    left_out: Vec<(RunId, String)>,
    machines: Vec<MachineFigures>,
    n_sensor_tests: usize,
}

impl RecordSink for Memory {
    fn opened(&mut self, opened: &Opened) -> Result<u32, SinkError> {
        self.sessions.push(opened.clone());
        Ok(0)
    }
    fn prepared(&mut self, _session: u32, _prepared: &Prepared) -> Result<(), SinkError> {
        Ok(())
    }
    fn restored(&mut self, _session: u32, _restored: &Restored) -> Result<(), SinkError> {
        Ok(())
    }
    fn machine(&mut self, _session: u32, figures: &MachineFigures) -> Result<(), SinkError> {
        self.machines.push(figures.clone());
        Ok(())
    }
    fn sensors_tested(&mut self, _session: u32, _tests: &[SourceTest]) -> Result<(), SinkError> {
        self.n_sensor_tests += 1;
        Ok(())
    }
    fn clock(&mut self, _session: u32, sample: &ClockSample) -> Result<(), SinkError> {
        self.clocks.push(*sample);
        Ok(())
    }
    fn events(&mut self, _session: u32, events: &[Event]) -> Result<(), SinkError> {
        self.events.extend_from_slice(events);
        Ok(())
    }
    fn metered(
        &mut self,
        _session: u32,
        _run: RunId,
        _launch: u16,
        _metered: &Metered,
    ) -> Result<(), SinkError> {
        unreachable!("there are no meters")
    }
    fn meter_knocked(&mut self, _session: u32, _knocked: &MeterKnocked) -> Result<(), SinkError> {
        unreachable!("there are no meters")
    }
    fn meter_failed(&mut self, _session: u32, _meter: &str, _error: &str) -> Result<(), SinkError> {
        unreachable!("there are no meters")
    }
    fn left_out(&mut self, _session: u32, run: RunId, why: &str) -> Result<(), SinkError> {
        self.left_out.push((run, why.to_owned()));
        Ok(())
    }
    fn closed(&mut self, _session: u32, error: Option<&str>) -> Result<(), SinkError> {
        self.closed.push(error.map(str::to_owned));
        Ok(())
    }
}

#[derive(Default)]
struct Watcher(Vec<Step>);

impl Observer for Watcher {
    fn step(&mut self, _device: &DeviceId, step: &Step) {
        self.0.push(step.clone());
    }
}

struct OneAgent;

impl AgentSource for OneAgent {
    fn agent(&self, _platform: &Platform, _is_here: bool) -> Result<AgentBinary, NoAgent> {
        let (path, digest) = (PathBuf::from("/agent"), Digest::of(b"agent"));
        Ok(AgentBinary { path, digest, bytes: AGENT_BYTES, notes: Vec::new() })
    }
}

/// Two runs of three requests each.
fn plan() -> Plan {
    let cell = CellId::from("cell");
    let sampling = Sampling::greedy(1);
    let request =
        PlannedRequest { prompt: PromptId::from("p"), sampling, due_ns: None, limit_ms: 1000, trace: None };
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
        prepare: None,
        sys_root: None,
        ambient_mdegc: None,
    };
    let model = PlannedModel {
        title: "none".to_owned(),
        license: String::new(),
        origin: ModelOrigin::None,
        context_tokens: 8,
        provenance: dyno_model::trust::ModelProvenance::default(),
    };
    let runtime = PlannedRuntime {
        title: "fake".to_owned(),
        dialect: Dialect::Fake,
        settings: BTreeMap::new(),
        ready_limit_ms: 1,
        server: None,
        endpoint: None,
    };
    let message = Message { role: "user".to_owned(), content: "hello".to_owned() };
    let prompt = PlannedPrompt {
        category: "chat".to_owned(),
        language: "en".to_owned(),
        messages: vec![message],
        grader: None,
    };
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
            start: dyno_model::start::StartState::AsItIs,
            hold: None,
            arm: None,
        }],
        runs: vec![run(0), run(1)],
        sampling_period_ms: 100,
        slo: None,
        steering: None,
        restart: None,
        care: None,
        meters: BTreeMap::new(),
        comparison: None,
        trust: None,
        boards: BTreeMap::new(),
    }
}

struct Contact {
    result: Result<SessionSummary, SessionError>,
    sink: Memory,
    steps: Vec<Step>,
    ordered: Vec<(RunId, u16, Vec<u32>)>,
    left_over: usize,
}

/// Leaves out every run once it has seen so many requests; notes what it was asked.
struct Enough {
    n_requests: usize,
    seen: BTreeSet<(RunId, u32)>,
    asked: Arc<Mutex<Vec<RunId>>>,
}

impl Steer for Enough {
    fn saw(&mut self, event: &Event) {
        if let EventKind::Request(request) = &event.kind {
            self.seen.insert((event.run, request.idx));
        }
    }
    fn next(&mut self, run: RunId) -> Wanted {
        self.asked.lock().expect("no test panics with the lock").push(run);
        if self.seen.len() < self.n_requests {
            return Wanted::Needed;
        }
        Wanted::LeftOut { why: format!("{} requests are enough", self.seen.len()) }
    }
}

fn contact(script: Script, finished: Finished, cancel: &Cancel) -> Contact {
    steered(script, finished, cancel, Box::new(TakeAll))
}

fn steered(script: Script, finished: Finished, cancel: &Cancel, steer: Box<dyn Steer>) -> Contact {
    planned(script, finished, cancel, steer, &plan())
}

fn planned(
    script: Script,
    finished: Finished,
    cancel: &Cancel,
    steer: Box<dyn Steer>,
    plan: &Plan,
) -> Contact {
    let device = Arc::new(Mutex::new(Device::default()));
    let mut transport =
        ScriptedTransport { work_dir: RemotePath::new("/work"), script, device: Arc::clone(&device) };
    let session = Session {
        campaign: CampaignId::from("c"),
        plan,
        device: DeviceId::from("d"),
        holder: "ann@lab".to_owned(),
        agents: &OneAgent,
        reconnect_limit: Duration::from_mins(1),
        models: BTreeMap::new(),
        finished,
        steer,
        cancel: cancel.clone(),
        meters: Vec::new(),
    };
    let mut sink = Memory::default();
    let mut watcher = Watcher::default();
    let result = session.execute(&mut transport, &mut sink, &mut watcher);
    let device = device.lock().expect("no test panics with the lock");
    let (ordered, left_over) = (device.ordered.clone(), device.spools.len());
    Contact { result, sink, steps: watcher.0, ordered, left_over }
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

/// The plan with a wish to know the device.
fn curious_plan() -> Plan {
    let mut plan = plan();
    plan.care = Some(Care { machine_ms: 2000, test_sensors: true, ..Care::default() });
    plan.devices.values_mut().for_each(|device| device.sys_root = Some("/host".to_owned()));
    plan
}

#[test]
fn a_device_is_examined_once_before_its_first_launch() {
    let plan = curious_plan();
    let contact = planned(Script::Healthy, Finished::default(), &Cancel::default(), Box::new(TakeAll), &plan);
    assert_eq!(contact.result.expect("a healthy agent").n_launches, 2);
    let notes: Vec<_> = contact.sink.machines.iter().flat_map(|figures| figures.notes.clone()).collect();
    assert_eq!((notes, contact.sink.n_sensor_tests), (vec!["2000 ms below /host".to_owned()], 1));
    let place = |is: fn(&Step) -> bool| contact.steps.iter().position(is).expect("a step");
    let told = place(|step| matches!(step, Step::Note { text } if text == "2000 ms below /host"));
    assert!(told < place(|step| matches!(step, Step::Launch { .. })), "{:?}", contact.steps);
    // With nothing left to measure, nothing is asked.
    let mut finished = Finished::default();
    finished.requests.extend((0..2).flat_map(|run| (0..3).map(move |idx| (RunId(run), idx))));
    let done = planned(Script::Healthy, finished, &Cancel::default(), Box::new(TakeAll), &plan);
    assert!(done.sink.machines.is_empty() && done.sink.n_sensor_tests == 0);
}

#[test]
fn a_device_that_cannot_be_examined_is_measured_all_the_same() {
    let contact =
        planned(Script::Blind, Finished::default(), &Cancel::default(), Box::new(TakeAll), &curious_plan());
    assert_eq!(contact.result.expect("only a note").n_launches, 2);
    assert_eq!((contact.sink.machines.len(), contact.sink.n_sensor_tests), (1, 0));
    let is_told = |step: &Step| matches!(step, Step::Note { text } if text.starts_with("it is not known whether its sensors"));
    assert!(contact.steps.iter().any(is_told), "{:?}", contact.steps);
}

/// The plan with its loads held.
fn held_plan() -> Plan {
    let mut plan = plan();
    let hold = Hold { for_ms: 1000, max_requests: None, steady_after_ms: None, duty: None };
    plan.cells[0].hold = Some(hold);
    plan
}

#[test]
fn a_held_load_without_an_end_is_measured_again_whole() {
    let device = DeviceId::from("d");
    let mut finished = Finished::default();
    finished.requests.extend((0..9).map(|idx| (RunId(0), idx)));
    finished.requests.extend((0..2).map(|idx| (RunId(1), idx)));
    finished.launches.extend([(RunId(0), 1), (RunId(1), 2)]);
    finished.ended.insert(RunId(0));
    let again = RemainingRun { run: RunId(1), launch: 3, requests: vec![0, 1, 2] };
    assert_eq!(remaining_runs(&held_plan(), &device, &finished), std::slice::from_ref(&again));
    // Where requests are made once, an end says nothing of those that are missing.
    let rest = RemainingRun { requests: vec![2], ..again };
    assert_eq!(remaining_runs(&plan(), &device, &finished), [rest]);
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
fn a_lost_link_is_had_again_and_the_launch_that_went_on_is_brought_home() {
    let contact = contact(Script::LosesLink, Finished::default(), &Cancel::default());
    let summary = contact.result.expect("the link is had again");
    assert_eq!(summary, SessionSummary { n_launches: 2, n_failed: 0, cancelled: false });
    assert_eq!(contact.ordered, [(RunId(0), 1, vec![0, 1, 2]), (RunId(1), 1, vec![0, 1, 2])]);
    assert_eq!((contact.sink.events.len(), contact.left_over), (8, 0));
    let is_lost =
        |step: &&Step| matches!(step, Step::LinkLost { next_s: 1, error } if error.contains("gone"));
    assert_eq!(contact.steps.iter().filter(is_lost).count(), 1, "{:?}", contact.steps);
    assert!(contact.steps.contains(&Step::Waiting { holder: "ann@lab".to_owned() }));
    // Two contacts are two sessions of the record; the first ended early.
    assert_eq!(contact.sink.closed, [Some("the agent on d is gone (signal 9)".to_owned()), None]);
    // Before the first launch of each contact, and at its end where it has one.
    assert_eq!(contact.sink.clocks.len(), 3);
}

#[test]
fn a_restart_is_an_outcome_and_its_run_is_not_measured_again_silently() {
    let contact = contact(Script::Reboots, Finished::default(), &Cancel::default());
    let summary = contact.result.expect("the device is back");
    assert_eq!(summary, SessionSummary { n_launches: 2, n_failed: 1, cancelled: false });
    assert_eq!(contact.ordered, [(RunId(0), 1, vec![0, 1, 2]), (RunId(1), 1, vec![0, 1, 2])]);
    assert!(contact.steps.contains(&Step::LaunchDone { run: RunId(0), outcome: "rebooted".to_owned() }));
    // One request and the end of the run that was cut off, three and an end of the next.
    assert_eq!(contact.sink.events.len(), 6);
}

#[test]
fn a_device_that_never_gets_anywhere_is_given_up() {
    let contact = contact(Script::LosesLinkAlways, Finished::default(), &Cancel::default());
    let error = contact.result.expect_err("three contacts without anything new");
    assert_eq!(error.to_string(), "the agent on d is gone (signal 9)");
    assert_eq!(contact.sink.sessions.len(), 3);
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

/// A judge that has enough after the first run of three requests, and whom it was asked about.
fn enough(n_requests: usize) -> (Box<dyn Steer>, Arc<Mutex<Vec<RunId>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    (Box::new(Enough { n_requests, seen: BTreeSet::new(), asked: Arc::clone(&asked) }), asked)
}

#[test]
fn a_run_that_is_not_needed_is_left_out_and_the_record_says_why() {
    let (steer, asked) = enough(3);
    let contact = steered(Script::Healthy, Finished::default(), &Cancel::default(), steer);
    let summary = contact.result.expect("a healthy agent");
    assert_eq!(summary, SessionSummary { n_launches: 1, n_failed: 0, cancelled: false });
    assert_eq!(contact.ordered, [(RunId(0), 1, vec![0, 1, 2])]);
    assert_eq!(contact.sink.left_out, [(RunId(1), "3 requests are enough".to_owned())]);
    assert_eq!(asked.lock().expect("no test panics with the lock")[..], [RunId(0), RunId(1)]);
    let why = "3 requests are enough".to_owned();
    assert!(contact.steps.contains(&Step::LeftOut { run: RunId(1), n_requests: 3, why }));
}

#[test]
fn what_was_left_out_before_is_not_asked_about_again() {
    let (steer, asked) = enough(0);
    let finished = Finished { left_out: BTreeSet::from([RunId(0), RunId(1)]), ..Finished::default() };
    let contact = steered(Script::Healthy, finished, &Cancel::default(), steer);
    assert_eq!((contact.ordered, contact.sink.left_out), (vec![], vec![]));
    assert_eq!(asked.lock().expect("no test panics with the lock")[..], []);
}

#[test]
fn a_judge_sees_what_a_lost_link_brings_home() {
    let (steer, _asked) = enough(3);
    let contact = steered(Script::LosesLink, Finished::default(), &Cancel::default(), steer);
    contact.result.expect("the link is had again");
    assert_eq!(contact.ordered, [(RunId(0), 1, vec![0, 1, 2])]);
    assert_eq!(contact.sink.left_out, [(RunId(1), "3 requests are enough".to_owned())]);
}

#[test]
fn a_device_is_restarted_before_each_device_cold_launch() {
    let mut plan = plan();
    plan.cells[0].start = dyno_model::start::StartState::DeviceCold;
    plan.restart = Some(dyno_model::start::RestartSpec { boot_limit_ms: 60_000, settle_ms: 0 });
    let (script, finished) = (Script::Restarts, Finished::default());
    let contact = planned(script, finished, &Cancel::default(), Box::new(TakeAll), &plan);
    let summary = contact.result.expect("it comes back each time");
    assert_eq!(summary, SessionSummary { n_launches: 2, n_failed: 0, cancelled: false });
    assert_eq!(contact.ordered, [(RunId(0), 1, vec![0, 1, 2]), (RunId(1), 1, vec![0, 1, 2])]);
    // One contact finds that a restart is wanted; each of the others begins with what was done.
    let notes: Vec<_> = contact.sink.sessions.iter().map(|opened| opened.notes.clone()).collect();
    let done = |now: &str, before: &str, notes: &[String]| {
        let expected = format!("restarted for a device-cold launch: boot {now} after {before}, ");
        notes.len() == 1 && notes[0].starts_with(&expected)
    };
    assert!(notes[0].is_empty() && done("b1", "b0", &notes[1]) && done("b2", "b1", &notes[2]), "{notes:?}");
    assert_eq!((notes.len(), contact.sink.closed), (3, vec![None; 3]));
}
