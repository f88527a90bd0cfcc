//! What takes long to make is made once: a folder of the user's cache, one maker at a time.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BenchError;
use crate::program::{make_folder, run};

/// The variable that names another folder for it.
const VARIABLE: &str = "EDGEDYNO_TESTBENCH_CACHE";

/// The folder `name` of the cache, made by `build` if it is not there; `recipe` is all that its content depends on.
///
/// A half-made folder is never seen: it is made under another name and then renamed, under a lock.
pub(crate) fn cached(
    name: &str,
    recipe: &str,
    build: impl FnOnce(&Path) -> Result<(), BenchError>,
) -> Result<PathBuf, BenchError> {
    let mut hasher = DefaultHasher::new();
    recipe.hash(&mut hasher);
    let folder = root().join(format!("{name}-{:016x}", hasher.finish()));
    if folder.is_dir() {
        return Ok(folder);
    }
    make_folder(&root())?;
    let lock_file = folder.with_extension("lock");
    let lock = File::create(&lock_file).map_err(BenchError::io("cannot make", &lock_file))?;
    lock.lock().map_err(BenchError::io("cannot lock", &lock_file))?;
    if folder.is_dir() {
        return Ok(folder);
    }
    let half_made = folder.with_extension("new");
    run(Command::new("rm").args(["-rf", "--one-file-system"]).arg(&half_made))?;
    make_folder(&half_made)?;
    build(&half_made)?;
    std::fs::rename(&half_made, &folder).map_err(BenchError::io("cannot rename to", &folder))?;
    Ok(folder)
}

fn root() -> PathBuf {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let user_cache = of("XDG_CACHE_HOME").or_else(|| of("HOME").map(|home| home.join(".cache")));
    let own = || user_cache.unwrap_or_else(std::env::temp_dir).join("edgedyno/testbench");
    of(VARIABLE).unwrap_or_else(own)
}
