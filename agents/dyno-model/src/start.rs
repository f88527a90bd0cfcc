//! What a launch starts from: cold in one of several ways, each a state of its own.

use serde::{Deserialize, Serialize};

/// The state that a launch is brought into before its runtime is spawned (MEASUREMENT §2.4).
///
/// The other two states are of requests within a launch: C4 is its first request, W its steady part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartState {
    /// As it happens to be: nothing is done and nothing is claimed.
    #[default]
    AsItIs,
    /// C0: the device was restarted and left alone for a while.
    DeviceCold,
    /// C1: no process, and no page of the model in memory; compile caches are kept.
    StorageCold,
    /// C2: as C1, and the runtime's compile caches are gone, too.
    CompileCold,
    /// C3: no process, and the whole model in the page cache.
    PageWarm,
}

impl StartState {
    /// The name in tables: `C1`.
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::AsItIs => None,
            Self::DeviceCold => Some("C0"),
            Self::StorageCold => Some("C1"),
            Self::CompileCold => Some("C2"),
            Self::PageWarm => Some("C3"),
        }
    }

    /// In words: `storage-cold`.
    pub fn label(self) -> &'static str {
        match self {
            Self::AsItIs => "as it is",
            Self::DeviceCold => "device-cold",
            Self::StorageCold => "storage-cold",
            Self::CompileCold => "compile-cold",
            Self::PageWarm => "page-warm",
        }
    }

    /// Whether it is the default, which is not written down.
    pub fn is_as_it_is(&self) -> bool {
        *self == Self::AsItIs
    }
}

/// How a device is restarted for device-cold launches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestartSpec {
    /// How long it may take until it can be reached again.
    pub boot_limit_ms: u64,
    /// How long it is left alone then.
    pub settle_ms: u64,
}

impl Default for RestartSpec {
    /// House rule: some boards check their disks at a start, and what a start leaves running is done in two minutes.
    fn default() -> Self {
        Self { boot_limit_ms: 300_000, settle_ms: 120_000 }
    }
}

/// What was done to bring a launch into its state, and whether it got there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StartMade {
    /// The state that was wanted.
    pub state: StartState,
    /// What was done, in words and in order: `drop_caches`, `posix_fadvise DONTNEED`.
    pub steps: Vec<String>,
    /// The model's file.
    pub file_bytes: Option<u64>,
    /// Bytes of it in memory before anything was done.
    pub resident_before_bytes: Option<u64>,
    /// Bytes of it in memory just before the spawn.
    pub resident_bytes: Option<u64>,
    /// Caches that were deleted, and their bytes.
    pub cleared: Vec<ClearedCache>,
    /// Why the state is not verified; `None` when it is.
    pub unverified: Option<String>,
}

/// A compile cache that was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearedCache {
    /// Its folder.
    pub path: String,
    /// Bytes in it.
    pub bytes: u64,
}

/// What a start read and waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartCost {
    /// Up to when.
    pub until: StartPoint,
    /// Bytes that the runtime's process had read from storage; `None` where the system does not say.
    pub read_bytes: Option<u64>,
    /// Page faults of it that needed storage.
    pub major_faults: Option<u64>,
}

/// A point of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartPoint {
    /// Requests can be taken.
    Ready,
    /// The first request is over.
    FirstRequest,
}
