//! Service level objectives that a finished record is held against.
//!
//! dyno-plan makes them from what people wrote. [`PlannedSlo`](crate::plan::PlannedSlo) is the simpler form that a plan
//! carries along: limits of times, judged while a campaign runs.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// A set of objectives, all of which must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slo {
    /// Its name.
    pub name: String,
    /// What it stands for.
    pub description: String,
    /// The file that it was read from, as people know it.
    pub file: String,
    /// SHA-256 of that file.
    pub digest: Digest,
    /// In the order of the file.
    pub objectives: Vec<Objective>,
}

/// One statement: so many of the selected requests or launches meet all conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Its name; no two of a set share one.
    pub name: String,
    /// Line of the file that it begins at.
    pub line: u32,
    /// What one observation is.
    pub judges: Judged,
    /// What an observation must meet, all at once; never empty.
    pub conditions: Vec<Condition>,
    /// How many must meet them.
    pub demand: Demand,
    /// Which requests or launches it is about.
    pub selection: Selection,
    /// What a [`Demand::Drop`] is held against, by the name that the file has for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
}

/// What one observation of an objective is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// A request that was to be served.
    Requests,
    /// A fresh launch of the runtime.
    Launches,
}

/// What an observation must meet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Condition {
    /// It ended well: a request with at least one token, a launch that became ready and was not killed.
    Answered,
    /// The request was answered, and its prompt's grader accepts the answer. A prompt without a grader is outside of it.
    Passed,
    /// No socket of the runtime led beyond its machine while the launch ran. It stands alone in its objective.
    NoEgress,
    /// Its value of a metric keeps a limit. A request is held against a metric of launches by that of its launch.
    Limit {
        /// Id of the metric.
        metric: String,
        /// The most that it may be where lower is better, else the least; in the metric's own unit.
        limit: f64,
    },
}

/// How many observations must meet the conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Demand {
    /// At least a share of all that ever come, shown with a confidence; both in millionths.
    Share {
        /// The share.
        fraction_ppm: u32,
        /// The confidence.
        confidence_ppm: u32,
    },
    /// The share of prompts that pass fell by at most this since a baseline, both of whose answers are held against each
    /// other prompt by prompt; shown with a confidence. Both in millionths.
    Drop {
        /// The most that it may fall, as a difference of two shares: 50,000 is five points.
        most_ppm: u32,
        /// The confidence.
        confidence_ppm: u32,
    },
    /// Every one of the record. This says nothing with confidence of those that are not in it.
    Every,
}

/// Which requests or launches an objective is about. An empty list is all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Categories of prompts.
    pub categories: Vec<String>,
    /// Languages of prompts, BCP 47: `de` is also `de-CH`.
    pub languages: Vec<String>,
    /// Device ids.
    pub devices: Vec<String>,
    /// Model names.
    pub models: Vec<String>,
    /// Runtime names.
    pub runtimes: Vec<String>,
    /// Loads: `single`, `closed`, `open`, `trace`, or the words that reports call one by.
    pub loads: Vec<String>,
    /// Fewest tokens of the prompt.
    pub isl_from: Option<u32>,
    /// Most tokens of the prompt.
    pub isl_to: Option<u32>,
}

impl Selection {
    /// Whether it tells requests of one launch from each other.
    pub fn picks_prompts(&self) -> bool {
        !self.categories.is_empty()
            || !self.languages.is_empty()
            || self.isl_from.is_some()
            || self.isl_to.is_some()
    }
}
