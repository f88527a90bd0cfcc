//! libssh2 as a carrier.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::TransportError;
use crate::output::{Keep, MAX_OUTPUT_BYTES, STDERR_TAIL_BYTES, printable};
use crate::path::RemotePath;
use crate::shell::{AfterMark, PushSteps, end_of_mark};
use crate::ssh::connect::{Failure, Target};
use crate::ssh::copy;
use crate::ssh::error::SshError;
use crate::ssh::mux::Mux;
use crate::ssh::pipe::{Broken, CHUNK_BYTES, Input, Output as PipeOutput, Pipe};
use crate::transport::{Ended, OnBytes, Output, RemoteProcess, Streams};

/// How long a server may take to start a command.
const START_LIMIT: Duration = Duration::from_secs(30);
/// A copy of which nothing moves for so long is broken: slow disks stall, but not longer than this.
const SILENCE_LIMIT: Duration = Duration::from_mins(1);
/// A command must fit into one packet of the library, which takes 35,000 bytes with all that belongs to it.
const MAX_LINE_BYTES: usize = 34_000;
/// More than this is no answer to a small question.
const MAX_SEEN_BYTES: usize = 256 << 10;
const SENDING: &str = "sending a file";

/// One host over libssh2; connects when it is first used, and again after a break.
pub(super) struct Library {
    target: Arc<Target>,
    device: String,
    mux: Option<Mux>,
}

impl Library {
    pub(super) fn new(device: &str, target: Target) -> Self {
        Self { target: Arc::new(target), device: device.to_owned(), mux: None }
    }

    /// Connects unless that is done.
    pub(super) fn connect(&mut self) -> Result<(), Failure> {
        if self.mux.as_ref().is_none_or(Mux::is_over) {
            self.mux = None;
            self.mux = Some(Mux::connect(&self.target)?);
        }
        Ok(())
    }

    pub(super) fn disconnect(&mut self) {
        self.mux = None;
    }

    fn open(&self, line: String, keep_errors: Keep) -> Result<Arc<Pipe>, TransportError> {
        if line.len() > MAX_LINE_BYTES || line.contains('\0') {
            let words =
                format!("a command of {} bytes, or with a zero byte in it, cannot be sent", line.len());
            let source = io::Error::new(io::ErrorKind::InvalidInput, words);
            let program = "a command".to_owned();
            return Err(TransportError::Start { device: self.device.clone(), program, source });
        }
        let not_connected =
            || self.link("connecting", &Broken::Link(io::ErrorKind::NotConnected, String::new()));
        self.mux.as_ref().map(|mux| mux.open(line, keep_errors)).ok_or_else(not_connected)
    }

    fn link(&self, doing: &str, broken: &Broken) -> TransportError {
        to_error(&self.device, &self.target, doing, broken)
    }

    fn link_io(&self, doing: &str, source: io::Error) -> TransportError {
        TransportError::Link { device: self.device.clone(), doing: doing.to_owned(), source }
    }

