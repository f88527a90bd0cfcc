//! Which agents were built, for which machines and from which sources: `manifest.json` beside them.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use dyno_model::digest::Digest;

/// Name of the list, in the folder of agents.
pub const MANIFEST_FILE: &str = "manifest.json";
/// Version of the format.
pub const SCHEMA_VERSION: u32 = 1;
/// No list of agents is as long as this (house rule).
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The agents, sorted by target, one for each.
    pub agents: Vec<BuiltAgent>,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltAgent {
    /// Target that it was built for: `aarch64-unknown-linux-musl`.
    pub target: String,
    /// Its file, from the list's folder on, with `/` between the parts.
    pub file: String,
    /// [`crate::build_id::BUILD_ID`] of it.
    pub build_id: String,
    /// SHA-256 of its file.
    pub sha256: Digest,
    /// Size of its file.
    pub bytes: u64,
    /// Whether it needs no library of the device.
    pub is_static: bool,
    /// What else its bytes depend on: compiler, profile and flags.
    pub recipe: Digest,
}

impl Default for Manifest {
    fn default() -> Self {
        Self { schema_version: SCHEMA_VERSION, agents: Vec::new() }
    }
}

impl Manifest {
    /// The agent for a target.
    pub fn find(&self, target: &str) -> Option<&BuiltAgent> {
        self.agents.iter().find(|agent| agent.target == target)
    }

    /// Adds an agent, in the place of another one for the same target.
    pub fn put(&mut self, agent: BuiltAgent) {
        self.agents.retain(|other| other.target != agent.target);
        self.agents.push(agent);
        self.agents.sort_by(|a, b| a.target.cmp(&b.target));
    }
}

impl BuiltAgent {
    /// Its file, when the list lies in `folder`; `None` if the list names one outside.
    pub fn path(&self, folder: &Path) -> Option<PathBuf> {
        let file = Path::new(&self.file);
        let is_within = file.components().all(|part| matches!(part, Component::Normal(_)));
        (is_within && !self.file.is_empty()).then(|| folder.join(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(target: &str, bytes: u64) -> BuiltAgent {
        BuiltAgent {
            target: target.to_owned(),
            file: format!("{target}/edgedyno-agent"),
            build_id: "b".repeat(64),
            sha256: Digest::of(b"agent"),
            bytes,
            is_static: true,
            recipe: Digest::of(b"recipe"),
        }
    }

    #[test]
    fn there_is_one_agent_for_each_target_and_they_are_sorted() {
        let mut manifest = Manifest::default();
        for (target, bytes) in [("x86_64", 1), ("aarch64", 2), ("x86_64", 3)] {
            manifest.put(agent(target, bytes));
        }
        let found: Vec<_> =
            manifest.agents.iter().map(|agent| (agent.target.as_str(), agent.bytes)).collect();
        assert_eq!(found, [("aarch64", 2), ("x86_64", 3)]);
        assert_eq!(manifest.find("x86_64").map(|agent| agent.bytes), Some(3));
        assert_eq!(manifest.find("armv7"), None);
    }

    #[test]
    fn a_list_cannot_name_a_file_outside_its_folder() {
        let path = |file: &str| BuiltAgent { file: file.to_owned(), ..agent("t", 1) }.path(Path::new("/d"));
        assert_eq!(path("t/edgedyno-agent"), Some(PathBuf::from("/d/t/edgedyno-agent")));
        for file in ["", "/etc/passwd", "../a", "t/../../a", "./a"] {
            assert_eq!(path(file), None, "{file}");
        }
    }
}
