//! A device that is played in the time of a script: for tests and for showing, nothing here measures.
//!
//! Where the scripted runtime is launched with a root that holds a file `play.json`, the sensors of that tree are read
//! in the script's own time while its files follow curves ([`score`]), so that a device that heats up, slows down and
//! is killed within twenty minutes is recorded in a second, with a known truth. The tree itself is not touched: it is
//! played in a copy within the agent's folder.

mod score;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dyno_model::clock::MonoNs;
use dyno_model::sample::{SampleBatch, SensorDeclared, UnreadableSensor};
use dyno_runtimes::dialect::Step;
use dyno_runtimes::http::Ticket;
use dyno_sensors::played::{Activity, Doing, Play};
use dyno_sensors::{Latest, Stepped, SysRoot};

pub(crate) use score::FILE;

/// More files than this are no tree of a board (house rule).
const MAX_FILES: usize = 10_000;

/// A device cannot be played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlayError {
    /// Its score is wrong.
    #[error("{} is not as it must be", path.display())]
    Score {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// A file of it lies outside of the tree, or says too little.
    #[error("`{file}` of {} {what}", path.display())]
    File { path: PathBuf, file: String, what: &'static str },
    /// Its tree cannot be copied.
    #[error("the tree {} cannot be copied", path.display())]
    Copy {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// A device that is played.
#[derive(Debug)]
pub(crate) struct Played {
    play: Play,
    stepped: Stepped,
    activity: Activity,
    origin: MonoNs,
    tick_ns: u64,
    n_ticks: u64,
    copy: Copied,
}

impl Played {
    /// The device in `top`, from `now` on; `None` where none is to be played.
    pub(crate) fn open(
        top: &Path,
        scratch: PathBuf,
        period_ms: u32,
        now: MonoNs,
    ) -> Result<Option<Self>, PlayError> {
        let activity = Activity::default();
        let copied = |source| PlayError::Copy { path: top.to_owned(), source };
        if !top.join(FILE).is_file() {
            return Ok(None);
        }
        let copy = Copied::of(top, scratch).map_err(copied)?;
        let mut play = score::read(&top.join(FILE), &copy.0, &activity)?;
        play.show(0).map_err(copied)?;
        let stepped = Stepped::probe(&SysRoot::tree(&copy.0), period_ms);
        let tick_ns = u64::from(period_ms.max(1)) * 1_000_000;
        Ok(Some(Self { play, stepped, activity, origin: now, tick_ns, n_ticks: 0, copy }))
    }

    /// Its files.
    pub(crate) fn root(&self) -> SysRoot {
        SysRoot::tree(&self.copy.0)
    }

    pub(crate) fn declared(&self) -> Vec<SensorDeclared> {
        self.stepped.declared().to_vec()
    }

    pub(crate) fn unreadable(&self) -> Vec<UnreadableSensor> {
        self.stepped.unreadable().to_vec()
    }

    pub(crate) fn latest(&self) -> Latest {
        self.stepped.latest()
    }

    /// What it does, to be told, and since when it is played.
    pub(crate) fn activity(&self) -> (Activity, MonoNs) {
        (self.activity.clone(), self.origin)
    }

    /// Takes the rows of all ticks up to `now`.
    pub(crate) fn play_until(&mut self, now: MonoNs) {
        loop {
            let at = self.origin.plus(self.n_ticks * self.tick_ns);
            if at > now {
                break;
            }
            self.show(at);
            self.stepped.step(at);
            self.n_ticks += 1;
        }
        // What is read beside the sensors is of now.
        self.show(now);
    }

    fn show(&mut self, at: MonoNs) {
        // Best effort: a file that could not be written says what it said before, in a tree that nobody measures.
        drop(self.play.show(at.since(self.origin)));
    }

    /// The rows so far.
    pub(crate) fn take_rows(&mut self) -> Vec<SampleBatch> {
        self.stepped.take_rows()
    }

    /// A last row of each sensor; gives the rows that are left, how many there were, and how many were lost.
    pub(crate) fn stop(mut self, now: MonoNs) -> (Vec<SampleBatch>, (u64, u64)) {
        self.play_until(now);
        self.stepped.step_last(now);
        let n_rows = self.stepped.n_rows();
        let Self { stepped, .. } = self;
        (stepped.finish(), n_rows)
    }
}

/// A copy of a tree; it vanishes with this.
#[derive(Debug)]
struct Copied(PathBuf);

impl Copied {
    fn of(top: &Path, to: PathBuf) -> io::Result<Self> {
        match fs::remove_dir_all(&to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => {}
        }
        let copied = Self(to);
        let mut n_left = MAX_FILES;
        copy_folder(top, &copied.0, &mut n_left)?;
        Ok(copied)
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // Best effort: the next launch of that name clears it away.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Plain files and folders; links are left out, for they may lead outside.
fn copy_folder(from: &Path, to: &Path, n_left: &mut usize) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        *n_left = n_left.checked_sub(1).ok_or(io::ErrorKind::FileTooLarge)?;
        let (kind, to) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_folder(&entry.path(), &to, n_left)?;
        } else if kind.is_file() {
            // Not its rights: it is written to.
            fs::write(to, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Tells a played device what the runtime does, from what happens to requests.
///
/// A scripted runtime serves one request after the other: whoever is sent while another is served waits.
#[derive(Debug)]
pub(crate) struct Told {
    activity: Activity,
    origin: MonoNs,
    n_open: usize,
    decoding: Option<Ticket>,
}

impl Told {
    pub(crate) fn new((activity, origin): (Activity, MonoNs)) -> Self {
        Self { activity, origin, n_open: 0, decoding: None }
    }

    /// From `at` on it does this.
    pub(crate) fn tell(&self, at: MonoNs, doing: Doing) {
        self.activity.tell(at.since(self.origin), doing);
    }

    /// Something happened to a request.
    pub(crate) fn on(&mut self, ticket: Ticket, step: &Step<'_>) {
        match step {
            Step::Sent { at } => {
                self.n_open += 1;
                if self.n_open == 1 {
                    self.tell(*at, Doing::Prefill);
                }
            }
            Step::Chunk(chunk) if self.decoding != Some(ticket) => {
                self.decoding = Some(ticket);
                self.tell(chunk.at, Doing::Decode);
            }
            Step::Chunk(_) => {}
            Step::Ended(answered) => {
                self.n_open = self.n_open.saturating_sub(1);
                self.decoding = None;
                self.tell(answered.finish.at, if self.n_open > 0 { Doing::Prefill } else { Doing::Ready });
            }
        }
    }
}
