//! What ssh and adb have in common: a POSIX shell on the other side.
//!
//! A [`Shell`] carries lines and bytes; [`ShellTransport`] makes a [`Transport`] of it. All quoting happens here, by
//! [`quote`]; a carrier passes its line on as it is.

mod after;
mod delegate;
mod push;
mod script;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::command::{RemoteCommand, quote};
use crate::error::TransportError;
use crate::path::RemotePath;
use crate::place::Partial;
use crate::transport::{Ended, OnBytes, Output, Platform, PushOutcome, RemoteProcess, Streams, Transport};
pub(crate) use after::AfterMark;
pub(crate) use after::end_of_mark;
pub(crate) use delegate::transport_through_shell;
pub(crate) use push::PushSteps;
pub(crate) use script::{NO_FOLDER, OURS, kind_of, line as marked_line};

/// How long a small question to a device may take: a sleeping phone or a loaded Pi Zero needs seconds.
const QUESTION_LIMIT: Duration = Duration::from_secs(30);
/// How long removing everything may take.
const CLEAN_LIMIT: Duration = Duration::from_mins(5);

/// Carries lines of a POSIX shell and bytes to a device and back.
///
/// Every call has a limit of its own: a broken link is an error within seconds, never a wait without end. After such
/// an error the next call reaches the device anew.
pub(crate) trait Shell: Send {
    /// The device's name, for messages.
    fn device(&self) -> &str;
    /// `ssh`, `adb`.
    fn kind(&self) -> &'static str;
    /// As [`Transport::carrier`].
    fn carrier(&self) -> String;
    /// Runs one line to its end, without input; each output is cut at 16 MiB.
    fn run(&mut self, line: &str, limit: Duration) -> Result<Output, TransportError>;
    /// Starts one line whose last act is to become `program`.
    fn spawn(&mut self, line: &str, program: &str) -> Result<Box<dyn RemoteProcess>, TransportError>;
    /// Whether an upload can go on where an earlier one broke off.
    fn can_append(&self) -> bool;
    /// Brings `file`, from its present position to its end, into `part`, whose folder exists: appended to the
    /// `from` bytes that are there, or, when `from` is 0, in place of what is there. Tells `on_bytes` how much of the
    /// whole file is done. All is with the device's kernel when this returns.
    fn upload(
        &mut self,
        file: &mut File,
        from: u64,
        part: &RemotePath,
        on_bytes: OnBytes<'_>,
    ) -> Result<(), TransportError>;
    /// Takes all steps of a push in one conversation with one shell, and gives the answer of the last one; `None` where
    /// the carrier cannot hold such a conversation, and the steps are taken one by one.
    ///
    /// Each command costs the device some processes, which on a busy or small one take longer than a small file.
    fn push_in_one(
        &mut self,
        _file: &mut File,
        _steps: &mut PushSteps<'_>,
        _on_bytes: OnBytes<'_>,
    ) -> Option<Result<Output, TransportError>> {
        None
    }
    /// Writes the content of `remote` into `to`; gives its size.
    fn download(
        &mut self,
        remote: &RemotePath,
        to: &mut dyn Write,
        on_bytes: OnBytes<'_>,
    ) -> Result<u64, TransportError>;
    /// As [`Transport::disconnect`].
    fn disconnect(&mut self);
}

/// A device behind a shell.
pub(crate) struct ShellTransport<S> {
    shell: S,
    /// As the user wrote it, with the transport's default in place of nothing; `~/` is the home folder.
    asked_dir: String,
    /// Known after [`Transport::prepare`].
    work_dir: RemotePath,
    platform: Option<Platform>,
}

impl<S: Shell> ShellTransport<S> {
    /// A device behind `shell`, to work in `work_dir`.
    pub(crate) fn new(shell: S, work_dir: &str) -> Self {
        let known = RemotePath::new(work_dir);
        Self { shell, asked_dir: work_dir.to_owned(), work_dir: known, platform: None }
    }

    /// The carrier itself.
    pub(crate) fn shell(&mut self) -> &mut S {
        &mut self.shell
    }

    fn device(&self) -> String {
        self.shell.device().to_owned()
    }

    /// Runs a script of ours; what a login shell prints before it is passed over.
    fn script(&mut self, script: &str, limit: Duration) -> Result<Output, TransportError> {
        let mut output = self.shell.run(&script::line(script), limit)?;
        let Some(begin) = after::end_of_mark(&output.stdout) else {
            return Err(self.no_shell(&output));
        };
        output.stdout.drain(..begin);
        Ok(output)
    }

    fn no_shell(&self, output: &Output) -> TransportError {
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = crate::output::printable(&said[..said.len().min(400)]);
        TransportError::NoShell { device: self.device(), said }
    }

    /// The error for a script that said by its exit code what it could not do.
    fn refusal(&self, doing: &'static str, path: &str, output: &Output) -> TransportError {
        let words = [&output.stderr[..], &output.stdout[..]].concat();
        let words = crate::output::printable(&words[..words.len().min(400)]);
        let source = io::Error::new(script::kind_of(&words), words);
        TransportError::File { device: self.device(), doing, path: path.to_owned(), source }
    }
}

