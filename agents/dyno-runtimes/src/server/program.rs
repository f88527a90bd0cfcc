//! A server's program: where it is, what it hashes to, what it says of its version.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use dyno_model::digest::Digest;

use crate::error::RuntimeError;
use crate::process::Process;

/// A program that is asked for its version may take so long.
const VERSION_LIMIT: Duration = Duration::from_secs(10);
/// A version is no longer than that.
const MAX_VERSION_CHARS: usize = 120;

/// A program as it lies on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) digest: Digest,
    /// In its own words; `None` where it does not say.
    pub(super) version: Option<String>,
}

/// What a program was when it was last looked at: it is not read again for every launch.
struct Known {
    arguments: Vec<String>,
    stamp: (u64, Option<SystemTime>),
    program: Program,
}

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

impl Program {
    /// Finds a program, hashes it and asks for its version.
    pub(super) fn find(name: &str, version_args: &[String]) -> Result<Self, RuntimeError> {
        let path = resolve(name)?;
        let failed = |source| RuntimeError::Spawn { program: path.clone(), source };
        let data = path.metadata().map_err(failed)?;
        let stamp = (data.len(), data.modified().ok());
        let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = known.as_ref() {
            let is_same = known.program.path == path && known.stamp == stamp;
            if is_same && known.arguments == version_args {
                return Ok(known.program.clone());
            }
        }
        let digest = File::open(&path).and_then(|mut file| Digest::of_reader(&mut file)).map_err(failed)?;
        let version = if version_args.is_empty() { None } else { version(&path, version_args)? };
        let program = Self { path, digest, version };
        *known = Some(Known { arguments: version_args.to_vec(), stamp, program: program.clone() });
        Ok(program)
    }
}

/// The file of a program: a path, one from the home folder, or a name that PATH knows.
fn resolve(name: &str) -> Result<PathBuf, RuntimeError> {
    let missing = |looked_in: String| RuntimeError::NoProgram { program: name.to_owned(), looked_in };
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let as_path = match name.strip_prefix("~/") {
        Some(rest) => Some(home.unwrap_or_default().join(rest)),
        None => name.contains(['/', '\\']).then(|| PathBuf::from(name)),
    };
    if let Some(path) = as_path {
        return if path.is_file() { Ok(path) } else { Err(missing(path.display().to_string())) };
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(&folders).map(|folder| folder.join(name));
    let found = candidates.find(|path| path.is_file() || path.with_extension("exe").is_file());
    found
        .map(|path| if path.is_file() { path } else { path.with_extension("exe") })
        .ok_or_else(|| missing(format!("the folders of PATH, {}", folders.to_string_lossy())))
}

/// What the program says of its version: the first line that has a digit in it.
fn version(program: &Path, args: &[String]) -> Result<Option<String>, RuntimeError> {
    let mut command = Command::new(program);
    let (mut process, _) = Process::spawn_server(command.args(args), None)?;
    process.end(VERSION_LIMIT)?;
    Ok(version_of(process.last_words()))
}

fn version_of(words: &str) -> Option<String> {
    let line = words.lines().find(|line| line.bytes().any(|byte| byte.is_ascii_digit()))?.trim();
    let line = line.strip_prefix("version:").unwrap_or(line).trim();
    Some(line.chars().take(MAX_VERSION_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        let check = |words: &str, expected: Option<&str>| {
            assert_eq!(version_of(words).as_deref(), expected, "{words}");
        };
        // llama-server b1, 2026-11-21.
        check(
            "version: 0.5.0-dev (build 1, commit 0c1e570)\nbuilt with GNU 12.2.0 for Linux x86_64",
            Some("0.5.0-dev (build 1, commit 0c1e570)"),
        );
        check("Warning: no server\nollama version is 0.11.4", Some("ollama version is 0.11.4"));
        check("usage: x", None);
    }

    #[test]
    fn a_program_is_looked_for_and_known() {
        let program = Program::find("sh", &["-c".to_owned(), "echo sh 1.2".to_owned()]).expect("a shell");
        assert!(program.path.is_absolute() && program.path.ends_with("sh"));
        assert_eq!(program.version.as_deref(), Some("sh 1.2"));
        let error = Program::find("no-such-server", &[]).expect_err("it is not there").to_string();
        assert!(
            error
                .starts_with("the program `no-such-server` is not on this device (looked for in the folders")
        );
        let error = Program::find("/nowhere/server", &[]).expect_err("it is not there").to_string();
        assert!(error.ends_with("(looked for in /nowhere/server)"), "{error}");
    }
}
