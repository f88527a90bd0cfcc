//! Campaigns in the order of time: where a metric came to another level and stayed there (MEASUREMENT §3.6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chart::Chart;
use crate::compare::ChangeVerdictView;
use crate::comparison::Better;
use crate::report::{Finding, UnitView};

/// Version of a history's JSON; raised when a field changes its meaning or goes.
pub const HISTORY_SCHEMA_VERSION: u32 = 1;

/// The history of what several campaigns measured alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryView {
    /// [`HISTORY_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Campaigns that were read, in order of time.
    pub campaigns: Vec<HistoryCampaign>,
    /// Campaigns that could not be read.
    pub unread: Vec<UnreadCampaign>,
    /// One for each device, scenario and metric, in that order.
    pub series: Vec<HistorySeries>,
    /// What a reader must know first.
    pub findings: Vec<Finding>,
    /// Command that makes it again.
    pub regenerate: String,
}

impl HistoryView {
    /// Whether the newest level of any series is worse than the one before it.
    pub fn is_worse_now(&self) -> bool {
        let newest = |series: &HistorySeries| series.changes.last().map(|change| change.verdict);
        self.series.iter().filter_map(newest).any(|verdict| verdict == ChangeVerdictView::Regression)
    }
}

/// A campaign of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryCampaign {
    /// Its id.
    pub id: String,
    /// UTC of its first event; `None` when nothing ran, and it has no point in any series.
    pub started_at: Option<String>,
    /// edgedyno's version that measured.
    pub tool_version: String,
    /// Releases of its runtimes: `llama-server b9986`.
    pub releases: Vec<String>,
    /// Whether every planned request is in the record.
    pub complete: bool,
}

/// A campaign that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnreadCampaign {
    /// Its name; foreign text.
    pub name: String,
    /// Why, with the causes.
    pub why: String,
}

/// One metric of one device and scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistorySeries {
    /// Device id.
    pub device: String,
    /// Runtime name.
    pub runtime: String,
    /// Model name.
    pub model: String,
    /// Load, threads and context in words.
    pub scenario: String,
    /// Metric id.
    pub metric: String,
    /// Name in tables.
    pub label: String,
    /// Unit of the values.
    pub unit: UnitView,
    /// Which way is better.
    pub better: Better,
    /// Whether it is the metric that the scenario is about.
    pub is_primary: bool,
    /// A change by less is not told.
    pub delta: f64,
    /// In order of time.
    pub points: Vec<HistoryPoint>,
    /// In order of time.
    pub changes: Vec<HistoryChange>,
    /// Why changes were not looked for; `None` when they were.
    pub unsearched: Option<String>,
    /// The series over time, with its changes as marks; `None` with fewer than two points.
    pub chart: Option<Chart>,
}

/// One campaign's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryPoint {
    /// Place of its campaign.
    pub campaign: u32,
    /// Median of the launches that may be used.
    pub value: f64,
    /// The least and the most of them.
    pub range: [f64; 2],
    /// How many launches.
    pub n_launches: u64,
    /// The runtime's release: its version, and the first digits of its binary's SHA-256 where they are known.
    pub release: Option<String>,
}

/// A place where the level changes for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryChange {
    /// Place of the first point of the new level.
    pub at: u32,
    /// Level before: mean of the points since the last change.
    pub before: f64,
    /// Level after.
    pub after: f64,
    /// `after / before`.
    pub ratio: f64,
    /// p value of the difference of the two levels (Student's t, as Otava).
    pub p: f64,
    /// Worse or better.
    pub verdict: ChangeVerdictView,
    /// In what the campaign differs from the one before it: `release b9986 → b10011`.
    pub with: Vec<String>,
}
