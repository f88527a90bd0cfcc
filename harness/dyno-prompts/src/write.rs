//! A corpus into its folder, whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use crate::corpus::Corpus;
use crate::error::WriteError;
use crate::import::Handling;

/// Longest name of a corpus (house rule): file systems and tables.
const MAX_NAME_CHARS: usize = 64;

/// Writes `corpus` to `prompts/NAME` and gives the folder's path; one of that name is replaced only where `existing` says
/// so.
///
/// The files are written beside the folder and moved to it at the end: at no time is there half a corpus.
///
/// # Errors
///
/// A name that is none, a corpus that is there, a disk that fails: then what was there is as it was.
pub fn write_corpus(corpus: &Corpus, prompts: &Path, existing: Handling) -> Result<PathBuf, WriteError> {
    let name = corpus.meta.name.as_str();
    check_name(name)?;
    let folder = prompts.join(name);
    if existing == Handling::Keep && fs::symlink_metadata(&folder).is_ok() {
        return Err(WriteError::Exists { folder });
    }
    fs::create_dir_all(prompts).map_err(|source| io(prompts, source))?;
    let fresh = tempfile::Builder::new()
        .prefix(".import-")
        .tempdir_in(prompts)
        .map_err(|source| io(prompts, source))?;
    for (file, text) in corpus.files() {
        let path = fresh.path().join(file);
        fs::write(&path, text)
            .and_then(|()| fs::File::open(&path)?.sync_all())
            .map_err(|source| io(&path, source))?;
    }
    set_readable(fresh.path())?;
    replace(fresh, &folder)?;
    Ok(folder)
}

/// Moves what was there aside, the new folder to its place, and only then removes the old one.
fn replace(fresh: tempfile::TempDir, folder: &Path) -> Result<(), WriteError> {
    let fresh = fresh.keep();
    let old = fresh.with_extension("old");
    let had_one = match fs::rename(folder, &old) {
        Ok(()) => true,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(source) => {
            // Best effort: what is left behind is a folder that nobody reads.
            fs::remove_dir_all(&fresh).ok();
            return Err(io(folder, source));
        }
    };
    if let Err(source) = fs::rename(&fresh, folder) {
        // Best effort: the error tells which folder to look at.
        if had_one {
            fs::rename(&old, folder).ok();
        }
        fs::remove_dir_all(&fresh).ok();
        return Err(io(folder, source));
    }
    // Best effort: the new corpus is in its place.
    fs::remove_dir_all(&old).ok();
    Ok(())
}

/// Temporary folders are their owner's alone; a corpus is a folder like others.
#[cfg(unix)]
fn set_readable(folder: &Path) -> Result<(), WriteError> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(|source| io(folder, source))
}

#[cfg(not(unix))]
fn set_readable(_folder: &Path) -> Result<(), WriteError> {
    Ok(())
}

/// Whether a corpus may have that name, which is that of its folder.
///
/// # Errors
/// [`WriteError::Name`].
pub fn check_name(name: &str) -> Result<(), WriteError> {
    if is_name(name) { Ok(()) } else { Err(WriteError::Name { name: name.chars().take(80).collect() }) }
}

/// What may be a folder, a word on the command line and a key of TOML at once.
fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME_CHARS
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

fn io(path: &Path, source: std::io::Error) -> WriteError {
    WriteError::Io { path: path.to_owned(), source }
}
