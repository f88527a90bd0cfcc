//! The agent's folder: the only place where it writes, and one agent at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use dyno_model::clock::{Clock, MonoNs};

use crate::error::WorkDirError;

/// An agent that lost its controller ends within its grace; so long its folder is waited for.
const BUSY_LIMIT_NS: u64 = 5_000_000_000;
const BUSY_LOOK_EVERY: Duration = Duration::from_millis(50);

/// The agent's folder, held until this is dropped.
#[derive(Debug)]
pub(crate) struct WorkDir {
    root: PathBuf,
    /// Locked while this agent lives; the system lets go of it however the agent ends.
    _lock: File,
}

impl WorkDir {
    /// Makes the folder, if need be, and takes it.
    ///
    /// # Errors
    /// [`WorkDirError::Unusable`], or [`WorkDirError::Busy`] after some seconds.
    pub(crate) fn take(path: &Path) -> Result<Self, WorkDirError> {
        let unusable = |source| WorkDirError::Unusable { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(unusable)?;
        let root = path.canonicalize().map_err(unusable)?;
        let lock =
            File::options().create(true).append(true).open(root.join("agent.lock")).map_err(unusable)?;
        let due = Clock::Monotonic.now().plus(BUSY_LIMIT_NS);
        Self::lock(&lock, due, &root)?;
        Ok(Self { root, _lock: lock })
    }

    fn lock(lock: &File, due: MonoNs, root: &Path) -> Result<(), WorkDirError> {
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if Clock::Monotonic.now() < due => {
                    std::thread::sleep(BUSY_LOOK_EVERY);
                }
                Err(TryLockError::WouldBlock) => return Err(WorkDirError::Busy { path: root.to_owned() }),
                Err(TryLockError::Error(source)) => {
                    return Err(WorkDirError::Unusable { path: root.to_owned(), source });
                }
            }
        }
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
        let lock =
            File::options().append(true).open(folder.path().join("agent.lock")).expect("made by the first");
        let busy = WorkDir::lock(&lock, MonoNs(0), folder.path()).expect_err("held by the first");
        assert_eq!(busy.to_string(), format!("another agent works in {}", folder.path().display()));
        drop(first);
        WorkDir::take(folder.path()).expect("free again");
    }

    #[test]
    fn a_campaign_cannot_climb_out() {
        for name in ["..", ".hidden", "", "a/b", "a b", "ä"] {
            assert!(folder_name(name).is_err(), "{name}");
        }
        assert_eq!(folder_name("20261121-043000-quick").expect("plain"), "20261121-043000-quick");
    }
}
