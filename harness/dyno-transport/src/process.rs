//! A program on this machine.

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::error::TransportError;
use crate::output::{Collector, Keep, STDERR_TAIL_BYTES, printable};
use crate::sys;
use crate::transport::{Ended, RemoteProcess, Streams};

/// How long the last words of a program that ended may take to arrive.
const LAST_WORDS_LIMIT: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(5);

/// A child in a process group of its own; dropping it kills the group.
#[derive(Debug)]
pub(crate) struct LocalProcess {
    device: String,
    program: String,
    child: Child,
    stderr: Collector,
    ended: Option<Ended>,
}

impl LocalProcess {
    /// Starts a program with pipes for all three streams, of whose stderr the end is kept.
    pub(crate) fn start(device: &str, command: &mut Command, keep_stderr: Option<Keep>) -> io::Result<Self> {
        // A group of its own: Ctrl-C on the controller's terminal is for the controller, which then asks the agent to stop.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn()?;
        let stderr = child.stderr.take().expect("it was asked for above");
        let keep = keep_stderr.unwrap_or(Keep::Last(STDERR_TAIL_BYTES));
        let stderr = match Collector::start("stderr", stderr, keep) {
            Ok(stderr) => stderr,
            Err(error) => {
                sys::kill_group(child.id());
                // Best effort: the error that matters is that of the thread.
                child.wait().ok();
                return Err(error);
            }
        };
        Ok(Self { device: device.to_owned(), program, child, stderr, ended: None })
    }

    /// What is kept of its stderr, all of it once it has ended.
    pub(crate) fn stderr(&self) -> Vec<u8> {
        self.stderr.bytes()
    }
}

impl RemoteProcess for LocalProcess {
    fn streams(&mut self) -> Option<Streams> {
        let (stdin, stdout) = (self.child.stdin.take()?, self.child.stdout.take()?);
        Some(Streams { stdin: Box::new(stdin), stdout: Box::new(stdout) })
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<Ended>, TransportError> {
        let began = Instant::now();
        while self.ended.is_none() {
            let status = self.child.try_wait().map_err(|source| TransportError::Wait {
                device: self.device.clone(),
                program: self.program.clone(),
                source,
            })?;
            if let Some(status) = status {
                self.ended = Some(ended(status));
                self.stderr.wait(LAST_WORDS_LIMIT);
                break;
            }
            let Some(left) = limit.checked_sub(began.elapsed()) else { break };
            std::thread::sleep(left.min(POLL));
        }
        Ok(self.ended.clone())
    }

    fn kill(&mut self) {
        if self.ended.is_none() && !matches!(self.child.try_wait(), Ok(Some(_))) {
            sys::kill_group(self.child.id());
            // Best effort: after SIGKILL the child ends, and only our own child can be reaped here.
            self.child.wait().ok();
        }
    }

    fn stderr_tail(&self) -> String {
        printable(&self.stderr())
    }
}

impl Drop for LocalProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(code),
        (None, signal) => Ended::Signal(signal.unwrap_or(0)),
    }
}
