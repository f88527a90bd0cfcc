//! A runtime's process: started, watched, reaped with its resource usage, never left behind.

use std::collections::VecDeque;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use dyno_model::clock::{Clock, MonoNs};
use dyno_model::outcome::Outcome;

use crate::adapter::ExitReport;
use crate::error::RuntimeError;
use crate::sys::{self, Patience, Reaped, Spawned, worded};

/// So much of a process's last words is kept.
pub const STDERR_TAIL_BYTES: usize = 4096;
/// How often a process that should end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long the last words may take after the end of the process: a grandchild may hold the pipe open.
const LAST_WORDS_LIMIT: Duration = Duration::from_millis(500);

/// Words after which a process ends for want of memory: Rust's allocator, C++'s, ggml's buffers, CUDA's.
const NO_MEMORY: [&str; 4] =
    ["memory allocation of ", "std::bad_alloc", "failed to allocate buffer", "CUDA error: out of memory"];

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    spawned: Spawned,
    reaped: Option<Reaped>,
    killed_by_us: bool,
    /// It was asked to end, which it does with a status of its own liking, or by the signal that asked.
    asked_to_end: bool,
    last_words: mpsc::Receiver<String>,
    stderr_tail: Option<String>,
}

/// The pipes of a process.
#[derive(Debug)]
pub struct Pipes {
    /// What it reads.
    pub stdin: ChildStdin,
    /// What it writes.
    pub stdout: ChildStdout,
}

impl Process {
    /// Starts `command` with all three streams piped; its stderr is read into a bounded tail.
    ///
    /// # Errors
    /// [`RuntimeError::Spawn`].
    pub fn spawn(command: &mut Command) -> Result<(Self, Pipes), RuntimeError> {
        spawn_piped(command).map_err(cannot_start(command))?
    }

    /// Like [`Process::spawn`]; the process and its threads run on `cpus` only, of which the kernel's word is the
    /// second result.
    ///
    /// # Errors
    /// [`RuntimeError::Pin`] when the system does not allow all of them, or knows no such thing.
    pub fn spawn_on(command: &mut Command, cpus: &[u32]) -> Result<(Self, Pipes, Vec<u32>), RuntimeError> {
        let ((process, pipes), allowed) = pinned(command, cpus, spawn_piped)?;
        Ok((process, pipes, allowed))
    }

    /// Starts a program that is spoken to in another way: it reads nothing, and what it writes to stdout and stderr is
    /// read into one bounded tail. Where `cpus` are named, as [`Process::spawn_on`].
    ///
    /// # Errors
    /// [`RuntimeError::Spawn`], [`RuntimeError::Pin`].
    pub fn spawn_server(
        command: &mut Command,
        cpus: Option<&[u32]>,
    ) -> Result<(Self, Option<Vec<u32>>), RuntimeError> {
        match cpus {
            None => Ok((spawn_listened(command).map_err(cannot_start(command))??, None)),
            Some(cpus) => {
                pinned(command, cpus, spawn_listened).map(|(process, allowed)| (process, Some(allowed)))
            }
        }
    }

    fn of(child: Child, words: impl Read + Send + 'static) -> Result<Self, RuntimeError> {
        let (tell, last_words) = mpsc::sync_channel(1);
        let pid = child.id();
        let spawned = Spawned::new(child).map_err(|source| RuntimeError::Talk { pid, source })?;
        let (killed_by_us, asked_to_end) = (false, false);
        let process =
            Self { spawned, reaped: None, killed_by_us, asked_to_end, last_words, stderr_tail: None };
        // Best effort: a receiver that is gone no longer wants the words.
        let listen = move || drop(tell.send(tail_of(words)));
        let name = "runtime-stderr".to_owned();
        let thread = std::thread::Builder::new().name(name).stack_size(64 << 10).spawn(listen);
        thread.map_err(|source| RuntimeError::Talk { pid, source })?;
        Ok(process)
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.spawned.pid()
    }

    /// Whether it still runs; one that was killed does not, even while the system clears up after it.
    pub fn is_running(&mut self) -> bool {
        !self.killed_by_us && matches!(self.look(), Ok(None))
    }

    /// Kills it and its own children, if it still runs.
    pub fn kill(&mut self) {
        if self.is_running() {
            self.killed_by_us = true;
            // Best effort: it may have ended just now.
            drop(self.spawned.kill());
        }
    }

