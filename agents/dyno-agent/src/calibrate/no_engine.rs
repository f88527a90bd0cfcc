//! Without an engine there is no way to it.

use std::path::Path;
use std::sync::Arc;

use dyno_model::clock::MonoNs;
use dyno_model::proof::Calibration;
use dyno_runtimes::interrupt::Interrupt;

use super::CalibrateError;

/// Nothing to calibrate.
///
/// # Errors
/// As with an engine.
pub(super) fn calibrate(
    program: Option<&Path>,
    _interrupt: &Arc<Interrupt>,
    _limit: MonoNs,
) -> Result<Option<Calibration>, CalibrateError> {
    program.ok_or(CalibrateError::NoProgram).map(|_nothing_to_start| None)
}
