//! What to buy: devices that did equal work, held against a service level, with what they cost.

mod option;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chart::Chart;
use crate::comparison::WorkView;
use crate::compliance::{ConditionView, DemandView};
use crate::load::VerdictView;
use crate::report::Finding;

pub use option::{
    CapacityFrom, CellRole, CloudView, CloudWord, EndResultView, HybridCategoryView, HybridView,
    ObjectiveResultView, OptionCellView, OptionEnergyView, OptionMoneyView, OptionRatesView, OptionView,
    PublishedView, Standing,
};

/// Version of this form; raised when a field changes its meaning or goes.
pub const RECOMMENDATION_SCHEMA_VERSION: u32 = 1;

/// Everything that a buyer's page says. Nothing is rounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// [`RECOMMENDATION_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// edgedyno's version that worked it out.
    pub tool_version: String,
    /// What it comes to.
    pub advice: AdviceView,
    /// What the devices are held against.
    pub slo: RecommendSloView,
    /// Name of the model.
    pub model: String,
    /// The work of the long loads, or of the short ones where there is no long one; `None` when nothing was measured.
    pub work: Option<WorkView>,
    /// The devices with their settings: the ranked ones first, in their order.
    pub options: Vec<OptionView>,
    /// Whether the energy of the devices is in the ranked cost.
    pub energy: EnergyRuleView,
    /// What changes the first place; empty with fewer than two ranked devices.
    pub flips: Vec<FlipView>,
    /// Boards that nobody measured; `None` when none was asked for.
    #[serde(default)]
    pub predictions: Option<PredictionsView>,
    /// Costs with their intervals, cost over the years, and what is best at each price.
    pub charts: Vec<Chart>,
    /// What a reader must know, most important first.
    pub findings: Vec<Finding>,
    /// Every number that was given, taken by default or not given.
    pub assumptions: Vec<AssumptionView>,
    /// How figures are worked out.
    pub formulas: Vec<FormulaView>,
    /// The campaigns behind it.
    pub sources: Vec<RecommendSourceView>,
    /// Command that works it out again.
    pub regenerate: String,
}

/// What it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdviceView {
    /// In a word.
    pub word: AdviceWord,
    /// Places of the devices that no other one beats: the first of them has the lowest cost, the others cannot be
    /// told from it.
    pub first: Vec<u32>,
}

/// What it comes to, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdviceWord {
    /// At least one device meets the service level, sustained, and has a price.
    Buy,
    /// At least one device meets the service level, sustained, and none of these has a price.
    MeetsUnpriced,
    /// Every device that was measured misses the service level.
    NoneMeets,
    /// Nothing can be said.
    Unknown,
}

/// A set of objectives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecommendSloView {
    /// Its name.
    pub name: String,
    /// What it stands for.
    pub description: String,
    /// Each of them.
    pub objectives: Vec<BuyerObjectiveView>,
}

/// One objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuyerObjectiveView {
    /// Its name.
    pub name: String,
    /// What an observation must meet, all at once.
    pub conditions: Vec<ConditionView>,
    /// How many must meet them.
    pub demand: DemandView,
}

/// A figure with as much of an interval as there is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AmountView {
    /// Unit of the figure and its bounds.
    pub unit: AmountUnit,
    /// The figure; `None` with the reason in `why`.
    pub value: Option<f64>,
    /// Its interval of 95 %; `None` where it is exact, or where there is none.
    #[serde(default)]
    pub interval: Option<[f64; 2]>,
    /// Requests or launches behind it; 0 for what is worked out of several figures.
    #[serde(default)]
    pub n: u64,
    /// Why there is no figure, or what it is.
    #[serde(default)]
    pub why: Option<String>,
}

/// Units of a buyer's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AmountUnit {
    /// Euro.
    Eur,
    /// Euro for a million tokens.
    EurPerMillionTokens,
    /// Euro for a kilowatt hour.
    EurPerKwh,
    /// Tokens per second.
    TokensPerSecond,
    /// Requests per second.
    RequestsPerSecond,
    /// Requests a day.
    RequestsPerDay,
    /// Requests of a user in an hour.
    RequestsPerUserHour,
    /// Joules.
    Joules,
    /// Joules for each output token.
    JoulesPerToken,
    /// Watts.
    Watts,
    /// Nanoseconds.
    Ns,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Tokens.
    Tokens,
    /// A share of 0 to 1.
    Ratio,
    /// Devices.
    Devices,
    /// Users.
    Users,
    /// Years.
    Years,
}

