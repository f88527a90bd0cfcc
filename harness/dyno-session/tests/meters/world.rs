//! A device and the machine that reads its meter, each an agent over a pipe in memory with a clock of its own.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dyno_model::clock::{MonoNs, WallNs, monotonic_now};
use dyno_model::device::DeviceFacts;
use dyno_model::event::{Event, EventKind};
use dyno_model::machine::MachineFigures;
use dyno_model::meter::{METER_DRIVER, MeterCounts};
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::sample::{AccuracyClass, Channel, OwnCost, Quantity, SampleBatch, Scope, SensorDeclared};
use dyno_protocol::build_id::BUILD_ID;
use dyno_protocol::memory::duplex;
use dyno_protocol::message::{Command, EventBatch, Hello, Reply};
use dyno_protocol::peer::AgentPeer;
use dyno_transport::{
    Ended, OnBytes, Output, Platform, PushOutcome, RemoteCommand, RemotePath, RemoteProcess, Streams,
    Transport, TransportError,
};

pub(crate) const REST_UW: i64 = 5_000_000;
pub(crate) const LOAD_UW: i64 = 12_000_000;
/// A row of the meter each so often.
pub(crate) const PERIOD_NS: u64 = 10_000_000;
/// How long a launch takes.
const LAUNCH: Duration = Duration::from_millis(80);

/// How the reading machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    Healthy,
    /// It shows everything so much later, in ms.
    Late(u64),
    /// Its agent dies when rows are asked for the second time.
    Dies,
    /// It gives its rows only once nothing more will come, by a clock that began with them.
    Exports,
}

/// What all agents share; instants are the controller's.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) loads: Vec<(u64, u64)>,
    began: u64,
    /// Rows until here were given.
    given: u64,
    n_asked: usize,
    n_knocks: usize,
}

impl World {
    pub(crate) fn new() -> Arc<Mutex<Self>> {
        let now = monotonic_now().0;
        Arc::new(Mutex::new(Self { loads: Vec::new(), began: now, given: now, n_asked: 0, n_knocks: 0 }))
    }
}

/// One machine of the world.
pub(crate) struct Machine {
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) reader: Reader,
    /// How far its clock is from the controller's.
    pub(crate) offset_ns: u64,
    pub(crate) work_dir: RemotePath,
}

struct Pipe(Option<Streams>);

impl RemoteProcess for Pipe {
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

impl Transport for Machine {
    fn kind(&self) -> &'static str {
        "memory"
    }
    fn is_remote(&self) -> bool {
        false
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
    fn platform(&mut self) -> Result<Platform, TransportError> {
        Ok(Platform::default())
    }
    fn remove(&mut self, _remote: &RemotePath) -> Result<(), TransportError> {
        Ok(())
    }
    fn clean(&mut self) -> Result<u64, TransportError> {
        Ok(0)
    }
    fn size(&mut self, _remote: &RemotePath) -> Result<Option<u64>, TransportError> {
        Ok(Some(5))
    }
    fn push(&mut self, _: &Path, _: &RemotePath, _: OnBytes<'_>) -> Result<PushOutcome, TransportError> {
        Ok(PushOutcome::AlreadyThere)
    }
    fn pull(&mut self, _: &RemotePath, _: &Path, _: OnBytes<'_>) -> Result<u64, TransportError> {
        Err(TransportError::NoHome)
    }
    fn spawn(&mut self, _command: &RemoteCommand) -> Result<Box<dyn RemoteProcess>, TransportError> {
        let (controller, agent) = duplex();
        let mut served = Served {
            world: Arc::clone(&self.world),
            reader: self.reader,
            offset_ns: self.offset_ns,
            sensor: 0,
        };
        std::thread::spawn(move || {
            let peer = AgentPeer::new(Box::new(agent.input), Box::new(agent.output));
            // Best effort: the talk ends when either side goes.
            served.serve(peer).ok();
        });
        let streams = Streams { stdin: Box::new(controller.output), stdout: Box::new(controller.input) };
        Ok(Box::new(Pipe(Some(streams))))
    }
}

struct Served {
    world: Arc<Mutex<World>>,
    reader: Reader,
    offset_ns: u64,
    sensor: u16,
}

impl Served {
    fn now(&self) -> MonoNs {
        monotonic_now().plus(self.offset_ns)
    }

