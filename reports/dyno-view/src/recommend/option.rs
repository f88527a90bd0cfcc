//! One device with its settings: where it stands, what it delivers and what it costs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AmountView;
use crate::compliance::ComplianceVerdict;
use crate::energy::EnergyScopeView;
use crate::load::{ShareIntervalView, VerdictView};

/// One device with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OptionView {
    /// What tells it from the others: `pi5`, `pi5 · llama-server`.
    pub name: String,
    /// Device id.
    pub device: String,
    /// Runtime name.
    pub runtime: String,
    /// Threads asked for.
    pub threads: Option<u32>,
    /// The cells behind it.
    pub cells: Vec<OptionCellView>,
    /// What limits its figures whatever they are: `emulated CPU`.
    pub marks: Vec<String>,
    /// Where it stands.
    pub standing: Standing,
    /// What else keeps it from a better standing, one sentence each.
    pub reasons: Vec<String>,
    /// Each objective.
    pub objectives: Vec<ObjectiveResultView>,
    /// The same of the last quarter of its long load; empty without one.
    pub at_end: Vec<EndResultView>,
    /// What it delivers.
    pub rates: OptionRatesView,
    /// Its energy; `None` where nothing measures power.
    pub energy: Option<OptionEnergyView>,
    /// What it costs.
    pub money: OptionMoneyView,
    /// Requests that would be sent elsewhere; `None` without a request.
    pub hybrid: Option<HybridView>,
    /// The table that is usually published.
    pub published: PublishedView,
}

/// A cell behind an option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OptionCellView {
    /// Campaign id.
    pub campaign: String,
    /// Cell id.
    pub cell: String,
    /// What it is for.
    pub role: CellRole,
    /// Load model in words.
    pub load: String,
}

/// What a cell is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CellRole {
    /// One user, each request once.
    Short,
    /// One user, and the load goes on.
    Long,
    /// Requests at a rate.
    Rate,
}

/// Where a device stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Standing {
    /// It meets the service level, sustained, and has a price.
    Ranked {
        /// 1 and the number of devices that surely cost less.
        rank: u32,
        /// Places of the ranked devices that it cannot be told from.
        tied: Vec<u32>,
    },
    /// It meets the service level, sustained; what it costs is not known.
    Unpriced,
    /// It meets the service level over a short load; no load went on.
    SustainedNotShown,
    /// Its requests show neither that it meets the service level nor that it does not.
    Inconclusive {
        /// So many more observations would show it, if all of them kept the limits; `None` where that is not known.
        more_needed: Option<u64>,
        /// So many more runs, at the least; `None` where runs are not what lacks.
        more_runs: Option<u32>,
    },
    /// It misses the service level.
    Misses,
    /// Nothing of it may be used.
    NotMeasured,
}

/// One objective and what a device showed of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveResultView {
    /// Name of the objective.
    pub name: String,
    /// Metric of its only limit: where requests are due, `ttft_sched_ns`; `None` for several limits.
    pub metric: Option<String>,
    /// The figure at the objective's share, with its interval; of the long load where there is one.
    pub figure: Option<AmountView>,
    /// Observations.
    pub n: u64,
    /// Those that did not meet all conditions; failed and unsent requests are among them.
    pub n_violations: u64,
    /// What all its cells show.
    pub verdict: ComplianceVerdict,
    /// Why it is neither pass nor fail.
    #[serde(default)]
    pub why: Option<String>,
    /// So many more observations decide it, if all of them meet the conditions; `None` where that is not known.
    #[serde(default)]
    pub more_needed: Option<u64>,
    /// So many more runs decide it at the least.
    #[serde(default)]
    pub more_runs: Option<u32>,
}

/// One objective over the last quarter of a long load, its requests taken as independent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndResultView {
    /// Name of the objective.
    pub name: String,
    /// Requests.
    pub n: u64,
    /// Those that did not meet all conditions.
    pub n_violations: u64,
    /// What that shows.
    pub verdict: VerdictView,
}

