//! A server's program: where it is, what it hashes to and must hash to, what it says of its version.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use dyno_model::digest::Digest;
use dyno_model::trust::{ProgramPins, pin_for};

use crate::error::RuntimeError;
use crate::process::Process;

/// A program that is asked for its version may take so long.
const VERSION_LIMIT: Duration = Duration::from_secs(10);
/// A version is no longer than that.
const MAX_VERSION_CHARS: usize = 120;
/// The first line of a script is no longer than that (Linux, `BINPRM_BUF_SIZE`).
const MAX_SCRIPT_LINE: u64 = 256;

/// A program as it lies on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) digest: Digest,
    /// In its own words; `None` where it does not say.
    pub(super) version: Option<String>,
    /// What runs it, where it is a script.
    pub(super) script_for: Option<String>,
}

/// What a program was when it was last looked at: it is not read again for every launch.
struct Known {
    arguments: Vec<String>,
    stamp: (u64, Option<SystemTime>),
    program: Program,
}

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

impl Program {
    /// Finds a program, hashes it, and asks for its version if it is the one that the pins allow.
    ///
    /// What is hashed is the file that would be started: behind links, and of a script the script itself.
    pub(super) fn find(
        name: &str,
        version_args: &[String],
        pins: &ProgramPins,
    ) -> Result<Self, RuntimeError> {
        let path = resolve(name)?;
        let failed = |source| RuntimeError::Spawn { program: path.clone(), source };
        let data = path.metadata().map_err(failed)?;
        let stamp = (data.len(), data.modified().ok());
        let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = known.as_ref() {
            let is_same = known.program.path == path && known.stamp == stamp;
            if is_same && known.arguments == version_args {
                check_pin(&known.program.path, &known.program.digest, pins)?;
                return Ok(known.program.clone());
            }
        }
        let digest = File::open(&path).and_then(|mut file| Digest::of_reader(&mut file)).map_err(failed)?;
        check_pin(&path, &digest, pins)?;
        let script_for = script_for(&path).map_err(failed)?;
        let version = if version_args.is_empty() { None } else { version(&path, version_args)? };
        let program = Self { path, digest, version, script_for };
        *known = Some(Known { arguments: version_args.to_vec(), stamp, program: program.clone() });
        Ok(program)
    }
}

/// Whether the program is the one that was pinned for devices like this one.
fn check_pin(path: &Path, found: &Digest, pins: &ProgramPins) -> Result<(), RuntimeError> {
    if pins.is_empty() {
        return Ok(());
    }
    let arch = std::env::consts::ARCH;
    let program = path.to_owned();
    match pin_for(pins, arch) {
        Some(pin) if pin.sha256 == *found => Ok(()),
        Some(pin) => {
            Err(RuntimeError::OtherProgram { program, expected: pin.sha256.clone(), found: found.clone() })
        }
        None => Err(RuntimeError::NoPin { program, arch, pinned: pins.keys().cloned().collect() }),
    }
}

/// What stands in the first line of a script.
fn script_for(path: &Path) -> std::io::Result<Option<String>> {
    let mut start = Vec::new();
    File::open(path)?.take(MAX_SCRIPT_LINE).read_to_end(&mut start)?;
    let Some(rest) = start.strip_prefix(b"#!") else { return Ok(None) };
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(Some(String::from_utf8_lossy(line).trim().chars().filter(|c| !c.is_control()).collect()))
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
    use dyno_model::trust::ProgramPin;

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
        let program = Program::find("sh", &["-c".to_owned(), "echo sh 1.2".to_owned()], &ProgramPins::new())
            .expect("a shell");
        assert!(program.path.is_absolute() && program.path.ends_with("sh"));
        assert_eq!(program.version.as_deref(), Some("sh 1.2"));
        let error = Program::find("no-such-server", &[], &ProgramPins::new())
            .expect_err("it is not there")
            .to_string();
        assert!(
            error
                .starts_with("the program `no-such-server` is not on this device (looked for in the folders")
        );
        let error = Program::find("/nowhere/server", &[], &ProgramPins::new())
            .expect_err("it is not there")
            .to_string();
        assert!(error.ends_with("(looked for in /nowhere/server)"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_the_pinned_one_is_not_even_asked_for_its_version() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, trace) = (folder.path().join("server"), folder.path().join("trace"));
        let text = format!("#!/bin/sh\ntouch '{}'\n", trace.display());
        std::fs::write(&path, &text).expect("a temporary file");
        let pin = |arch: &str, sha256: Digest| {
            let pin = ProgramPin { sha256, signature_from: None, signature: None };
            ProgramPins::from([(arch.to_owned(), pin)])
        };
        let find = |pins: &ProgramPins| {
            Program::find(path.to_str().expect("a plain path"), &["--version".to_owned()], pins)
        };
        let (own, other) = (Digest::of(text.as_bytes()), Digest::of(b"another program"));
        let error = find(&pin("any", other.clone())).expect_err("another digest");
        let words = error.to_string();
        assert!(words.contains(own.as_str()) && words.contains(other.as_str()), "{words}");
        assert!(matches!(error.outcome(), dyno_model::outcome::Outcome::Refused { .. }));
        let error = find(&pin("no-such-arch", own.clone())).expect_err("pinned elsewhere only").to_string();
        assert!(error.contains("no-such-arch"), "{error}");
        assert!(!trace.exists(), "it was started");
    }

    #[test]
    fn a_script_says_what_runs_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let check = |text: &[u8], expected: Option<&str>| {
            let path = folder.path().join("program");
            std::fs::write(&path, text).expect("a temporary file");
            assert_eq!(script_for(&path).expect("readable").as_deref(), expected);
        };
        check(b"#!/usr/bin/env python3\nprint()\n", Some("/usr/bin/env python3"));
        check(b"#! /bin/sh", Some("/bin/sh"));
        check(b"\x7fELF\x02", None);
        check(b"", None);
        check(&[b"#!".as_slice(), &vec![b'x'; 5000]].concat(), Some("x".repeat(254).as_str()));
    }
}
