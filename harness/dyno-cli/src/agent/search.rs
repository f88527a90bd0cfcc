//! Looks for an agent in folders, by the list in each, and believes only what it has verified.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use dyno_model::blame::{Blame, Classify};
use dyno_model::digest::Digest;
use dyno_protocol::manifest::{BuiltAgent, MANIFEST_FILE, MAX_MANIFEST_BYTES, Manifest, SCHEMA_VERSION};
use dyno_session::AgentBinary;
use dyno_transport::Platform;

/// A folder where agents may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder {
    path: PathBuf,
    /// Words that make `cargo xtask dist` write there.
    out: String,
}

impl Folder {
    /// One where agents were put on purpose.
    pub(super) fn named(path: PathBuf) -> Self {
        let out = format!(" --out {}", path.display());
        Self { path, out }
    }

    /// The one where `cargo xtask dist` puts them.
    pub(super) fn built(path: PathBuf) -> Self {
        Self { path, out: String::new() }
    }
}

/// Why there is no agent for a device.
#[derive(Debug, thiserror::Error)]
pub(super) enum SearchError {
    /// Nothing that we build runs there.
    #[error("there is no agent for {os} on {machine}")]
    NoTarget {
        /// The device's system.
        os: String,
        /// Its machine.
        machine: String,
    },
    /// One could be built.
    #[error("no agent for {os} on {machine} was found: {target} is not in {folders}")]
    NotBuilt {
        /// The device's system.
        os: String,
        /// Its machine.
        machine: String,
        /// The target that fits best, among those that anybody can build.
        target: &'static str,
        /// Where it was looked for.
        folders: String,
    },
    /// One was found that is of other sources.
    #[error("the agent for {target} in {folder} is another build than this edgedyno")]
    OtherBuild {
        /// Its target.
        target: &'static str,
        /// Where it lies.
        folder: PathBuf,
        /// Words for the command that builds it.
        out: String,
    },
    /// The file is not what the list says.
    #[error("the agent {path} is not the one that its list names")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its target.
        target: &'static str,
        /// Words for the command that builds it.
        out: String,
    },
    /// The file cannot be read.
    #[error("cannot read the agent {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The list cannot be read.
    #[error("cannot read the list of agents {path}")]
    List {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Classify for SearchError {
    fn blame(&self) -> Blame {
        Blame::User
    }

    fn hints(&self) -> Vec<String> {
        let build = |target: &str, out: &str| format!("run `cargo xtask dist {target}{out}`");
        match self {
            Self::NoTarget { .. } => vec!["docs/targets.md lists the devices that agents run on".to_owned()],
            Self::NotBuilt { target, .. } => {
                vec![build(target, ""), "or set EDGEDYNO_AGENTS to a folder with agents".to_owned()]
            }
            Self::OtherBuild { target, out, .. } | Self::Damaged { target, out, .. } => {
                vec![build(target, out)]
            }
            Self::Unreadable { .. } => Vec::new(),
            Self::List { path, .. } => {
                let folder = path.parent().unwrap_or(path);
                vec![format!("run `cargo xtask dist --out {}`", folder.display())]
            }
        }
    }
}

/// The first agent of `targets` in `folders` that is of the sources `build_id` and is what its list says.
///
/// # Errors
/// [`SearchError`]: the first thing that was wrong with an agent that would have fitted, if there was one.
pub(super) fn search(
    platform: &Platform,
    targets: &[&'static str],
    folders: &[Folder],
    build_id: &str,
) -> Result<AgentBinary, SearchError> {
    let (os, machine) = (platform.os.clone(), platform.machine.clone());
    // An agent that only few can build is not the one to ask for.
    let Some(target) = targets.iter().find(|target| !target.ends_with("-android")).or(targets.first()) else {
        return Err(SearchError::NoTarget { os, machine });
    };
    let mut problem = None;
    let mut lists = Vec::new();
    for folder in folders {
        match read_list(&folder.path) {
            Ok(Some(list)) => lists.push((folder, list)),
            Ok(None) => {}
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    for target in targets {
        for (folder, list) in &lists {
            let Some(agent) = list.find(target) else { continue };
            match verified(target, agent, folder, build_id) {
                Ok(agent) => return Ok(agent),
                Err(error) => problem = problem.or(Some(error)),
            }
        }
    }
    Err(problem.unwrap_or_else(|| {
        let folders: Vec<String> = folders.iter().map(|folder| folder.path.display().to_string()).collect();
        SearchError::NotBuilt { os, machine, target, folders: folders.join(", ") }
    }))
}

/// What the lists in `folders` say of agents of the sources `build_id`; the first folder counts, as in [`search`].
pub(super) fn listed(folders: &[Folder], build_id: &str) -> BTreeMap<String, Digest> {
    let mut digests = BTreeMap::new();
    for list in folders.iter().filter_map(|folder| read_list(&folder.path).ok().flatten()) {
        for agent in list.agents.into_iter().filter(|agent| agent.build_id == build_id) {
            digests.entry(agent.target).or_insert(agent.sha256);
        }
    }
    digests
}

/// The list in a folder; `None` if there is none.
fn read_list(folder: &Path) -> Result<Option<Manifest>, SearchError> {
    let path = folder.join(MANIFEST_FILE);
    let failed = |source| SearchError::List { path: path.clone(), source };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_MANIFEST_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    let list: Manifest = serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))?;
    if list.schema_version != SCHEMA_VERSION {
        let words = format!("its format is {}, not {SCHEMA_VERSION}", list.schema_version);
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, words)));
    }
    Ok(Some(list))
}