    /// Runs one line to its end.
    pub(super) fn run(&mut self, line: &str, limit: Duration) -> Result<Output, TransportError> {
        let doing = "running a command";
        let pipe = Abandoned(self.open(line.to_owned(), Keep::First(MAX_OUTPUT_BYTES))?);
        pipe.0.close_input();
        let until = Instant::now().checked_add(limit);
        let timeout = || TransportError::Timeout {
            device: self.device.clone(),
            program: "a command".to_owned(),
            limit,
        };
        let mut stdout = Vec::new();
        let mut block = vec![0; 64 << 10];
        loop {
            match pipe.0.read(&mut block, until) {
                Ok(0) => break,
                Ok(n_bytes) => {
                    let room = MAX_OUTPUT_BYTES - stdout.len();
                    stdout.extend_from_slice(&block[..n_bytes.min(room)]);
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut && until.is_some_and(is_past) => {
                    return Err(timeout());
                }
                Err(_broken) => break,
            }
            // Output that never ends must not outlive the limit.
            if until.is_some_and(is_past) {
                return Err(timeout());
            }
        }
        let left = until.map_or(limit, |until| until.saturating_duration_since(Instant::now()));
        let ended =
            pipe.0.wait_ended(left).ok_or_else(timeout)?.map_err(|broken| self.link(doing, &broken))?;
        Ok(Output { ended, stdout, stderr: pipe.0.errors() })
    }

    /// Starts a program.
    pub(super) fn spawn(
        &mut self,
        line: &str,
        program: &str,
    ) -> Result<Box<dyn RemoteProcess>, TransportError> {
        let pipe = Abandoned(self.open(line.to_owned(), Keep::Last(STDERR_TAIL_BYTES))?);
        let doing = format!("starting {program}");
        let slow = || self.link_io(&doing, io::ErrorKind::TimedOut.into());
        pipe.0.wait_started(START_LIMIT).ok_or_else(slow)?.map_err(|broken| self.link(&doing, &broken))?;
        Ok(Box::new(Program {
            device: self.device.clone(),
            target: Arc::clone(&self.target),
            name: program.to_owned(),
            pipe,
            has_streams: true,
        }))
    }

    /// Sends the rest of a file.
    pub(super) fn upload(
        &mut self,
        file: &mut File,
        from: u64,
        part: &RemotePath,
        on_bytes: OnBytes<'_>,
    ) -> Result<(), TransportError> {
        let pipe = Abandoned(self.open(copy::receive(part, from), Keep::Last(STDERR_TAIL_BYTES))?);
        match self.send(&pipe.0, file, &mut |sent| on_bytes(from + sent))? {
            Ended::Code(0) => Ok(()),
            Ended::Code(code) => Err(copy::refusal(&self.device, "write", part, code, &pipe.0.errors())),
            Ended::Signal(number) => {
                let words = format!("signal {number} ended the program that writes it");
                Err(self.link_io(SENDING, io::Error::other(words)))
            }
        }
    }

    /// A whole push in one channel.
    pub(super) fn push_in_one(
        &mut self,
        file: &mut File,
        steps: &mut PushSteps<'_>,
        on_bytes: OnBytes<'_>,
    ) -> Result<Output, TransportError> {
        let line = copy::converse(&steps.look, &steps.part, &steps.place);
        let pipe = Abandoned(self.open(line, Keep::Last(STDERR_TAIL_BYTES))?);
        let (seen, mut stdout) = self.read_until_seen(&pipe.0)?;
        let from = match seen {
            Some(seen) => (steps.decide)(&seen)?,
            None => None,
        };
        let ended = if let Some(from) = from {
            let unreadable = |source| TransportError::Local { path: String::new(), source };
            file.seek(SeekFrom::Start(from)).map_err(unreadable)?;
            let answer = format!("{from}\n").into_bytes();
            let n_answer = answer.len() as u64;
            pipe.0.give(answer, Some(SILENCE_LIMIT)).map_err(|source| self.link_io(SENDING, source))?;
            self.send(&pipe.0, file, &mut |sent| on_bytes(from + sent.saturating_sub(n_answer)))?
        } else {
            pipe.0.close_input();
            let slow = || self.link_io(SENDING, io::ErrorKind::TimedOut.into());
            let ended = pipe.0.wait_ended(START_LIMIT).ok_or_else(slow)?;
            ended.map_err(|broken| self.link(SENDING, &broken))?
        };
        let mut block = [0; 4096];
        while let Ok(n_bytes @ 1..) = pipe.0.read(&mut block, Some(Instant::now())) {
            stdout.extend_from_slice(&block[..n_bytes]);
        }
        Ok(Output { ended, stdout, stderr: pipe.0.errors() })
    }

    /// What the first step of a push said, `None` when it ended in the middle; and what came after it.
    fn read_until_seen(&self, pipe: &Pipe) -> Result<(Option<Vec<u8>>, Vec<u8>), TransportError> {
        let mut stdout = Vec::new();
        let until = Instant::now() + START_LIMIT;
        let mut block = [0; 4096];
        while stdout.len() < MAX_SEEN_BYTES {
            let n_bytes = match pipe.read(&mut block, Some(until)) {
                Ok(0) => {
                    let begin = end_of_mark(&stdout).unwrap_or(0);
                    return Ok((None, stdout.split_off(begin)));
                }
                Ok(n_bytes) => n_bytes,
                Err(source) => {
                    // A refusal of the server comes as a broken pipe, too.
                    let broken = pipe.wait_ended(Duration::ZERO);
                    return Err(match broken {
                        Some(Err(broken)) => self.link(SENDING, &broken),
                        _ => self.link_io(SENDING, source),
                    });
                }
            };
            stdout.extend_from_slice(&block[..n_bytes]);
            let Some(begin) = end_of_mark(&stdout) else { continue };
            let seen = &stdout[begin..];
            if let Some(end) = seen.windows(copy::SEEN.len()).position(|window| window == copy::SEEN) {
                let rest = seen[end + copy::SEEN.len()..].to_vec();
                return Ok((Some(seen[..end].to_vec()), rest));
            }
        }
        let words = format!("{} bytes came in place of an answer", stdout.len());
        Err(self.link_io(SENDING, io::Error::new(io::ErrorKind::InvalidData, words)))
    }

    /// Sends the rest of a file as a program's input, and waits for the program's end.
    fn send(
        &self,
        pipe: &Pipe,
        file: &mut File,
        on_sent: &mut dyn FnMut(u64),
    ) -> Result<Ended, TransportError> {
        loop {
            let mut chunk = Vec::with_capacity(CHUNK_BYTES);
            let unreadable = |source| TransportError::Local { path: String::new(), source };
            let n_bytes = file.take(CHUNK_BYTES as u64).read_to_end(&mut chunk).map_err(unreadable)?;
            if n_bytes == 0 {
                break;
            }
            match pipe.give(chunk, Some(SILENCE_LIMIT)) {
                Ok(()) => on_sent(pipe.sent_bytes()),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Err(self.link_io(SENDING, error));
                }
                // How it ended says more than that it did.
                Err(_) => break,
            }
        }
        pipe.close_input();
        self.wait_sent(pipe, on_sent)?.map_err(|broken| self.link(SENDING, &broken))
    }

