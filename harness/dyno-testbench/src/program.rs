//! Finding and running programs of this machine, with a limit on every wait.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::BenchError;

/// How long an ordinary command may take.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(5);
/// How much of a log goes into an error.
const TAIL_BYTES: usize = 2_000;

/// What a command left.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// All of its stdout.
    pub stdout: Vec<u8>,
    /// All of its stderr.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Its stdout as text, without the last line end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// Its stderr as text.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// The full path of a program; administrators' folders are searched too.
///
/// # Errors
/// [`BenchError::Missing`] with the Debian package that has it.
pub(crate) fn find(program: &str, package: &str) -> Result<PathBuf, BenchError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from));
    folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| BenchError::Missing { program: program.to_owned(), package: package.to_owned() })
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// # Errors
/// [`BenchError::NotRoot`].
pub(crate) fn need_root(what: &str) -> Result<(), BenchError> {
    if is_root() { Ok(()) } else { Err(BenchError::NotRoot { what: what.to_owned() }) }
}

/// Runs a command to its end; a bad exit status is an error.
///
/// # Errors
/// [`BenchError::Start`], [`BenchError::Failed`], [`BenchError::NotReady`].
pub(crate) fn run(command: &mut Command) -> Result<Output, BenchError> {
    let output = run_within(command, LIMIT)?;
    if output.status.success() {
        return Ok(output);
    }
    let stderr = tail(&output.errors());
    Err(BenchError::Failed { command: words(command), status: output.status.to_string(), stderr })
}

/// Runs a command to its end, however it ends, unless the limit passes first.
///
/// # Errors
/// [`BenchError::Start`], [`BenchError::NotReady`].
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<Output, BenchError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|source| BenchError::Start { command: words(command), source })?;
    let stdout = child.stdout.take().map(drain);
    let stderr = child.stderr.take().map(drain);
    let until = Instant::now() + limit;
    let status = loop {
        let ended =
            child.try_wait().map_err(|source| BenchError::Start { command: words(command), source })?;
        match ended {
            Some(status) => break Some(status),
            None if Instant::now() >= until => break None,
            None => std::thread::sleep(POLL),
        }
    };
    let Some(status) = status else {
        // Best effort: it is over its time, and only ending it is left.
        let _ = child.kill();
        let _ = child.wait();
        let waited_ms = limit.as_millis() as u64;
        return Err(BenchError::NotReady { what: words(command), waited_ms, log: String::new() });
    };
    let bytes = |drain: Option<Drain>| drain.and_then(|drain| drain.join().ok()).unwrap_or_default();
    Ok(Output { status, stdout: bytes(stdout), stderr: bytes(stderr) })
}

type Drain = std::thread::JoinHandle<Vec<u8>>;

fn drain(mut pipe: impl Read + Send + 'static) -> Drain {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // Best effort: a broken pipe ends the text where it is.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

/// The command line, for messages.
pub(crate) fn words(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    words.join(" ")
}

/// The end of a text, for messages.
pub(crate) fn tail(text: &str) -> String {
    let mut start = text.len().saturating_sub(TAIL_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].trim().to_owned()
}

/// Writes a file.
///
/// # Errors
/// [`BenchError::Io`].
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), BenchError> {
    std::fs::write(path, content).map_err(BenchError::io("cannot write", path))
}

/// Makes a folder and its parents.
///
/// # Errors
/// [`BenchError::Io`].
pub(crate) fn make_folder(path: &Path) -> Result<(), BenchError> {
    std::fs::create_dir_all(path).map_err(BenchError::io("cannot make the folder", path))
}

/// Asks again and again until there is an answer.
///
/// # Errors
/// [`BenchError::NotReady`] with the log when the limit passes.
pub(crate) fn wait_for<T>(
    what: &str,
    limit: Duration,
    log: impl Fn() -> String,
    mut ask: impl FnMut() -> Option<T>,
) -> Result<T, BenchError> {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        if begin.elapsed() >= limit {
            let waited_ms = begin.elapsed().as_millis() as u64;
            return Err(BenchError::NotReady { what: what.to_owned(), waited_ms, log: tail(&log()) });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_the_command_that_installs_it() {
        let error = find("no-such-program", "-t bookworm-backports some-package").expect_err("it is missing");
        let expected = "`no-such-program` is not on this machine; install it: \
                        apt-get install -t bookworm-backports some-package";
        assert_eq!(format!("{error:?}"), expected);
    }

    #[test]
    fn a_command_over_its_limit_is_ended() {
        let begun = Instant::now();
        let error =
            run_within(Command::new("sleep").arg("30"), Duration::from_millis(50)).expect_err("too slow");
        assert!(matches!(error, BenchError::NotReady { .. }) && begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn the_tail_of_a_text_begins_at_a_letter() {
        let text = "ä".repeat(TAIL_BYTES);
        assert_eq!(tail(&text).chars().count(), TAIL_BYTES / 2);
    }
}
