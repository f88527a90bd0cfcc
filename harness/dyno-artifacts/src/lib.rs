//! Fetch, verify and keep the files that a plan names.
//!
//! A model enters the [`ModelStore`] in one atomic step and only with the digest that the catalogue says, whatever
//! its source: a local file, an address, or a member of a Python package. What was interrupted is resumed or gone;
//! nothing half-written is ever found.

mod conditions;
mod derive;
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
mod refusal;
mod settings;
mod signature;
mod signed;
mod store;
mod sys;

pub use conditions::Conditions;
pub use error::{PullError, SourceError, SourceFailure, StoreError};
pub use own_file::{AddedModel, FileWords};
pub use progress::{Phase, Progress, Silent};
pub use pull::PulledModel;
pub use quantizer::Quantizer;
pub use record::{Derivation, KeptSignature, ModelRecord};
pub use refusal::{Refusal, Refused};
pub use settings::{Schemes, Settings};
pub use signature::SignatureError;
pub use store::{ModelStore, StoredModel, Verification, cache_dir};
