//! Tries a launch's own client against a known schedule, on the same device and just before the launch.
//!
//! Two parts: a paced one, whose every write has a known instant, says how far the stamps are off; a null test, which
//! waits for nothing, says what a request and a token cost the client at least.
//!
//! **Invariant:** all waits are limited, and nothing of it goes on when the runtime is spawned.

#[cfg(feature = "engine-embedded")]
mod engine;
#[cfg(not(feature = "engine-embedded"))]
#[path = "calibrate/no_engine.rs"]
mod engine;
mod http;
mod play;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use dyno_model::blame::{Blame, Classify};
use dyno_model::clock::monotonic_now;
use dyno_model::launch::Dialect;
use dyno_model::proof::Calibration;
use dyno_runtimes::dialect::Api;
use dyno_runtimes::error::RuntimeError;
use dyno_runtimes::http::{EndpointError, HttpError};
use dyno_runtimes::interrupt::Interrupt;
use dyno_runtimes::paced::PacedError;

/// A calibration takes some tenths of a second; after this it has failed.
const LIMIT_NS: u64 = 3_000_000_000;

/// A client could not be calibrated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CalibrateError {
    /// Its server does not do its part.
    #[error("the paced server failed")]
    Paced(#[from] PacedError),
    /// Its server cannot be run here.
    #[error("no paced server can be run")]
    Start(#[from] std::io::Error),
    /// Its server cannot be reached.
    #[error("the paced server cannot be reached")]
    Reach(#[from] EndpointError),
    /// The client failed.
    #[error("the client failed")]
    Client(#[from] RuntimeError),
    /// There is no program to be started for the other side.
    #[error("this program's own file is not known")]
    NoProgram,
    /// The answers did not come in time, or not as they were played.
    #[error("{n_missing} of {n_asked} answers did not come as they were played")]
    Missing {
        /// So many did not.
        n_missing: usize,
        /// Of so many.
        n_asked: usize,
    },
}

impl From<HttpError> for CalibrateError {
    fn from(error: HttpError) -> Self {
        Self::Client(error.into())
    }
}

impl Classify for CalibrateError {
    fn blame(&self) -> Blame {
        match self {
            Self::Paced(error) => error.blame(),
            Self::Reach(error) => error.blame(),
            Self::Client(error) => error.blame(),
            Self::Start(_) | Self::Missing { .. } => Blame::Lab,
            Self::NoProgram => Blame::Harness,
        }
    }
}

/// Calibrates the client of `dialect`; `None` where there is nothing to calibrate.
///
/// # Errors
/// [`CalibrateError`]; a launch goes on without.
pub(crate) fn run(
    dialect: Dialect,
    program: Option<&Path>,
    interrupt: &Arc<Interrupt>,
) -> Result<Option<Calibration>, CalibrateError> {
    let began_at = monotonic_now();
    let limit = began_at.plus(LIMIT_NS);
    let calibration = match (dialect, Api::of(dialect)) {
        (_, Some(api)) => http::calibrate(api, program, interrupt, limit)?,
        (Dialect::Embedded, None) => match engine::calibrate(program, interrupt, limit)? {
            Some(calibration) => calibration,
            None => return Ok(None),
        },
        // A script's clock is exact, whoever reads it.
        (_, None) => return Ok(None),
    };
    Ok(Some(Calibration { took_ns: monotonic_now().since(began_at), ..calibration }))
}
