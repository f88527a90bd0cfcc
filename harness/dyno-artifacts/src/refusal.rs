//! Files that are not what they claim, or that nobody trusted vouches for.

use dyno_model::blame::{Blame, Classify};
use dyno_model::digest::Digest;

use crate::signature::SignatureError;

/// A model or a runtime is not used.
#[derive(Debug, thiserror::Error)]
#[error("{what} is refused: {why}")]
pub struct Refused {
    /// What it is: model `x`, runtime `y`.
    pub what: String,
    /// Why.
    pub why: Refusal,
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It has no signature, and the project requires one.
    #[error("`{file}` is unsigned, and this project requires a signature")]
    Unsigned {
        /// The file.
        file: String,
    },
    /// A program has no digest in the catalogue, and the project requires a signature of it.
    #[error("its program `{program}` is not pinned, and this project requires a signature")]
    Unpinned {
        /// The program.
        program: String,
    },
    /// A server that runs already.
    #[error("it runs already, so nothing of it can be checked, and this project requires signatures")]
    RunsAlready,
    /// Its signature is of a key that the project does not know.
    #[error(
        "`{file}` is signed by {tool} key {signer}, which this project does not trust ({})",
        trusted_words(trusted)
    )]
    UnknownSigner {
        /// The file.
        file: String,
        /// Id or fingerprint of the key.
        signer: String,
        /// The tool that made it.
        tool: &'static str,
        /// Names of the keys that it trusts.
        trusted: Vec<String>,
    },
    /// Its signature does not hold.
    #[error("the signature of `{file}` does not hold: {why}")]
    Wrong {
        /// The file.
        file: String,
        /// Why not.
        why: SignatureError,
    },
    /// It is another file than the one that was pinned or taken.
    #[error("`{file}` was changed: sha256 {found} instead of {expected}")]
    Changed {
        /// The file.
        file: String,
        /// What it must be.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// Its signature cannot be had.
    #[error("the signature of `{file}` cannot be had from {from}: {why}")]
    NoSignature {
        /// The file.
        file: String,
        /// Path or address.
        from: String,
        /// Why not, causes included.
        why: String,
    },
}

fn trusted_words(trusted: &[String]) -> String {
    match trusted {
        [] => "it trusts no key".to_owned(),
        names => format!("it trusts {}", names.join(", ")),
    }
}

impl Classify for Refused {
    fn blame(&self) -> Blame {
        match &self.why {
            Refusal::Unsigned { .. }
            | Refusal::Unpinned { .. }
            | Refusal::RunsAlready
            | Refusal::UnknownSigner { .. } => Blame::User,
            Refusal::Wrong { .. } | Refusal::Changed { .. } | Refusal::NoSignature { .. } => Blame::Lab,
        }
    }

    fn hints(&self) -> Vec<String> {
        let lift = "or lift require_signature in catalog/trust.toml";
        let hint = match &self.why {
            Refusal::Unsigned { file } => format!(
                "sign it (minisign -S -m {file}), name the signature in its catalogue entry (signature = \"…\"), {lift}"
            ),
            Refusal::Unpinned { .. } => {
                format!("pin it (sha256 = \"…\") with a signature over that digest, {lift}")
            }
            Refusal::RunsAlready => format!("let edgedyno start the server, {lift}"),
            Refusal::UnknownSigner { .. } => format!(
                "if that signer is to be trusted, add the public key to catalog/trust.toml: [key.NAME], {lift}"
            ),
            Refusal::Wrong { why: SignatureError::OtherFile { .. }, .. } | Refusal::Changed { .. } => {
                "do not use this file: delete it, have it again from its publisher (`edgedyno models pull`), and find out \
                 who changed it"
                    .to_owned()
            }
            Refusal::Wrong { .. } => "have the signature again from who signed the file".to_owned(),
            Refusal::NoSignature { .. } => {
                "check the `signature` of its catalogue entry: the text, a path or an https address".to_owned()
            }
        };
        vec![hint]
    }
}
