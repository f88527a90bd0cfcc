//! One channel of a session, as its thread sees it.
//!
//! Nothing here waits. The library wants that what it could not finish is tried again before anything else is sent,
//! since half a packet may be on its way: [`Line::stuck`] remembers what that is.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use ssh2::{BlockDirections, Channel, Session};

use crate::ssh::connect::code_of;
use crate::ssh::pipe::{Broken, Next, Pipe};
use crate::ssh::signal;
use crate::ssh::sys;
use crate::transport::Ended;

/// Packets sent for one channel before the others have their turn.
const BURST: usize = 8;
/// `LIBSSH2_ERROR_EAGAIN`.
pub(super) const AGAIN: i32 = -37;
/// Errors of one channel; all others are of the whole session: `LIBSSH2_ERROR_CHANNEL_OUTOFORDER` to
/// `_CHANNEL_EOF_SENT`, and `_REQUEST_DENIED`.
const OF_A_CHANNEL: [i32; 9] = [-20, -21, -22, -23, -24, -25, -26, -27, -32];

/// Whether the session can go on after this error.
pub(super) fn is_of_a_channel(code: i32) -> bool {
    OF_A_CHANNEL.contains(&code)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The command is being handed over.
    Starting,
    Running,
    /// The other side has said all; its exit code is known.
    Closing,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Exec,
    Write,
    Read,
    ReadErrors,
}

/// A command and its channel.
pub(super) struct Line {
    channel: Channel,
    command: String,
    pipe: Arc<Pipe>,
    stage: Stage,
    /// What is being sent, and how much of it has been.
    sending: Option<(Vec<u8>, usize)>,
    /// What may have half a packet on its way.
    stuck: Option<Act>,
    /// Whether the end of the input waits for room.
    is_end_due: bool,
    is_end_sent: bool,
    is_input_dead: bool,
}

/// What came of one try.
enum Tried<T> {
    Done(T),
    Again,
    /// An error of this channel only.
    Denied(String),
}