    /// Waits for the far end to be done, as long as what is on the way moves.
    fn wait_sent(
        &self,
        pipe: &Pipe,
        on_sent: &mut dyn FnMut(u64),
    ) -> Result<Result<Ended, Broken>, TransportError> {
        let mut before = pipe.sent_bytes();
        loop {
            if let Some(ended) = pipe.wait_ended(SILENCE_LIMIT) {
                on_sent(pipe.sent_bytes());
                return Ok(ended);
            }
            let now = pipe.sent_bytes();
            if now == before {
                return Err(self.link_io(SENDING, io::ErrorKind::TimedOut.into()));
            }
            before = now;
        }
    }

    /// Fetches a file.
    pub(super) fn download(
        &mut self,
        remote: &RemotePath,
        to: &mut dyn Write,
        on_bytes: OnBytes<'_>,
    ) -> Result<u64, TransportError> {
        let doing = "fetching a file";
        let pipe = Abandoned(self.open(copy::send(remote), Keep::Last(STDERR_TAIL_BYTES))?);
        pipe.0.close_input();
        let output = PipeOutput { pipe: Arc::clone(&pipe.0), silence: Some(SILENCE_LIMIT) };
        let mut content = AfterMark::new(Box::new(output));
        let bytes = copy::fetch(&mut content, to, on_bytes, |error| self.link_io(doing, error))?;
        let slow = || self.link_io(doing, io::ErrorKind::TimedOut.into());
        match pipe.0.wait_ended(START_LIMIT).ok_or_else(slow)?.map_err(|broken| self.link(doing, &broken))? {
            Ended::Code(0) => Ok(bytes),
            Ended::Code(code) => Err(copy::refusal(&self.device, "read", remote, code, &pipe.0.errors())),
            Ended::Signal(_) => Err(self.link_io(doing, io::ErrorKind::BrokenPipe.into())),
        }
    }
}

fn is_past(until: Instant) -> bool {
    Instant::now() >= until
}

fn to_error(device: &str, target: &Target, doing: &str, broken: &Broken) -> TransportError {
    match broken {
        Broken::Link(..) => TransportError::Link {
            device: device.to_owned(),
            doing: doing.to_owned(),
            source: broken.to_io(),
        },
        Broken::Refused(what, _) => {
            SshError::Refused { host: target.config.alias.clone(), what, source: broken.to_io() }.into()
        }
    }
}

/// A channel that is given up when this is dropped; one that has ended does not mind.
struct Abandoned(Arc<Pipe>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// A program in a channel.
///
/// Closing the channel closes its streams. The server leaves the program itself running until it notices.
struct Program {
    device: String,
    target: Arc<Target>,
    name: String,
    pipe: Abandoned,
    has_streams: bool,
}

impl RemoteProcess for Program {
    fn streams(&mut self) -> Option<Streams> {
        if !std::mem::take(&mut self.has_streams) {
            return None;
        }
        let pipe = &self.pipe.0;
        let stdout = PipeOutput { pipe: Arc::clone(pipe), silence: None };
        Some(Streams { stdin: Box::new(Input(Arc::clone(pipe))), stdout: Box::new(stdout) })
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<Ended>, TransportError> {
        let doing = format!("{} ran", self.name);
        let failed = |broken| to_error(&self.device, &self.target, &doing, &broken);
        self.pipe.0.wait_ended(limit).transpose().map_err(failed)
    }

    fn kill(&mut self) {
        self.pipe.0.abandon();
    }

    fn stderr_tail(&self) -> String {
        printable(&self.pipe.0.errors())
    }
}
