//! What is asked of a comparison.

use dyno_store::Campaign;
use dyno_view::calibration::CalibrationView;

/// One side: a campaign, or a part of it.
#[derive(Debug, Clone)]
pub struct Side<'c> {
    /// Its name in tables.
    pub name: String,
    /// The campaign.
    pub campaign: &'c Campaign,
    /// Which part of it.
    pub part: Part,
}

/// A part of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Part {
    /// All cells.
    #[default]
    All,
    /// The cells of an arm of its plan.
    Arm(String),
    /// One cell, by its id or how that begins.
    Cell(String),
}

/// How to compare. The default is the usual metrics with the usual smallest changes that matter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CompareAsk {
    /// Metrics, with or without their unit (`ttft`, `ttft_ns`), the primary one first; empty is the usual ones.
    pub metrics: Vec<String>,
    /// The smallest change that matters, as a share of 0 to 1, of all metrics; `None` is the usual one of each.
    pub delta: Option<f64>,
    /// The smallest change of a pass rate that matters, as a share of 0 to 1: 0.05 is five points, and usual.
    pub quality_delta: Option<f64>,
    /// A/A calibrations that are at hand.
    pub calibrations: Vec<CalibrationView>,
    /// Command that makes the comparison again; `None` where sides are told by their campaigns and parts.
    pub regenerate: Option<String>,
}

/// The campaigns of sides, each once, in order.
pub(super) fn distinct<'c>(sides: &[Side<'c>]) -> Vec<&'c Campaign> {
    let mut campaigns: Vec<&Campaign> = Vec::new();
    for side in sides {
        if campaigns.iter().all(|of| of.dir() != side.campaign.dir()) {
            campaigns.push(side.campaign);
        }
    }
    campaigns
}
