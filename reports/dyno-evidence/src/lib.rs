//! A campaign as one archive that somebody else can verify, offline and without trusting who made it.
//!
//! A pack is a zip file without compression whose every byte follows from its members: the record, the answers that
//! were computed from it, a manifest with the digest of each, a Merkle root over them, and a signature of the manifest.
//! This crate writes and opens packs and leaves out what a record's owner does not want to give away. It knows nothing
//! of how answers are computed: who verifies brings them, and [`first_difference`] tells whether they are the same.

mod archive;
mod compare;
mod error;
mod key;
mod manifest;
mod merkle;
mod open;
mod pack;
mod redact;

pub use archive::is_fit_name;
pub use compare::{Compared, Difference, Rigour, first_difference, first_other_figure, n_values};
pub use error::{Fault, KeyError, OpenError, PackError};
pub use key::{PublicKey, SigningKey, public_key_path, write_key_pair};
pub use manifest::{
    KIND, ListedFile, MANIFEST_FILE, Manifest, PACK_FORMAT, PUBLIC_KEY_FILE, Redaction, RedactionMode,
    SIGNATURE_FILE, SUMS_FILE, Signer, Tool,
};
pub use merkle::merkle_root;
pub use open::{Opened, SignatureState};
pub use pack::{Contents, Member, Packed, Source};
pub use redact::Redactor;

#[cfg(test)]
mod tests;
