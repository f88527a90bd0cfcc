//! Hears the controller on a thread of its own, also while a launch is measured.
//!
//! Commands queue for the main thread; a cancel, a lost link and a stop signal reach the launch in progress at once,
//! through its interrupt.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use dyno_protocol::message::Command;
use dyno_protocol::peer::{self, PeerError};
use dyno_runtimes::interrupt::{Asked, Interrupt};

/// More commands than this are left in the pipe; a controller sends one at a time.
const MAX_WAITING: usize = 16;
/// Room for a JSON parser's recursion and little else.
const STACK_BYTES: usize = 512 << 10;

/// What the main thread is woken for.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A command.
    Command(Command),
    /// The link is closed or broken.
    LinkEnded(PeerError),
    /// A signal asks the agent to end.
    StopSignal,
}

/// Starts the listening threads; they end with the process.
///
/// # Errors
/// When the system has no thread left.
pub(crate) fn listen(
    commands: peer::Receiver<Command>,
    wait_for_stop: Option<fn()>,
    interrupt: &Arc<Interrupt>,
) -> io::Result<Receiver<Incoming>> {
    let (tell, inbox) = sync_channel(MAX_WAITING);
    let (told, raised) = (tell.clone(), Arc::clone(interrupt));
    let thread = || thread::Builder::new().stack_size(STACK_BYTES);
    thread().name("commands".to_owned()).spawn(move || hear(commands, &told, &raised))?;
    if let Some(wait) = wait_for_stop {
        let raised = Arc::clone(interrupt);
        thread().name("signals".to_owned()).spawn(move || {
            wait();
            raised.raise(Asked::Shutdown);
            // Best effort: a main thread that has ended needs no telling.
            drop(tell.send(Incoming::StopSignal));
        })?;
    }
    Ok(inbox)
}

fn hear(mut commands: peer::Receiver<Command>, tell: &SyncSender<Incoming>, interrupt: &Interrupt) {
    loop {
        let incoming = match commands.recv() {
            Ok(command) => {
                match &command {
                    // Commands come in order: what was cancelled before this launch is over.
                    Command::Run(_) | Command::Synthesize { .. } | Command::Quantize { .. } => {
                        interrupt.clear_cancel();
                    }
                    Command::Cancel => interrupt.raise(Asked::Cancel),
                    _ => {}
                }
                Incoming::Command(command)
            }
            Err(error) => {
                interrupt.raise(Asked::Shutdown);
                Incoming::LinkEnded(error)
            }
        };
        let is_last = matches!(incoming, Incoming::LinkEnded(_));
        if tell.send(incoming).is_err() || is_last {
            return;
        }
    }
}