    /// Asks it and its own children to end, if it still runs: whatever its status is then, it is no crash.
    pub fn ask_to_end(&mut self) {
        if self.is_running() {
            self.asked_to_end = true;
            // Best effort: it may have ended just now, and one that does not listen is killed later.
            drop(self.spawned.ask_to_end());
        }
    }

    /// Waits for its end, at most for `grace`; then it is killed.
    ///
    /// # Errors
    /// [`RuntimeError::Talk`] when it cannot be waited for.
    pub fn end(&mut self, grace: Duration) -> Result<ExitReport, RuntimeError> {
        let talk = |pid: u32| move |source| RuntimeError::Talk { pid, source };
        let due = Clock::Monotonic.now().plus(grace.as_nanos() as u64);
        let mut reaped = self.look().map_err(talk(self.pid()))?;
        while reaped.is_none() && Clock::Monotonic.now() < due {
            std::thread::sleep(LOOK_EVERY);
            reaped = self.look().map_err(talk(self.pid()))?;
        }
        if reaped.is_none() {
            self.kill();
            reaped = match self.reaped {
                Some(reaped) => Some(reaped),
                None => self.spawned.reap(Patience::Endless).map_err(talk(self.pid()))?,
            };
            self.reaped = reaped;
        }
        let reaped = reaped.expect("an endless wait ends with a status");
        let words = self.stderr_tail.take();
        let words =
            words.unwrap_or_else(|| self.last_words.recv_timeout(LAST_WORDS_LIMIT).unwrap_or_default());
        self.stderr_tail = Some(words.clone());
        Ok(ExitReport {
            outcome: if self.killed_by_us || self.asked_to_end && sys::is_own_end(reaped.status) {
                Outcome::Ok
            } else {
                outcome_of(reaped.status, words)
            },
            exit: Some(worded(reaped.status)),
            cpu_ns: Some(reaped.cpu_ns),
            peak_rss_bytes: reaped.peak_rss_bytes,
        })
    }

    /// The end of what it said on stderr, safe to print; empty before [`Process::end`].
    pub fn last_words(&self) -> &str {
        self.stderr_tail.as_deref().unwrap_or_default()
    }

    fn look(&mut self) -> std::io::Result<Option<Reaped>> {
        if self.reaped.is_none() {
            self.reaped = self.spawned.reap(Patience::None)?;
        }
        Ok(self.reaped)
    }
}

/// Gives a process, or why the program could not be started at all.
type Started<P> = std::io::Result<Result<P, RuntimeError>>;

fn spawn_piped(command: &mut Command) -> Started<(Process, Pipes)> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    sys::prepare_child(command);
    let mut child = command.spawn()?;
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = streams else {
        unreachable!("all three streams were asked to be piped");
    };
    Ok(Process::of(child, stderr).map(|process| (process, Pipes { stdin, stdout })))
}