/// Whether energy is in the ranked cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyRuleView {
    /// Whether energy at work is in it.
    pub is_ranked: bool,
    /// Whether energy at rest is in it.
    pub is_idle_ranked: bool,
    /// Why it is, or is not.
    pub why: String,
}

/// A change that another device takes the first place by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlipView {
    /// What changes.
    pub of: FlipOf,
    /// Its value now.
    pub from: f64,
    /// Its value at which the costs are equal; `None` when no value changes the first place.
    pub to: Option<f64>,
    /// Place of the device that comes first beyond it.
    pub winner: Option<u32>,
}

/// What changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FlipOf {
    /// Euro for a kilowatt hour.
    EnergyPrice,
    /// Share of the years under load.
    Utilisation,
    /// Years of use.
    Years,
    /// Price of a device.
    Price {
        /// Its place.
        option: u32,
    },
}

/// Boards that nobody measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PredictionsView {
    /// Runtime that the measured shares of the bandwidth are of.
    pub runtime: Option<String>,
    /// Each board.
    pub boards: Vec<PredictionView>,
    /// Each measured device as the others would have predicted it.
    pub left_out: Vec<LeftOutView>,
    /// Mean of the errors without their signs, as a share; `None` with fewer than three devices.
    pub mean_error: Option<f64>,
    /// Why there is no interval, or no prediction; `None` where there is one.
    pub why: Option<String>,
    /// Devices that are no neighbours, and why, one sentence each.
    pub unused: Vec<String>,
}

/// One board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PredictionView {
    /// Name in the catalogue.
    pub board: String,
    /// Name in tables.
    pub title: String,
    /// Price of one.
    pub price: AmountView,
    /// Bandwidth of its memory by the data sheet; `why` says where that is from.
    pub bandwidth: AmountView,
    /// Decode rate of a single user, not sustained.
    pub decode: AmountView,
    /// Decode rate that memory allows at most.
    pub ceiling: AmountView,
    /// Whether the objective on TPOT would be kept: `Pass` when the whole interval is within the limit, `Fail` when
    /// none of it is; `None` without such an objective or without an interval.
    pub tpot: Option<VerdictView>,
}

/// A measured device as the others would have predicted it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutView {
    /// Name of the option.
    pub name: String,
    /// Share of the data sheet's bandwidth that its decoding used.
    pub mbu: f64,
    /// Measured decode rate.
    pub measured: f64,
    /// Predicted by the others; `None` without others.
    pub predicted: Option<f64>,
    /// Predicted by measured, less 1.
    pub error: Option<f64>,
}

/// A number that figures rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssumptionView {
    /// Its name.
    pub label: String,
    /// The number.
    pub amount: AmountView,
    /// Who says so.
    pub origin: AssumptionOrigin,
    /// What follows from it; may be empty.
    pub note: String,
}

/// Who gave a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssumptionOrigin {
    /// The person who asked.
    Given,
    /// devices.toml, as the campaign froze it.
    Plan,
    /// Nobody: the default is taken.
    Default,
    /// Nobody, and nothing is taken in its place.
    NotGiven,
}

/// How a figure is worked out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FormulaView {
    /// The figure.
    pub label: String,
    /// The formula.
    pub formula: String,
    /// What stands behind it.
    pub note: String,
}

/// A campaign behind a recommendation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecommendSourceView {
    /// Campaign id.
    pub campaign: String,
    /// Suite name.
    pub suite: String,
    /// UTC of its first event; `None` when nothing ran.
    pub started_at: Option<String>,
    /// edgedyno's version that measured.
    pub tool_version: String,
    /// SHA-256 of its frozen plan.
    pub plan_digest: String,
    /// Corpus and slice.
    pub corpus: String,
    /// SHA-256 of the corpus.
    pub corpus_digest: String,
}