fn verified(
    target: &'static str,
    agent: &BuiltAgent,
    folder: &Folder,
    build_id: &str,
) -> Result<AgentBinary, SearchError> {
    let out = folder.out.clone();
    if agent.build_id != build_id {
        return Err(SearchError::OtherBuild { target, folder: folder.path.clone(), out });
    }
    let Some(path) = agent.path(&folder.path) else {
        return Err(SearchError::Damaged { path: folder.path.join(&agent.file), target, out });
    };
    let unreadable = |source| SearchError::Unreadable { path: path.clone(), source };
    let bytes = match fs::metadata(&path) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SearchError::Damaged { path, target, out });
        }
        Err(error) => return Err(unreadable(error)),
    };
    // What has another size need not be read.
    let is_whole = bytes == agent.bytes && digest_of(&path).map_err(unreadable)? == agent.sha256;
    if !is_whole {
        return Err(SearchError::Damaged { path, target, out });
    }
    Ok(AgentBinary { path, digest: agent.sha256.clone(), bytes, notes: Vec::new() })
}

fn digest_of(path: &Path) -> io::Result<Digest> {
    Digest::of_reader(&mut File::open(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGETS: &[&str] = &["aarch64-linux-android", "aarch64-unknown-linux-musl"];

    fn phone() -> Platform {
        Platform { os: "Android".to_owned(), machine: "aarch64".to_owned(), ..Platform::default() }
    }

    /// Puts an agent and its entry into a folder.
    fn put(folder: &Path, target: &str, build_id: &str, program: &[u8]) {
        let mut list = read_list(folder).expect("a list or none").unwrap_or_default();
        fs::create_dir_all(folder.join(target)).expect("a temporary folder");
        fs::write(folder.join(target).join("edgedyno-agent"), program).expect("a temporary file");
        list.put(BuiltAgent {
            target: target.to_owned(),
            file: format!("{target}/edgedyno-agent"),
            build_id: build_id.to_owned(),
            sha256: Digest::of(program),
            bytes: program.len() as u64,
            is_static: true,
            recipe: Digest::of(b"recipe"),
        });
        let text = serde_json::to_string(&list).expect("only string keys");
        fs::write(folder.join(MANIFEST_FILE), text).expect("a temporary file");
    }

    fn two() -> (tempfile::TempDir, Vec<Folder>) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folders = vec![Folder::named(dir.path().join("named")), Folder::built(dir.path().join("agents"))];
        (dir, folders)
    }

    fn find(folders: &[Folder]) -> Result<AgentBinary, SearchError> {
        search(&phone(), TARGETS, folders, "ours")
    }

    #[test]
    fn the_best_target_is_taken_wherever_it_lies() {
        let (dir, folders) = two();
        put(&dir.path().join("named"), TARGETS[1], "ours", b"musl");
        let agent = find(&folders).expect("one fits");
        assert_eq!((agent.bytes, agent.digest), (4, Digest::of(b"musl")));
        put(&dir.path().join("agents"), TARGETS[0], "ours", b"bionic");
        let agent = find(&folders).expect("two fit");
        assert_eq!(agent.path, dir.path().join("agents/aarch64-linux-android/edgedyno-agent"));
    }

    #[test]
    fn another_build_is_passed_over_and_named_if_there_is_no_better_one() {
        let (dir, folders) = two();
        put(&dir.path().join("named"), TARGETS[1], "theirs", b"old");
        let error = find(&folders).expect_err("another build");
        let folder = dir.path().join("named");
        let expected = format!(
            "the agent for aarch64-unknown-linux-musl in {} is another build than this edgedyno",
            folder.display()
        );
        assert_eq!(error.to_string(), expected);
        let hint = format!("run `cargo xtask dist aarch64-unknown-linux-musl --out {}`", folder.display());
        assert_eq!(error.hints(), [hint]);
        put(&dir.path().join("agents"), TARGETS[1], "ours", b"new");
        assert_eq!(find(&folders).expect("the other folder has it").digest, Digest::of(b"new"));
    }

    #[test]
    fn a_missing_agent_is_named_with_the_command_that_builds_it() {
        let (dir, folders) = two();
        put(&dir.path().join("agents"), "x86_64-unknown-linux-musl", "ours", b"x86");
        let error = find(&folders).expect_err("only one for another machine");
        let words = error.to_string();
        assert!(
            words.starts_with(
                "no agent for Android on aarch64 was found: aarch64-unknown-linux-musl is not in /"
            ),
            "{words}"
        );
        assert_eq!(error.hints()[0], "run `cargo xtask dist aarch64-unknown-linux-musl`");
        let nothing = search(&phone(), &[], &folders, "ours").expect_err("no target");
        assert_eq!(nothing.to_string(), "there is no agent for Android on aarch64");
    }

    #[test]
    fn a_file_that_is_not_the_listed_one_is_not_sent() {
        let (dir, folders) = two();
        let folder = dir.path().join("agents");
        put(&folder, TARGETS[1], "ours", b"good");
        let program = folder.join(TARGETS[1]).join("edgedyno-agent");
        for damage in [&b"evil"[..], b"longer than it was", b""] {
            fs::write(&program, damage).expect("a temporary file");
            let error = find(&folders).expect_err("damaged");
            let expected = format!("the agent {} is not the one that its list names", program.display());
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.hints(), ["run `cargo xtask dist aarch64-unknown-linux-musl`"]);
        }
        fs::remove_file(&program).expect("our own file");
        assert!(matches!(find(&folders), Err(SearchError::Damaged { .. })));
    }

    #[test]
    fn a_list_that_cannot_be_read_is_named_unless_another_folder_has_the_agent() {
        let (dir, folders) = two();
        fs::create_dir_all(dir.path().join("named")).expect("a temporary folder");
        for text in ["", "{", "{\"schema_version\":2,\"agents\":[]}"] {
            fs::write(dir.path().join("named/manifest.json"), text).expect("a temporary file");
            assert!(matches!(find(&folders), Err(SearchError::List { .. })), "{text}");
        }
        put(&dir.path().join("agents"), TARGETS[1], "ours", b"good");
        assert_eq!(find(&folders).expect("the other folder has it").digest, Digest::of(b"good"));
    }
}
