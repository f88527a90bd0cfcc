//! Tables in memory: one `Vec` a column, all of one length.
//!
//! Times are ns of the device's monotonic clock unless a name says `wall`.

use std::collections::BTreeMap;

use dyno_model::care::Span;
use dyno_model::event::Event;
use dyno_model::launch::RuntimeFacts;
use dyno_model::network::NetworkWatch;
use dyno_model::proof::{Calibration, LoadFacts};
use dyno_model::request::ChunkKind;
use dyno_model::sample::{Channel, OwnCost, UnreadableSensor};
use dyno_model::start::{StartCost, StartMade};

use crate::word::Word;

/// Requests, sorted by run, launch and place; each request of the plan at most once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestColumns {
    /// Run number.
    pub run: Vec<u32>,
    /// Launch number within the run, from 1.
    pub launch: Vec<u32>,
    /// Place within the run, from 0.
    pub idx: Vec<u32>,
    /// Prompt id.
    pub prompt_id: Vec<Word>,
    /// Category of the prompt.
    pub category: Vec<Word>,
    /// When it was due; `None` in closed loops.
    pub due_at_ns: Vec<Option<u64>>,
    /// When it was handed to the runtime.
    pub sent_at_ns: Vec<u64>,
    /// When the runtime said that it was done.
    pub ended_at_ns: Vec<u64>,
    /// How it ended, in a word: `ok`, `timeout`.
    pub outcome: Vec<Word>,
    /// What is known beyond the word.
    pub outcome_detail: Vec<Option<String>>,
    /// Why generation stopped: `stop`, `length`.
    pub finish: Vec<Option<Word>>,
    /// ISL.
    pub prompt_tokens: Vec<Option<u32>>,
    /// OSL.
    pub completion_tokens: Vec<Option<u32>>,
    /// Prompt tokens that came from a cache.
    pub cached_tokens: Vec<Option<u32>>,
    /// Where the counts come from: `engine`, `usage`.
    pub usage_source: Vec<Word>,
    /// The runtime's own prefill time.
    pub prefill_ns: Vec<Option<u64>>,
    /// The runtime's own decode time.
    pub decode_ns: Vec<Option<u64>>,
    /// Chunks of the answer: this many rows of the chunk table.
    pub n_chunks: Vec<u32>,
    /// Of OSL, how many were reasoning.
    pub reasoning_tokens: Vec<Option<u32>>,
    /// How long it waited, after it was sent, in a queue on this side of the runtime.
    pub queue_ns: Vec<Option<u64>>,
    /// HTTP status; `None` without HTTP or without an answer.
    pub http_status: Vec<Option<u32>>,
    /// How long the server asked to be left alone.
    pub retry_after_ms: Vec<Option<u64>>,
    /// Making its connection; 0 on a kept one.
    pub connect_ns: Vec<Option<u64>>,
    /// Token chunks that share the stamp of the one before.
    pub n_coalesced: Vec<Option<u64>>,
    /// OSL as the server's timings say, beside `completion_tokens`.
    pub timings_tokens: Vec<Option<u32>>,
}

impl RequestColumns {
    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.run.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.run.is_empty()
    }
}

/// Chunks, in the order of their requests and, within one, of arrival.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChunkColumns {
    /// Arrival, in ns after the request was sent.
    pub at_ns: Vec<u64>,
    /// What it carries.
    pub kind: Vec<ChunkKind>,
    /// Bytes of text.
    pub n_bytes: Vec<u32>,
    /// Tokens; `None` where not said.
    pub n_tokens: Vec<Option<u32>>,
}

impl ChunkColumns {
    /// Whether chunk `row` carries generated text: only such chunks count as tokens (MEASUREMENT §1.1).
    pub fn is_token(&self, row: usize) -> bool {
        self.kind[row] != ChunkKind::Role && self.n_bytes[row] > 0
    }
}

