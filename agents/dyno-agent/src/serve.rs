//! The command loop: one command after the other, each answered before the next is taken.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use dyno_model::blame::Classify;
use dyno_model::clock::{Clock, MonoNs};
use dyno_protocol::build_id::{BUILD_ID, check_same_build};
use dyno_protocol::message::{
    Command, Hello, LaunchKey, PROTOCOL, Phase, Progress, RemoteError, Reply, RunOrder,
};
use dyno_protocol::peer::{AgentPeer, PeerError, Sender};
use dyno_runtimes::interrupt::{Asked, Interrupt};

use crate::error::{AgentError, SpoolError};
use crate::inbox::{Incoming, listen};
use crate::spool::Spools;
use crate::work_dir::WorkDir;
use crate::{drive, models, sense};

/// Progress is told at most so often.
pub(crate) const PROGRESS_EVERY_NS: u64 = 250_000_000;

/// What an agent finds around it: the machine's own, or a test's.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// Its folder.
    pub(crate) work_dir: PathBuf,
    /// Whether a small reply can be sent without waiting for the controller.
    pub(crate) has_room: fn() -> bool,
    /// Progress is told at most so often.
    pub(crate) progress_every_ns: u64,
    /// Sleeps until a stop signal comes; `None` where none can.
    pub(crate) wait_for_stop: Option<fn()>,
}

/// Serves one controller until it says good-bye, the link ends, or a stop signal comes.
///
/// # Errors
/// [`AgentError`]: the folder, the build or the link is not as it must be. The controller has been told, if it could.
pub(crate) fn serve(
    surroundings: &Surroundings,
    input: Box<dyn Read + Send>,
    output: Box<dyn Write + Send>,
) -> Result<(), AgentError> {
    let (commands, mut replies) = AgentPeer::new(input, output).split();
    let work_dir = match WorkDir::take(&surroundings.work_dir) {
        Ok(work_dir) => work_dir,
        Err(error) => return Err(refuse(&mut replies, error.into())),
    };
    replies.send(&Reply::Hello(Hello {
        build_id: BUILD_ID.to_owned(),
        protocol: PROTOCOL,
        pid: std::process::id(),
        work_dir: work_dir.root().display().to_string(),
    }))?;
    let interrupt = Arc::new(Interrupt::new()?);
    let inbox = listen(commands, surroundings.wait_for_stop, &interrupt)?;
    Server { surroundings, work_dir, interrupt, inbox, replies }.run()
}

/// Tells the controller why the agent ends.
fn refuse(replies: &mut Sender<Reply>, error: AgentError) -> AgentError {
    // Best effort: the link may be what is broken, and the error also goes to stderr.
    drop(replies.send(&Reply::Error(RemoteError::of(&error))));
    error
}

struct Server<'a> {
    surroundings: &'a Surroundings,
    work_dir: WorkDir,
    interrupt: Arc<Interrupt>,
    inbox: Receiver<Incoming>,
    replies: Sender<Reply>,
}

/// Whether the agent goes on.
#[derive(Debug, PartialEq, Eq)]
enum Flow {
    On,
    End,
}

/// Events could not be handed over.
enum HandOverError {
    Spool(SpoolError),
    Link(PeerError),
}

impl From<SpoolError> for HandOverError {
    fn from(error: SpoolError) -> Self {
        Self::Spool(error)
    }
}

