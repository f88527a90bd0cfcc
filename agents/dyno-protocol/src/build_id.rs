//! Which sources a program was built from.

use dyno_model::blame::{Blame, Classify};

/// SHA-256 over all sources of the agent's crates and the lock file, in hex.
pub const BUILD_ID: &str = env!("EDGEDYNO_BUILD_ID");

/// The other side was built from other sources.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the {peer} is of build {theirs}, but this side is of build {ours}")]
pub struct BuildMismatch {
    /// Who the other side is: `agent`, `controller`.
    pub peer: &'static str,
    /// Its build id, shortened.
    pub theirs: String,
    /// Ours, shortened.
    pub ours: String,
}

impl Classify for BuildMismatch {
    fn blame(&self) -> Blame {
        Blame::Lab
    }

    fn hints(&self) -> Vec<String> {
        vec!["deploy the agent that was built together with this edgedyno".to_owned()]
    }
}

/// Checks that `peer` was built from the same sources.
///
/// # Errors
/// [`BuildMismatch`] when it was not.
pub fn check_same_build(peer: &'static str, theirs: &str) -> Result<(), BuildMismatch> {
    if theirs == BUILD_ID {
        return Ok(());
    }
    Err(BuildMismatch { peer, theirs: short(theirs), ours: short(BUILD_ID) })
}

fn short(id: &str) -> String {
    id.chars().take(12).filter(char::is_ascii_graphic).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_id_is_a_sha256() {
        assert_eq!(BUILD_ID.len(), 64);
        assert!(BUILD_ID.bytes().all(|b| b.is_ascii_hexdigit()));
    }

    #[test]
    fn another_build_is_named_in_the_error() {
        assert_eq!(check_same_build("agent", BUILD_ID), Ok(()));
        let error = check_same_build("agent", "0123456789abcdef0123").expect_err("another id");
        let ours = &BUILD_ID[..12];
        assert_eq!(
            error.to_string(),
            format!("the agent is of build 0123456789ab, but this side is of build {ours}")
        );
    }
}
