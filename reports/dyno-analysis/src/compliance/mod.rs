//! Whether a record keeps service level objectives (MEASUREMENT §9).
//!
//! Each objective is judged in each cell that it is about, for one device says nothing of another. An observation is a
//! request that was to be served, or a launch; whatever became of it, it counts, unless a rule that was fixed
//! beforehand leaves it out.

mod baselines;
mod cell;
mod claims;
mod csv;
mod decide;
mod dropped;
mod drops;
mod each;
mod egress;
mod environment;
mod error;
mod limits;
mod observe;
mod population;
mod runs;
mod select;
mod tally;
mod view;
mod words;

use std::collections::BTreeMap;

use dyno_model::slo::Slo;

pub(crate) use claims::demand_view;
pub(crate) use each::{Observed, conditions_view, judgements, observed};

pub use baselines::Baselines;
pub use csv::compliance_csv;
pub use error::{ClaimProblem, ComplianceError};
pub use view::compliance;

/// What a record is held against, and what a report of that says of its maker.
#[derive(Debug, Clone)]
pub struct CheckAsk<'a> {
    /// The objectives.
    pub slo: &'a Slo,
    /// Who measured, as they say themselves.
    pub operator: Option<&'a str>,
    /// edgedyno's version that judges.
    pub checked_by: &'a str,
    /// Command that makes the report again.
    pub regenerate: &'a str,
    /// Digests of A/A calibrations by device, where there are any.
    pub calibrations: BTreeMap<String, String>,
    /// What drops of quality are held against.
    pub baselines: Baselines<'a>,
}
