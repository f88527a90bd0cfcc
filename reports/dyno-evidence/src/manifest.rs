//! What a pack says of itself: every file with its digest, and how to check it without edgedyno.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use dyno_model::digest::Digest;

use crate::key::PublicKey;
use crate::merkle::merkle_root;

/// Version of the pack's form; raised when anything of it changes its meaning.
pub const PACK_FORMAT: u32 = 1;
/// What tells a pack from any other archive with a manifest.
pub const KIND: &str = "edgedyno evidence pack";
/// The manifest's name in the archive.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The signature's name: 64 bytes, over the manifest as it stands.
pub const SIGNATURE_FILE: &str = "manifest.sig";
/// The list of digests' name, as `sha256sum` reads it.
pub const SUMS_FILE: &str = "SHA256SUMS";
/// The signer's public key's name.
pub const PUBLIC_KEY_FILE: &str = "public-key.pem";

const TREE: &str = "RFC 6962 section 2.1 with SHA-256: a leaf is one line of SHA256SUMS with its line feed, in their \
    order; leaf = SHA-256(0x00 || line), node = SHA-256(0x01 || left || right), the left side of n leaves has the \
    largest power of two below n";
const BY_HAND: [&str; 4] = [
    "unzip PACK -d pack && cd pack",
    "sha256sum --check SHA256SUMS",
    "openssl pkeyutl -verify -pubin -inkey KEY -rawin -in manifest.json -sigfile manifest.sig",
    "openssl pkey -pubin -in KEY -outform DER | sha256sum    # the signer's fingerprint",
];

/// The manifest of a pack. It is written in one form only, so that its bytes follow from what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`KIND`].
    pub kind: String,
    /// [`PACK_FORMAT`].
    pub format: u32,
    /// The campaign's name.
    pub campaign: String,
    /// What made the pack.
    pub packed_by: Tool,
    /// All members but manifest, signature and list of digests, in the order of their names.
    pub files: Vec<ListedFile>,
    /// Root of the Merkle tree over `files`.
    pub merkle_root: Digest,
    /// How that tree is built.
    pub merkle_tree: String,
    /// What was left out; `None` where the record is whole.
    pub redaction: Option<Redaction>,
    /// Who signed; `None` where nobody did.
    pub signer: Option<Signer>,
    /// Commands that check the pack without edgedyno; in them KEY is the signer's public key, had from the signer.
    pub by_hand: Vec<String>,
}

/// A build of edgedyno.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its version.
    pub tool_version: String,
    /// SHA-256 over its agent's sources.
    pub build_id: String,
    /// SHA-256 of the program itself; `None` where it could not read itself.
    pub program_sha256: Option<Digest>,
}

/// A file and what it must hash to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// What was left out of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redaction {
    /// What stands in the place of texts.
    pub mode: RedactionMode,
    /// What is not in the pack, in words.
    pub removed: Vec<String>,
    /// The files that the owner keeps, so that they can be shown to be those of this pack.
    pub originals: Vec<ListedFile>,
}

/// What stands in the place of a text that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedactionMode {
    /// Words that say so.
    Drop,
    /// Its SHA-256.
    Hash,
}

/// Who signed a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// `ed25519`.
    pub algorithm: String,
    /// SHA-256 of the public key in DER.
    pub fingerprint: String,
}

impl Signer {
    /// The signer with that key.
    pub fn of(key: &PublicKey) -> Self {
        Self { algorithm: "ed25519".to_owned(), fingerprint: key.fingerprint() }
    }
}

impl Manifest {
    /// The manifest of `files`, in the order of their names.
    pub(crate) fn new(
        campaign: &str,
        packed_by: &Tool,
        files: Vec<ListedFile>,
        redaction: Option<&Redaction>,
        signer: Option<Signer>,
    ) -> Self {
        let merkle_root = root_of(&files);
        Self {
            kind: KIND.to_owned(),
            format: PACK_FORMAT,
            campaign: campaign.to_owned(),
            packed_by: packed_by.clone(),
            files,
            merkle_root,
            merkle_tree: TREE.to_owned(),
            redaction: redaction.cloned(),
            signer,
            by_hand: BY_HAND.map(str::to_owned).to_vec(),
        }
    }

    /// The one form that it is written in: JSON, indented, with a line feed at its end.
    pub fn canonical(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("a manifest has only string keys");
        json.push(b'\n');
        json
    }

    /// The list of digests as `sha256sum --check` reads it.
    pub fn sums(&self) -> String {
        self.files.iter().map(line_of).collect()
    }

    /// The root that the listed files have.
    pub fn computed_root(&self) -> Digest {
        root_of(&self.files)
    }

    /// The listed file of that name.
    pub fn file(&self, name: &str) -> Option<&ListedFile> {
        self.files.iter().find(|file| file.name == name)
    }
}

fn line_of(file: &ListedFile) -> String {
    format!("{}  {}\n", file.sha256, file.name)
}

fn root_of(files: &[ListedFile]) -> Digest {
    let lines: Vec<String> = files.iter().map(line_of).collect();
    let mut hex = String::with_capacity(64);
    for byte in merkle_root(&lines) {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
    }
    Digest::try_from(hex).expect("32 bytes are 64 hex digits")
}
