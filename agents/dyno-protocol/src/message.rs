//! What the frames say. Payloads are JSON.
//!
//! The agent speaks first, with [`Reply::Hello`]; the controller answers with [`Command::Hello`], and from then on
//! each command has the answers that are written beside it. While a launch is measured the agent is silent but for
//! [`Reply::Progress`] between two requests; it reads on, so that [`Command::Cancel`] is heard.

use dyno_model::blame::{Blame, Classify, chain};
use dyno_model::care::{Care, Hold};
use dyno_model::clock::{MonoNs, WallNs};
use dyno_model::device::DeviceFacts;
use dyno_model::digest::Digest;
use dyno_model::event::Event;
use dyno_model::ids::{CampaignId, RunId};
use dyno_model::launch::LaunchSpec;
use dyno_model::load::LoadModel;
use dyno_model::machine::MachineFigures;
use dyno_model::meter::{MeterCounts, PlannedMeter};
use dyno_model::plan::SyntheticShape;
use dyno_model::prepare::{PrepareSpec, Prepared, Restored};
use dyno_model::request::Request;
use dyno_model::sample::{SampleBatch, SensorDeclared, UnreadableSensor};
use dyno_model::sensor_test::SourceTest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Version of the messages; builds are equal, so it only serves to word an error.
pub const PROTOCOL: u16 = 2;

/// A message that has a frame kind of its own.
pub trait Message: Serialize + DeserializeOwned {
    /// The frame kind.
    const KIND: u8;
    /// Who sends it.
    const SENDER: &'static str;
}

impl Message for Command {
    const KIND: u8 = 1;
    const SENDER: &'static str = "controller";
}

impl Message for Reply {
    const KIND: u8 = 2;
    const SENDER: &'static str = "agent";
}

/// Names one launch of one run of one campaign.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaunchKey {
    /// Which campaign.
    pub campaign: CampaignId,
    /// Which run.
    pub run: RunId,
    /// Which launch of it, from 1.
    pub launch: u16,
}

/// From the controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Answers the agent's hello and asks for the device. [`Reply::Waiting`] while an agent of the same campaign
    /// finishes a launch there, then [`Reply::Leased`]; or [`Reply::Error`], and the agent ends: the builds differ, or
    /// somebody else has the device.
    Hello {
        /// The controller's build id.
        build_id: String,
        /// For whom, and for what.
        lease: Lease,
    },
    /// Asks what time it is on the device. [`Reply::Clock`].
    Clock,
    /// Asks what the device is. [`Reply::Facts`].
    Facts,
    /// Asks for a file's SHA-256. [`Reply::Verified`], or [`Reply::Error`] when it differs or cannot be read.
    Verify {
        /// The file; a relative path is taken from the agent's folder.
        path: String,
        /// What it must hash to; `None` only asks.
        digest: Option<Digest>,
    },
    /// Asks for a model of seeded noise, written in one atomic step. [`Reply::Wrote`].
    Synthesize {
        /// The file to write, within the agent's folder.
        path: String,
        /// Its shape.
        shape: SyntheticShape,
        /// Seed of its weights.
        seed: u64,
    },
    /// Asks for a re-quantized copy of a model, written in one atomic step. [`Reply::Wrote`].
    Quantize {
        /// The file to read; a relative path is taken from the agent's folder.
        source: String,
        /// The file to write, within the agent's folder.
        path: String,
        /// Tensor type of the result: `q8_0`.
        to: String,
        /// Compute threads; `None` is the engine's own choice.
        threads: Option<u32>,
    },
    /// Asks for one launch. [`Reply::Progress`] between requests, then [`Reply::LaunchDone`], then all events as
    /// [`Reply::EventBatch`]es, the last of them marked. The spool stays on the device until [`Command::DropSpool`].
    Run(Box<RunOrder>),
    /// Asks what memory bandwidth and arithmetic the device has. [`Reply::Machine`].
    Machine {
        /// Time for all of it.
        for_ms: u64,
        /// As in [`RunOrder`].
        sys_root: Option<String>,
    },
    /// Asks for a known step of load, and what each source of power makes of it. [`Reply::SensorsTested`].
    TestSensors {
        /// Time for all of it.
        for_ms: u64,
        /// As in [`RunOrder`].
        sys_root: Option<String>,
    },
    /// Asks for a meter to be read from now on. [`Reply::MeterBegun`]. It is read until the talk ends.
    MeterBegin {
        /// Its name.
        meter: String,
        /// Its number as a sensor.
        sensor: u16,
        /// What it is.
        planned: Box<PlannedMeter>,
    },
    /// Asks for the rows that a meter has by now; it forgets them. [`Reply::MeterRows`].
    MeterRows {
        /// Its name.
        meter: String,
    },
    /// Asks for a known pattern of load, for meters to be seen by. [`Reply::Knocked`].
    Knock {
        /// How long the device rests, works, rests and so on, in ms.
        turns_ms: Vec<u32>,
    },
    /// Asks for the device to be brought into a state. [`Reply::Prepared`].
    Prepare {
        /// For which campaign.
        campaign: CampaignId,
        /// What it is to be like.
        spec: Box<PrepareSpec>,
    },
    /// Asks for the device to be put back. [`Reply::Restored`]. An agent that ends does so unasked.
    Restore,
    /// Asks what is left of a campaign on the device. [`Reply::Spools`].
    Spools {
        /// Which campaign.
        campaign: CampaignId,
    },
    /// Asks for a spool's events. [`Reply::EventBatch`]es, the last of them marked.
    SendSpool(LaunchKey),
    /// Says that a spool is safe elsewhere and may go. [`Reply::Dropped`].
    DropSpool(LaunchKey),
    /// Stops the launch in progress; what it recorded is handed over. Without a launch it has no effect.
    Cancel,
    /// Ends the talk. [`Reply::Bye`], and the agent ends.
    Bye,
}