impl Line {
    pub(super) fn new(channel: Channel, command: String, pipe: Arc<Pipe>) -> Self {
        Self {
            channel,
            command,
            pipe,
            stage: Stage::Starting,
            sending: None,
            stuck: None,
            is_end_due: false,
            is_end_sent: false,
            is_input_dead: false,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// Whether reading from this channel takes in all that came over the link.
    pub(super) fn takes_in(&self) -> bool {
        self.stage == Stage::Running
    }

    /// Whether it waits for the link to have room.
    pub(super) fn wants_room(&self) -> bool {
        self.stuck.is_some() || self.is_end_due
    }

    pub(super) fn finish(&self, end: Result<Ended, Broken>) {
        self.pipe.finish(end);
    }

    /// Does what can be done without waiting; whether anything could be.
    pub(super) fn step(&mut self, session: &Session, scratch: &mut [u8]) -> Result<bool, Broken> {
        match self.stage {
            Stage::Starting => self.start(session),
            Stage::Running if self.pipe.is_abandoned() && self.stuck.is_none() => {
                self.pipe.finish(Ok(Ended::Signal(signal::KILL)));
                self.stage = Stage::Closing;
                Ok(true)
            }
            Stage::Running => self.run(session, scratch),
            Stage::Closing => self.close(session),
            Stage::Closed => Ok(false),
        }
    }

    fn start(&mut self, session: &Session) -> Result<bool, Broken> {
        let answer = self.channel.exec(&self.command);
        match self.tried(session, Act::Exec, answer.map_err(|error| code_and_words(&error)))? {
            Tried::Done(()) => {
                self.stage = Stage::Running;
                self.command = String::new();
                self.pipe.started();
            }
            Tried::Again => return Ok(false),
            Tried::Denied(words) => {
                self.pipe.finish(Err(Broken::Refused("to run a command", words)));
                self.stage = Stage::Closing;
            }
        }
        Ok(true)
    }

    fn run(&mut self, session: &Session, scratch: &mut [u8]) -> Result<bool, Broken> {
        let mut has_moved = false;
        if !matches!(self.stuck, Some(Act::Read | Act::ReadErrors)) {
            has_moved |= self.write(session)?;
        }
        if self.stuck == Some(Act::Write) {
            return Ok(has_moved);
        }
        has_moved |= self.read_errors(session, scratch)?;
        has_moved |= self.read(session, scratch)?;
        if self.channel.eof() {
            self.pipe.output_over();
            has_moved |= self.end(session)?;
        }
        Ok(has_moved)
    }

    fn write(&mut self, session: &Session) -> Result<bool, Broken> {
        let mut has_moved = false;
        for _ in 0..BURST {
            if self.sending.is_none() {
                match self.pipe.next_input() {
                    Next::Chunk(chunk) if self.is_input_dead => {
                        self.pipe.input_sent(chunk.len());
                        continue;
                    }
                    Next::Chunk(chunk) => self.sending = Some((chunk, 0)),
                    Next::Nothing => return Ok(has_moved),
                    Next::End => return Ok(self.send_end(session)? || has_moved),
                }
            }
            let Some((chunk, at)) = &mut self.sending else { return Ok(has_moved) };
            let answer = self.channel.write(&chunk[*at..]).map_err(|error| last_error(session, &error));
            if let Ok(n_bytes) = answer {
                *at += n_bytes;
                if *at == chunk.len() {
                    self.pipe.input_sent(chunk.len());
                    self.sending = None;
                }
            }
            match self.tried(session, Act::Write, answer)? {
                Tried::Done(n_bytes) => has_moved |= n_bytes > 0,
                Tried::Again => return Ok(has_moved),
                Tried::Denied(_) => {
                    // The program does not read any more; what it says is still of interest.
                    self.is_input_dead = true;
                    self.sending = None;
                }
            }
        }
        Ok(has_moved)
    }

    /// Sends the end of the input. Only with room for it: the library keeps this packet where it cannot be continued.
    fn send_end(&mut self, session: &Session) -> Result<bool, Broken> {
        if self.is_end_sent || self.is_input_dead {
            self.is_end_due = false;
            return Ok(false);
        }
        self.is_end_due = !sys::has_room(std::os::fd::AsRawFd::as_raw_fd(session));
        if self.is_end_due {
            return Ok(false);
        }
        match self.channel.send_eof() {
            Ok(()) => self.is_end_sent = true,
            Err(error) if code_of(&error) == AGAIN => return Ok(false),
            Err(error) if is_of_a_channel(code_of(&error)) => self.is_end_sent = true,
            Err(error) => return Err(broken(&error)),
        }
        Ok(true)
    }

    fn read(&mut self, session: &Session, scratch: &mut [u8]) -> Result<bool, Broken> {
        if !self.pipe.has_room() && self.stuck != Some(Act::Read) {
            return Ok(false);
        }
        let answer = self.channel.read(scratch).map_err(|error| last_error(session, &error));
        match self.tried(session, Act::Read, answer)? {
            Tried::Done(0) | Tried::Again | Tried::Denied(_) => Ok(false),
            Tried::Done(n_bytes) => {
                self.pipe.put_output(&scratch[..n_bytes]);
                Ok(true)
            }
        }
    }

    /// Reads stderr always: it is kept short, and reading takes in what came for the session.
    fn read_errors(&mut self, session: &Session, scratch: &mut [u8]) -> Result<bool, Broken> {
        if self.stuck == Some(Act::Read) {
            return Ok(false);
        }
        let answer = self.channel.stderr().read(scratch).map_err(|error| last_error(session, &error));
        match self.tried(session, Act::ReadErrors, answer)? {
            Tried::Done(0) | Tried::Again | Tried::Denied(_) => Ok(false),
            Tried::Done(n_bytes) => {
                self.pipe.put_errors(&scratch[..n_bytes]);
                Ok(true)
            }
        }
    }

    /// After the last output: waits for the exit code.
    fn end(&mut self, session: &Session) -> Result<bool, Broken> {
        match self.channel.wait_close() {
            Err(error) if code_of(&error) == AGAIN => return Ok(false),
            Err(error) if !is_of_a_channel(code_of(&error)) => return Err(broken(&error)),
            _ => {}
        }
        let by_signal = self.channel.exit_signal().ok().and_then(|signal| signal.exit_signal);
        let ended = match by_signal {
            Some(name) => Ended::Signal(signal::number(&name)),
            None => Ended::Code(self.channel.exit_status().map_err(|error| broken(&error))?),
        };
        self.pipe.finish(Ok(ended));
        // Half a packet of input would stand in the way of all others.
        if self.stuck == Some(Act::Write) {
            return self.write(session);
        }
        self.stage = Stage::Closing;
        Ok(true)
    }

    fn close(&mut self, session: &Session) -> Result<bool, Broken> {
        if !self.is_end_sent {
            self.is_input_dead = false;
            return self.send_end(session);
        }
        match self.channel.close() {
            Err(error) if code_of(&error) == AGAIN => Ok(false),
            Err(error) if !is_of_a_channel(code_of(&error)) => Err(broken(&error)),
            _ => {
                self.stage = Stage::Closed;
                Ok(true)
            }
        }
    }

    /// Sorts an answer of the library, and remembers what has to be continued.
    fn tried<T>(
        &mut self,
        session: &Session,
        act: Act,
        answer: Result<T, (i32, String)>,
    ) -> Result<Tried<T>, Broken> {
        if self.stuck == Some(act) {
            self.stuck = None;
        }
        match answer {
            Ok(value) => Ok(Tried::Done(value)),
            Err((AGAIN, _)) => {
                if matches!(session.block_directions(), BlockDirections::Outbound | BlockDirections::Both) {
                    self.stuck = Some(act);
                }
                Ok(Tried::Again)
            }
            Err((code, words)) if is_of_a_channel(code) => Ok(Tried::Denied(words)),
            Err((_, words)) => Err(Broken::Link(io::ErrorKind::ConnectionReset, words)),
        }
    }
}

fn code_and_words(error: &ssh2::Error) -> (i32, String) {
    (code_of(error), error.message().to_owned())
}

/// The library's own error behind one of a stream, which has lost its code.
fn last_error(session: &Session, error: &io::Error) -> (i32, String) {
    if error.kind() == io::ErrorKind::WouldBlock {
        return (AGAIN, String::new());
    }
    ssh2::Error::last_session_error(session).map_or((0, error.to_string()), |error| code_and_words(&error))
}

/// An error that ends the session.
pub(super) fn broken(error: &ssh2::Error) -> Broken {
    Broken::Link(io::ErrorKind::ConnectionReset, error.message().to_owned())
}
