//! The thread that makes all calls into NVIDIA's library, from loading it to closing it.
//!
//! It asks when the sampler has taken the answer before, so that there is one answer for each row, and none while
//! nobody samples. A call that does not return cannot be ended: its thread is left to itself then, and no other is
//! started while it is there.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::gpu::{self, Gpu, Periods, Survey};
use super::library;
use super::query::Runtime;
use crate::root::SysRoot;

/// What the thread is to do.
#[derive(Debug)]
pub(super) struct Asked {
    /// The library's file; `None` is where the system looks for it.
    pub(super) library: Option<PathBuf>,
    pub(super) root: SysRoot,
    /// The runtime's process; 0 before it is known.
    pub(super) runtime_pid: Arc<AtomicU32>,
    pub(super) fast_period_ms: u32,
    pub(super) slow_period_ms: u32,
}

/// Why there are no GPUs to sample.
#[derive(Debug)]
pub(super) enum Failed {
    /// There is no such library.
    Absent,
    /// It does not work, in words.
    Refused(String),
    /// It did not answer.
    Late(Duration),
    /// The system gave no thread, in words.
    NoThread(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str(
                "NVIDIA's driver is loaded, but its library libnvidia-ml.so.1 is not there: install the package of the \
                 driver's utilities (libnvidia-compute), or give the container the library",
            ),
            Self::Refused(words) => f.write_str(words),
            Self::Late(limit) => write!(
                f,
                "NVIDIA's library did not answer within {limit:?}: `nvidia-smi -pm 1` lets it answer sooner"
            ),
            Self::NoThread(words) => write!(f, "no thread can be had: {words}"),
        }
    }
}

/// How it stands with a thread.
const RUNS: u8 = 0;
const LEFT: u8 = 1;
const ENDED: u8 = 2;

/// What the thread shares with the rest.
#[derive(Debug)]
struct Shared {
    stopping: AtomicBool,
    life: AtomicU8,
    n_stuck: &'static AtomicUsize,
}

impl Shared {
    /// The thread is not waited for any more.
    fn leave(&self) {
        self.n_stuck.fetch_add(1, Ordering::AcqRel);
        if self.life.swap(LEFT, Ordering::AcqRel) == ENDED {
            self.n_stuck.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn end(&self) {
        if self.life.swap(ENDED, Ordering::AcqRel) == LEFT {
            self.n_stuck.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// The running thread; dropping this ends it and closes the library.
#[derive(Debug)]
pub(super) struct Poller {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Closed when the thread ends.
    ended: Mutex<Receiver<Infallible>>,
    stop_limit: Duration,
}

impl Poller {
    /// Starts the thread and waits until it has found all GPUs.
    pub(super) fn start(
        asked: Asked,
        n_stuck: &'static AtomicUsize,
        probe_limit: Duration,
        stop_limit: Duration,
    ) -> Result<(Self, Survey), Failed> {
        let shared =
            Arc::new(Shared { stopping: AtomicBool::new(false), life: AtomicU8::new(RUNS), n_stuck });
        let (tell, told) = mpsc::sync_channel(1);
        let (alive, ended) = mpsc::channel();
        let work = Work { asked, shared: Arc::clone(&shared), _alive: alive };
        let builder = thread::Builder::new().name("dyno-nvml".to_owned());
        let thread =
            builder.spawn(move || work.run(&tell)).map_err(|error| Failed::NoThread(error.to_string()))?;
        let mut poller = Self { shared, thread: Some(thread), ended: Mutex::new(ended), stop_limit };
        match told.recv_timeout(probe_limit) {
            Ok(Ok(survey)) => Ok((poller, survey)),
            Ok(Err(failed)) => Err(failed),
            Err(_) => {
                poller.shared.stopping.store(true, Ordering::Release);
                poller.shared.leave();
                poller.thread = None;
                Err(Failed::Late(probe_limit))
            }
        }
    }

    /// Lets the thread look who wants an answer; never waits.
    pub(super) fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// One without a thread.
    #[cfg(test)]
    pub(super) fn idle() -> Self {
        static NONE: AtomicUsize = AtomicUsize::new(0);
        let (stopping, life) = (AtomicBool::new(false), AtomicU8::new(ENDED));
        let shared = Arc::new(Shared { stopping, life, n_stuck: &NONE });
        Self { shared, thread: None, ended: Mutex::new(mpsc::channel().1), stop_limit: Duration::ZERO }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.shared.stopping.store(true, Ordering::Release);
        thread.thread().unpark();
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        match ended.recv_timeout(self.stop_limit) {
            Err(RecvTimeoutError::Disconnected) => {
                // Best effort: a thread that panicked has ended, too.
                thread.join().ok();
            }
            Err(RecvTimeoutError::Timeout) => self.shared.leave(),
            Ok(never) => match never {},
        }
    }
}

/// What the thread owns.
struct Work {
    asked: Asked,
    shared: Arc<Shared>,
    _alive: Sender<Infallible>,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl Work {
    fn run(self, tell: &SyncSender<Result<Survey, Failed>>) {
        // The library is closed before `self` is dropped, which says that the thread has ended.
        let said = match library::open(self.asked.library.as_deref()) {
            Ok(nvml) => match gpu::survey(&nvml, self.periods(), &self.runtime()) {
                Ok((gpus, survey)) => {
                    let has_work = !survey.desks.is_empty();
                    // Best effort: nobody listens any more after the limit.
                    if tell.send(Ok(survey)).is_ok() && has_work {
                        self.answer_all(gpus);
                    }
                    return;
                }
                Err(error) => Err(Failed::Refused(library::words(&error))),
            },
            Err(failed) => Err(failed),
        };
        // Best effort: as above.
        tell.send(said).ok();
    }

    fn answer_all(&self, mut gpus: Vec<Gpu<'_>>) {
        while !self.shared.stopping.load(Ordering::Acquire) {
            let runtime = self.runtime();
            let mut any = false;
            for gpu in &mut gpus {
                any |= gpu.answer(&runtime);
            }
            if !any {
                thread::park();
            }
        }
    }

    fn periods(&self) -> Periods {
        Periods { fast_ms: self.asked.fast_period_ms, slow_ms: self.asked.slow_period_ms }
    }

    fn runtime(&self) -> Runtime<'_> {
        let pid = Some(self.asked.runtime_pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0);
        Runtime { root: &self.asked.root, pid }
    }
}
