//! Model files: checked, and made by a process of their own, so that this one stays small.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use dyno_model::digest::Digest;
use dyno_model::outcome::Outcome;
use dyno_model::plan::SyntheticShape;
use dyno_protocol::message::Reply;
use dyno_runtimes::error::RuntimeError;
use dyno_runtimes::interrupt::Interrupt;
use dyno_runtimes::process::Process;

use crate::error::{ModelError, WorkDirError};
use crate::sys;
use crate::work_dir::WorkDir;

/// How often a tool at work is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a tool may take to end once it closed its streams, or was killed.
const END_GRACE: Duration = Duration::from_secs(2);

/// The digest of a file, which must be `expected` if that is given.
///
/// A file of our own folder that is something else is removed, so that one more push brings it whole.
///
/// # Errors
/// [`ModelError::Read`] or [`ModelError::Digest`].
pub(crate) fn verify(
    work_dir: &WorkDir,
    asked: &str,
    expected: Option<Digest>,
) -> Result<Digest, ModelError> {
    let path = work_dir.readable(asked);
    let got = match known(&path) {
        Some(digest) => digest,
        None => digest_of(&path)?,
    };
    match expected {
        Some(expected) if expected != got => {
            if let Ok(own) = work_dir.writable(asked) {
                // Best effort: what cannot be removed is refused again.
                drop(fs::remove_file(own));
            }
            Err(ModelError::Digest { path, got, expected })
        }
        _ => {
            if work_dir.writable(asked).is_ok() {
                remember(&path, &got);
            }
            Ok(got)
        }
    }
}

/// A digest that was found within this time is not worked out again, if the file is the same (house rule: a card that
/// rots is noticed a day later, and a phone does not read gigabytes before each campaign).
const KNOWN_FOR: Duration = Duration::from_hours(24);

/// What tells that a file has not been touched since: only on systems where its change time cannot be set.
fn note_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".sha256");
    path.with_file_name(name)
}

/// The digest of a file that was hashed lately and is the same since.
fn known(path: &Path) -> Option<Digest> {
    let note = note_of(path);
    // A clock that was set back makes no age, and the file is hashed again.
    let age = note.metadata().ok()?.modified().ok()?.elapsed().ok()?;
    let text = fs::read_to_string(&note).ok().filter(|text| text.len() < 1000 && age < KNOWN_FOR)?;
    let (digest, stamp) = text.trim_end().split_once(' ')?;
    let now = sys::stamp(&path.metadata().ok()?)?;
    (stamp == now).then(|| Digest::try_from(digest.to_owned()).ok()).flatten()
}

/// Best effort: without the note, the file is hashed again.
fn remember(path: &Path, digest: &Digest) {
    let stamp = path.metadata().ok().and_then(|about| sys::stamp(&about));
    if let Some(stamp) = stamp {
        drop(fs::write(note_of(path), format!("{digest} {stamp}\n")));
    }
}

/// Writes a model of seeded noise. One that is there is whole, and is taken: its path names its recipe.
///
/// # Errors
/// [`ModelError`]; nothing half-written is left.
pub(crate) fn synthesize(
    work_dir: &WorkDir,
    interrupt: &Interrupt,
    path: &str,
    shape: &SyntheticShape,
    seed: u64,
) -> Result<Reply, ModelError> {
    let to = prepared(work_dir, path)?;
    if to.is_file() {
        return wrote(path, &to);
    }
    let shape = serde_json::to_string(shape).expect("a shape has only string keys");
    let mut command = this_program("write a synthetic model")?;
    command.arg("synthesize").arg(&to).arg(shape).arg(seed.to_string());
    run(interrupt, "write a synthetic model", &mut command, &to)?;
    wrote(path, &to)
}

/// Writes a re-quantized copy of a model.
///
/// # Errors
/// [`ModelError`]; nothing half-written is left.
pub(crate) fn quantize(
    work_dir: &WorkDir,
    interrupt: &Interrupt,
    source: &str,
    path: &str,
    to: &str,
    threads: Option<u32>,
) -> Result<Reply, ModelError> {
    let target = prepared(work_dir, path)?;
    let mut command = this_program("quantize a model")?;
    command.arg("quantize").arg(work_dir.readable(source)).arg(&target).arg(to);
    if let Some(threads) = threads {
        command.args(["--threads", &threads.to_string()]);
    }
    run(interrupt, "quantize a model", &mut command, &target)?;
    wrote(path, &target)
}

/// The file to write, its folder made.
fn prepared(work_dir: &WorkDir, path: &str) -> Result<PathBuf, ModelError> {
    let path = work_dir.writable(path)?;
    let folder = path.parent().expect("a file within a folder has one");
    fs::create_dir_all(folder)
        .map_err(|source| WorkDirError::Unusable { path: folder.to_owned(), source })?;
    Ok(path)
}

