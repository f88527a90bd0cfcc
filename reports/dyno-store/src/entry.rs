//! What a line of the journal says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use dyno_model::clock::{ClockSample, WallNs};
use dyno_model::device::DeviceFacts;
use dyno_model::digest::Digest;
use dyno_model::event::Event;
use dyno_model::ids::{CampaignId, DeviceId, RunId};
use dyno_model::machine::MachineFigures;
use dyno_model::meter::{MeterKnocked, Metered};
use dyno_model::prepare::{Prepared, Restored};
use dyno_model::sensor_test::SourceTest;

/// Version of the journal's form; raised when an entry changes its meaning.
pub const JOURNAL_FORMAT: u32 = 1;

/// One line of the journal. The set is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum JournalEntry {
    /// The first line of every journal.
    Header {
        /// [`JOURNAL_FORMAT`].
        format: u32,
        /// The campaign, which is also the folder's name.
        campaign: CampaignId,
        /// SHA-256 of `plan.json`.
        plan_digest: Digest,
        /// Version of edgedyno that measures.
        tool_version: String,
        /// When the campaign began.
        wall: WallNs,
    },
    /// A device is reached and its agent has shaken hands.
    Session {
        /// Number of the session within the campaign, from 0.
        session: u32,
        /// Which device.
        device: DeviceId,
        /// How it was reached, in words.
        transport: String,
        /// The agent's build id.
        build_id: String,
        /// What the device says of itself.
        facts: Box<DeviceFacts>,
        /// SHA-256 of each model file on it, by model name.
        model_digests: BTreeMap<String, Digest>,
        /// What the agent put right before the session could begin, in words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
        /// When.
        wall: WallNs,
    },
    /// How far the device's clock was from the controller's.
    Clock {
        /// In which session.
        session: u32,
        /// The comparison.
        sample: ClockSample,
    },
    /// What a device was brought into before it was measured.
    Prepared {
        /// In which session.
        session: u32,
        /// Setting by setting.
        prepared: Box<Prepared>,
    },
    /// What became of that afterwards.
    Restored {
        /// In which session.
        session: u32,
        /// Setting by setting.
        restored: Box<Restored>,
    },
    /// What a device can do at most.
    Machine {
        /// In which session.
        session: u32,
        /// As measured then.
        figures: Box<MachineFigures>,
    },
    /// Sources of power were tried against a known step of load.
    SensorsTested {
        /// In which session.
        session: u32,
        /// Source by source.
        tests: Vec<SourceTest>,
    },
    /// A meter was read while a launch ran.
    Metered {
        /// In which session.
        session: u32,
        /// Which run.
        run: RunId,
        /// Which launch of it.
        launch: u16,
        /// What it said.
        metered: Box<Metered>,
    },
    /// A meter was tried against a known pattern of load.
    MeterKnocked {
        /// In which session.
        session: u32,
        /// What came of it.
        knocked: Box<MeterKnocked>,
    },
    /// A meter could not be read; the session went on without it.
    MeterFailed {
        /// In which session.
        session: u32,
        /// Which meter.
        meter: String,
        /// Why, with its causes.
        error: String,
    },
    /// A device's share was given up: it could not be reached, or not again.
    GivenUp {
        /// Which device.
        device: DeviceId,
        /// Why, with its causes.
        error: String,
        /// When.
        wall: WallNs,
    },
    /// A run is not measured: what is in the record by then decides already, by the rule that the plan declares.
    LeftOut {
        /// In which session it was its turn.
        session: u32,
        /// Which run.
        run: RunId,
        /// What decides, in words.
        why: String,
        /// When.
        wall: WallNs,
    },
    /// Something happened on a device.
    Event {
        /// In which session it was handed over.
        session: u32,
        /// What happened.
        event: Event,
    },
    /// The campaign was stopped from outside.
    Interrupted {
        /// By what.
        reason: String,
        /// When.
        wall: WallNs,
    },
    /// The campaign goes on.
    Resumed {
        /// Version of edgedyno that measures from here on.
        tool_version: String,
        /// When.
        wall: WallNs,
    },
    /// A session is over.
    SessionEnded {
        /// Which.
        session: u32,
        /// Why, if it ended early.
        error: Option<String>,
        /// When.
        wall: WallNs,
    },
}

impl JournalEntry {
    /// The wall clock of the line, where it has one of its own.
    pub fn wall(&self) -> Option<WallNs> {
        match self {
            Self::Header { wall, .. }
            | Self::Session { wall, .. }
            | Self::Interrupted { wall, .. }
            | Self::Resumed { wall, .. }
            | Self::GivenUp { wall, .. }
            | Self::LeftOut { wall, .. }
            | Self::SessionEnded { wall, .. } => Some(*wall),
            Self::Event { .. }
            | Self::Clock { .. }
            | Self::Prepared { .. }
            | Self::Restored { .. }
            | Self::Machine { .. }
            | Self::SensorsTested { .. }
            | Self::Metered { .. }
            | Self::MeterKnocked { .. }
            | Self::MeterFailed { .. } => None,
        }
    }
}
