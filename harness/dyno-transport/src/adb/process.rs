//! A program that runs on a device.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::adb::device::Doubt;
use crate::adb::error::AdbError;
use crate::adb::speech::{Listener, Speech};
use crate::error::TransportError;
use crate::output::{STDERR_TAIL_BYTES, printable};
use crate::transport::{Ended, RemoteProcess, Streams};

/// Pieces of stdout (at most 64 KiB each) that wait for their reader; then the device has to wait.
const MAX_WAITING: usize = 32;

/// A program on a device and the connection that carries its streams.
///
/// Ending the connection ends the program: adbd closes its stdin and sends it SIGHUP, with shell v2 at once, with
/// `exec:` after one to two seconds (seen with adbd 34.0.5). A program that ignores SIGHUP, or puts itself into a
/// session of its own, runs on; there is no other signal in adb.
pub(super) struct AdbProcess {
    device: String,
    program: String,
    stream: TcpStream,
    state: Arc<State>,
    streams: Option<Streams>,
}

struct State {
    inner: Mutex<Inner>,
    changed: Condvar,
    /// Raised when the program ends otherwise than by itself.
    doubt: Doubt,
}

#[derive(Default)]
struct Inner {
    stderr: VecDeque<u8>,
    ended: Option<Result<Ended, Broken>>,
}

/// How a connection ended before the exit code came.
#[derive(Debug, Clone)]
struct Broken {
    kind: io::ErrorKind,
    words: String,
}

impl AdbProcess {
    /// Follows a program that was just started over `stream`.
    pub(super) fn start(
        device: &str,
        program: &str,
        stream: TcpStream,
        speech: &Speech,
        doubt: Doubt,
    ) -> io::Result<Self> {
        let state = Arc::new(State { inner: Mutex::default(), changed: Condvar::new(), doubt });
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let follower = Follower {
            from: stream.try_clone()?,
            speech: speech.clone(),
            state: Arc::clone(&state),
            stdout: Some(sender),
        };
        thread::Builder::new().name(format!("adb {device}")).spawn(|| follower.run())?;
        let stdin = Stdin { stream: stream.try_clone()?, speech: speech.clone() };
        let stdout = Stdout { pieces: receiver, piece: Vec::new(), n_read: 0 };
        let streams = Some(Streams { stdin: Box::new(stdin), stdout: Box::new(stdout) });
        Ok(Self { device: device.to_owned(), program: program.to_owned(), stream, state, streams })
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, how: Result<Ended, Broken>) {
        if self.lock().ended.get_or_insert(how).is_err() {
            self.doubt.rise();
        }
        self.changed.notify_all();
    }

    fn wait(&self, limit: Duration) -> Option<Result<Ended, Broken>> {
        let due = Instant::now() + limit;
        let mut inner = self.lock();
        while inner.ended.is_none() {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let woken = self.changed.wait_timeout(inner, left);
            inner = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        inner.ended.clone()
    }
}

impl RemoteProcess for AdbProcess {
    fn streams(&mut self) -> Option<Streams> {
        self.streams.take()
    }

    /// A program whose stdout nobody reads is waited for in vain once 2 MiB wait.
    fn wait(&mut self, limit: Duration) -> Result<Option<Ended>, TransportError> {
        match self.state.wait(limit) {
            None => Ok(None),
            Some(Ok(ended)) => Ok(Some(ended)),
            Some(Err(Broken { kind: io::ErrorKind::InvalidData, words })) => {
                let device = self.device.clone();
                Err(AdbError::Garbled { device, doing: "running a program", detail: words }.into())
            }
            Some(Err(Broken { kind, words })) => Err(TransportError::Link {
                device: self.device.clone(),
                doing: format!("running {}", self.program),
                source: io::Error::new(kind, words),
            }),
        }
    }

    fn kill(&mut self) {
        let words = "its connection was closed from here".to_owned();
        self.state.end(Err(Broken { kind: io::ErrorKind::ConnectionAborted, words }));
        // Best effort: the connection may have ended by itself.
        self.stream.shutdown(Shutdown::Both).ok();
    }

    fn stderr_tail(&self) -> String {
        let tail: Vec<u8> = self.state.lock().stderr.iter().copied().collect();
        printable(&tail)
    }
}

impl Drop for AdbProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Takes apart what comes from the device, in a thread of its own.
struct Follower {
    from: TcpStream,
    speech: Speech,
    state: Arc<State>,
    /// `None` once nobody listens any more.
    stdout: Option<SyncSender<io::Result<Vec<u8>>>>,
}

impl Follower {
    fn run(mut self) {
        let speech = self.speech.clone();
        let ended = self.from.try_clone().and_then(|mut from| speech.follow(&mut from, &mut self));
        let ended = ended.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                let words = "the connection ended without an exit code".to_owned();
                Broken { kind: io::ErrorKind::UnexpectedEof, words }
            }
            kind => Broken { kind, words: error.to_string() },
        });
        self.state.end(ended.clone());
        // Best effort: all has been said, or the connection is broken.
        self.from.shutdown(Shutdown::Both).ok();
        if let (Some(stdout), Err(broken)) = (&self.stdout, ended) {
            // Best effort: somebody who has gone needs no news.
            stdout.send(Err(io::Error::new(broken.kind, broken.words))).ok();
        }
    }
}

impl Listener for Follower {
    fn stdout(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.stdout.as_ref().is_some_and(|stdout| stdout.send(Ok(bytes.to_vec())).is_err()) {
            self.stdout = None;
        }
    }

    fn stderr(&mut self, bytes: &[u8]) {
        let mut inner = self.state.lock();
        inner.stderr.extend(&bytes[bytes.len().saturating_sub(STDERR_TAIL_BYTES)..]);
        let excess = inner.stderr.len().saturating_sub(STDERR_TAIL_BYTES);
        inner.stderr.drain(..excess);
    }
}

struct Stdin {
    stream: TcpStream,
    speech: Speech,
}

impl Write for Stdin {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let sent = self.speech.send(bytes, &mut self.stream);
        if sent.is_err() {
            // Best effort: half a packet may be out, after which nothing can be understood.
            self.stream.shutdown(Shutdown::Both).ok();
        }
        sent
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        // Best effort: a program that has ended needs no end of input.
        self.speech.close_stdin(&mut self.stream).ok();
    }
}

struct Stdout {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    n_read: usize,
}

impl Read for Stdout {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        if self.n_read == self.piece.len() {
            // The sender goes when the program has ended.
            let Ok(piece) = self.pieces.recv() else { return Ok(0) };
            (self.piece, self.n_read) = (piece?, 0);
        }
        let left = &self.piece[self.n_read..];
        let n_bytes = left.len().min(block.len());
        block[..n_bytes].copy_from_slice(&left[..n_bytes]);
        self.n_read += n_bytes;
        Ok(n_bytes)
    }
}
