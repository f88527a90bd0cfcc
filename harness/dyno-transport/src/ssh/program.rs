//! The ssh program as a carrier, for what the library cannot do.
//!
//! One process holds the connection (a master, in OpenSSH's words); each command goes over it, so that a security key
//! is touched once and a command costs no log-in.

use std::fs::File;
use std::io::{self, Seek as _, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::error::TransportError;
use crate::output::printable;
use crate::path::RemotePath;
use crate::process::LocalProcess;
use crate::shell::AfterMark;
use crate::ssh::config::HostConfig;
use crate::ssh::error::SshError;
use crate::ssh::master::{LOG_IN_LIMIT, OwnMaster};
use crate::ssh::settings::SshSettings;
use crate::ssh::transfer::{Pieces, SILENCE_LIMIT, Transfer};
use crate::ssh::{copy, here};
use crate::transport::{Ended, OnBytes, Output, RemoteProcess, Streams};

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// OpenSSH's exit code for errors of its own.
const OWN_ERROR: i32 = 255;

/// One host over the ssh program.
pub(super) struct SshProgram {
    device: String,
    host: String,
    config: HostConfig,
    settings: SshSettings,
    master: Option<Master>,
}

/// Who holds the connection.
enum Master {
    /// A process of ours.
    Own(Arc<Mutex<OwnMaster>>),
    /// One that the user has started, at the configured socket.
    OfTheUser,
}

impl SshProgram {
    pub(super) fn new(device: &str, config: HostConfig, settings: SshSettings) -> Self {
        Self { device: device.to_owned(), host: config.alias.clone(), config, settings, master: None }
    }

    pub(super) fn disconnect(&mut self) {
        self.master = None;
    }

    /// Connects unless that is done.
    pub(super) fn connect(&mut self) -> Result<(), SshError> {
        let is_up = match &mut self.master {
            Some(Master::Own(master)) => lock(master).is_up(),
            Some(Master::OfTheUser) => self.has_master_of_the_user(),
            None => false,
        };
        if is_up {
            return Ok(());
        }
        self.master = None;
        let master = if self.has_master_of_the_user() {
            Master::OfTheUser
        } else {
            Master::Own(Arc::new(Mutex::new(OwnMaster::start(self.ssh(&[]), &self.host)?)))
        };
        self.master = Some(master);
        Ok(())
    }

    fn has_master_of_the_user(&self) -> bool {
        let is_there = self.config.beyond.control_path.as_ref().is_some_and(|path| path.exists());
        let check = || here::run(self.ssh(&["-O", "check"]).arg("--").arg(&self.host), LOG_IN_LIMIT);
        is_there && matches!(check(), Ok(Some(Output { ended: Ended::Code(0), .. })))
    }

    /// The program with what holds for all its calls.
    fn ssh(&self, more: &[&str]) -> Command {
        let (interval, tries) =
            self.config.alive.unwrap_or((self.settings.alive_interval, self.settings.alive_tries));
        let limit = self.config.connect_limit.unwrap_or(self.settings.connect_limit);
        let mut command = Command::new("ssh");
        command.args(self.settings.config_arguments()).args(["-T", "-o", "BatchMode=yes"]);
        command.args(["-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none"]);
        command.args(["-o".to_owned(), format!("ConnectTimeout={}", limit.as_secs().max(1))]);
        command.args(["-o".to_owned(), format!("ServerAliveInterval={}", interval.as_secs().max(1))]);
        command.args(["-o".to_owned(), format!("ServerAliveCountMax={}", tries.max(1))]);
        command.args(more);
        command
    }

    /// A call that runs a line over the connection.
    fn call(&self, line: &str) -> Command {
        // Should the master be gone, this call must not become one in the background.
        let mut command = self.ssh(&["-o", "ControlMaster=no"]);
        if let Some(Master::Own(master)) = &self.master {
            command.arg("-S").arg(&lock(master).socket);
        }
        command.arg("--").arg(&self.host).arg(line);
        command
    }

    fn start_error(&self, program: &str) -> impl FnOnce(io::Error) -> TransportError + use<> {
        let (device, program) = (self.device.clone(), program.to_owned());
        move |source| TransportError::Start { device, program, source }
    }

    fn link(&self, doing: &str, source: io::Error) -> TransportError {
        TransportError::Link { device: self.device.clone(), doing: doing.to_owned(), source }
    }

    /// The ssh program's own failure in the middle of something.
    fn lost(&self, doing: &str, stderr: &[u8]) -> TransportError {
        let words = printable(&stderr[stderr.len().saturating_sub(400)..]);
        self.link(doing, io::Error::new(io::ErrorKind::ConnectionReset, words))
    }

    /// Runs one line to its end.
    pub(super) fn run(&mut self, line: &str, limit: Duration) -> Result<Output, TransportError> {
        let output = here::run(&mut self.call(line), limit).map_err(self.start_error("ssh"))?;
        let output = output.ok_or_else(|| TransportError::Timeout {
            device: self.device.clone(),
            program: "a command".to_owned(),
            limit,
        })?;
        if output.ended == Ended::Code(OWN_ERROR) && self.is_lost() {
            return Err(self.lost("running a command", &output.stderr));
        }
        Ok(output)
    }

    /// Whether the connection is gone: a program on the device may end with 255, too.
    fn is_lost(&mut self) -> bool {
        match &mut self.master {
            Some(Master::Own(master)) => !lock(master).is_up_soon(),
            Some(Master::OfTheUser) => !self.has_master_of_the_user(),
            None => true,
        }
    }

    /// Starts a program.
    pub(super) fn spawn(
        &mut self,
        line: &str,
        program: &str,
    ) -> Result<Box<dyn RemoteProcess>, TransportError> {
        let process = LocalProcess::start(&self.device, &mut self.call(line), None);
        let process = process.map_err(self.start_error(program))?;
        let master = match &self.master {
            Some(Master::Own(master)) => Arc::downgrade(master),
            _ => Weak::new(),
        };
        let doing = format!("{program} ran");
        Ok(Box::new(Remote { process, master, device: self.device.clone(), doing }))
    }

    /// Sends the rest of a file: the ssh program reads it itself.
    pub(super) fn upload(
        &mut self,
        file: &mut File,
        from: u64,
        part: &RemotePath,
        on_bytes: OnBytes<'_>,
    ) -> Result<(), TransportError> {
        let doing = "sending a file";
        let unreadable = |source| TransportError::Local { path: "the file to send".to_owned(), source };
        // The position in the file is shared with the program, so that progress shows in it.
        let stdin = file.try_clone().map_err(unreadable)?;
        let mut command = self.call(&copy::receive(part, from));
        let mut transfer = Transfer::start(command.stdin(stdin)).map_err(self.start_error("ssh"))?;
        let (mut position, mut moved) = (from, Instant::now());
        let ended = loop {
            if let Some(ended) = transfer.wait(LOOK).map_err(|source| self.link(doing, source))? {
                break ended;
            }
            let now = file.stream_position().map_err(unreadable)?;
            if now != position {
                (position, moved) = (now, Instant::now());
                on_bytes(position);
            }
            if moved.elapsed() > SILENCE_LIMIT {
                return Err(self.link(doing, io::ErrorKind::TimedOut.into()));
            }
        };
        let stderr = transfer.stderr.bytes();
        match ended {
            Ended::Code(0) => {
                on_bytes(file.stream_position().map_err(unreadable)?);
                Ok(())
            }
            Ended::Code(code) if code != OWN_ERROR => {
                Err(copy::refusal(&self.device, "write", part, code, &stderr))
            }
            Ended::Code(_) | Ended::Signal(_) => Err(self.lost(doing, &stderr)),
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
        let mut command = self.call(&copy::send(remote));
        let mut transfer = Transfer::start(command.stdin(Stdio::null()).stdout(Stdio::piped()))
            .map_err(self.start_error("ssh"))?;
        let stdout = transfer.child.stdout.take().expect("it was asked for above");
        let pieces = Pieces::start(stdout).map_err(self.start_error("ssh"))?;
        let mut content = AfterMark::new(Box::new(pieces));
        let bytes = copy::fetch(&mut content, to, on_bytes, |error| self.link(doing, error))?;
        let ended = transfer.wait(LOG_IN_LIMIT).map_err(|source| self.link(doing, source))?;
        match ended {
            Some(Ended::Code(0)) => Ok(bytes),
            Some(Ended::Code(code)) if code != OWN_ERROR => {
                Err(copy::refusal(&self.device, "read", remote, code, &transfer.stderr.bytes()))
            }
            _ => Err(self.lost(doing, &transfer.stderr.bytes())),
        }
    }
}

fn lock(master: &Mutex<OwnMaster>) -> MutexGuard<'_, OwnMaster> {
    master.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program on the device, at the other end of a local one.
///
/// The ssh program does not tell by which signal a program ended: that is its own exit code 255.
struct Remote {
    process: LocalProcess,
    master: Weak<Mutex<OwnMaster>>,
    device: String,
    doing: String,
}

impl RemoteProcess for Remote {
    fn streams(&mut self) -> Option<Streams> {
        self.process.streams()
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<Ended>, TransportError> {
        let ended = self.process.wait(limit)?;
        if ended == Some(Ended::Code(OWN_ERROR))
            && !self.master.upgrade().is_some_and(|master| lock(&master).is_up_soon())
        {
            let source = io::Error::new(io::ErrorKind::ConnectionReset, self.process.stderr_tail());
            return Err(TransportError::Link {
                device: self.device.clone(),
                doing: self.doing.clone(),
                source,
            });
        }
        Ok(ended)
    }

    fn kill(&mut self) {
        self.process.kill();
    }

    fn stderr_tail(&self) -> String {
        self.process.stderr_tail()
    }
}
