//! A/A calibrations beside a comparison: which of them speak for it.

use dyno_model::ids::DeviceId;
use dyno_view::calibration::{CalibratedUse, CalibrationUse, CalibrationView};
use dyno_view::compare::ContrastView;
use jiff::Timestamp;

use super::sides::Opened;
use crate::calibration::{calibration_digest, identity};
use crate::present::started_at;
use crate::record::Record;

/// A calibration is made anew after so many days (MEASUREMENT §3.5, rule 9).
const MAX_AGE_DAYS: i64 = 30;
const SECONDS_A_DAY: i64 = 86_400;

/// Every calibration of a device that is compared.
pub(super) fn uses(
    opened: &[Opened<'_, '_>],
    contrasts: &[ContrastView],
    calibrations: &[CalibrationView],
) -> Vec<CalibrationUse> {
    let is_compared = |of: &&CalibrationView| contrasts.iter().any(|contrast| contrast.device == of.device);
    calibrations.iter().filter(is_compared).map(|of| one(opened, contrasts, of)).collect()
}

fn one(
    opened: &[Opened<'_, '_>],
    contrasts: &[ContrastView],
    calibration: &CalibrationView,
) -> CalibrationUse {
    let device = DeviceId(calibration.device.clone());
    let mut why_not = Vec::new();
    if !calibration.is_usable {
        let why = calibration.reasons.first().cloned().unwrap_or_else(|| "it is not usable".to_owned());
        why_not.push(why);
    }
    for side in opened {
        let is_here = side.cells.iter().any(|cell| cell.cell.device == device);
        if is_here {
            why_not.extend(unfit(side.record, &device, calibration));
        }
    }
    why_not.dedup();
    let is_compared = |metric: &str| {
        contrasts.iter().any(|contrast| {
            let rows = || contrast.rows.iter().any(|row| row.metric == metric);
            contrast.device == calibration.device && rows()
        })
    };
    let metrics = calibration.metrics.iter().filter(|of| is_compared(&of.metric));
    CalibrationUse {
        digest: calibration_digest(calibration),
        device: calibration.device.clone(),
        campaign: calibration.campaign.clone(),
        measured_at: calibration.measured_at.clone(),
        n_blocks: calibration.n_blocks,
        fits: why_not.is_empty(),
        why_not,
        metrics: metrics
            .map(|of| CalibratedUse {
                metric: of.metric.clone(),
                label: of.label.clone(),
                sigma_run_ln: of.sigma_run_ln,
                mde_10: of.mde_10,
            })
            .collect(),
    }
}

/// Why a calibration does not speak for a campaign's device.
fn unfit(record: &Record<'_>, device: &DeviceId, calibration: &CalibrationView) -> Vec<String> {
    let mut reasons = Vec::new();
    let now = identity(record, device);
    let changed: Vec<&str> = now
        .iter()
        .filter(|fact| calibration.identity.iter().all(|of| of != *fact))
        .map(|fact| fact.label.as_str())
        .collect();
    if !changed.is_empty() {
        let words = crate::comparison::listed(&changed);
        reasons.push(format!("the device is not as it was calibrated: {words} changed"));
    }
    let seconds = |text: &Option<String>| Some(text.as_ref()?.parse::<Timestamp>().ok()?.as_second());
    match (seconds(&started_at(record)), seconds(&calibration.measured_at)) {
        (Some(at), Some(then)) => {
            let days = (at - then).abs() / SECONDS_A_DAY;
            if days > MAX_AGE_DAYS {
                reasons.push(format!(
                    "it was made {days} days from this campaign, and holds for {MAX_AGE_DAYS}"
                ));
            }
        }
        _ => reasons.push("nobody knows when it was made, or when this campaign was".to_owned()),
    }
    reasons
}