impl Server<'_> {
    fn run(mut self) -> Result<(), AgentError> {
        let mut is_known = false;
        loop {
            let flow = match self.inbox.recv() {
                Ok(Incoming::Command(command)) => self.hear(command, &mut is_known),
                Ok(Incoming::LinkEnded(error)) if error.is_closed() => Ok(Flow::End),
                Ok(Incoming::LinkEnded(error)) => Err(refuse(&mut self.replies, error.into())),
                Ok(Incoming::StopSignal) => {
                    self.replies.send(&Reply::Bye).map(|()| Flow::End).map_err(AgentError::from)
                }
                // Both listening threads tell of their end before it comes.
                Err(_) => Ok(Flow::End),
            };
            if flow? == Flow::End {
                return Ok(());
            }
        }
    }

    /// The controller must say hello first, and be of the same build.
    fn hear(&mut self, command: Command, is_known: &mut bool) -> Result<Flow, AgentError> {
        match command {
            Command::Hello { build_id } => {
                check_same_build("controller", &build_id)
                    .map_err(|error| refuse(&mut self.replies, error.into()))?;
                *is_known = true;
                Ok(Flow::On)
            }
            _ if !*is_known => Err(refuse(&mut self.replies, AgentError::NoHello)),
            command => Ok(self.obey(command)?),
        }
    }

    fn obey(&mut self, command: Command) -> Result<Flow, PeerError> {
        let (work_dir, interrupt) = (&self.work_dir, &*self.interrupt);
        let spools = Spools::of(work_dir);
        match command {
            Command::Hello { .. } | Command::Cancel => Ok(()),
            Command::Facts => {
                let facts = Box::new(sense::device_facts(work_dir.root()));
                self.replies.send(&Reply::Facts { facts })
            }
            Command::Verify { path, digest } => {
                let verified = models::verify(work_dir, &path, digest);
                self.answer(verified.map(|digest| Reply::Verified { digest }))
            }
            Command::Synthesize { path, shape, seed } => {
                let wrote = models::synthesize(work_dir, interrupt, &path, &shape, seed);
                self.answer(wrote)
            }
            Command::Quantize { source, path, to, threads } => {
                let wrote = models::quantize(work_dir, interrupt, &source, &path, &to, threads);
                self.answer(wrote)
            }
            Command::Run(order) => self.launch(&order),
            Command::Spools { campaign } => {
                let listed = spools.list(&campaign);
                self.answer(listed.map(|spools| Reply::Spools { spools }))
            }
            Command::SendSpool(key) => self.hand_over(&key),
            Command::DropSpool(key) => {
                let removed = spools.remove(&key);
                self.answer(removed.map(|()| Reply::Dropped(key)))
            }
            Command::Bye => {
                self.say_bye();
                return Ok(Flow::End);
            }
        }?;
        Ok(Flow::On)
    }

    fn say_bye(&mut self) {
        // Best effort: a controller that has gone already needs no last word.
        drop(self.replies.send(&Reply::Bye));
    }

    fn answer<E: Classify>(&mut self, result: Result<Reply, E>) -> Result<(), PeerError> {
        let reply = result.unwrap_or_else(|error| Reply::Error(RemoteError::of(&error)));
        self.replies.send(&reply)
    }

    /// Executes a launch and hands its events over, unless the controller is gone.
    fn launch(&mut self, order: &RunOrder) -> Result<(), PeerError> {
        let spool = match Spools::of(&self.work_dir).create(&order.key()) {
            Ok(spool) => spool,
            Err(error) => return self.answer(Err(error)),
        };
        let mut link = Ok(());
        let mut told_at: Option<MonoNs> = None;
        let (surroundings, replies) = (self.surroundings, &mut self.replies);
        let mut on_progress = |phase: Phase, done: u32| {
            let now = Clock::Monotonic.now();
            let is_due = told_at.is_none_or(|at| now.since(at) >= surroundings.progress_every_ns);
            if is_due && link.is_ok() && (surroundings.has_room)() {
                told_at = Some(now);
                link = replies.send(&Reply::Progress(progress_of(order, phase, done)));
            }
        };
        let launched = drive::launch(order, spool, &self.interrupt, &mut on_progress);
        // A broken link was noticed by the listening thread, too, which stopped the launch.
        link?;
        match launched {
            Ok(_) if self.interrupt.asked() == Asked::Shutdown => Ok(()),
            Ok(outcome) => {
                let (run, launch, outcome) = (order.run, order.launch, outcome.word().to_owned());
                self.replies.send(&Reply::LaunchDone { run, launch, outcome })?;
                self.hand_over(&order.key())
            }
            Err(error) => self.answer(Err(SpoolError::from(error))),
        }
    }

    fn hand_over(&mut self, key: &LaunchKey) -> Result<(), PeerError> {
        let replies = &mut self.replies;
        let sent = Spools::of(&self.work_dir)
            .send(key, &mut |batch| replies.send(&Reply::EventBatch(batch)).map_err(HandOverError::Link));
        match sent {
            Ok(()) => Ok(()),
            Err(HandOverError::Link(error)) => Err(error),
            Err(HandOverError::Spool(error)) => self.answer(Err(error)),
        }
    }
}

fn progress_of(order: &RunOrder, phase: Phase, done: u32) -> Progress {
    let total = u32::try_from(order.requests.len()).unwrap_or(u32::MAX);
    Progress { run: order.run, launch: order.launch, phase, done, total }
}
