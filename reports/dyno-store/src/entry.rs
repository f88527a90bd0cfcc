//! What a line of the journal says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use dyno_model::clock::WallNs;
use dyno_model::device::DeviceFacts;
use dyno_model::digest::Digest;
use dyno_model::event::Event;
use dyno_model::ids::{CampaignId, DeviceId};

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
            | Self::SessionEnded { wall, .. } => Some(*wall),
            Self::Event { .. } => None,
        }
    }
}
