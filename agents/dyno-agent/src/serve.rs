//! The command loop: one command after the other, each answered before the next is taken.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

use dyno_model::blame::Classify;
use dyno_model::clock::{Clock, MonoNs, WallNs};
use dyno_model::ids::CampaignId;
use dyno_model::prepare::{PrepareSpec, Restored};
use dyno_protocol::build_id::{BUILD_ID, check_same_build};
use dyno_protocol::message::{
    Command, Hello, LaunchKey, LeaseNote, PROTOCOL, Phase, Progress, RemoteError, Reply, RunOrder,
};
use dyno_protocol::peer::{AgentPeer, PeerError, Sender};
use dyno_runtimes::interrupt::{Asked, Interrupt};

use crate::args::OnLinkLoss;
use crate::error::{AgentError, SpoolError};
use crate::inbox::{Incoming, Reach, listen};
use crate::meter::{self, Meters};
use crate::prepare::{After, PrepareError, SystemHost};
use crate::spool::Spools;
use crate::sys::Signal;
use crate::work_dir::{Folder, WorkDir};
use crate::{drive, examine, lease, models, prepare, sense};

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
    /// Sleeps until a signal comes; `None` where none can.
    pub(crate) wait_for_signal: Option<fn() -> Signal>,
    /// What becomes of a launch whose link is lost.
    pub(crate) on_link_loss: OnLinkLoss,
    /// The id of this boot.
    pub(crate) boot_id: Option<String>,
    /// This program, to be started again for calibrations; without it they make do with a thread.
    pub(crate) program: Option<PathBuf>,
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
    let folder = match Folder::open(&surroundings.work_dir) {
        Ok(folder) => folder,
        Err(error) => return Err(refuse(&mut replies, error.into())),
    };
    replies.send(&Reply::Hello(Hello {
        build_id: BUILD_ID.to_owned(),
        protocol: PROTOCOL,
        pid: std::process::id(),
        work_dir: folder.root().display().to_string(),
    }))?;
    let reach = Reach {
        interrupt: Arc::new(Interrupt::new()?),
        is_launching: Arc::new(AtomicBool::new(false)),
        on_link_loss: surroundings.on_link_loss,
    };
    let inbox = listen(commands, surroundings.wait_for_signal, &reach)?;
    match admit(surroundings, folder, &inbox, &mut replies, &reach.interrupt) {
        Ok(Some(work_dir)) => Server {
            surroundings,
            work_dir,
            reach,
            inbox,
            replies,
            prepared: None,
            meters: Meters::default(),
        }
        .serve(),
        Ok(None) => Ok(()),
        Err(error) => Err(refuse(&mut replies, error)),
    }
}

/// Hears the controller's hello, which must come first, and takes the device for it; `None` when it goes instead.
fn admit(
    surroundings: &Surroundings,
    folder: Folder,
    inbox: &Receiver<Incoming>,
    replies: &mut Sender<Reply>,
    interrupt: &Interrupt,
) -> Result<Option<WorkDir>, AgentError> {
    let lease = match inbox.recv() {
        Ok(Incoming::Command(Command::Hello { build_id, lease }, _)) => {
            check_same_build("controller", &build_id)?;
            lease
        }
        Ok(Incoming::Command(..)) => return Err(AgentError::NoHello),
        Ok(Incoming::LinkEnded(error)) if !error.is_closed() => return Err(error.into()),
        Ok(Incoming::LinkEnded(_) | Incoming::StopSignal | Incoming::Detached) | Err(_) => return Ok(None),
    };
    let began = Clock::Monotonic.now();
    let mut waited_for = None;
    let mut tell = |note: &LeaseNote| {
        waited_for.get_or_insert_with(|| note.clone());
        Ok(replies.send(&Reply::Waiting(note.clone()))?)
    };
    lease::take(&folder, &lease, interrupt, &mut tell)?;
    let waited = waited_for.map(|note| {
        let seconds = Clock::Monotonic.now().since(began) / 1_000_000_000;
        format!("waited {seconds} s for the agent of process {}, whose link was lost, to finish", note.pid)
    });
    let leftover = prepare::recover(&SystemHost::new(None), folder.root())?;
    let notes = waited.into_iter().chain(leftover.as_ref().map(put_back)).collect();
    replies.send(&Reply::Leased { notes })?;
    Ok(Some(folder.into_work_dir(surroundings.boot_id.clone())))
}

