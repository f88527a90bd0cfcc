//! One copy through the ssh program.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use crate::output::{Collector, Keep, STDERR_TAIL_BYTES};
use crate::sys;
use crate::transport::Ended;

/// A copy of which nothing moves for so long is broken.
pub(super) const SILENCE_LIMIT: Duration = Duration::from_mins(1);

/// A call whose stdin or stdout is a file; dropping it ends it.
pub(super) struct Transfer {
    pub(super) child: Child,
    pub(super) stderr: Collector,
}

impl Transfer {
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.process_group(0).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().expect("it was asked for above");
        Ok(Self { child, stderr: Collector::start("stderr", stderr, Keep::Last(STDERR_TAIL_BYTES))? })
    }

    pub(super) fn wait(&mut self, limit: Duration) -> io::Result<Option<Ended>> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.stderr.wait(Duration::from_millis(500));
                let signal = || Ended::Signal(status.signal().unwrap_or(0));
                return Ok(Some(status.code().map_or_else(signal, Ended::Code)));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// What a process prints, with a limit on its silence.
pub(super) struct Pieces {
    pieces: Receiver<io::Result<Vec<u8>>>,
    rest: io::Cursor<Vec<u8>>,
}

impl Pieces {
    pub(super) fn start(mut stdout: ChildStdout) -> io::Result<Self> {
        let (sender, pieces) = sync_channel(8);
        let read = move || loop {
            let mut piece = vec![0; 128 << 10];
            let result = stdout.read(&mut piece).map(|n_bytes| {
                piece.truncate(n_bytes);
                piece
            });
            let is_last = !matches!(&result, Ok(piece) if !piece.is_empty());
            if sender.send(result).is_err() || is_last {
                return;
            }
        };
        std::thread::Builder::new().name("fetch".to_owned()).spawn(read)?;
        Ok(Self { pieces, rest: io::Cursor::new(Vec::new()) })
    }
}

impl Read for Pieces {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.rest.read(bytes)?;
        if n_bytes > 0 || bytes.is_empty() {
            return Ok(n_bytes);
        }
        match self.pieces.recv_timeout(SILENCE_LIMIT) {
            Ok(piece) => self.rest = io::Cursor::new(piece?),
            Err(Timeout) => return Err(io::ErrorKind::TimedOut.into()),
            Err(Disconnected) => return Ok(0),
        }
        self.rest.read(bytes)
    }
}

/// Ends a child of ours and all that it started.
pub(super) fn end(child: &mut Child) {
    if !matches!(child.try_wait(), Ok(Some(_))) {
        sys::kill_group(child.id());
        // Best effort: after SIGKILL the child ends, and only our own child can be reaped here.
        child.wait().ok();
    }
}
