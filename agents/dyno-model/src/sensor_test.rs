//! A source of power or energy against a known step of load.

use serde::{Deserialize, Serialize};

use crate::sample::{AccuracyClass, Quantity, Scope};

/// What was found out of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTest {
    /// Driver.
    pub driver: String,
    /// Site, as in its channel.
    pub site: String,
    /// What it measures.
    pub quantity: Quantity,
    /// How far it can be trusted.
    pub class: AccuracyClass,
    /// What it covers.
    pub scope: Option<Scope>,
    /// Median time between two readings that differ; `None` where it never changed often enough.
    pub update_ns: Option<u64>,
    /// How long after a step of load half of the change is there, as the median over all steps; it has the resolution
    /// of the sampling. `None` where it does not follow.
    pub lag_ns: Option<u64>,
    /// Power at rest, in the source's own sign; a counter's is its mean slope.
    pub idle_uw: Option<i64>,
    /// Power under load.
    pub busy_uw: Option<i64>,
    /// Steps of load.
    pub n_steps: u32,
    /// Steps that it followed.
    pub n_followed: u32,
    /// What to do with it.
    pub verdict: SourceVerdict,
}

/// What to do with a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceVerdict {
    /// It follows the load.
    Usable,
    /// It follows, and more power makes its number smaller: the figure is negated.
    Negated,
    /// The load does not reach what it covers (a GPU, a rail of the display): neither confirmed nor refuted.
    Untried {
        /// What was seen.
        why: String,
    },
    /// It is not used.
    Unusable {
        /// Why not.
        why: String,
    },
}
