//! A device in memory: a map of files, and programs that are functions of a test.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, PipeReader, PipeWriter};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::command::RemoteCommand;
use crate::error::TransportError;
use crate::output::{Collector, Keep, MAX_OUTPUT_BYTES, printable};
use crate::path::RemotePath;
use crate::place;
use crate::transport::{Ended, OnBytes, Output, Platform, PushOutcome, RemoteProcess, Streams, Transport};

const OUTPUT_LIMIT: Duration = Duration::from_secs(1);

/// The streams as a scripted program sees them.
#[derive(Debug)]
pub struct ProgramStreams {
    /// What it is told; ends when the other side goes, or kills it.
    pub stdin: PipeReader,
    /// What it answers; writing fails when nobody reads any more.
    pub stdout: PipeWriter,
    /// What it says besides.
    pub stderr: PipeWriter,
}

/// A scripted program: gets the command and its streams, and gives its exit code.
type Program = Arc<dyn Fn(&RemoteCommand, ProgramStreams) -> i32 + Send + Sync>;

#[derive(Default)]
struct State {
    files: BTreeMap<RemotePath, Vec<u8>>,
    programs: BTreeMap<String, Program>,
    room_bytes: Option<u64>,
    breaks_after_bytes: Option<u64>,
}

/// What a device in memory holds; clones are the same device.
#[derive(Clone, Default)]
pub struct MemoryDevice(Arc<Mutex<State>>);

impl fmt::Debug for MemoryDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryDevice").field(&self.paths()).finish()
    }
}

impl MemoryDevice {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `run` the program at `path`.
    pub fn install(
        &self,
        path: &RemotePath,
        run: impl Fn(&RemoteCommand, ProgramStreams) -> i32 + Send + Sync + 'static,
    ) {
        self.state().programs.insert(path.as_str().to_owned(), Arc::new(run));
    }

    /// Puts a file.
    pub fn put(&self, path: &RemotePath, bytes: impl Into<Vec<u8>>) {
        self.state().files.insert(path.clone(), bytes.into());
    }

    /// A file's content.
    pub fn file(&self, path: &RemotePath) -> Option<Vec<u8>> {
        self.state().files.get(path).cloned()
    }

    /// All files, sorted.
    pub fn paths(&self) -> Vec<RemotePath> {
        self.state().files.keys().cloned().collect()
    }

    /// Leaves room for so many more bytes.
    pub fn limit_room(&self, bytes: u64) {
        let used: u64 = self.state().files.values().map(|file| file.len() as u64).sum();
        self.state().room_bytes = Some(used + bytes);
    }

    /// Breaks the link in the middle of the next push that is longer than so many bytes.
    pub fn break_next_push_after(&self, bytes: u64) {
        self.state().breaks_after_bytes = Some(bytes);
    }
}

/// Reaches a [`MemoryDevice`]; its work folder is `/memory`.
#[derive(Debug)]
pub struct MemoryTransport {
    name: String,
    work_dir: RemotePath,
    device: MemoryDevice,
}

impl MemoryTransport {
    /// The device under the id `name`.
    pub fn new(name: &str, device: &MemoryDevice) -> Self {
        Self { name: name.to_owned(), work_dir: RemotePath::new("/memory"), device: device.clone() }
    }

    fn file_error(
        &self,
        doing: &'static str,
        path: &dyn fmt::Display,
    ) -> impl FnOnce(io::Error) -> TransportError + use<> {
        let (device, path) = (self.name.clone(), path.to_string());
        move |source| TransportError::File { device, doing, path, source }
    }

    fn start(&self, command: &RemoteCommand) -> Result<MemoryProcess, TransportError> {
        let name = command.argv.first().cloned().unwrap_or_default();
        let failed =
            |source| TransportError::Start { device: self.name.clone(), program: name.clone(), source };
        let program = self.device.state().programs.get(&name).cloned();
        let program = program.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        MemoryProcess::start(program, command.clone()).map_err(failed)
    }
}

impl Transport for MemoryTransport {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn work_dir(&self) -> &RemotePath {
        &self.work_dir
    }