impl<S: Shell> Transport for ShellTransport<S> {
    fn kind(&self) -> &'static str {
        self.shell.kind()
    }

    fn carrier(&self) -> String {
        self.shell.carrier()
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn work_dir(&self) -> &RemotePath {
        &self.work_dir
    }

    fn prepare(&mut self) -> Result<(), TransportError> {
        let output = self.script(&script::prepare(&self.asked_dir), QUESTION_LIMIT)?;
        match output.ended {
            Ended::Code(0) => {}
            Ended::Code(script::NO_HOME) => {
                return Err(TransportError::NoRemoteHome { device: self.device() });
            }
            _ => return Err(self.refusal("work in", &self.asked_dir, &output)),
        }
        let said = script::Said::read(&output.stdout);
        let dir = said.text("dir").filter(|dir| dir.starts_with('/'));
        let dir = dir.ok_or_else(|| self.no_shell(&output))?.to_owned();
        if said.number("exec") != Some(script::RAN) {
            return Err(TransportError::NoExec { device: self.device(), path: dir });
        }
        // What a script prints cannot hold a line end; what was asked for can.
        let is_absolute = self.asked_dir.starts_with('/');
        self.work_dir = RemotePath::new(if is_absolute { self.asked_dir.clone() } else { dir });
        self.platform = Some(said.platform());
        Ok(())
    }

    fn platform(&mut self) -> Result<Platform, TransportError> {
        if self.platform.is_none() {
            let output = self.script(script::PLATFORM, QUESTION_LIMIT)?;
            self.platform = Some(script::Said::read(&output.stdout).platform());
        }
        Ok(self.platform.clone().unwrap_or_default())
    }

    fn size(&mut self, remote: &RemotePath) -> Result<Option<u64>, TransportError> {
        let output = self.script(&script::size(remote), QUESTION_LIMIT)?;
        Ok(script::Said::read(&output.stdout).number("bytes"))
    }

    fn run(&mut self, command: &RemoteCommand, limit: Duration) -> Result<Output, TransportError> {
        let command = self.in_work_dir(command);
        self.script(&command.to_shell(), limit).map_err(|error| match error {
            TransportError::Timeout { device, limit, .. } => {
                let program = command.argv.first().cloned().unwrap_or_default();
                TransportError::Timeout { device, program, limit }
            }
            other => other,
        })
    }

    fn push(
        &mut self,
        local: &Path,
        remote: &RemotePath,
        on_bytes: OnBytes<'_>,
    ) -> Result<PushOutcome, TransportError> {
        push::push(self, local, remote, on_bytes)
    }

    fn pull(
        &mut self,
        remote: &RemotePath,
        local: &Path,
        on_bytes: OnBytes<'_>,
    ) -> Result<u64, TransportError> {
        let unwritable = |source| TransportError::Local { path: local.display().to_string(), source };
        if let Some(folder) = local.parent() {
            fs::create_dir_all(folder).map_err(unwritable)?;
        }
        let mut partial = Partial::create(local).map_err(unwritable)?;
        let bytes = self.shell.download(remote, partial.file(), on_bytes)?;
        partial.persist().map_err(unwritable)?;
        Ok(bytes)
    }

    fn spawn(&mut self, command: &RemoteCommand) -> Result<Box<dyn RemoteProcess>, TransportError> {
        let command = self.in_work_dir(command);
        let program = command.argv.first().cloned().unwrap_or_default();
        let line = script::line(&command.to_shell_exec());
        let process = self.shell.spawn(&line, &program)?;
        Ok(Box::new(Marked(process)))
    }

    fn remove(&mut self, remote: &RemotePath) -> Result<(), TransportError> {
        let output = self.script(&format!("rm -f {}", quote(remote.as_str())), QUESTION_LIMIT)?;
        match output.ended {
            Ended::Code(0) => Ok(()),
            _ => Err(self.refusal("remove", remote.as_str(), &output)),
        }
    }

    fn clean(&mut self) -> Result<u64, TransportError> {
        let output = self.script(&script::clean(&self.asked_dir), CLEAN_LIMIT)?;
        match output.ended {
            Ended::Code(0) => {}
            Ended::Code(script::BUSY) => {
                let (device, path) = (self.device(), self.asked_dir.clone());
                return Err(TransportError::InUse { device, path });
            }
            _ => return Err(self.refusal("remove", &self.asked_dir, &output)),
        }
        let kib = script::Said::read(&output.stdout).number("freed_kib").unwrap_or(0);
        Ok(kib.saturating_mul(1024))
    }

    fn disconnect(&mut self) {
        self.shell.disconnect();
    }
}

impl<S: Shell> ShellTransport<S> {
    fn in_work_dir(&self, command: &RemoteCommand) -> RemoteCommand {
        let mut command = command.clone();
        if command.dir.is_none() && self.work_dir.as_str().starts_with('/') && self.platform.is_some() {
            command.dir = Some(self.work_dir.clone());
        }
        command
    }
}

/// A process whose stdout begins after the mark.
struct Marked(Box<dyn RemoteProcess>);

impl RemoteProcess for Marked {
    fn streams(&mut self) -> Option<Streams> {
        let streams = self.0.streams()?;
        Some(Streams { stdin: streams.stdin, stdout: Box::new(AfterMark::new(streams.stdout)) })
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<Ended>, TransportError> {
        self.0.wait(limit)
    }

    fn kill(&mut self) {
        self.0.kill();
    }

    fn stderr_tail(&self) -> String {
        self.0.stderr_tail()
    }
}
