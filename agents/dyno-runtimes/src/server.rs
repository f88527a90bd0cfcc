//! Servers of language models: started on this device, or running already.

use std::sync::Arc;

use dyno_model::launch::LaunchSpec;

use crate::adapter::RuntimeAdapter;
use crate::error::RuntimeError;
use crate::interrupt::Interrupt;

/// The adapter of a launch over HTTP.
///
/// # Errors
/// A spec that names neither a server nor an endpoint.
pub(crate) fn adapter(
    _spec: &LaunchSpec,
    _interrupt: Arc<Interrupt>,
) -> Result<Box<dyn RuntimeAdapter>, RuntimeError> {
    Err(RuntimeError::NotStarted)
}