/// What became of what a crashed contact had set, in words.
fn put_back(restored: &Restored) -> String {
    let of =
        restored.campaign.as_ref().map(|campaign| format!(" of campaign {campaign}")).unwrap_or_default();
    let n = restored.settings.len();
    let mut text =
        format!("a contact{of} ended without putting the device back; {n} of its settings were looked after");
    for problem in restored.problems() {
        text.push_str("; ");
        text.push_str(&problem);
    }
    text
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
    reach: Reach,
    inbox: Receiver<Incoming>,
    replies: Sender<Reply>,
    /// What the device was brought into, and is to be put back from.
    prepared: Option<Box<PrepareSpec>>,
    meters: Meters,
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
    /// Serves, and leaves the device as it was, however the talk ended.
    fn serve(mut self) -> Result<(), AgentError> {
        let served = self.run();
        // A note that cannot be worked off stays for the next agent; the error that ended the talk says more.
        let put_back = self.put_back();
        served.and(put_back.map(drop).map_err(AgentError::from))
    }

    fn put_back(&mut self) -> Result<Option<Restored>, PrepareError> {
        let Some(spec) = self.prepared.take() else { return Ok(None) };
        let after = After::Run(&spec.after, spec.command_limit_ms());
        prepare::restore(&SystemHost::new(None), self.work_dir.root(), after)
    }

    fn prepare(&mut self, campaign: &CampaignId, spec: Box<PrepareSpec>) -> Result<Reply, PrepareError> {
        let host = SystemHost::new(Some(&self.reach.interrupt));
        let prepared = prepare::apply(&host, self.work_dir.root(), campaign, &spec)?;
        self.prepared = Some(spec);
        Ok(Reply::Prepared { prepared: Box::new(prepared) })
    }

    fn run(&mut self) -> Result<(), AgentError> {
        loop {
            let flow = match self.inbox.recv() {
                Ok(Incoming::Command(command, at)) => self.obey(command, at)?,
                Ok(Incoming::LinkEnded(error)) if error.is_closed() => Flow::End,
                Ok(Incoming::LinkEnded(error)) => return Err(refuse(&mut self.replies, error.into())),
                Ok(Incoming::StopSignal) => {
                    self.say_bye();
                    Flow::End
                }
                // Both listening threads tell of their end before it comes.
                Ok(Incoming::Detached) | Err(_) => Flow::End,
            };
            if flow == Flow::End {
                return Ok(());
            }
        }
    }

    fn obey(&mut self, command: Command, at: MonoNs) -> Result<Flow, PeerError> {
        let (work_dir, interrupt) = (&self.work_dir, &*self.reach.interrupt);
        let spools = Spools::of(work_dir);
        match command {
            Command::Hello { .. } | Command::Cancel => Ok(()),
            Command::Clock => {
                let (sent, wall) = (Clock::Monotonic.now(), WallNs::now());
                self.replies.send(&Reply::Clock { received: at, sent, wall })
            }
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
            Command::Machine { for_ms, sys_root } => {
                let measured = examine::machine(work_dir.root(), interrupt, sys_root.as_deref(), for_ms);
                self.answer(measured)
            }
            Command::TestSensors { for_ms, sys_root } => {
                let tested = examine::sensors(work_dir.root(), interrupt, sys_root.as_deref(), for_ms);
                self.answer(tested)
            }
            Command::Prepare { campaign, spec } => {
                let prepared = self.prepare(&campaign, spec);
                self.answer(prepared)
            }
            Command::MeterBegin { meter, sensor, planned } => {
                let begun = self.meters.begin(&meter, sensor, &planned);
                self.answer(begun)
            }
            Command::MeterRows { meter } => {
                let rows = self.meters.rows(&meter);
                self.answer(rows)
            }
            Command::Knock { turns_ms } => {
                let knocked = meter::knock(&turns_ms, interrupt);
                self.answer(knocked.map(|loads| Reply::Knocked { loads }))
            }
            Command::Restore => {
                let restored = self.put_back();
                self.answer(restored.map(|restored| Reply::Restored { restored: restored.map(Box::new) }))
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
        let mut on_progress = |phase: Phase, done: u32, total: u32| {
            let now = Clock::Monotonic.now();
            let is_due = told_at.is_none_or(|at| now.since(at) >= surroundings.progress_every_ns);
            if is_due && link.is_ok() && (surroundings.has_room)() {
                told_at = Some(now);
                let (run, launch) = (order.run, order.launch);
                link = replies.send(&Reply::Progress(Progress { run, launch, phase, done, total }));
            }
        };
        self.reach.is_launching.store(true, Ordering::SeqCst);
        let around =
            drive::Around { interrupt: &self.reach.interrupt, program: surroundings.program.as_deref() };
        let launched = drive::launch(order, spool, around, &mut on_progress);
        self.reach.is_launching.store(false, Ordering::SeqCst);
        match launched {
            // The listening thread noticed a broken link, too, and stopped the launch if it was not to outlive it.
            Ok(_) if self.reach.interrupt.asked() == Asked::Shutdown => Ok(()),
            _ if link.is_err() => link,
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