fn spawn_listened(command: &mut Command) -> Started<Process> {
    let (reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    sys::prepare_child(command);
    let child = command.spawn();
    // The command must not hold the pipe open: its end is the end of the words.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok(Process::of(child?, reader))
}

fn cannot_start(command: &Command) -> impl FnOnce(std::io::Error) -> RuntimeError + use<> {
    let program = PathBuf::from(command.get_program());
    |source| RuntimeError::Spawn { program, source }
}

/// Starts a program on those CPUs, and says what the kernel says of them.
fn pinned<P: AsProcess>(
    command: &mut Command,
    cpus: &[u32],
    spawn: impl FnOnce(&mut Command) -> Started<P>,
) -> Result<(P, Vec<u32>), RuntimeError> {
    let pin = |source| RuntimeError::Pin { cpus: cpu_list(cpus), source };
    sys::pin(command, cpus).map_err(pin)?;
    let started = spawn(command).map_err(|source| {
        // What the kernel answers when none of the CPUs can be used (sched_setaffinity(2)).
        let is_pin = source.kind() == std::io::ErrorKind::InvalidInput;
        if is_pin { pin(source) } else { cannot_start(command)(source) }
    })??;
    let allowed = sys::allowed_cpus(started.pid()).map_err(pin)?;
    if allowed == cpus {
        return Ok((started, allowed));
    }
    Err(RuntimeError::NotPinned { cpus: cpu_list(cpus), allowed: cpu_list(&allowed) })
}

/// Has a process number.
trait AsProcess {
    fn pid(&self) -> u32;
}

impl AsProcess for Process {
    fn pid(&self) -> u32 {
        self.spawned.pid()
    }
}

impl AsProcess for (Process, Pipes) {
    fn pid(&self) -> u32 {
        self.0.spawned.pid()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if self.reaped.is_none() {
            // Best effort: nobody is left to hear of an error.
            drop(self.spawned.reap(Patience::Endless));
        }
    }
}

/// The outcome that an exit status stands for.
fn outcome_of(status: ExitStatus, stderr_tail: String) -> Outcome {
    if status.success() {
        return Outcome::Ok;
    }
    let no_memory = stderr_tail.lines().find(|line| NO_MEMORY.iter().any(|words| line.contains(words)));
    match no_memory {
        Some(line) => Outcome::Oom { detail: line.trim().to_owned() },
        None => Outcome::Crashed { exit: worded(status), stderr_tail },
    }
}

/// Reads to the end and keeps the last [`STDERR_TAIL_BYTES`], made safe to print.
fn tail_of(mut stderr: impl Read) -> String {
    let mut tail = VecDeque::with_capacity(2 * STDERR_TAIL_BYTES);
    let mut block = [0_u8; STDERR_TAIL_BYTES];
    while let Ok(n @ 1..) = stderr.read(&mut block) {
        tail.extend(&block[..n]);
        let n_old = tail.len().saturating_sub(STDERR_TAIL_BYTES);
        tail.drain(..n_old);
    }
    sanitized(tail.make_contiguous())
}

/// Text without control characters and escape sequences; lines stay lines.
pub fn sanitized(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\x1b' && chars.peek() == Some(&'[') {
            // A control sequence ends with a byte of @ to ~ (ECMA-48 §5.4).
            chars.next();
            while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
        } else if c == '\n' || c == '\t' || !c.is_control() {
            clean.push(c);
        }
    }
    clean.trim().to_owned()
}

/// CPUs in the kernel's list syntax: `0-3,6`. They must be sorted.
fn cpu_list(cpus: &[u32]) -> String {
    let runs = cpus.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let words = runs.map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        one => one.iter().map(u32::to_string).collect(),
    });
    words.collect::<Vec<_>>().join(",")
}

