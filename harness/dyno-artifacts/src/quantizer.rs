//! Making a derived model is the engine's work, not the store's.

use std::error::Error;
use std::path::Path;

use crate::progress::Progress;

/// Who re-quantizes a model file: the agent's engine, or a test's stand-in.
pub trait Quantizer {
    /// Writes `source` with its matrices as `quantize` (`q8_0`) to `target`, which does not exist yet.
    ///
    /// # Errors
    /// Its own; the store removes what it has written.
    fn quantize(
        &mut self,
        source: &Path,
        quantize: &str,
        target: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}
