//! Energy: joules from the readings of one source, with how sure they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::UnitView;

/// The energy of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyView {
    /// What the figures are made of; `None` where no source is good enough.
    pub source: Option<EnergySourceView>,
    /// Why there is no figure; `None` where there is one.
    pub why_none: Option<String>,
    /// All other sources, each with why it was not taken.
    pub others: Vec<OtherSourceView>,
    /// Power at rest by the same source.
    pub idle: Vec<IdlePowerView>,
    /// Figures in the order to show: the headline is gross, net is beside it.
    pub figures: Vec<EnergyFigureView>,
    /// What the energy of the load went into; empty where that is not known. They add up to the whole.
    pub parts: Vec<EnergyPartView>,
    /// Each launch whose numbers may be used.
    pub launches: Vec<EnergyLaunchView>,
    /// What a reader must know, one sentence each.
    pub notes: Vec<String>,
}

/// What a power or energy figure covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnergyScopeView {
    /// All that the supply or the battery feeds.
    Device,
    /// A module or a platform, without what hangs on its carrier board.
    Board,
    /// One chip.
    Package,
    /// A part that a bigger figure may hold already.
    Part,
    /// Nobody says.
    Unknown,
}

/// How readings become energy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnergyHowView {
    /// Differences of a counter.
    Counter,
    /// The area under samples of power.
    Samples,
    /// The area under samples of voltage times current.
    Product,
}

/// A source of energy figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergySourceView {
    /// Sites, added up where there are several: `VDD_GPU_SOC + VDD_CPU_CV`.
    pub name: String,
    /// Driver.
    pub driver: String,
    /// `A` external meter, `B` hardware counter, `C` sampled sensor, `D` estimate.
    pub class: String,
    /// What it covers.
    pub scope: EnergyScopeView,
    /// How readings become energy.
    pub how: EnergyHowView,
    /// Time between two updates.
    pub update_ns: u64,
    /// Its own error in proportion to the power, as a standard uncertainty.
    pub gain_ratio: f64,
    /// Its own error whatever the power is, as a standard uncertainty, in W.
    pub offset_w: f64,
    /// The least difference that it can show, in W.
    pub step_w: f64,
    /// Whether a load step was seen in it: words of its test; `None` where it was not tried.
    pub tested: Option<String>,
    /// What it leaves out, or is not sure of.
    pub caveat: Option<String>,
}

/// A source that was not taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OtherSourceView {
    /// Sites.
    pub name: String,
    /// Driver.
    pub driver: String,
    /// As of the source that was taken.
    pub class: String,
    /// What it covers.
    pub scope: EnergyScopeView,
    /// Why it was not taken.
    pub why: String,
}

/// Whether the runtime was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdleKind {
    /// Without the runtime.
    Unloaded,
    /// With the runtime ready.
    Loaded,
}

/// Power at rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdlePowerView {
    /// Whether the runtime was there.
    pub kind: IdleKind,
    /// Mean power, in W.
    pub power_w: f64,
    /// Expanded uncertainty, twice the standard one, in W.
    pub u_w: f64,
    /// Over how long, all launches together.
    pub span_ns: u64,
    /// Launches that rested.
    pub n_launches: u64,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyFigureView {
    /// Id: `j_per_request`.
    pub id: String,
    /// Name in tables.
    pub label: String,
    /// Unit of the values.
    pub unit: UnitView,
    /// The figure, or why there is none.
    pub figure: EnergyFigure,
    /// Observations behind it.
    pub n: u64,
    /// What they are: `requests`.
    pub of: String,
    /// How it was had, in a few words; may be empty.
    pub note: String,
}

/// A figure of energy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EnergyFigure {
    /// A value with its expanded uncertainty `U = 2u`.
    Uncertain {
        /// The value.
        value: f64,
        /// U.
        u: f64,
    },
    /// A value with a 95 % interval.
    Interval {
        /// The value.
        value: f64,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// Standard error of the regression.
        standard_error: f64,
    },
    /// None.
    Missing {
        /// Why.
        reason: String,
    },
}

/// A part of the energy of the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyPartView {
    /// What: `idle`; `prefill` and `decode` above that; `other`; `requests` where phases cannot be told apart.
    pub label: String,
    /// In J.
    pub energy_j: f64,
    /// Share of the whole, of 0 to 1.
    pub ratio: f64,
}

/// The energy of one launch's load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyLaunchView {
    /// Run number.
    pub run: u32,
    /// Launch number within the run.
    pub launch: u16,
    /// Gross energy from the first request's sending to the last token, in J; `None` with the reason in `why_none`.
    pub energy_j: Option<f64>,
    /// Its expanded uncertainty, in J.
    pub u_j: Option<f64>,
    /// Over so long.
    pub span_ns: u64,
    /// Share of that time that readings cover.
    pub coverage_ratio: f64,
    /// Requests that went well.
    pub n_requests: u64,
    /// Tokens that they brought.
    pub n_output_tokens: u64,
    /// Why there is no energy.
    pub why_none: Option<String>,
}

/// Energy of all cells, as far as it may be put side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyTableView {
    /// Cells whose figures may be compared with each other, in the order of the plan.
    pub groups: Vec<EnergyGroupView>,
    /// Why groups are not put into one, one sentence each.
    pub apart: Vec<String>,
    /// Cells with sources but without a figure, and why, one sentence each.
    pub missing: Vec<String>,
}

/// Cells whose energies mean the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyGroupView {
    /// By what they may be compared: `one device and one source: VDD_IN, class C, board`.
    pub basis: String,
    /// One row for each cell.
    pub rows: Vec<EnergyRowView>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyRowView {
    /// Cell id.
    pub cell: String,
    /// `model · runtime on device`.
    pub name: String,
    /// Class of the source.
    pub class: String,
    /// What it covers.
    pub scope: EnergyScopeView,
    /// The source.
    pub source: String,
    /// The same figures in all rows.
    pub figures: Vec<EnergyFigureView>,
    /// What the energy of the load went into; empty where that is not known.
    pub parts: Vec<EnergyPartView>,
}
