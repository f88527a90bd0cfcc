//! One side of the talk: sends messages of one type, takes messages of the other.

use std::io::{Read, Write};
use std::marker::PhantomData;

use dyno_model::blame::{Blame, Classify};

use crate::frame::{FrameError, FrameReader, FrameWriter};
use crate::message::{Command, Message, Reply};

/// The controller's side.
pub type ControllerPeer = Peer<Reply, Command>;
/// The agent's side.
pub type AgentPeer = Peer<Command, Reply>;

/// A message could not be sent or taken; the link is no longer of use.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The bytes went wrong.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame of the other direction, or of an unknown kind.
    #[error("expected a message from the {expected}, but a frame of kind {got} came")]
    Kind {
        /// Who should have sent it.
        expected: &'static str,
        /// The frame's kind.
        got: u8,
    },
    /// The payload is not such a message.
    #[error("message from the {sender} makes no sense")]
    Content {
        /// Who sent it.
        sender: &'static str,
        /// Where it stops making sense.
        #[source]
        source: serde_json::Error,
    },
}

impl PeerError {
    /// Whether the other side ended the talk between two messages.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Frame(FrameError::Closed))
    }
}

impl Classify for PeerError {
    fn blame(&self) -> Blame {
        match self {
            Self::Frame(error) => error.blame(),
            Self::Kind { .. } | Self::Content { .. } => Blame::Harness,
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Frame(error) => error.is_transient(),
            Self::Kind { .. } | Self::Content { .. } => false,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Frame(error) => error.hints(),
            Self::Kind { .. } | Self::Content { .. } => Vec::new(),
        }
    }
}

/// A two-way channel.
pub struct Peer<In, Out> {
    receiver: Receiver<In>,
    sender: Sender<Out>,
}

/// The taking half.
pub struct Receiver<In> {
    frames: FrameReader,
    message: PhantomData<fn() -> In>,
}

/// The sending half.
pub struct Sender<Out> {
    frames: FrameWriter,
    message: PhantomData<fn(Out)>,
}

impl<In: Message, Out: Message> Peer<In, Out> {
    /// Talks over a pair of byte streams.
    pub fn new(input: Box<dyn Read + Send>, output: Box<dyn Write + Send>) -> Self {
        Self {
            receiver: Receiver { frames: FrameReader::new(input), message: PhantomData },
            sender: Sender { frames: FrameWriter::new(output), message: PhantomData },
        }
    }

    /// Sends one message.
    ///
    /// # Errors
    /// [`PeerError`]: the link is gone, or the message is over the frame's limit.
    pub fn send(&mut self, message: &Out) -> Result<(), PeerError> {
        self.sender.send(message)
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// [`PeerError`]; see [`PeerError::is_closed`] for a clean end.
    pub fn recv(&mut self) -> Result<In, PeerError> {
        self.receiver.recv()
    }

    /// The two halves, for two threads.
    pub fn split(self) -> (Receiver<In>, Sender<Out>) {
        (self.receiver, self.sender)
    }
}

impl<In: Message> Receiver<In> {
    /// Waits for the next message.
    ///
    /// # Errors
    /// [`PeerError`]; see [`PeerError::is_closed`] for a clean end.
    pub fn recv(&mut self) -> Result<In, PeerError> {
        let frame = self.frames.read()?;
        if frame.kind != In::KIND {
            return Err(PeerError::Kind { expected: In::SENDER, got: frame.kind });
        }
        serde_json::from_slice(&frame.payload)
            .map_err(|source| PeerError::Content { sender: In::SENDER, source })
    }
}

impl<Out: Message> Sender<Out> {
    /// Sends one message.
    ///
    /// # Errors
    /// [`PeerError`]: the link is gone, or the message is over the frame's limit.
    pub fn send(&mut self, message: &Out) -> Result<(), PeerError> {
        self.frames.write(Out::KIND, |payload| {
            serde_json::to_writer(payload, message)
                .map_err(|source| PeerError::Content { sender: Out::SENDER, source })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::duplex;

    #[test]
    fn commands_and_replies_pass_each_other() {
        let (controller, agent) = duplex();
        let mut controller = ControllerPeer::new(Box::new(controller.input), Box::new(controller.output));
        let mut agent = AgentPeer::new(Box::new(agent.input), Box::new(agent.output));
        controller.send(&Command::Facts).expect("room in the pipe");
        agent.send(&Reply::Bye).expect("room in the pipe");
        assert_eq!(agent.recv().expect("a command"), Command::Facts);
        assert_eq!(controller.recv().expect("a reply"), Reply::Bye);
        drop(agent);
        assert!(controller.recv().expect_err("agent is gone").is_closed());
    }

    #[test]
    fn a_message_of_the_other_direction_is_refused() {
        let (one, other) = duplex();
        let mut controller = ControllerPeer::new(Box::new(one.input), Box::new(one.output));
        let mut echo = ControllerPeer::new(Box::new(other.input), Box::new(other.output));
        echo.send(&Command::Bye).expect("room in the pipe");
        let error = controller.recv().expect_err("a command is no reply");
        assert_eq!(error.to_string(), "expected a message from the agent, but a frame of kind 1 came");
    }
}
