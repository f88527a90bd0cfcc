//! What every way to a device can do.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use crate::command::RemoteCommand;
use crate::error::TransportError;
use crate::path::RemotePath;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With an exit code.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// What a program printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub ended: Ended,
    /// Its stdout, at most 16 MiB.
    pub stdout: Vec<u8>,
    /// Its stderr, at most 16 MiB.
    pub stderr: Vec<u8>,
}

/// What a push did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushOutcome {
    /// The file was sent.
    Sent {
        /// Its size.
        bytes: u64,
    },
    /// A file of that size was there already.
    AlreadyThere,
}

/// The byte streams of a running program.
pub struct Streams {
    /// Its stdin; dropping it is end of file.
    pub stdin: Box<dyn Write + Send>,
    /// Its stdout.
    pub stdout: Box<dyn Read + Send>,
}

/// A running program on a device; dropping it ends it.
pub trait RemoteProcess: Send {
    /// The streams; once.
    fn streams(&mut self) -> Option<Streams>;
    /// How it ended, if it has within `limit`.
    ///
    /// # Errors
    /// When the device does not say.
    fn wait(&mut self, limit: Duration) -> Result<Option<Ended>, TransportError>;
    /// Ends it at once.
    fn kill(&mut self);
    /// The last lines of its stderr, control characters taken out.
    fn stderr_tail(&self) -> String;
}

/// Reaches one device.
pub trait Transport: Send {
    /// `local`, `ssh`, `adb`.
    fn kind(&self) -> &'static str;
    /// The folder on the device that edgedyno may use; made by [`Transport::prepare`].
    fn work_dir(&self) -> &RemotePath;
    /// Makes the folder and checks that it can be written.
    ///
    /// # Errors
    /// When it cannot.
    fn prepare(&mut self) -> Result<(), TransportError>;
    /// The size of a file on the device; `None` if there is no such file.
    ///
    /// # Errors
    /// When the device does not say. A transport that cannot ask says `None`, and the file is pushed.
    fn size(&mut self, _remote: &RemotePath) -> Result<Option<u64>, TransportError> {
        Ok(None)
    }
    /// Runs a program to its end, without input.
    ///
    /// # Errors
    /// When it cannot be started, or does not end within `limit`; it is killed then.
    fn run(&mut self, command: &RemoteCommand, limit: Duration) -> Result<Output, TransportError>;
    /// Brings a file to the device, whole or not at all, and executable if it is so here.
    ///
    /// A file of the same size under that name is taken for the same: names are digests.
    ///
    /// # Errors
    /// When it cannot be brought; nothing is left under `remote` then.
    fn push(&mut self, local: &Path, remote: &RemotePath) -> Result<PushOutcome, TransportError>;
    /// Brings a file from the device, whole or not at all; gives its size.
    ///
    /// # Errors
    /// When it cannot be brought; nothing is left under `local` then.
    fn pull(&mut self, remote: &RemotePath, local: &Path) -> Result<u64, TransportError>;
    /// Starts a program and gives its streams.
    ///
    /// # Errors
    /// When it cannot be started.
    fn spawn(&mut self, command: &RemoteCommand) -> Result<Box<dyn RemoteProcess>, TransportError>;
}
