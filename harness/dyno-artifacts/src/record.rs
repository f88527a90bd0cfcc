//! The note beside a model: where it came from.

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use serde::{Deserialize, Serialize};

/// Version of the note's form.
pub(crate) const RECORD_FORMAT: u32 = 1;

/// What the store knows of one of its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Version of the note's form: 1.
    pub format: u32,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// Its name.
    pub file: String,
    /// Address, package or path that it came from.
    pub source: String,
    /// What it was made from, if it was made here.
    pub derived: Option<Derivation>,
    /// When its digest was last found right.
    pub verified_at: WallNs,
}

/// How a model was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// SHA-256 of the file that it was made from.
    pub from: Digest,
    /// Tensor type of the result.
    pub quantize: String,
    /// Version of edgedyno that made it.
    pub tool_version: String,
}
