//! A program that runs until its guard is dropped, with its output in a file.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::BenchError;
use crate::program::words;
use crate::undo::{Undo, start_time};

/// A running program; killed and waited for on drop.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    undo: Option<Undo>,
}

impl Daemon {
    /// Starts it in a process group of its own, with stdout and stderr appended to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self, BenchError> {
        let open = || File::options().create(true).append(true).open(log);
        let stdout = open().map_err(BenchError::io("cannot open the log", log))?;
        let stderr = open().map_err(BenchError::io("cannot open the log", log))?;
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).process_group(0);
        let child =
            command.spawn().map_err(|source| BenchError::Start { command: words(command), source })?;
        let mut daemon = Self { child, undo: None };
        let start = start_time(daemon.pid()).unwrap_or_default();
        daemon.undo = Some(Undo::new(&format!("end {} {start}", daemon.pid()))?);
        Ok(daemon)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Kills it and waits for its end.
    pub(crate) fn kill(&mut self) {
        // Best effort: one that is gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(undo) = self.undo.take() {
            undo.forget();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A log, which may hold bytes that are no text.
pub(crate) fn read_log(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
