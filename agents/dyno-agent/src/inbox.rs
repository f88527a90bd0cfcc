//! Hears the controller on a thread of its own, also while a launch is measured.
//!
//! Commands queue for the main thread; a cancel and a stop signal reach the launch in progress at once, through its
//! interrupt. A lost link does so only where a launch is not to outlive it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_protocol::message::Command;
use dyno_protocol::peer::{self, PeerError};
use dyno_runtimes::interrupt::{Asked, Interrupt};

use crate::args::OnLinkLoss;
use crate::sys::Signal;

/// More commands than this are left in the pipe; a controller sends one at a time.
const MAX_WAITING: usize = 16;
/// Room for a JSON parser's recursion and little else.
const STACK_BYTES: usize = 512 << 10;

/// An agent that is told that its link is gone, and has no launch to finish, ends within this: its main thread may hang
/// in a write that nobody will ever take.
const DETACH_LIMIT: Duration = Duration::from_secs(2);

/// What the main thread is woken for.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A command, and when it came.
    Command(Command, MonoNs),
    /// The link is closed or broken.
    LinkEnded(PeerError),
    /// A signal asks the agent to end.
    StopSignal,
    /// Another agent says that the link is gone.
    Detached,
}

/// What reaches into a launch from outside.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    /// Stops the launch in progress.
    pub(crate) interrupt: Arc<Interrupt>,
    /// Whether one is in progress.
    pub(crate) is_launching: Arc<AtomicBool>,
    /// Whether it outlives the link.
    pub(crate) on_link_loss: OnLinkLoss,
}

impl Reach {
    fn link_is_lost(&self) {
        if self.on_link_loss == OnLinkLoss::Stop {
            self.interrupt.raise(Asked::Shutdown);
        }
    }
}

/// Starts the listening threads; they end with the process.
///
/// # Errors
/// When the system has no thread left.
pub(crate) fn listen(
    commands: peer::Receiver<Command>,
    wait_for_signal: Option<fn() -> Signal>,
    reach: &Reach,
) -> io::Result<Receiver<Incoming>> {
    let (tell, inbox) = sync_channel(MAX_WAITING);
    let (told, reached) = (tell.clone(), reach.clone());
    let thread = || thread::Builder::new().stack_size(STACK_BYTES);
    thread().name("commands".to_owned()).spawn(move || hear(commands, &told, &reached))?;
    if let Some(wait) = wait_for_signal {
        let reached = reach.clone();
        thread().name("signals".to_owned()).spawn(move || heed(wait, &tell, &reached))?;
    }
    Ok(inbox)
}

fn heed(wait: fn() -> Signal, tell: &SyncSender<Incoming>, reach: &Reach) {
    loop {
        let incoming = match wait() {
            Signal::Stop => {
                reach.interrupt.raise(Asked::Shutdown);
                Incoming::StopSignal
            }
            Signal::Detach => {
                reach.link_is_lost();
                Incoming::Detached
            }
        };
        // Best effort, both: a main thread that hangs in a write, or has ended, needs no telling, and a stuck agent
        // that has no thread left to end it is ended by the next one's force.
        drop(tell.try_send(incoming));
        drop(leave_if_stuck(reach));
    }
}

/// Ends the process once no launch has been in progress for a while: what it recorded is in its spool.
fn leave_if_stuck(reach: &Reach) -> io::Result<()> {
    let is_launching = Arc::clone(&reach.is_launching);
    let watch = move || {
        let tick = Duration::from_millis(200);
        let mut idle = Duration::ZERO;
        while idle < DETACH_LIMIT {
            thread::sleep(tick);
            idle = if is_launching.load(Ordering::SeqCst) { Duration::ZERO } else { idle + tick };
        }
        leave();
    };
    thread::Builder::new().stack_size(64 << 10).name("leave".to_owned()).spawn(watch).map(drop)
}

#[expect(clippy::exit, reason = "the main thread may hang in a write to a link that is gone")]
fn leave() {
    std::process::exit(3);
}

fn hear(mut commands: peer::Receiver<Command>, tell: &SyncSender<Incoming>, reach: &Reach) {
    loop {
        let incoming = match commands.recv() {
            Ok(command) => {
                let at = monotonic_now();
                match &command {
                    // Commands come in order: what was cancelled before this launch is over.
                    Command::Run(_)
                    | Command::Prepare { .. }
                    | Command::Machine { .. }
                    | Command::TestSensors { .. }
                    | Command::Knock { .. }
                    | Command::Synthesize { .. }
                    | Command::Quantize { .. } => {
                        reach.interrupt.clear_cancel();
                    }
                    Command::Cancel => reach.interrupt.raise(Asked::Cancel),
                    _ => {}
                }
                Incoming::Command(command, at)
            }
            Err(error) => {
                reach.link_is_lost();
                Incoming::LinkEnded(error)
            }
        };
        let is_last = matches!(incoming, Incoming::LinkEnded(_));
        if tell.send(incoming).is_err() || is_last {
            return;
        }
    }
}