/// What a device delivers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OptionRatesView {
    /// Output tokens of the last quarter of a long load over the time of its requests, prefill included.
    pub sustained: AmountView,
    /// Sustained decode rate.
    pub decode: AmountView,
    /// Highest decode rate over 30 s within the first two minutes.
    pub peak: AmountView,
    /// Sustained over peak.
    pub ratio: AmountView,
    /// Mean time of a request.
    pub service: AmountView,
    /// Mean tokens of a prompt.
    pub isl: AmountView,
    /// Mean tokens of an answer.
    pub osl: AmountView,
}

/// A device's energy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OptionEnergyView {
    /// `A` external meter, `B` hardware counter, `C` sampled sensor, `D` estimate.
    pub class: String,
    /// What it covers.
    pub scope: EnergyScopeView,
    /// The source.
    pub source: String,
    /// Gross energy for each output token.
    pub j_per_token: AmountView,
    /// Power at rest.
    pub idle: AmountView,
    /// Output tokens of a full charge; `None` where no battery is known.
    pub tokens_per_charge: Option<AmountView>,
}

/// What a device costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OptionMoneyView {
    /// Price of one device.
    pub price: AmountView,
    /// Requests per second that one device serves within the service level.
    pub capacity: AmountView,
    /// How that is known.
    pub capacity_from: CapacityFrom,
    /// Devices for all users; `None` when nobody said how many users there are.
    pub devices: Option<AmountView>,
    /// Share of the time under load that a device is at work.
    pub at_work: AmountView,
    /// Output tokens of all devices over the years.
    pub tokens: AmountView,
    /// Price and energy of all devices over the years.
    pub tco: AmountView,
    /// The part of it that is energy; without a value where it is left out of the cost.
    pub tco_energy: AmountView,
    /// The cost that is ranked.
    pub per_million: AmountView,
    /// The same with the device's own energy, whatever its class; `None` where that is the ranked cost.
    pub per_million_with_energy: Option<AmountView>,
    /// Against the cloud; `None` when nobody said what that costs.
    pub cloud: Option<CloudView>,
}

/// How a capacity is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapacityFrom {
    /// The highest rate of a sweep that keeps the service level.
    Sweep,
    /// 0.7 divided by the mean time of a request: one at a time, at work for 70 % of the time.
    ServiceTime,
    /// It is not known.
    Unknown,
}

/// A device against the cloud.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloudView {
    /// What the cloud takes for a million output tokens of this work, its prompts included.
    pub per_million: AmountView,
    /// Requests a day from which on one device costs less.
    pub break_even: AmountView,
    /// Requests a day that one device can serve.
    pub most: AmountView,
    /// Years of the load that was asked for until the devices cost less.
    pub years: AmountView,
    /// What it comes to.
    pub word: CloudWord,
    /// Whether its own energy is in these figures.
    pub has_energy: bool,
}

/// What a device against the cloud comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloudWord {
    /// One device can serve as many requests as it takes.
    Reached,
    /// It takes more than one device can serve.
    BeyondCapacity,
    /// Its energy alone costs as much as the cloud.
    Never,
    /// Not known.
    Unknown,
}

/// Requests that do not keep the limits, which a hybrid would send elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HybridView {
    /// Of all requests.
    pub all: ShareIntervalView,
    /// By kind of prompt, in the order of their names.
    pub categories: Vec<HybridCategoryView>,
}

/// The same of one kind of prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HybridCategoryView {
    /// Its name.
    pub category: String,
    /// Its requests.
    pub share: ShareIntervalView,
}

/// The columns of tables that are usually published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedView {
    /// Pace of the first iteration.
    pub first: AmountView,
    /// Pace that is sustained.
    pub sustained: AmountView,
    /// By how much it became slower.
    pub throttle: AmountView,
    /// Median decode rate.
    pub decode: AmountView,
    /// Median TTFT.
    pub ttft: AmountView,
    /// Highest resident bytes of the runtime.
    pub memory: AmountView,
}