    fn prepare(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn size(&mut self, remote: &RemotePath) -> Result<Option<u64>, TransportError> {
        Ok(self.device.state().files.get(remote).map(|file| file.len() as u64))
    }

    fn run(&mut self, command: &RemoteCommand, limit: Duration) -> Result<Output, TransportError> {
        let program = command.argv.first().cloned().unwrap_or_default();
        let mut process = self.start(command)?;
        let streams = process.streams().expect("a fresh process has its streams");
        drop(streams.stdin);
        let stdout = Collector::start("stdout", streams.stdout, Keep::First(MAX_OUTPUT_BYTES));
        let stdout = stdout.map_err(self.file_error("read", &program))?;
        let Some(ended) = process.wait(limit)? else {
            return Err(TransportError::Timeout { device: self.name.clone(), program, limit });
        };
        stdout.wait(OUTPUT_LIMIT);
        Ok(Output { ended, stdout: stdout.bytes(), stderr: process.stderr.bytes() })
    }

    fn platform(&mut self) -> Result<Platform, TransportError> {
        let machine = std::env::consts::ARCH.to_owned();
        Ok(Platform { os: "Linux".to_owned(), machine, bits: Some(usize::BITS), ..Platform::default() })
    }

    fn push(
        &mut self,
        local: &Path,
        remote: &RemotePath,
        on_bytes: OnBytes<'_>,
    ) -> Result<PushOutcome, TransportError> {
        let content = fs::read(local).map_err(self.file_error("read", &local.display()))?;
        let needed = content.len() as u64;
        if self.size(remote)? == Some(needed) {
            return Ok(PushOutcome::AlreadyThere);
        }
        let mut state = self.device.state();
        let used: u64 = state.files.values().map(|file| file.len() as u64).sum();
        if let Some(free) =
            state.room_bytes.map(|room| room.saturating_sub(used)).filter(|free| *free < needed)
        {
            return Err(TransportError::NoRoom {
                device: self.name.clone(),
                path: remote.to_string(),
                needed,
                free,
            });
        }
        if state.breaks_after_bytes.take_if(|bytes| *bytes < needed).is_some() {
            return Err(self.file_error("write", &remote)(io::ErrorKind::ConnectionReset.into()));
        }
        state.files.insert(remote.clone(), content);
        on_bytes(needed);
        Ok(PushOutcome::Sent { bytes: needed })
    }

    fn pull(
        &mut self,
        remote: &RemotePath,
        local: &Path,
        on_bytes: OnBytes<'_>,
    ) -> Result<u64, TransportError> {
        let file = self.device.file(remote);
        let file = file.ok_or_else(|| self.file_error("read", &remote)(io::ErrorKind::NotFound.into()))?;
        let written = place::write(&mut io::Cursor::new(file), None, local);
        let bytes = written.map_err(self.file_error("write", &local.display()))?;
        on_bytes(bytes);
        Ok(bytes)
    }

    fn spawn(&mut self, command: &RemoteCommand) -> Result<Box<dyn RemoteProcess>, TransportError> {
        Ok(Box::new(self.start(command)?))
    }

    fn remove(&mut self, remote: &RemotePath) -> Result<(), TransportError> {
        self.device.state().files.remove(remote);
        Ok(())
    }

    fn clean(&mut self) -> Result<u64, TransportError> {
        let files = std::mem::take(&mut self.device.state().files);
        Ok(files.values().map(|file| file.len() as u64).sum())
    }
}

/// A scripted program in a thread of its own.
///
/// A thread cannot be killed: killing it closes its input, and it counts as ended at once.
#[derive(Debug)]
struct MemoryProcess {
    streams: Option<(PipeWriter, PipeReader)>,
    stderr: Collector,
    exit: Receiver<i32>,
    ended: Option<Ended>,
}

impl MemoryProcess {
    fn start(program: Program, command: RemoteCommand) -> io::Result<Self> {
        let ((stdin, to_program), (from_program, stdout), (errors, stderr)) =
            (io::pipe()?, io::pipe()?, io::pipe()?);
        let (sender, exit) = sync_channel(1);
        let run = move || {
            let code = program(&command, ProgramStreams { stdin, stdout, stderr });
            // That nobody waits for it any more is no concern of the program.
            sender.send(code).ok();
        };
        std::thread::Builder::new().name("program".to_owned()).spawn(run)?;
        let stderr = Collector::start("stderr", errors, Keep::First(MAX_OUTPUT_BYTES))?;
        Ok(Self { streams: Some((to_program, from_program)), stderr, exit, ended: None })
    }
}

impl RemoteProcess for MemoryProcess {
    fn streams(&mut self) -> Option<Streams> {
        let (stdin, stdout) = self.streams.take()?;
        Some(Streams { stdin: Box::new(stdin), stdout: Box::new(stdout) })
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<Ended>, TransportError> {
        if self.ended.is_none() {
            self.ended = match self.exit.recv_timeout(limit) {
                Ok(code) => Some(Ended::Code(code)),
                Err(RecvTimeoutError::Timeout) => None,
                // A panic is what SIGABRT is to a program.
                Err(RecvTimeoutError::Disconnected) => Some(Ended::Signal(6)),
            };
            if self.ended.is_some() {
                self.stderr.wait(OUTPUT_LIMIT);
            }
        }
        Ok(self.ended.clone())
    }

    fn kill(&mut self) {
        self.streams = None;
        self.ended.get_or_insert(Ended::Signal(9));
    }

    fn stderr_tail(&self) -> String {
        printable(&self.stderr.bytes())
    }
}
