//! Events: the only thing that flows back from a device.

use serde::{Deserialize, Serialize};

use crate::care::Span;
use crate::clock::{MonoNs, WallNs};
use crate::ids::RunId;
use crate::launch::RuntimeFacts;
use crate::network::NetworkWatch;
use crate::outcome::{Outcome, Validity};
use crate::proof::{Calibration, LoadFacts};
use crate::request::RequestRecord;
use crate::sample::{OwnCost, SampleBatch, SensorDeclared, UnreadableSensor};
use crate::start::{StartCost, StartMade};

/// One thing that happened on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Which run of the plan.
    pub run: RunId,
    /// Which launch of that run: 1, and more where a run was interrupted and resumed.
    pub launch: u16,
    /// Number within the launch, from 0, without gaps.
    pub seq: u64,
    /// When, on the device's monotonic clock (or the runtime's scripted one).
    pub at: MonoNs,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What can happen. The set is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The launch begins: one wall-clock anchor for people.
    LaunchStarted {
        /// The wall clock at `at`.
        wall: WallNs,
        /// Requests that this launch is to serve.
        n_requests: u32,
        /// The device's boot: one that ended since is what ended the launch. `None` where there is no such id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        boot_id: Option<String>,
    },
    /// The client was tried against a known schedule, before the runtime was started.
    Calibrated(Box<Calibration>),
    /// The launch was brought into the state that it starts from.
    StartMade(Box<StartMade>),
    /// The runtime's process was started at `at`.
    Spawned,
    /// The runtime can take requests since `at`.
    Ready {
        /// What it says of itself.
        facts: Box<RuntimeFacts>,
    },
    /// A sensor takes part.
    Sensor(SensorDeclared),
    /// A sensor was seen that cannot be read.
    Unreadable(UnreadableSensor),
    /// What the start had cost up to a point.
    StartCost(StartCost),
    /// A request ended.
    Request(Box<RequestRecord>),
    /// A part of the launch is over.
    Span(Span),
    /// The load is over.
    LoadEnded(Box<LoadFacts>),
    /// The runtime has ended, and this was seen of its sockets.
    Network(Box<NetworkWatch>),
    /// Sensor rows.
    Samples(SampleBatch),
    /// Something worth a line in the record.
    Note {
        /// Words.
        text: String,
    },
    /// The launch is over; the last event of a launch.
    LaunchEnded {
        /// How the runtime ended.
        outcome: Outcome,
        /// Whether its numbers may be used.
        validity: Validity,
        /// How the process ended, in the system's words.
        exit: Option<String>,
        /// Its CPU time over its life.
        cpu_ns: Option<u64>,
        /// Its highest resident bytes.
        peak_rss_bytes: Option<u64>,
        /// What measuring cost.
        own: OwnCost,
    },
}

/// Takes events as they happen; an error stops the run, for the record is the product.
pub trait EventSink: Send {
    /// Takes one event.
    ///
    /// # Errors
    /// When the event could not be kept.
    fn event(&mut self, event: &Event) -> Result<(), SinkError>;
}

/// An event could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep an event in {place}")]
pub struct SinkError {
    /// The file or link.
    pub place: String,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

impl EventSink for Vec<Event> {
    fn event(&mut self, event: &Event) -> Result<(), SinkError> {
        self.push(event.clone());
        Ok(())
    }
}
