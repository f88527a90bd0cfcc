//! The note beside a model: where it came from.

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_model::trust::{AcceptedTerms, SignatureSource};
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
    /// The signature that came with it; `None` where none did, or where the catalogue has its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<KeptSignature>,
    /// The terms that were accepted for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<AcceptedTerms>,
}

/// A signature as it was had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSignature {
    /// Where from; `None` for one that lay beside a file that a person brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<SignatureSource>,
    /// The whole signature file.
    pub text: String,
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
