//! A device on adb as a transport.

use std::fs::File;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::adb::device::Device;
use crate::adb::error::AdbError;
use crate::adb::limits::Limits;
use crate::adb::process::AdbProcess;
use crate::adb::server::Server;
use crate::adb::speech::{Listener, Speech};
use crate::adb::sync::{self, NotCopied};
use crate::adb::wire::{Patience, Wire};
use crate::error::TransportError;
use crate::output::MAX_OUTPUT_BYTES;
use crate::path::RemotePath;
use crate::shell::{Shell, ShellTransport, kind_of};
use crate::transport::{OnBytes, Output, RemoteProcess};

/// Where the shell user of every Android may write and run programs.
const WORK_DIR: &str = "/data/local/tmp/edgedyno";

/// A device on adb: a phone on USB, one with wireless debugging, an emulator.
pub struct AdbTransport(ShellTransport<AdbShell>);

impl AdbTransport {
    /// The device of this serial (`usb` for the only one on USB, `HOST:PORT` on the network) under the device id
    /// `name`; without `work_dir` it uses `/data/local/tmp/edgedyno`.
    ///
    /// Nothing is asked of the server before the first call.
    pub fn new(name: &str, serial: &str, work_dir: Option<&str>, server: Server) -> Self {
        let device = Device::new(name, serial, server, Limits::default());
        Self(ShellTransport::new(AdbShell { device }, work_dir.unwrap_or(WORK_DIR)))
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.0.shell().device.set_limits(limits);
        self
    }
}

struct AdbShell {
    device: Device,
}

impl AdbShell {
    /// Starts a line of shell.
    fn start(&mut self, line: &str, until: Instant) -> Result<(Wire, Speech), TransportError> {
        let until = until.min(Instant::now() + self.device.limits().open);
        let speech = self.device.speech(until)?;
        let wire = self.device.open(&speech.service(line), "starting a program", until)?;
        Ok((wire, speech))
    }

    fn sync(&mut self, doing: &'static str) -> Result<Wire, TransportError> {
        let until = Instant::now() + self.device.limits().open;
        self.device.open("sync:", doing, until)
    }

    fn not_copied(&mut self, error: NotCopied, doing: &'static str, path: &RemotePath) -> TransportError {
        let (device, path) = (self.device.name().to_owned(), path.to_string());
        let file =
            |source| TransportError::File { device: device.clone(), doing, path: path.clone(), source };
        match error {
            NotCopied::Refused(words) => file(io::Error::new(kind_of(&words), words)),
            NotCopied::Path => {
                let words = "adb takes paths of at most 1024 bytes";
                file(io::Error::new(io::ErrorKind::InvalidFilename, words))
            }
            NotCopied::Here(source) => {
                let path = format!("the file on this side of {path}");
                TransportError::File { device: "this machine".to_owned(), doing: "copy", path, source }
            }
            NotCopied::Link(source) => self.device.link_broke(&format!("copying {path}"), source),
            NotCopied::Garbled(detail) => {
                AdbError::Garbled { device, doing: "copying a file", detail }.into()
            }
        }
    }
}

impl Shell for AdbShell {
    fn device(&self) -> &str {
        self.device.name()
    }

    fn kind(&self) -> &'static str {
        "adb"
    }

    fn carrier(&self) -> String {
        format!("the adb server at {}", self.device.server())
    }

    fn run(&mut self, line: &str, limit: Duration) -> Result<Output, TransportError> {
        let until = Instant::now() + limit;
        let (mut wire, speech) = self.start(line, until)?;
        wire.set_patience(Patience::Until(until));
        let mut heard = Heard::default();
        let ended = speech.close_stdin(&mut wire).and_then(|()| speech.follow(&mut wire, &mut heard));
        wire.close();
        match ended {
            Ok(ended) => Ok(Output { ended, stdout: heard.stdout, stderr: heard.stderr }),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                // Either the program is slow or the link is down: the next call finds out.
                let _link = self.device.link_broke("running a command", error);
                let (device, program) = (self.device.name().to_owned(), "a command".to_owned());
                Err(TransportError::Timeout { device, program, limit })
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let (device, detail) = (self.device.name().to_owned(), error.to_string());
                Err(AdbError::Garbled { device, doing: "running a command", detail }.into())
            }
            Err(error) => Err(self.device.link_broke("running a command", error)),
        }
    }

    fn spawn(&mut self, line: &str, program: &str) -> Result<Box<dyn RemoteProcess>, TransportError> {
        let until = Instant::now() + self.device.limits().open;
        let (wire, speech) = self.start(line, until)?;
        let (device, doubt) = (self.device.name(), self.device.doubt());
        let stream = wire.into_stream(self.device.limits().silence);
        let process = stream.and_then(|stream| AdbProcess::start(device, program, stream, &speech, doubt));
        let process = process.map_err(|source| TransportError::Start {
            device: device.to_owned(),
            program: program.to_owned(),
            source,
        })?;
        Ok(Box::new(process))
    }

    fn can_append(&self) -> bool {
        false
    }

    fn upload(
        &mut self,
        file: &mut File,
        _from: u64,
        part: &RemotePath,
        on_bytes: OnBytes<'_>,
    ) -> Result<(), TransportError> {
        let wire = self.sync("sending a file")?;
        let limits = *self.device.limits();
        sync::send(wire, file, part.as_str(), &limits, on_bytes)
            .map_err(|error| self.not_copied(error, "write", part))
    }

    fn download(
        &mut self,
        remote: &RemotePath,
        to: &mut dyn Write,
        on_bytes: OnBytes<'_>,
    ) -> Result<u64, TransportError> {
        let wire = self.sync("fetching a file")?;
        let limits = *self.device.limits();
        sync::receive(wire, remote.as_str(), to, &limits, on_bytes)
            .map_err(|error| self.not_copied(error, "read", remote))
    }

    fn disconnect(&mut self) {
        self.device.forget();
    }
}

/// What a program said, cut at the limit.
#[derive(Default)]
struct Heard {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Listener for Heard {
    fn stdout(&mut self, bytes: &[u8]) {
        let room = MAX_OUTPUT_BYTES.saturating_sub(self.stdout.len());
        self.stdout.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        let room = MAX_OUTPUT_BYTES.saturating_sub(self.stderr.len());
        self.stderr.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

crate::shell::transport_through_shell!(AdbTransport);