fn this_program(what: &'static str) -> Result<Command, ModelError> {
    let program = std::env::current_exe();
    let failed = |source| RuntimeError::Spawn { program: "this program".into(), source };
    Ok(Command::new(program.map_err(failed).map_err(|source| ModelError::Run { what, source })?))
}

/// Runs a tool to its end, or to an interrupt.
fn run(
    interrupt: &Interrupt,
    what: &'static str,
    command: &mut Command,
    target: &Path,
) -> Result<(), ModelError> {
    let failed = |source| ModelError::Run { what, source };
    let (mut process, pipes) = Process::spawn(command).map_err(failed)?;
    drop(pipes);
    while process.is_running() && !interrupt.wait(Some(LOOK_EVERY)) {}
    let is_cancelled = process.is_running();
    if is_cancelled {
        process.kill();
    }
    let outcome = process.end(END_GRACE).map_err(failed)?.outcome;
    if !is_cancelled && outcome == Outcome::Ok {
        return Ok(());
    }
    let mut part = target.as_os_str().to_owned();
    part.push(".part");
    // Best effort: a tool that ended by itself has cleared up.
    drop(fs::remove_file(part));
    Err(if is_cancelled {
        ModelError::Cancelled { what }
    } else {
        ModelError::Failed { what, why: why(what, &outcome) }
    })
}

/// A tool's own words, without what is said around them anyway.
fn why(what: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Crashed { stderr_tail, .. } if !stderr_tail.is_empty() => {
            let words = stderr_tail.strip_prefix("edgedyno-agent: ").unwrap_or(stderr_tail);
            words.strip_prefix(&format!("cannot {what}: ")).unwrap_or(words).to_owned()
        }
        other => other.detail().unwrap_or_else(|| other.word().to_owned()),
    }
}

fn wrote(asked: &str, path: &Path) -> Result<Reply, ModelError> {
    let read = |source| ModelError::Read { path: path.to_owned(), source };
    let bytes = fs::metadata(path).map_err(read)?.len();
    Ok(Reply::Wrote { path: asked.to_owned(), bytes, digest: digest_of(path)? })
}

pub(crate) fn digest_of(path: &Path) -> Result<Digest, ModelError> {
    let digest = File::open(path).and_then(|mut file| Digest::of_reader(&mut file));
    digest.map_err(|source| ModelError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_digest() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let work_dir = WorkDir::take(folder.path()).expect("free");
        fs::write(folder.path().join("m.gguf"), "abc").expect("our own folder");
        let abc = Digest::of(b"abc");
        assert_eq!(verify(&work_dir, "m.gguf", None).expect("readable"), abc);
        assert_eq!(verify(&work_dir, "m.gguf", Some(abc.clone())).expect("the right one"), abc);
        let wrong = verify(&work_dir, "m.gguf", Some(Digest::of(b"abd")));
        assert!(matches!(wrong, Err(ModelError::Digest { got, .. }) if got == abc));
        assert!(matches!(verify(&work_dir, "none.gguf", None), Err(ModelError::Read { .. })));
    }

    #[test]
    fn a_file_that_was_hashed_is_hashed_again_once_it_was_touched() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let work_dir = WorkDir::take(folder.path()).expect("free");
        let path = folder.path().join("m.gguf");
        fs::write(&path, "abc").expect("our own folder");
        let abc = Digest::of(b"abc");
        assert_eq!(known(&path), None);
        verify(&work_dir, "m.gguf", Some(abc.clone())).expect("the right one");
        assert_eq!(known(&path), Some(abc));
        fs::write(&path, "abd").expect("our own folder");
        assert_eq!(known(&path), None, "as long as before, and not the same");
        assert_eq!(verify(&work_dir, "m.gguf", None).expect("readable"), Digest::of(b"abd"));
        for note in ["", "not a digest", &"x".repeat(5000)] {
            fs::write(note_of(&path), note).expect("our own folder");
            assert_eq!(known(&path), None, "{note}");
        }
    }

    #[test]
    fn a_tool_that_fails_leaves_nothing_and_says_why() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let target = folder.path().join("m.gguf");
        let part = folder.path().join("m.gguf.part");
        let mut command = Command::new("/bin/sh");
        command
            .args([
                "-c",
                "echo half > \"$0\"; echo 'edgedyno-agent: cannot quantize a model: no room' >&2; exit 3",
            ])
            .arg(&part);
        let interrupt = Interrupt::new().expect("a pipe");
        let error = run(&interrupt, "quantize a model", &mut command, &target).expect_err("exit status 3");
        assert_eq!(error.to_string(), "cannot quantize a model: no room");
        assert!(!part.exists());
    }

    #[test]
    fn a_tool_is_stopped_by_an_interrupt() {
        let interrupt = Interrupt::new().expect("a pipe");
        interrupt.raise(dyno_runtimes::interrupt::Asked::Cancel);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "while :; do sleep 1; done"]);
        let error = run(&interrupt, "quantize a model", &mut command, Path::new("/nonexistent/m"));
        assert!(matches!(error, Err(ModelError::Cancelled { .. })));
    }
}