    fn serve(&mut self, mut peer: AgentPeer) -> Result<(), Box<dyn std::error::Error>> {
        let hello =
            Hello { build_id: BUILD_ID.to_owned(), protocol: 1, pid: 1, work_dir: "/work".to_owned() };
        peer.send(&Reply::Hello(hello))?;
        loop {
            let command = peer.recv()?;
            let reply = match command {
                Command::Hello { .. } => Reply::Leased { notes: Vec::new() },
                Command::Clock => Reply::Clock { received: self.now(), sent: self.now(), wall: WallNs(7) },
                Command::Facts => Reply::Facts { facts: Box::new(DeviceFacts::default()) },
                Command::Machine { .. } => Reply::Machine { figures: Box::new(MachineFigures::default()) },
                Command::TestSensors { .. } => Reply::SensorsTested {
                    declared: Vec::new(),
                    unreadable: Vec::new(),
                    tests: Vec::new(),
                    facts: Box::new(DeviceFacts::default()),
                },
                Command::Spools { .. } => Reply::Spools { spools: Vec::new() },
                Command::DropSpool(key) => Reply::Dropped(key),
                Command::Knock { turns_ms } => Reply::Knocked { loads: self.knock(&turns_ms) },
                Command::MeterBegin { sensor, .. } => {
                    self.sensor = sensor;
                    Reply::MeterBegun { declared: declared(sensor) }
                }
                Command::MeterRows { .. } => match self.rows() {
                    Some(rows) => rows,
                    None => return Ok(()),
                },
                Command::Run(order) => {
                    std::thread::sleep(LAUNCH);
                    let (campaign, run, launch) = (order.campaign, order.run, order.launch);
                    peer.send(&Reply::LaunchDone { run, launch, outcome: "ok".to_owned() })?;
                    let kind = EventKind::LaunchEnded {
                        outcome: Outcome::Ok,
                        validity: Validity::Valid,
                        exit: None,
                        cpu_ns: None,
                        peak_rss_bytes: None,
                        own: OwnCost::default(),
                    };
                    let events = vec![Event { run, launch, seq: 0, at: self.now(), kind }];
                    Reply::EventBatch(EventBatch { campaign, run, launch, events, last: true })
                }
                Command::Bye => return Ok(peer.send(&Reply::Bye)?),
                other => panic!("not expected: {other:?}"),
            };
            peer.send(&reply)?;
        }
    }

    /// Rests and works as it is told, and tells the world.
    fn knock(&self, turns_ms: &[u32]) -> Vec<(MonoNs, MonoNs)> {
        let mut loads = Vec::new();
        for (idx, turn) in turns_ms.iter().enumerate() {
            let from = monotonic_now();
            std::thread::sleep(Duration::from_millis(u64::from(*turn)));
            if idx % 2 == 1 {
                loads.push((from, monotonic_now()));
            }
        }
        let mut world = self.world.lock().expect("no test panics with the lock");
        world.loads.extend(loads.iter().map(|(from, to)| (from.0, to.0)));
        world.n_knocks += 1;
        loads.iter().map(|(from, to)| (from.plus(self.offset_ns), to.plus(self.offset_ns))).collect()
    }

    /// The meter's rows since they were asked for last; `None` is death.
    fn rows(&self) -> Option<Reply> {
        let mut world = self.world.lock().expect("no test panics with the lock");
        world.n_asked += 1;
        if self.reader == Reader::Dies && world.n_asked == 2 {
            return None;
        }
        let mut batch = SampleBatch { sensor: self.sensor, ..SampleBatch::default() };
        // An export is made after the last knock.
        let is_ready = self.reader != Reader::Exports || world.n_knocks == 2;
        let late_ns = if let Reader::Late(ms) = self.reader { ms * 1_000_000 } else { 0 };
        while is_ready && world.given + PERIOD_NS <= monotonic_now().0 {
            world.given += PERIOD_NS;
            let shown = world.given - late_ns;
            let is_load = world.loads.iter().any(|(from, to)| (*from..*to).contains(&shown));
            let own = if self.reader == Reader::Exports {
                world.given - world.began
            } else {
                world.given + self.offset_ns
            };
            batch.at_ns.push(MonoNs(own));
            batch.values.push(Some(if is_load { LOAD_UW } else { REST_UW }));
        }
        let counts = MeterCounts { n_rows: batch.at_ns.len() as u64, ..MeterCounts::default() };
        Some(Reply::MeterRows { batches: vec![batch], counts, has_more: false })
    }
}

fn declared(sensor: u16) -> SensorDeclared {
    let channel = Channel {
        scope: Some(Scope::Device),
        ..Channel::new(Quantity::PowerUw, "plug", AccuracyClass::A, 10)
    };
    SensorDeclared { sensor, driver: METER_DRIVER.to_owned(), channels: vec![channel] }
}
