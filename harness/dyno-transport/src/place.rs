//! A file under its final name, whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sys;

/// A name for a file that is not whole yet: `.NAME.part-PID-N` in the same folder.
fn partial_name(to: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = partial_prefix(to);
    name.push(format!("{}-{n}", std::process::id()));
    to.with_file_name(name)
}

fn partial_prefix(to: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(to.file_name().unwrap_or_default());
    prefix.push(".part-");
    prefix
}

/// Gives `from` the further name `to` on the same disk; `false` where that cannot be, and nothing has changed then.
pub(crate) fn link(from: &Path, to: &Path) -> bool {
    let partial = partial_name(to);
    // A link is to the file itself, not to a symbolic link that leads to it.
    let linked = fs::canonicalize(from).and_then(|from| fs::hard_link(from, &partial));
    let placed = linked.and_then(|()| fs::rename(&partial, to));
    // A rename between two names of one file does nothing, so that the first name has to go by itself.
    remove(&partial);
    placed.is_ok()
}

/// Writes all that `source` gives to `to`, by way of a partial name; `permissions` may be those of the original.
///
/// The bytes are on the disk before the final name is.
pub(crate) fn write(
    source: &mut dyn Read,
    permissions: Option<fs::Permissions>,
    to: &Path,
) -> io::Result<u64> {
    let mut partial = Partial::create(to)?;
    let n_bytes = io::copy(source, partial.file())?;
    if let Some(permissions) = permissions {
        partial.file().set_permissions(permissions)?;
    }
    partial.persist()?;
    Ok(n_bytes)
}

/// A file that is being written under a partial name; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    to: PathBuf,
}

impl Partial {
    /// An empty one, to become `to`.
    pub(crate) fn create(to: &Path) -> io::Result<Self> {
        clear_leftovers(to);
        let path = partial_name(to);
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path, to: to.to_owned() })
    }

    /// Where to write.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives it its final name, once its bytes are on the disk.
    pub(crate) fn persist(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, &self.to)?;
        sync_folder(&self.to);
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn sync_folder(of: &Path) {
    if let Some(Ok(folder)) = of.parent().map(File::open) {
        // Best effort: some file systems cannot; the name then reaches the disk a little later.
        folder.sync_all().ok();
    }
}

/// Removes partial files of `to` whose writer has died.
fn clear_leftovers(to: &Path) {
    let prefix = partial_prefix(to);
    let Some(Ok(entries)) = to.parent().map(fs::read_dir) else { return };
    for entry in entries.flatten() {
        let (name, prefix) = (entry.file_name(), prefix.to_string_lossy());
        let name = name.to_string_lossy();
        let writer = name.strip_prefix(prefix.as_ref()).and_then(|rest| rest.split_once('-')?.0.parse().ok());
        if writer.is_some_and(|pid| !sys::is_running(pid)) {
            remove(&entry.path());
        }
    }
}

/// Bytes on the disk of all files below `folder`; a file with several names here counts once.
pub(crate) fn bytes_below(folder: &Path) -> io::Result<u64> {
    let mut seen = std::collections::BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let about = entry.metadata()?;
            if about.is_dir() {
                folders.push(entry.path());
            } else if seen.insert((about.dev(), about.ino())) {
                bytes += about.blocks() * 512;
            }
        }
    }
    Ok(bytes)
}

fn remove(path: &Path) {
    // Best effort: it is a leftover at worst, and most often it is not there.
    fs::remove_file(path).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives some bytes, then breaks.
    struct Breaks(usize);

    impl Read for Breaks {
        fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            let n_bytes = block.len().min(self.0);
            block[..n_bytes].fill(b'x');
            self.0 -= n_bytes;
            Ok(n_bytes)
        }
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("a temporary folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_copy_that_breaks_off_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let to = dir.path().join("model");
        let error = write(&mut Breaks(100_000), None, &to).expect_err("the source breaks");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(names(dir.path()).is_empty());
        fs::write(&to, b"old").expect("a temporary file");
        write(&mut Breaks(100_000), None, &to).expect_err("the source breaks");
        assert_eq!(
            (fs::read(&to).expect("the old file"), names(dir.path())),
            (b"old".to_vec(), vec!["model".to_owned()])
        );
    }

    #[test]
    fn leftovers_of_the_dead_are_removed_and_those_of_the_living_are_not() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        // The highest process number of Linux is 2^22.
        let (dead, living) =
            (".model.part-4194305-0".to_owned(), format!(".model.part-{}-7777", std::process::id()));
        for name in [&dead, &living, &".other.part-4194305-0".to_owned()] {
            fs::write(dir.path().join(name), b"half").expect("a temporary file");
        }
        write(&mut io::Cursor::new(b"new"), None, &dir.path().join("model")).expect("a writable folder");
        assert_eq!(names(dir.path()), [living, ".other.part-4194305-0".to_owned(), "model".to_owned()]);
    }

    #[test]
    fn a_link_is_to_the_file_and_leaves_no_other_name() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (file, alias, to) = (dir.path().join("file"), dir.path().join("alias"), dir.path().join("to"));
        fs::write(&file, b"weights").expect("a temporary file");
        std::os::unix::fs::symlink("file", &alias).expect("a temporary link");
        assert!(link(&alias, &to));
        assert!(link(&file, &to), "a second time");
        assert!(fs::symlink_metadata(&to).expect("linked").is_file());
        assert_eq!(names(dir.path()), ["alias", "file", "to"]);
        assert!(!link(&dir.path().join("absent"), &dir.path().join("new")));
    }
}
