//! What a record is claimed to keep, and the verdicts on it.

use std::collections::BTreeMap;

use dyno_analysis::{Baselines, CheckAsk, ComplianceError};
use dyno_evidence::Opened;
use dyno_model::slo::Slo;
use dyno_report::{html, json};
use dyno_store::Campaign;
use dyno_view::compliance::ComplianceView;
use serde::{Deserialize, Serialize};

use crate::args::PackArgs;
use crate::cmd::campaign::VERSION;
use crate::cmd::check;
use crate::cmd::compare::quoted;
use crate::cmd::evidence::json_bytes;
use crate::cmd::evidence::recompute::bytes;
use crate::cmd::evidence::result::Check;
use crate::project::Project;
use crate::render_error::Failure;

pub(super) const CLAIM_FILE: &str = "claim.json";
pub(super) const COMPLIANCE_FILE: &str = "compliance.json";
pub(super) const COMPLIANCE_PAGE_FILE: &str = "compliance.html";

/// All that verdicts depend on beside the record: `claim.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    schema_version: u32,
    /// The objectives, as they were read.
    slo: Slo,
    /// Who measured, as they say themselves.
    operator: Option<String>,
    /// edgedyno's version that judged.
    checked_by: String,
    /// Command that gives the same verdicts.
    regenerate: String,
    /// Digests of A/A calibrations by device.
    calibrations: BTreeMap<String, String>,
}

impl Claim {
    /// The claim that the flags make; `None` where they make none.
    pub(super) fn of(
        project: &Project,
        campaign: &Campaign,
        args: &PackArgs,
    ) -> Result<Option<Self>, Failure> {
        let Some(set) = &args.slo else { return Ok(None) };
        let operator = args.operator.as_ref().map(|name| format!(" --operator {}", quoted(name)));
        let regenerate = format!(
            "edgedyno check {} --slo {}{}",
            quoted(&campaign.id().0),
            quoted(set),
            operator.unwrap_or_default()
        );
        Ok(Some(Self {
            schema_version: 1,
            slo: check::objectives(project, set)?,
            operator: args.operator.clone(),
            checked_by: VERSION.to_owned(),
            regenerate,
            calibrations: check::calibrations(project, campaign)?,
        }))
    }

    /// The claim of a pack; `None` where it makes none. `Err` is a check that fails.
    pub(super) fn read(pack: &Opened) -> Result<Result<Option<Self>, Check>, Failure> {
        let has = |name| -> Result<bool, Failure> { Ok(bytes(pack, name)?.is_some()) };
        let Some(claim) = bytes(pack, CLAIM_FILE)? else {
            let has_verdicts = has(COMPLIANCE_FILE)? || has(COMPLIANCE_PAGE_FILE)?;
            let missing = format!("the pack has verdicts and no {CLAIM_FILE}");
            return Ok(if has_verdicts { Err(Check::fails(CLAIM_FILE, missing)) } else { Ok(None) });
        };
        let read = serde_json::from_slice(&claim);
        Ok(read.map(Some).map_err(|error| Check::fails(CLAIM_FILE, format!("it cannot be read: {error}"))))
    }

    /// The verdicts.
    pub(super) fn judged(&self, campaign: &Campaign) -> Result<ComplianceView, ComplianceError> {
        let ask = CheckAsk {
            slo: &self.slo,
            operator: self.operator.as_deref(),
            checked_by: &self.checked_by,
            regenerate: &self.regenerate,
            calibrations: self.calibrations.clone(),
            // A pack has one campaign: a drop against another one stays open in it, and says so.
            baselines: Baselines::Elsewhere,
        };
        dyno_analysis::compliance(campaign, &ask)
    }

    /// The files of a pack that tell them.
    pub(super) fn files(&self, campaign: &Campaign) -> Result<Vec<(&'static str, Vec<u8>)>, Failure> {
        let view = self.judged(campaign)?;
        Ok(vec![
            (CLAIM_FILE, json_bytes(self)),
            (COMPLIANCE_FILE, json::compliance(&view).into_bytes()),
            (COMPLIANCE_PAGE_FILE, rendered(&view)),
        ])
    }
}

/// The page of verdicts.
pub(super) fn rendered(view: &ComplianceView) -> Vec<u8> {
    let mut page = Vec::new();
    html::compliance(view, &mut page).expect("writing to memory cannot fail");
    page
}
