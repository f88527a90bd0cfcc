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

/// What a device runs, as far as it decides which agent fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Platform {
    /// `Linux`, `Android`, `Darwin`, `Windows`.
    pub os: String,
    /// Instruction set of the kernel, as `uname -m` says it: `aarch64`, `armv7l`, `x86_64`.
    pub machine: String,
    /// ABIs that Android lists, best first; empty elsewhere.
    pub abis: Vec<String>,
    /// Width of a pointer in its programs; a 64-bit kernel may carry 32-bit ones.
    pub bits: Option<u32>,
    /// What `getconf GNU_LIBC_VERSION` says: `glibc 2.36`; `None` where the C library is another one.
    pub glibc: Option<String>,
    /// Whether it has NVIDIA's driver or its library.
    pub has_nvidia: bool,
}

/// Told of bytes done so far while a file travels; must not wait.
pub type OnBytes<'a> = &'a mut dyn FnMut(u64);

/// Reaches one device. After a call that failed for its link, the next one tries to reach the device anew.
pub trait Transport: Send {
    /// `local`, `ssh`, `adb`.
    fn kind(&self) -> &'static str;
    /// What carries it, for people: `libssh2`, `the ssh program`; the kind where there is only one.
    fn carrier(&self) -> String {
        self.kind().to_owned()
    }
    /// Whether the device is another machine: a link that can break leads to it, and a program there outlives it.
    fn is_remote(&self) -> bool {
        false
    }
    /// The folder on the device that edgedyno may use; known and made after [`Transport::prepare`].
    fn work_dir(&self) -> &RemotePath;
    /// Reaches the device, makes the folder and checks that it can be written and that programs run there.
    ///
    /// # Errors
    /// When it cannot.
    fn prepare(&mut self) -> Result<(), TransportError>;
    /// What the device runs.
    ///
    /// # Errors
    /// When it cannot be asked.
    fn platform(&mut self) -> Result<Platform, TransportError>;
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
    fn push(
        &mut self,
        local: &Path,
        remote: &RemotePath,
        on_bytes: OnBytes<'_>,
    ) -> Result<PushOutcome, TransportError>;
    /// Brings a file from the device, whole or not at all; gives its size.
    ///
    /// # Errors
    /// When it cannot be brought; nothing is left under `local` then.
    fn pull(
        &mut self,
        remote: &RemotePath,
        local: &Path,
        on_bytes: OnBytes<'_>,
    ) -> Result<u64, TransportError>;
    /// Starts a program and gives its streams.
    ///
    /// # Errors
    /// When it cannot be started.
    fn spawn(&mut self, command: &RemoteCommand) -> Result<Box<dyn RemoteProcess>, TransportError>;
    /// Removes one file; one that is not there is as good as removed.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    fn remove(&mut self, remote: &RemotePath) -> Result<(), TransportError>;
    /// Removes the folder with all that is in it; gives the bytes that were freed, 0 if there was none.
    ///
    /// # Errors
    /// When it cannot; a part may be gone then.
    fn clean(&mut self) -> Result<u64, TransportError>;
    /// Lets go of the link; the next call reaches the device anew.
    fn disconnect(&mut self) {}
}
