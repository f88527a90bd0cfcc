//! What a person may see while a session works, and how they stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dyno_model::ids::{DeviceId, RunId};
use dyno_protocol::message::Phase;

/// One step of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The device is being reached.
    Reach,
    /// A file travels.
    Sending {
        /// Bytes done.
        done: u64,
        /// Bytes of the file.
        of: u64,
    },
    /// An agent of the same campaign, whose link was lost, finishes its launch first.
    Waiting {
        /// For whom it works.
        holder: String,
    },
    /// The link is lost; it is sought again.
    LinkLost {
        /// What happened.
        error: String,
        /// Seconds until the next attempt.
        next_s: u64,
    },
    /// Something worth a line.
    Note {
        /// Words.
        text: String,
    },
    /// The agent is being copied.
    DeployAgent {
        /// Its size.
        bytes: u64,
    },
    /// Hands are shaken.
    Connected {
        /// What the device calls itself.
        device: String,
    },
    /// A launch left over from an earlier contact is brought home.
    Recover {
        /// Which run.
        run: RunId,
    },
    /// A model is being copied or checked.
    DeployModel {
        /// Its name.
        model: String,
        /// Its size.
        bytes: u64,
    },
    /// The device is being brought into the state that it is to be measured in.
    Prepare,
    /// A synthetic model is being written on the device.
    Synthesize {
        /// Its name.
        model: String,
    },
    /// A run is left out: what is in the record decides already.
    LeftOut {
        /// Which run.
        run: RunId,
        /// Requests that are not made.
        n_requests: usize,
        /// What decides.
        why: String,
    },
    /// A launch begins.
    Launch {
        /// Which run.
        run: RunId,
        /// Its place among this session's runs, from 1.
        nth: usize,
        /// How many runs this session has.
        of: usize,
        /// Requests that it is to serve.
        n_requests: usize,
        /// How long its requests go round; `None` where each is made once.
        held_ms: Option<u64>,
    },
    /// The agent says where it is.
    Progress {
        /// Which part of the launch goes on.
        phase: Phase,
        /// Requests done in this launch, or seconds of a part that goes by time.
        done: usize,
        /// Requests of this launch, or seconds of that part at most.
        of: usize,
    },
    /// A launch is in the record.
    LaunchDone {
        /// Which run.
        run: RunId,
        /// How it ended.
        outcome: String,
    },
}

/// Watches sessions; must not block.
pub trait Observer: Send {
    /// Something happened on `device`.
    fn step(&mut self, device: &DeviceId, step: &Step);

    /// Whether a person asked to stop.
    fn wants_to_stop(&self) -> bool {
        false
    }
}

/// Asks a session to stop; shared with a signal handler.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
