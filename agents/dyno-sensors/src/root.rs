//! Where `/proc`, `/sys` and `/etc` are: the machine's own, or a tree of plain files.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use crate::sys;

/// The most that one file may hold: `/proc/cpuinfo` of a machine with 1,000 CPUs is about 2 MiB.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// The most names that one folder may hold.
const MAX_NAMES: usize = 100_000;
/// The longest text that is kept of a file with one text in it.
const MAX_TEXT_CHARS: usize = 256;

/// The root of a device's file tree.
///
/// **Invariant:** no path given to it leads outside: `..` is refused, and in a tree that is not the machine's own
/// a link that points outside is refused too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SysRoot {
    dir: PathBuf,
}

impl SysRoot {
    /// This machine.
    pub fn real() -> Self {
        Self::tree(sys::ROOT)
    }

    /// A tree of plain files whose top is `dir`.
    pub fn tree(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Whether it is this machine's own.
    pub(crate) fn is_real(&self) -> bool {
        self.dir == Path::new(sys::ROOT)
    }

    /// The path of `inside`, which is meant from the root whether it begins with `/` or not.
    ///
    /// # Errors
    /// `InvalidInput` if it holds `..`; `PermissionDenied` if a link leads outside; that of the file system if the
    /// tree is not the machine's own and the path is not there.
    pub fn path(&self, inside: &str) -> io::Result<PathBuf> {
        let mut path = self.dir.clone();
        for part in Path::new(inside).components() {
            match part {
                Component::Normal(name) => path.push(name),
                Component::RootDir | Component::CurDir => {}
                Component::ParentDir | Component::Prefix(_) => return Err(io::ErrorKind::InvalidInput.into()),
            }
        }
        if !self.is_real() && !path.canonicalize()?.starts_with(self.dir.canonicalize()?) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(path)
    }

    /// Opens a plain file for reading; never waits, whatever lies there.
    ///
    /// # Errors
    /// Those of [`SysRoot::path`] and of the file system; `InvalidInput` if it is not a plain file.
    pub fn open(&self, inside: &str) -> io::Result<File> {
        let path = self.path(inside)?;
        let file = sys::open_without_waiting(&path)?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    /// All of a file, up to 4 MiB; bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// Those of [`SysRoot::open`]; `FileTooLarge` beyond the limit.
    pub fn read(&self, inside: &str) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.open(inside)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The one text in a file, without white space, NULs and control characters around or in it, at most 256
    /// characters; `None` if the file cannot be read or says nothing.
    pub fn text(&self, inside: &str) -> Option<String> {
        // Best effort: a fact that cannot be read is `None`, whatever the reason.
        let all = self.read(inside).ok()?;
        let clean: String = all.trim().chars().filter(|c| !c.is_control()).take(MAX_TEXT_CHARS).collect();
        let clean = clean.trim();
        (!clean.is_empty()).then(|| clean.to_owned())
    }

    /// The one whole number in a file; `None` if it is anything else.
    pub fn number(&self, inside: &str) -> Option<u64> {
        self.text(inside)?.parse().ok()
    }

    /// The names in a folder, each run of digits compared as a number: `zone2` comes before `zone10`.
    ///
    /// # Errors
    /// Those of [`SysRoot::path`] and of the file system; `FileTooLarge` for more than 100,000 names.
    pub fn names(&self, inside: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(inside)?)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
            if names.len() > MAX_NAMES {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        names.sort_by_cached_key(|name| {
            (name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned(), digits(name))
        });
        Ok(names)
    }
}

/// The number at the end of a name; names without one come first.
fn digits(name: &str) -> Option<u64> {
    name[name.trim_end_matches(|c: char| c.is_ascii_digit()).len()..].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (tempfile::TempDir, SysRoot) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let top = dir.path().join("top");
        fs::create_dir(&top).expect("a fresh folder");
        fs::write(dir.path().join("secret"), "outside").expect("a fresh file");
        fs::write(top.join("inside"), " in\u{0}side \n").expect("a fresh file");
        (dir, SysRoot::tree(top))
    }

    #[test]
    fn no_path_leads_outside() {
        let (dir, root) = tree();
        std::os::unix::fs::symlink(dir.path().join("secret"), dir.path().join("top/link"))
            .expect("a fresh link");
        for path in ["../secret", "/../secret", "a/../../secret", "link"] {
            assert!(root.read(path).is_err(), "{path}");
        }
        assert_eq!(root.text("/inside").as_deref(), Some("inside"));
    }

    #[test]
    fn a_file_beyond_the_limit_is_an_error_not_a_part_of_it() {
        let (dir, root) = tree();
        let file = File::create(dir.path().join("top/huge")).expect("a fresh file");
        file.set_len(MAX_FILE_BYTES).expect("room for a sparse file");
        assert_eq!(root.read("huge").expect("as large as allowed").len() as u64, MAX_FILE_BYTES);
        file.set_len(MAX_FILE_BYTES + 1).expect("room for a sparse file");
        assert_eq!(root.read("huge").expect_err("too large").kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_folder_is_not_a_file() {
        let (_dir, root) = tree();
        assert!(root.open("").is_err());
        assert_eq!(root.number("inside"), None);
    }

    #[test]
    fn names_come_in_the_order_of_their_numbers() {
        let (dir, root) = tree();
        for name in ["zone10", "zone2", "zone", "cpu1"] {
            fs::create_dir_all(dir.path().join("top/d").join(name)).expect("a fresh folder");
        }
        assert_eq!(root.names("d").expect("a folder"), ["cpu1", "zone", "zone2", "zone10"]);
    }
}
