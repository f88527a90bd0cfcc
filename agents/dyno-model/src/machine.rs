//! What a device can do at most: the bandwidth of its memory and its arithmetic, as measured there.

use serde::{Deserialize, Serialize};

/// Figures of one contact with a device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MachineFigures {
    /// Each set of cores that was tried: all of them first, then cluster by cluster.
    pub clusters: Vec<ClusterFigures>,
    /// How long it took.
    pub wall_ns: u64,
    /// What could not be measured, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a set of cores can do together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterFigures {
    /// For people: `all 8 CPUs`, `CPUs 0-3, up to 1.8 GHz`.
    pub label: String,
    /// The CPUs; one thread ran on each.
    pub cpus: Vec<u32>,
    /// Reading memory and adding it up; the weights of a model are read so.
    pub read: Option<RateFigure>,
    /// STREAM's triad: two arrays read, one written. Its bytes are those that STREAM counts.
    pub triad: Option<RateFigure>,
    /// Multiply-adds of 32-bit floats, each counted as two operations.
    pub f32_ops: Option<RateFigure>,
    /// Multiply-adds of 8-bit integers, each counted as two operations; `None` where the kernel has no such path.
    pub i8_ops: Option<RateFigure>,
    /// Bytes of all arrays together, which no cache must hold.
    pub array_bytes: u64,
    /// Bytes of the biggest cache that these CPUs see; `None` where unknown.
    pub cache_bytes: Option<u64>,
}

/// A rate over several passes, the first left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateFigure {
    /// The best pass, per second: what the device can do.
    pub best_per_s: u64,
    /// The median pass.
    pub median_per_s: u64,
    /// The worst pass.
    pub worst_per_s: u64,
    /// Passes.
    pub n: u32,
}
