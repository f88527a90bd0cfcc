//! The running agent on the other end of a pipe.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use dyno_model::blame::Classify as _;
use dyno_model::ids::DeviceId;
use dyno_protocol::build_id::BUILD_ID;
use dyno_protocol::message::{Command, Lease, Reply};
use dyno_protocol::peer::{ControllerPeer, PeerError, Sender};
use dyno_transport::{RemoteCommand, RemoteProcess, Transport};

use crate::error::{SessionError, how};
use crate::observe::{Observer, Step};

/// How long the agent may take for a small answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long to wait for a dead agent's exit status.
const REAP_LIMIT: Duration = Duration::from_secs(2);
/// Replies that may wait here; the agent's pipe holds the rest back.
const MAX_WAITING: usize = 64;

/// A running agent with shaken hands.
pub(crate) struct Link {
    device: DeviceId,
    process: Box<dyn RemoteProcess>,
    commands: Sender<Command>,
    replies: Receiver<Result<Reply, PeerError>>,
}

impl Link {
    /// Starts the agent.
    pub(crate) fn start(
        device: &DeviceId,
        transport: &mut dyn Transport,
        command: &RemoteCommand,
    ) -> Result<Self, SessionError> {
        let failed = |source| SessionError::Transport { device: device.clone(), source };
        let mut process = transport.spawn(command).map_err(failed)?;
        let streams = process.streams().expect("a fresh process has its streams");
        let (sender, replies) = sync_channel(MAX_WAITING);
        let (mut incoming, commands) = ControllerPeer::new(streams.stdout, streams.stdin).split();
        let reader = move || loop {
            let reply = incoming.recv();
            let last = reply.is_err();
            if sender.send(reply).is_err() || last {
                return;
            }
        };
        std::thread::Builder::new()
            .name(format!("link {device}"))
            .spawn(reader)
            .expect("a thread can be started");
        Ok(Self { device: device.clone(), process, commands, replies })
    }

    /// Shakes hands and takes the device; gives what the agent put right first.
    ///
    /// An agent of the same campaign whose link was lost is waited for as long as it says that it lives.
    pub(crate) fn take_lease(
        &mut self,
        lease: &Lease,
        observer: &mut dyn Observer,
    ) -> Result<Vec<String>, SessionError> {
        self.shake_hands(lease)?;
        loop {
            match self.answer_within("for the device", ANSWER_LIMIT)? {
                Reply::Leased { notes } => return Ok(notes),
                Reply::Waiting(note) => {
                    observer.step(&self.device, &Step::Waiting { holder: note.holder });
                    if observer.wants_to_stop() {
                        self.send(&Command::Cancel)?;
                    }
                }
                other => return Err(self.unexpected(&other)),
            }
        }
    }

    fn shake_hands(&mut self, lease: &Lease) -> Result<(), SessionError> {
        match self.answer("the handshake")? {
            Reply::Hello(hello) if hello.build_id == BUILD_ID => {
                self.send(&Command::Hello { build_id: BUILD_ID.to_owned(), lease: lease.clone() })
            }
            Reply::Hello(hello) => Err(SessionError::OtherBuild {
                device: self.device.clone(),
                expected: BUILD_ID.to_owned(),
                found: hello.build_id,
            }),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Sends one command.
    pub(crate) fn send(&mut self, command: &Command) -> Result<(), SessionError> {
        self.commands.send(command).map_err(|_broken_pipe| self.gone())
    }

    /// The next reply, if one comes within `limit`.
    pub(crate) fn reply_within(&mut self, limit: Duration) -> Result<Option<Reply>, SessionError> {
        match self.replies.recv_timeout(limit) {
            Ok(Ok(Reply::Error(source))) => Err(SessionError::Agent { device: self.device.clone(), source }),
            // Nobody has said good-bye to it: a signal on the device has.
            Ok(Ok(Reply::Bye)) => {
                let how = "it was asked to end, on the device or by `edgedyno devices release`".to_owned();
                Err(SessionError::AgentGone { device: self.device.clone(), how })
            }
            Ok(Ok(reply)) => Ok(Some(reply)),
            // A link that ends, between two frames or within one, is lost; anything else was never a link.
            Ok(Err(error)) if error.is_transient() => Err(self.gone()),
            Ok(Err(error)) => {
                self.process.kill();
                let hints = error.hints();
                Err(SessionError::Garbage { device: self.device.clone(), detail: error.to_string(), hints })
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.gone()),
        }
    }

    /// The next reply that is no progress; `what` names the question.
    pub(crate) fn answer(&mut self, what: &str) -> Result<Reply, SessionError> {
        self.answer_within(what, ANSWER_LIMIT)
    }

    /// As [`Link::answer`], with a limit for work that takes its time.
    pub(crate) fn answer_within(&mut self, what: &str, limit: Duration) -> Result<Reply, SessionError> {
        let due = Instant::now() + limit;
        loop {
            let left = due.saturating_duration_since(Instant::now());
            match self.reply_within(left)? {
                Some(Reply::Progress(_)) => {}
                Some(reply) => return Ok(reply),
                None => {
                    let (device, limit_s) = (self.device.clone(), limit.as_secs());
                    return Err(SessionError::Silent { device, what: what.to_owned(), limit_s });
                }
            }
        }
    }

    /// Says goodbye and waits for the agent to end. Best effort: the record is complete by now.
    pub(crate) fn close(mut self) {
        if self.send(&Command::Bye).is_ok() {
            self.process.wait(REAP_LIMIT).ok();
        }
    }

    /// The error for a reply that does not fit the question.
    pub(crate) fn unexpected(&self, reply: &Reply) -> SessionError {
        let words = format!("{reply:?}");
        let detail = format!("unexpected reply {}", words.chars().take(80).collect::<String>());
        SessionError::Garbage { device: self.device.clone(), detail, hints: Vec::new() }
    }

    fn gone(&mut self) -> SessionError {
        let how = match self.process.wait(REAP_LIMIT) {
            Ok(Some(ended)) => how(&ended),
            Ok(None) | Err(_) => "its pipe closed".to_owned(),
        };
        let tail = self.process.stderr_tail();
        let how = if tail.is_empty() { how } else { format!("{how}; it said: {tail}") };
        SessionError::AgentGone { device: self.device.clone(), how }
    }
}
