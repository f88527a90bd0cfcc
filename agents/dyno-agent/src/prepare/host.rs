//! The device as the settings see it: files to read and write, programs to run.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{self, Read, Write as _};
use std::process::{ChildStdout, Command};
use std::sync::mpsc;
use std::time::Duration;

use dyno_model::clock::{Clock, monotonic_now};
use dyno_runtimes::interrupt::Interrupt;
use dyno_runtimes::process::{Process, sanitized};
use dyno_sensors::root::SysRoot;

/// So much of the end of a program's output is kept: all that a setting's program says.
const OUTPUT_BYTES: usize = 256 << 10;
/// How often a running program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long the last output may take after the end of the program: a grandchild may hold the pipe open.
const LAST_OUTPUT_LIMIT: Duration = Duration::from_millis(500);
/// How long a setting that takes its time is left alone before it is looked at again.
const SETTLE: Duration = Duration::from_millis(200);

/// A device that has settings.
///
/// Paths are meant from the root of its file tree and have no `/` in front.
pub(crate) trait Host {
    /// The text of a file.
    fn read(&self, path: &str) -> io::Result<String>;
    /// Writes one value into a file that is there.
    fn write(&self, path: &str, value: &str) -> io::Result<()>;
    /// The names in a folder, numbers in their order; none if it cannot be read.
    fn names(&self, folder: &str) -> Vec<String>;
    /// Whether there is such a file.
    fn has(&self, path: &str) -> bool;
    /// Runs a program, at most so long.
    fn run(&self, argv: &[&str], limit_ms: u64, on_stop: OnStop) -> Ran;
    /// Waits until a setting may have taken effect.
    fn settle(&self);
    /// Whether somebody asks us to stop.
    fn is_stopped(&self) -> bool;
}

/// What a running program does when somebody asks us to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnStop {
    /// It is killed.
    Stop,
    /// It goes on to its end, or to its limit: what is half set cannot be put back.
    GoOn,
}

/// A program that was run.
#[derive(Debug)]
pub(crate) struct Ran {
    /// How it ended.
    pub(crate) end: End,
    /// The end of its stdout, safe to print.
    pub(crate) stdout: String,
    /// The end of its stderr, safe to print.
    pub(crate) stderr: String,
    /// How long it took.
    pub(crate) wall_ns: u64,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) enum End {
    /// With status 0.
    Good,
    /// Otherwise, in these words.
    Bad(String),
    /// It was killed after its time.
    TooLate,
    /// It was killed because we were to stop.
    Stopped,
    /// It did not start.
    NotStarted(String),
}

/// The random id of this boot; `None` where the system has none.
pub(crate) fn boot_id(host: &dyn Host) -> Option<String> {
    // Best effort: without an id, the values themselves tell what is still ours.
    let id = host.read("proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// This machine.
#[derive(Debug)]
pub(crate) struct SystemHost<'a> {
    root: SysRoot,
    interrupt: Option<&'a Interrupt>,
}

impl<'a> SystemHost<'a> {
    /// One on which preparing stops when the interrupt is raised. Putting back never does.
    pub(crate) fn new(interrupt: Option<&'a Interrupt>) -> Self {
        Self { root: SysRoot::real(), interrupt }
    }

    fn wait(&self, process: &mut Process, limit_ms: u64, on_stop: OnStop) -> Option<End> {
        let due = Clock::Monotonic.now().plus(limit_ms.saturating_mul(1_000_000));
        while process.is_running() {
            let end = if on_stop == OnStop::Stop && self.is_stopped() {
                Some(End::Stopped)
            } else if Clock::Monotonic.now() >= due {
                Some(End::TooLate)
            } else {
                None
            };
            if end.is_some() {
                process.kill();
                return end;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        None
    }
}

impl Host for SystemHost<'_> {
    fn read(&self, path: &str) -> io::Result<String> {
        self.root.read(path)
    }

    fn write(&self, path: &str, value: &str) -> io::Result<()> {
        write_value(&self.root, path, value)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        // Best effort: a folder that cannot be read has no settings for us.
        self.root.names(folder).unwrap_or_default()
    }

    fn has(&self, path: &str) -> bool {
        self.root.path(path).is_ok_and(|path| path.exists())
    }

    fn run(&self, argv: &[&str], limit_ms: u64, on_stop: OnStop) -> Ran {
        let begun_at = monotonic_now();
        let not_started = |error: &dyn std::error::Error| Ran {
            end: End::NotStarted(dyno_model::blame::chain(error)),
            stdout: String::new(),
            stderr: String::new(),
            wall_ns: monotonic_now().since(begun_at),
        };
        let Some((program, arguments)) = argv.split_first() else {
            return not_started(&io::Error::from(io::ErrorKind::InvalidInput));
        };
        let mut command = Command::new(program);
        command.args(arguments);
        let (mut process, pipes) = match Process::spawn(&mut command) {
            Ok(spawned) => spawned,
            Err(error) => return not_started(&error),
        };
        drop(pipes.stdin);
        let stdout = listen(pipes.stdout);
        let killed = self.wait(&mut process, limit_ms, on_stop);
        let report = process.end(Duration::ZERO);
        let end = match (killed, report) {
            (Some(end), _) => end,
            (None, Ok(report)) => match report.exit {
                Some(exit) if exit != "exit status 0" => End::Bad(exit),
                Some(_) | None => End::Good,
            },
            (None, Err(error)) => End::Bad(dyno_model::blame::chain(&error)),
        };
        let stdout = stdout.recv_timeout(LAST_OUTPUT_LIMIT).unwrap_or_default();
        let stderr = process.last_words().to_owned();
        Ran { end, stdout, stderr, wall_ns: monotonic_now().since(begun_at) }
    }

    fn settle(&self) {
        std::thread::sleep(SETTLE);
    }

    fn is_stopped(&self) -> bool {
        self.interrupt.is_some_and(Interrupt::is_raised)
    }
}

/// Writes one value, in one call, into a plain file that is there.
pub(crate) fn write_value(root: &SysRoot, path: &str, value: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(root.path(path)?)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // An attribute takes a value whole or not at all, and tells at once (sysfs.rst).
    file.write_all(value.as_bytes())
}

/// Reads a pipe to its end on a thread of its own and keeps the last [`OUTPUT_BYTES`].
fn listen(mut pipe: ChildStdout) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::sync_channel(1);
    let read = move || {
        let mut tail = VecDeque::new();
        let mut block = [0_u8; 4096];
        while let Ok(n @ 1..) = pipe.read(&mut block) {
            tail.extend(&block[..n]);
            let n_old = tail.len().saturating_sub(OUTPUT_BYTES);
            tail.drain(..n_old);
        }
        // Best effort: a receiver that is gone no longer wants the words.
        drop(tell.send(sanitized(tail.make_contiguous())));
    };
    // Best effort: without the thread there is no output, which the reader of a setting says.
    drop(std::thread::Builder::new().name("prepare-stdout".to_owned()).stack_size(64 << 10).spawn(read));
    told
}