/// Who wants a device, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The controller, for people: `user@host`.
    pub holder: String,
    /// For which campaign; `None` is a visit that measures nothing.
    ///
    /// An agent that works for the same campaign of the same holder is one that lost its link: it is waited for.
    pub campaign: Option<CampaignId>,
    /// Whether an agent that works there for somebody else is ended.
    pub force: bool,
    /// Whether the same session had the device before: it does not take back what was released meanwhile.
    pub is_again: bool,
}

/// Who has a device: what the agent writes into its folder while it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseNote {
    /// As in [`Lease`].
    pub holder: String,
    /// As in [`Lease`].
    pub campaign: Option<CampaignId>,
    /// Since when, by the device's clock.
    pub since: WallNs,
    /// The agent's process.
    pub pid: u32,
}

/// One launch: what to start, and what to ask of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrder {
    /// Which campaign.
    pub campaign: CampaignId,
    /// Which run.
    pub run: RunId,
    /// Which launch of it, from 1.
    pub launch: u16,
    /// What to start.
    pub launch_spec: LaunchSpec,
    /// What to ask, in order.
    pub requests: Vec<Request>,
    /// How requests are offered.
    pub load: LoadModel,
    /// Period of the sampler.
    pub sampling_period_ms: u32,
    /// How long the load goes on; `None` is until each request was asked once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// What surrounds the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub care: Option<Care>,
    /// The folder that `/proc` and `/sys` are read below; `None` is `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sys_root: Option<String>,
    /// The endpoint's key, for this talk only: it is in no spool and no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Secret>,
}

/// Something that is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being shown.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// What must not be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl RunOrder {
    /// The launch's name.
    pub fn key(&self) -> LaunchKey {
        LaunchKey { campaign: self.campaign.clone(), run: self.run, launch: self.launch }
    }
}

/// From the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// The first message of all.
    Hello(Hello),
    /// The device is the controller's until the talk ends.
    Leased {
        /// What was found and put right first, in words for the record.
        notes: Vec<String>,
    },
    /// An agent of the same campaign, whose link is lost, finishes its launch; told once a second.
    Waiting(LeaseNote),
    /// What time it is on the device.
    Clock {
        /// When the question came.
        received: MonoNs,
        /// When the answer was made.
        sent: MonoNs,
        /// The device's wall clock then.
        wall: WallNs,
    },
    /// What the device became.
    Prepared {
        /// Setting by setting.
        prepared: Box<Prepared>,
    },
    /// What became of what was set.
    Restored {
        /// Setting by setting; `None` when there was nothing to put back.
        restored: Option<Box<Restored>>,
    },
    /// What the device is.
    Facts {
        /// As it says itself.
        facts: Box<DeviceFacts>,
    },
    /// The spools of a campaign, in the order of run and launch.
    Spools {
        /// What lies there.
        spools: Vec<SpoolInfo>,
    },
    /// Events of one launch, in order.
    EventBatch(EventBatch),
    /// Where a launch is.
    Progress(Progress),
    /// A launch is over; its events follow.
    LaunchDone {
        /// Which run.
        run: RunId,
        /// Which launch.
        launch: u16,
        /// The word of its outcome: `ok`, `crashed`.
        outcome: String,
    },
    /// What the device can do at most.
    Machine {
        /// As measured now.
        figures: Box<MachineFigures>,
    },
    /// All sensors of the device, and what was found out of its sources of power.
    SensorsTested {
        /// Sensors that can be read.
        declared: Vec<SensorDeclared>,
        /// Those that cannot, and why.
        unreadable: Vec<UnreadableSensor>,
        /// Each source of power or energy.
        tests: Vec<SourceTest>,
        /// What the device says of itself below the same root.
        facts: Box<DeviceFacts>,
    },
    /// A meter is read.
    MeterBegun {
        /// Its channels.
        declared: SensorDeclared,
    },
    /// Rows of a meter.
    MeterRows {
        /// Its rows since they were asked for last, by this machine's clock.
        batches: Vec<SampleBatch>,
        /// What was not kept, since it was begun.
        counts: MeterCounts,
        /// Whether there are more to be asked for at once.
        has_more: bool,
    },
    /// The loads of a pattern, from and to.
    Knocked {
        /// By the device's clock.
        loads: Vec<(MonoNs, MonoNs)>,
    },
    /// The digest of a file.
    Verified {
        /// SHA-256 of its content.
        digest: Digest,
    },
    /// A model file is there.
    Wrote {
        /// The path, as asked.
        path: String,
        /// Its size.
        bytes: u64,
        /// SHA-256 of its content.
        digest: Digest,
    },
    /// A spool is gone; also when there was none.
    Dropped(LaunchKey),
    /// The command could not be done; the agent goes on, unless the builds differ.
    Error(RemoteError),
    /// The last message.
    Bye,
}

