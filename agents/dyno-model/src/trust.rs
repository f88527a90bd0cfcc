//! Whom a project trusts, and what was found of where a file comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::WallNs;
use crate::digest::Digest;

/// Whom a project trusts, and what it demands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trust {
    /// The keys, in the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<TrustedKey>,
    /// Every model file must be signed by one of them.
    pub require_for_models: bool,
    /// The program of every server must be pinned, and its pin signed by one of them.
    pub require_for_runtimes: bool,
    /// Addresses of terms that the project has accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_terms: Vec<String>,
}

impl Trust {
    /// The names of all keys, for people.
    pub fn names(&self) -> Vec<&str> {
        self.keys.iter().map(|key| key.name.as_str()).collect()
    }
}

/// An ed25519 public key, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedKey {
    /// What the project calls it.
    pub name: String,
    /// The key: 32 bytes as 64 hexadecimal digits.
    pub ed25519: String,
    /// The id that minisign gave it, 16 hexadecimal digits as minisign prints them; `None` for a key of ssh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minisign_id: Option<String>,
}

/// Where a signature is to be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SignatureSource {
    /// It stands in the catalogue.
    Text {
        /// The whole signature file.
        text: String,
    },
    /// A file on the controller.
    File {
        /// Its path; `~/` is the home folder.
        path: String,
    },
    /// An address.
    Https {
        /// The address.
        url: String,
    },
}

/// The tool that made a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureForm {
    /// `minisign -S`: over BLAKE2b-512 of the file.
    Minisign,
    /// `ssh-keygen -Y sign -n file`: over SHA-512 or SHA-256 of the file.
    Ssh,
}

impl SignatureForm {
    /// The tool's name.
    pub fn tool(self) -> &'static str {
        match self {
            Self::Minisign => "minisign",
            Self::Ssh => "ssh-keygen",
        }
    }
}

/// What was found of a file's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SignatureState {
    /// By a key that the project trusts, and it is one of this file.
    Signed {
        /// The key's name in the project.
        key: String,
        /// The tool.
        form: SignatureForm,
        /// The comment that is signed with it; `None` where the form has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// Made on the controller from a file that a trusted key signed.
    MadeFromSigned {
        /// Name of the model that it was made from.
        from: String,
        /// The key's name in the project.
        key: String,
    },
    /// By a key that the project does not know, so that nothing was checked.
    UnknownSigner {
        /// The key's id or fingerprint.
        signer: String,
        /// The tool.
        form: SignatureForm,
    },
    /// There is none.
    Unsigned,
}

/// Terms that a person or a project has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedTerms {
    /// Name of the terms.
    pub license: String,
    /// Where they can be read.
    pub url: String,
    /// What said so: `--accept-terms`, `catalog/trust.toml`.
    pub by: String,
    /// When it was said first; `None` where an older version did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<WallNs>,
}

/// What is known of where a model's file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelProvenance {
    /// Where the file's signature is to be had; `None` where the catalogue names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_from: Option<SignatureSource>,
    /// The same of the published file that a derived model is made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_signature_from: Option<SignatureSource>,
    /// What was found when the file was taken for this campaign; `None` before that, and of models without a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureState>,
    /// The terms, where they had to be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<AcceptedTerms>,
}

impl ModelProvenance {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the program of a server must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramPin {
    /// SHA-256 of the program's file.
    pub sha256: Digest,
    /// Where the signature of that file is to be had; `None` where the catalogue names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_from: Option<SignatureSource>,
    /// What was found of it before the campaign began; `None` before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureState>,
}

/// Pins of a program by architecture, as [`std::env::consts::ARCH`] names it; [`ANY_ARCH`] is every one.
pub type ProgramPins = BTreeMap<String, ProgramPin>;

/// The architecture of a pin that holds everywhere.
pub const ANY_ARCH: &str = "any";

/// The pin that holds on a device of that architecture.
pub fn pin_for<'p>(pins: &'p ProgramPins, arch: &str) -> Option<&'p ProgramPin> {
    pins.get(arch).or_else(|| pins.get(ANY_ARCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_of_the_architecture_goes_before_one_of_all() {
        let pin =
            |text: &[u8]| ProgramPin { sha256: Digest::of(text), signature_from: None, signature: None };
        let pins: ProgramPins =
            [("any", pin(b"any")), ("aarch64", pin(b"arm"))].map(|(arch, pin)| (arch.to_owned(), pin)).into();
        assert_eq!(pin_for(&pins, "aarch64"), Some(&pin(b"arm")));
        assert_eq!(pin_for(&pins, "riscv64"), Some(&pin(b"any")));
        assert_eq!(pin_for(&ProgramPins::new(), "riscv64"), None);
    }

    #[test]
    fn what_is_not_known_is_not_written() {
        let json = serde_json::to_string(&ModelProvenance::default()).expect("plain data");
        assert_eq!(json, "{}");
        assert_eq!(
            serde_json::from_str::<ModelProvenance>("{}").expect("plain data"),
            ModelProvenance::default()
        );
    }
}
