//! The folder of agents and the list in it; each file appears whole or not at all.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dyno_model::digest::Digest;
use dyno_protocol::manifest::{BuiltAgent, MANIFEST_FILE, Manifest, SCHEMA_VERSION};

/// The folder, held until this is dropped.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    manifest: Manifest,
    /// Locked while this lives, so that two builds do not write the list at once.
    _lock: File,
}

impl Store {
    /// Makes the folder, if need be, and waits until nobody else writes to it.
    ///
    /// A list that cannot be read is begun anew: it says only what was built.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let unusable = || format!("cannot use the folder {}", folder.display());
        fs::create_dir_all(folder).with_context(unusable)?;
        let lock = File::options().create(true).append(true).open(folder.join(".lock"));
        let lock = lock.with_context(unusable)?;
        lock.lock().with_context(unusable)?;
        // Best effort: see above.
        let manifest = fs::read(folder.join(MANIFEST_FILE)).ok();
        let manifest = manifest.and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
        let manifest = manifest.filter(|manifest| manifest.schema_version == SCHEMA_VERSION);
        Ok(Self { folder: folder.to_owned(), manifest: manifest.unwrap_or_default(), _lock: lock })
    }

    /// Where the list lies.
    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.folder.join(MANIFEST_FILE)
    }

    /// The agent for a target, if it is of these sources, was built this way, and its file is still what it was.
    pub(crate) fn current(&self, target: &str, build_id: &str, recipe: &Digest) -> Option<BuiltAgent> {
        let agent = self.manifest.find(target)?;
        if agent.build_id != build_id || agent.recipe != *recipe {
            return None;
        }
        // Best effort: one that cannot be read is built again.
        let bytes = fs::read(agent.path(&self.folder)?).ok()?;
        (Digest::of(&bytes) == agent.sha256).then(|| agent.clone())
    }

    /// Puts an agent's file in its place, and then on the list.
    pub(crate) fn put(&mut self, bytes: &[u8], agent: BuiltAgent) -> anyhow::Result<()> {
        let path = agent.path(&self.folder).context("an agent's file lies in the folder")?;
        write_whole(&path, bytes, Mode::Program)?;
        self.manifest.put(agent);
        let mut text = serde_json::to_string_pretty(&self.manifest)?;
        text.push('\n');
        write_whole(&self.manifest_path(), text.as_bytes(), Mode::Data)
    }
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Program,
    Data,
}

/// Writes under another name in the same folder, which then takes the final one.
fn write_whole(path: &Path, bytes: &[u8], mode: Mode) -> anyhow::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        if mode == Mode::Program {
            make_executable(&file)?;
        }
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(unix)]
fn make_executable(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_file: &File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(bytes: &[u8]) -> BuiltAgent {
        BuiltAgent {
            target: "t".to_owned(),
            file: "t/edgedyno-agent".to_owned(),
            build_id: "b1".to_owned(),
            sha256: Digest::of(bytes),
            bytes: bytes.len() as u64,
            is_static: true,
            recipe: Digest::of(b"r1"),
        }
    }

    #[test]
    fn an_agent_is_current_while_sources_recipe_and_file_are_the_same() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let mut store = Store::open(&folder.path().join("agents")).expect("a fresh folder");
        assert_eq!(store.current("t", "b1", &Digest::of(b"r1")), None);
        store.put(b"program", agent(b"program")).expect("a fresh folder");
        drop(store);
        let store = Store::open(&folder.path().join("agents")).expect("nobody holds it");
        let current = |id, recipe: &[u8]| store.current("t", id, &Digest::of(recipe)).is_some();
        assert!(current("b1", b"r1"));
        assert!(!current("b2", b"r1"));
        assert!(!current("b1", b"r2"));
        fs::write(folder.path().join("agents/t/edgedyno-agent"), "damaged").expect("our own file");
        assert!(!current("b1", b"r1"));
    }

    #[test]
    fn a_list_that_makes_no_sense_is_begun_anew() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        fs::write(folder.path().join(MANIFEST_FILE), "{\"schema_version\": 9").expect("our own folder");
        let store = Store::open(folder.path()).expect("usable all the same");
        assert_eq!(store.manifest, Manifest::default());
    }
}
