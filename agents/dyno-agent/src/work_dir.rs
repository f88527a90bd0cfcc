//! The agent's folder: the only place where it writes, and one agent at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Component, Path, PathBuf};

use crate::error::WorkDirError;

/// The agent's folder, not taken yet.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    lock: File,
}

/// The agent's folder, held until this is dropped.
#[derive(Debug)]
pub(crate) struct WorkDir {
    root: PathBuf,
    boot_id: Option<String>,
    /// Locked while this agent lives; the system lets go of it however the agent ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder, if need be.
    ///
    /// # Errors
    /// [`WorkDirError::Unusable`].
    pub(crate) fn open(path: &Path) -> Result<Self, WorkDirError> {
        let unusable = |source| WorkDirError::Unusable { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(unusable)?;
        let root = path.canonicalize().map_err(unusable)?;
        let lock =
            File::options().create(true).append(true).open(root.join("agent.lock")).map_err(unusable)?;
        Ok(Self { root, lock })
    }

    /// The folder, absolute.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether it is this agent's from now on; `false` while another one has it.
    ///
    /// # Errors
    /// When the system has no locks there.
    pub(crate) fn try_lock(&self) -> Result<bool, WorkDirError> {
        match self.lock.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => {
                Err(WorkDirError::Unusable { path: self.root.clone(), source })
            }
        }
    }

    /// The folder as this agent's own, once it is locked.
    pub(crate) fn into_work_dir(self, boot_id: Option<String>) -> WorkDir {
        WorkDir { root: self.root, boot_id, _lock: self.lock }
    }
}

impl WorkDir {
    /// Takes a folder that nobody else has.
    #[cfg(test)]
    pub(crate) fn take(path: &Path) -> Result<Self, WorkDirError> {
        let folder = Folder::open(path)?;
        assert!(folder.try_lock()?, "nobody else has it");
        Ok(folder.into_work_dir(Some("this boot".to_owned())))
    }

    /// The id of this boot, where there is one.
    pub(crate) fn boot_id(&self) -> Option<&str> {
        self.boot_id.as_deref()
    }

    /// The folder, absolute.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file to read: a relative path is taken from the folder.
    pub(crate) fn readable(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A file to write, which must lie within the folder.
    ///
    /// # Errors
    /// [`WorkDirError::Outside`].
    pub(crate) fn writable(&self, path: &str) -> Result<PathBuf, WorkDirError> {
        let full = self.root.join(path);
        let climbs = full.components().any(|part| part == Component::ParentDir);
        if climbs || !full.starts_with(&self.root) || full == self.root {
            return Err(WorkDirError::Outside { path: path.to_owned(), work_dir: self.root.clone() });
        }
        Ok(full)
    }
}

/// Checks that `name` can be one folder's name on any system.
///
/// # Errors
/// [`WorkDirError::Name`].
pub(crate) fn folder_name(name: &str) -> Result<&str, WorkDirError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_good = (1..=128).contains(&name.len()) && name.bytes().all(is_plain) && !name.starts_with('.');
    if is_good { Ok(name) } else { Err(WorkDirError::Name { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_within_the_folder_are_written() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let work_dir = WorkDir::take(&folder.path().join("agent")).expect("it can be made");
        assert_eq!(
            work_dir.writable("models/m.gguf").expect("within"),
            work_dir.root().join("models/m.gguf")
        );
        let absolute = work_dir.root().join("m.gguf");
        assert_eq!(work_dir.writable(absolute.to_str().expect("UTF-8")).expect("within"), absolute);
        for path in ["", "/etc/passwd", "../m.gguf", "models/../../m.gguf"] {
            assert!(matches!(work_dir.writable(path), Err(WorkDirError::Outside { .. })), "{path}");
        }
    }

    #[test]
    fn a_folder_is_free_again_after_its_agent() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let first = WorkDir::take(folder.path()).expect("free");
        let second = Folder::open(folder.path()).expect("it is there");
        assert!(!second.try_lock().expect("locks work here"), "held by the first");
        drop(first);
        assert!(second.try_lock().expect("locks work here"));
    }

    #[test]
    fn a_campaign_cannot_climb_out() {
        for name in ["..", ".hidden", "", "a/b", "a b", "ä"] {
            assert!(folder_name(name).is_err(), "{name}");
        }
        assert_eq!(folder_name("20261121-043000-quick").expect("plain"), "20261121-043000-quick");
    }
}
