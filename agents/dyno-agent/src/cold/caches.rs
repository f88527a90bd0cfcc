//! C2: compile caches are gone.
//!
//! What a runtime's entry in the catalogue names is deleted, so this is narrow on purpose: whole folders strictly
//! below the home folder or the agent's own, reached without a symbolic link, on one file system, and no more than a
//! cache would hold.

use std::fs;
use std::path::{Component, Path, PathBuf};

use dyno_model::launch::LaunchSpec;
use dyno_model::start::{ClearedCache, StartMade};

use crate::cold::doubt;
use crate::sys;

/// A folder with more in it is no compile cache (house rule).
const MAX_ENTRIES: u64 = 100_000;
/// The file that every agent's folder has.
const LOCK: &str = "agent.lock";

/// Where a cache may lie, what it must not hold, and how much it may.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub(crate) home: Option<PathBuf>,
    /// The agent's folder.
    pub(crate) own: Option<PathBuf>,
    pub(crate) model: Option<PathBuf>,
    pub(crate) max_entries: u64,
}

impl Bounds {
    fn of_this_agent(spec: &LaunchSpec) -> Self {
        let program = std::env::current_exe().ok();
        let own = program.iter().flat_map(|program| program.ancestors().skip(1));
        let own =
            own.filter(|folder| folder.join(LOCK).is_file()).find_map(|folder| folder.canonicalize().ok());
        let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
        let model = spec.model_path.as_ref().and_then(|path| Path::new(path).canonicalize().ok());
        Self { home: home.filter(|home| home.parent().is_some()), own, model, max_entries: MAX_ENTRIES }
    }
}

/// Empties the runtime's compile caches and notes each, with its bytes.
pub(crate) fn clear(spec: &LaunchSpec, made: &mut StartMade) {
    clear_within(&Bounds::of_this_agent(spec), spec, made);
}

pub(crate) fn clear_within(bounds: &Bounds, spec: &LaunchSpec, made: &mut StartMade) {
    let folders = spec.server.iter().flat_map(|server| &server.cache_dirs);
    let mut n_named = 0;
    for words in folders {
        n_named += 1;
        match allowed(bounds, words)
            .and_then(|folder| folder.map_or(Ok(0), |folder| empty(&folder, bounds.max_entries)))
        {
            Ok(bytes) => made.cleared.push(ClearedCache { path: words.clone(), bytes }),
            Err(why) => doubt(made, format!("the compile cache {words} was not cleared: {why}")),
        }
    }
    if n_named == 0 {
        doubt(made, format!("no compile cache of {} is known", spec.runtime));
    }
}

/// The folder itself; `None` when there is none.
fn allowed(bounds: &Bounds, words: &str) -> Result<Option<PathBuf>, String> {
    let path = match (words.strip_prefix("~/"), &bounds.home) {
        (Some(below), Some(home)) => home.join(below),
        (Some(_), None) => return Err("this login has no home folder".to_owned()),
        (None, _) => PathBuf::from(words),
    };
    if !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
        return Err("it must be an absolute path without `..`, or begin with ~/".to_owned());
    }
    let roots = [&bounds.home, &bounds.own].into_iter().flatten();
    let Some(root) = roots
        .filter(|root| path.starts_with(root) && path != **root)
        .max_by_key(|root| root.as_os_str().len())
    else {
        return Err("it does not lie below the home folder or the agent's".to_owned());
    };
    if [&bounds.own, &bounds.model].into_iter().flatten().any(|kept| kept.starts_with(&path)) {
        return Err("it holds the agent's folder or the model".to_owned());
    }
    let below = path.strip_prefix(root).expect("it was found below this");
    let mut at = root.clone();
    for part in below.components() {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
            Ok(about) if about.is_symlink() => return Err(format!("{} is a symbolic link", at.display())),
            Ok(about) if !about.is_dir() => return Err(format!("{} is no folder", at.display())),
            Ok(_) => {}
        }
    }
    Ok(Some(path))
}

/// Deletes all that is in a folder; its bytes.
fn empty(folder: &Path, max_entries: u64) -> Result<u64, String> {
    let bytes = weigh(folder, max_entries)?;
    let failed = |error: std::io::Error| error.to_string();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // Neither follows a symbolic link: that of std goes down by open folders.
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        let path = entry.path();
        if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.map_err(failed)?;
    }
    match fs::read_dir(folder).map_err(failed)?.next() {
        None => Ok(bytes),
        Some(_) => Err("something was written into it again".to_owned()),
    }
}

/// The bytes of all files in a folder; `Err` when it is not what a cache looks like.
fn weigh(folder: &Path, max_entries: u64) -> Result<u64, String> {
    let failed = |error: std::io::Error| error.to_string();
    let system = sys::file_system_id(&fs::symlink_metadata(folder).map_err(failed)?);
    let (mut bytes, mut n_entries) = (0_u64, 0);
    let mut to_do = vec![folder.to_owned()];
    while let Some(folder) = to_do.pop() {
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let about = fs::symlink_metadata(entry.path()).map_err(failed)?;
            n_entries += 1;
            if n_entries > max_entries {
                return Err(format!("it holds more than {max_entries} files, so it is no compile cache"));
            }
            if about.is_dir() {
                if sys::file_system_id(&about) != system {
                    return Err(format!("{} is on another file system", entry.path().display()));
                }
                to_do.push(entry.path());
            } else {
                bytes = bytes.saturating_add(about.len());
            }
        }
    }
    Ok(bytes)
}