/// Who the agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Its build id; must equal the controller's.
    pub build_id: String,
    /// [`PROTOCOL`].
    pub protocol: u16,
    /// Its process.
    pub pid: u32,
    /// Its folder, absolute.
    pub work_dir: String,
}

/// One spool on the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolInfo {
    /// Which campaign.
    pub campaign: CampaignId,
    /// Which run.
    pub run: RunId,
    /// Which launch.
    pub launch: u16,
    /// Bytes of intact lines; a torn tail is not counted.
    pub bytes: u64,
    /// Whether its last event is `LaunchEnded`.
    pub complete: bool,
}

/// Some events of one launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventBatch {
    /// Which campaign.
    pub campaign: CampaignId,
    /// Which run.
    pub run: RunId,
    /// Which launch.
    pub launch: u16,
    /// The events, in order and without gaps from batch to batch.
    pub events: Vec<Event>,
    /// Whether these are the last; an empty spool is one empty last batch.
    pub last: bool,
}

/// Where a launch is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Which run.
    pub run: RunId,
    /// Which launch.
    pub launch: u16,
    /// What is going on.
    pub phase: Phase,
    /// Requests done; seconds in a phase that goes by time.
    pub done: u32,
    /// Requests in total; seconds in a phase that goes by time.
    pub total: u32,
}

/// The parts of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The runtime is being started.
    Starting,
    /// Requests are being served.
    Serving,
    /// Requests are being served for a while. By time.
    Holding,
    /// The device is waited for, until it has cooled down. By time.
    CoolingDown,
    /// The device is left alone for a while. By time.
    Resting,
    /// The device is watched after the load. By time.
    Recovering,
}

/// An error that happened on the device, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct RemoteError {
    /// Who must act: `user`, `lab`, `runtime`, `harness`.
    pub blame: BlameWord,
    /// What failed, with its cause chain.
    pub message: String,
    /// What to do, where it is sure.
    pub hints: Vec<String>,
    /// Whether trying again may help.
    pub is_transient: bool,
}

/// [`Blame`] on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlameWord {
    /// [`Blame::User`].
    User,
    /// [`Blame::Lab`].
    Lab,
    /// [`Blame::Runtime`].
    Runtime,
    /// [`Blame::Harness`].
    Harness,
}

impl From<Blame> for BlameWord {
    fn from(blame: Blame) -> Self {
        match blame {
            Blame::User => Self::User,
            Blame::Lab => Self::Lab,
            Blame::Runtime => Self::Runtime,
            Blame::Harness => Self::Harness,
        }
    }
}

impl RemoteError {
    /// Packs an error with its causes, outermost first.
    pub fn of(error: &dyn Classify) -> Self {
        Self {
            blame: error.blame().into(),
            message: chain(error),
            hints: error.hints(),
            is_transient: error.is_transient(),
        }
    }
}

impl Classify for RemoteError {
    fn blame(&self) -> Blame {
        match self.blame {
            BlameWord::User => Blame::User,
            BlameWord::Lab => Blame::Lab,
            BlameWord::Runtime => Blame::Runtime,
            BlameWord::Harness => Blame::Harness,
        }
    }

    fn is_transient(&self) -> bool {
        self.is_transient
    }

    fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}