/// One launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchRow {
    /// Run number.
    pub run: u32,
    /// Launch number within the run, from 1.
    pub launch: u32,
    /// In which session it was handed over.
    pub session: u32,
    /// Wall clock at `started_at_ns`, in ns since 1970.
    pub wall_ns: Option<u64>,
    /// When the launch began.
    pub started_at_ns: Option<u64>,
    /// When the runtime's process was started.
    pub spawned_at_ns: Option<u64>,
    /// Since when it could take requests.
    pub ready_at_ns: Option<u64>,
    /// When the launch was over.
    pub ended_at_ns: Option<u64>,
    /// Requests that it was to serve.
    pub n_requests_asked: Option<u32>,
    /// How it ended, in a word; `None` when the record was cut off before its end.
    pub outcome: Option<String>,
    /// What is known beyond the word.
    pub outcome_detail: Option<String>,
    /// Why its numbers may not be used, empty when they may; `None` when the record was cut off before its end.
    pub invalid: Option<Vec<String>>,
    /// How the process ended, in the system's words.
    pub exit: Option<String>,
    /// CPU time of the runtime's process.
    pub cpu_ns: Option<u64>,
    /// Highest resident bytes of the runtime's process.
    pub peak_rss_bytes: Option<u64>,
    /// What measuring cost.
    pub own: Option<OwnCost>,
    /// What the runtime says of itself.
    pub facts: Option<RuntimeFacts>,
    /// Sensors that were seen but could not be read.
    pub unreadable: Vec<UnreadableSensor>,
    /// Notes of the agent.
    pub notes: Vec<String>,
    /// How well the client stamps.
    pub calibration: Option<Calibration>,
    /// How the load was offered.
    pub load: Option<LoadFacts>,
    /// What the runtime's sockets pointed at; `None` in records of earlier versions, and where there was no runtime.
    pub network: Option<NetworkWatch>,
    /// The state that the launch was brought into.
    pub start: Option<StartMade>,
    /// What the start had cost at its points.
    pub start_costs: Vec<StartCost>,
    /// Its parts, in order.
    pub spans: Vec<Span>,
}

impl LaunchRow {
    pub(crate) fn new(session: u32, event: &Event) -> Self {
        Self {
            run: event.run.0,
            launch: u32::from(event.launch),
            session,
            wall_ns: None,
            started_at_ns: None,
            spawned_at_ns: None,
            ready_at_ns: None,
            ended_at_ns: None,
            n_requests_asked: None,
            outcome: None,
            outcome_detail: None,
            invalid: None,
            exit: None,
            cpu_ns: None,
            peak_rss_bytes: None,
            own: None,
            facts: None,
            unreadable: Vec::new(),
            notes: Vec::new(),
            calibration: None,
            load: None,
            network: None,
            start: None,
            start_costs: Vec::new(),
            spans: Vec::new(),
        }
    }
}

/// One channel of one launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    /// Run number.
    pub run: u32,
    /// Launch number within the run.
    pub launch: u32,
    /// Sensor number within the launch.
    pub sensor: u32,
    /// Column within the sensor, from 0.
    pub channel: u32,
    /// Driver name.
    pub driver: String,
    /// What it measures, where, and how well.
    pub what: Channel,
}

/// One value each, sorted by run, launch, sensor, row and channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SampleColumns {
    /// Run number.
    pub run: Vec<u32>,
    /// Launch number within the run.
    pub launch: Vec<u32>,
    /// Sensor number within the launch.
    pub sensor: Vec<u32>,
    /// Column within the sensor.
    pub channel: Vec<u32>,
    /// When the row was read.
    pub at_ns: Vec<u64>,
    /// The value in its quantity's unit; `None` is "not readable then".
    pub value: Vec<Option<i64>>,
}

/// Key of a channel: run, launch, sensor, channel.
pub type ChannelKey = (u32, u32, u32, u32);

impl SampleColumns {
    /// The points of every channel, as instant and value, in order of time; values that could not be read are left out.
    pub fn by_channel(&self) -> BTreeMap<ChannelKey, Vec<(u64, i64)>> {
        let mut points: BTreeMap<ChannelKey, Vec<(u64, i64)>> = BTreeMap::new();
        for row in 0..self.run.len() {
            if let Some(value) = self.value[row] {
                let key = (self.run[row], self.launch[row], self.sensor[row], self.channel[row]);
                points.entry(key).or_default().push((self.at_ns[row], value));
            }
        }
        points
    }
}