/// Ns from now until `due`, as a duration.
pub(crate) fn left_until(due: MonoNs) -> Duration {
    Duration::from_nanos(due.since(Clock::Monotonic.now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Process, Pipes) {
        Process::spawn(Command::new("/bin/sh").args(["-c", script])).expect("a shell")
    }

    fn end_of(script: &str) -> ExitReport {
        let (mut process, pipes) = shell(script);
        drop(pipes);
        process.end(Duration::from_secs(20)).expect("it ends")
    }

    #[test]
    fn an_exit_status_and_the_last_words_are_kept() {
        let report = end_of("echo first >&2; printf '\\033[31mboom\\033[0m\\007' >&2; exit 3");
        assert_eq!(report.exit.as_deref(), Some("exit status 3"));
        let expected =
            Outcome::Crashed { exit: "exit status 3".to_owned(), stderr_tail: "first\nboom".to_owned() };
        assert_eq!(report.outcome, expected);
    }

    #[test]
    fn a_good_end_is_ok_and_has_its_usage() {
        let report = end_of("cat");
        assert_eq!(report.outcome, Outcome::Ok);
        assert!(report.peak_rss_bytes.expect("the kernel counts") > 100_000);
        assert!(report.cpu_ns.expect("the kernel counts") < 20_000_000_000);
    }

    #[test]
    fn a_foreign_kill_is_a_crash() {
        let report = end_of("kill -9 $$");
        assert_eq!(report.outcome.word(), "crashed");
        assert_eq!(report.exit.as_deref(), Some("killed by signal 9 (SIGKILL)"));
    }

    #[test]
    fn an_allocation_that_failed_is_oom() {
        let report = end_of("echo 'memory allocation of 4096 bytes failed' >&2; kill -6 $$");
        assert_eq!(
            report.outcome,
            Outcome::Oom { detail: "memory allocation of 4096 bytes failed".to_owned() }
        );
    }

    #[test]
    fn only_the_end_of_many_words_is_kept() {
        let report = end_of("yes 0123456789abcde | head -c 100000 >&2; echo end >&2; exit 1");
        let Outcome::Crashed { stderr_tail, .. } = report.outcome else { panic!("exit status 1 is a crash") };
        assert!(stderr_tail.len() <= STDERR_TAIL_BYTES);
        assert!(stderr_tail.ends_with("end"));
    }

    #[test]
    fn a_process_that_does_not_end_is_killed_and_that_is_no_crash() {
        let (mut process, _pipes) = shell("cat");
        assert!(process.is_running());
        let report = process.end(Duration::ZERO).expect("it is killed");
        assert_eq!(report.outcome, Outcome::Ok);
        assert!(!process.is_running());
    }

    #[test]
    fn a_dropped_process_is_gone_with_its_children() {
        let (process, mut pipes) = shell("echo started; cat; true");
        let mut byte = [0];
        pipes.stdout.read_exact(&mut byte).expect("it started");
        drop(process);
        let mut rest = Vec::new();
        pipes.stdout.read_to_end(&mut rest).expect("its end of the pipe is closed");
        assert_eq!(rest, b"tarted\n");
    }

    #[test]
    fn a_server_is_listened_to_and_asked_to_end() {
        let script = "trap 'echo bye; exit 3' TERM; echo out; echo err >&2; while :; do sleep 0.01; done";
        let (mut process, _) =
            Process::spawn_server(Command::new("/bin/sh").args(["-c", script]), None).expect("a shell");
        // Without the trap it would end by the signal; both are as asked.
        process.ask_to_end();
        let report = process.end(Duration::from_secs(20)).expect("it ends");
        assert_eq!(report.outcome, Outcome::Ok);
        assert!(!process.is_running());

        let script = "echo out; echo err >&2; exit 4";
        let (mut process, _) =
            Process::spawn_server(Command::new("/bin/sh").args(["-c", script]), None).expect("a shell");
        let report = process.end(Duration::from_secs(20)).expect("it ends");
        let expected =
            Outcome::Crashed { exit: "exit status 4".to_owned(), stderr_tail: "out\nerr".to_owned() };
        assert_eq!(report.outcome, expected);
    }

    #[test]
    fn one_that_dies_of_something_else_while_it_is_asked_to_end_has_crashed() {
        let check = |script: &str, expected| {
            let status = Command::new("/bin/sh").args(["-c", script]).status().expect("a shell");
            assert_eq!(sys::is_own_end(status), expected, "{script}");
        };
        check("exit 0", true);
        check("exit 3", true);
        check("kill -TERM $$", true);
        check("kill -KILL $$", false);
        check("kill -SEGV $$", false);
    }

    #[test]
    fn cpus_are_told_as_the_kernel_does() {
        let check = |cpus: &[u32], expected| assert_eq!(cpu_list(cpus), expected);
        check(&[], "");
        check(&[4], "4");
        check(&[0, 1, 2, 3, 6], "0-3,6");
        check(&[0, 2, 3], "0,2-3");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_runs_only_on_the_cpus_that_it_was_given() {
        let may = sys::allowed_cpus(std::process::id()).expect("proc is there");
        let last = *may.last().expect("a process runs somewhere");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "sleep 0; grep Cpus_allowed_list /proc/self/status"]);
        let (mut process, mut pipes, told) = Process::spawn_on(&mut command, &[last]).expect("one of ours");
        let mut said = String::new();
        pipes.stdout.read_to_string(&mut said).expect("it says so");
        assert_eq!(told, [last]);
        assert_eq!(said.split_whitespace().collect::<Vec<_>>(), ["Cpus_allowed_list:", &last.to_string()]);
        assert_eq!(process.end(Duration::from_secs(20)).expect("it ends").outcome, Outcome::Ok);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn cpus_that_are_not_there_are_refused() {
        let spawn = |cpus: &[u32]| {
            Process::spawn_on(&mut Command::new("/bin/true"), cpus)
                .map(drop)
                .expect_err("no such CPU")
                .to_string()
        };
        assert_eq!(spawn(&[1022, 1023]), "cannot run on the CPUs 1022-1023");
        assert_eq!(spawn(&[5000]), "cannot run on the CPUs 5000");
        let may = sys::allowed_cpus(std::process::id()).expect("proc is there");
        let (first, list) = (may[0], cpu_list(&may[..1]));
        assert_eq!(
            spawn(&[first, 1023]),
            format!("asked for the CPUs {list},1023, but the system allows only {list}")
        );
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Process::spawn(&mut Command::new("/nonexistent/engine")).expect_err("no such file");
        assert_eq!(error.to_string(), "cannot start /nonexistent/engine");
    }
}
