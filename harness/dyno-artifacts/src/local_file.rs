//! A model from a file on this machine.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::SourceError;
use crate::intake::{Expected, Intake};
use crate::progress::{Phase, Progress};

/// Copies the file at `path` (`~/` is the home folder) to `part`.
pub(crate) fn fetch(
    path: &str,
    part: &Path,
    expected: Expected<'_>,
    progress: &mut dyn Progress,
) -> Result<PathBuf, SourceError> {
    let path = expand_home(path);
    let mut file = File::open(&path).map_err(SourceError::io("open", &path))?;
    let found = file.metadata().map_err(SourceError::io("read", &path))?.len();
    if found != expected.bytes {
        return Err(SourceError::WrongSize { expected: expected.bytes, found });
    }
    progress.phase(&Phase::Fetch { source: path.display().to_string() });
    let mut intake = Intake::create(part, expected.bytes)?;
    intake.absorb(&mut file, progress, &|_, error| SourceError::io("read", &path)(error))?;
    intake.finish(expected)
}

/// The path with the home folder in place of `~`.
pub(crate) fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}
