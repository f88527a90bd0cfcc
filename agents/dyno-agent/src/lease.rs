//! One device, one user: who has the device is known to whoever wants it next.
//!
//! The lock on the folder decides; the note beside it only tells who holds it. A note without a lock is stale, however
//! the agent ended. An agent of the same campaign that holds the lock is one whose link is lost: it is told so, and
//! waited for while it finishes its launch.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use dyno_model::clock::{Clock, MonoNs, WallNs};
use dyno_protocol::message::{Lease, LeaseNote};
use dyno_runtimes::interrupt::{Asked, Interrupt};

use crate::error::{LeaseError, WorkDirError};
use crate::sys::{self, Signal};
use crate::work_dir::Folder;

/// An agent that stops for its own reasons is waited for so long.
const BUSY_LIMIT_NS: u64 = 5_000_000_000;
/// An agent that was asked to end is waited for so long: it ends after its request in flight.
const FORCE_LIMIT_NS: u64 = 60_000_000_000;
const LOOK_EVERY: Duration = Duration::from_millis(50);
const TELL_EVERY_NS: u64 = 1_000_000_000;
/// More than this is no note of ours.
const MAX_NOTE_BYTES: u64 = 16 << 10;
const NOTE: &str = "lease.json";
const RELEASED: &str = "released.json";

/// Hears who is waited for.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(&LeaseNote) -> Result<(), LeaseError>;

/// Takes the folder for `lease`; `tell` hears about once a second who is waited for.
///
/// # Errors
/// [`LeaseError`]: somebody else has it, it cannot be used, the wait was stopped, or `tell` failed.
pub(crate) fn take(
    folder: &Folder,
    lease: &Lease,
    interrupt: &Interrupt,
    tell: Tell<'_>,
) -> Result<(), LeaseError> {
    let mut waiting = Waiting { began: Clock::Monotonic.now(), told_at: None, asked: None };
    while !folder.try_lock()? {
        let holder = read(folder.root(), NOTE);
        waiting.step(folder.root(), lease, interrupt.asked(), holder.as_ref(), tell)?;
        std::thread::sleep(LOOK_EVERY);
    }
    release(folder.root(), lease)?;
    Ok(write(folder.root(), NOTE, &note_of(lease))?)
}

/// Remembers from which campaign the device was released by force, and keeps that campaign's session from taking it
/// back; a person who resumes the campaign may.
fn release(root: &Path, lease: &Lease) -> Result<(), LeaseError> {
    if lease.force {
        let ended = read(root, NOTE).and_then(|note| note.campaign);
        let note = LeaseNote { campaign: ended, ..note_of(lease) };
        return Ok(write(root, RELEASED, &note)?);
    }
    match read(root, RELEASED) {
        Some(note) if lease.is_again && note.campaign == lease.campaign => {
            Err(LeaseError::Released { path: root.to_owned(), by: note.holder })
        }
        Some(_) if lease.campaign.is_some() => {
            // Best effort: a note that stays only counts for the campaign that it names.
            drop(fs::remove_file(root.join(RELEASED)));
            Ok(())
        }
        _ => Ok(()),
    }
}

struct Waiting {
    began: MonoNs,
    told_at: Option<MonoNs>,
    asked: Option<Signal>,
}

impl Waiting {
    fn step(
        &mut self,
        root: &Path,
        lease: &Lease,
        asked: Asked,
        holder: Option<&LeaseNote>,
        tell: Tell<'_>,
    ) -> Result<(), LeaseError> {
        let now = Clock::Monotonic.now();
        let ours = holder.filter(|note| is_of_the_same(lease, note));
        let limit_ns = match (ours, lease.force) {
            // It goes on as long as its launch does.
            (Some(_), _) => u64::MAX,
            (None, true) => FORCE_LIMIT_NS,
            (None, false) => BUSY_LIMIT_NS,
        };
        if now.since(self.began) > limit_ns || asked == Asked::Shutdown {
            return Err(LeaseError::Busy { path: root.to_owned(), holder: holder.cloned() });
        }
        let stops = asked == Asked::Cancel || lease.force;
        if let Some(note) = holder.filter(|_| ours.is_some() || lease.force) {
            self.ask(root, note, if stops { Signal::Stop } else { Signal::Detach });
        }
        if let Some(note) = ours
            && self.told_at.is_none_or(|at| now.since(at) >= TELL_EVERY_NS)
        {
            self.told_at = Some(now);
            tell(note)?;
        }
        Ok(())
    }

    /// Says it to the agent that holds the folder, once.
    fn ask(&mut self, root: &Path, note: &LeaseNote, wanted: Signal) {
        if self.asked != Some(wanted) && is_agent(note.pid, root) {
            sys::signal(note.pid, wanted);
            self.asked = Some(wanted);
        }
    }
}

fn is_of_the_same(lease: &Lease, note: &LeaseNote) -> bool {
    lease.campaign.is_some() && lease.campaign == note.campaign && lease.holder == note.holder
}

/// Whether `pid` is an agent that serves from `root`, and not a process that came after it.
fn is_agent(pid: u32, root: &Path) -> bool {
    let Some(words) = sys::command_line(pid) else { return false };
    let serves = words.windows(3).any(|three| {
        three[0] == "serve"
            && three[1] == "--work-dir"
            && Path::new(&three[2]).canonicalize().is_ok_and(|path| path == root)
    });
    serves && pid != std::process::id()
}

/// A note, if there is one that makes sense.
fn read(root: &Path, name: &str) -> Option<LeaseNote> {
    let mut text = Vec::new();
    File::open(root.join(name)).ok()?.take(MAX_NOTE_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn note_of(lease: &Lease) -> LeaseNote {
    LeaseNote {
        holder: lease.holder.chars().filter(|c| !c.is_control()).take(200).collect(),
        campaign: lease.campaign.clone(),
        since: WallNs::now(),
        pid: std::process::id(),
    }
}

fn write(root: &Path, name: &str, note: &LeaseNote) -> Result<(), WorkDirError> {
    let (path, part) = (root.join(name), root.join(".lease.part"));
    let text = serde_json::to_vec(note).expect("a note has only string keys");
    let written = File::create(&part).and_then(|mut file| file.write_all(&text));
    written.and_then(|()| fs::rename(&part, &path)).map_err(|source| WorkDirError::Unusable { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(holder: &str, campaign: Option<&str>) -> Lease {
        Lease { holder: holder.to_owned(), campaign: campaign.map(Into::into), force: false, is_again: false }
    }

    #[test]
    fn a_stale_note_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        for note in ["", "{\"torn", "[]", r#"{"holder":"old@host","campaign":"c","since":1,"pid":1}"#] {
            fs::write(folder.path().join(NOTE), note).expect("our own folder");
            let folder = Folder::open(folder.path()).expect("it is there");
            let interrupt = Interrupt::new().expect("a pipe");
            take(&folder, &lease("me@here", Some("c")), &interrupt, &mut |_| Ok(()))
                .expect("nobody holds it");
            let note = read(folder.root(), NOTE).expect("written");
            assert_eq!((note.holder.as_str(), note.pid), ("me@here", std::process::id()));
        }
    }

    #[test]
    fn somebody_else_is_named() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let first = Folder::open(folder.path()).expect("it can be made");
        let interrupt = Interrupt::new().expect("a pipe");
        take(&first, &lease("ann@lab", Some("c1")), &interrupt, &mut |_| Ok(())).expect("free");
        let second = Folder::open(folder.path()).expect("it is there");
        // Shutdown, so that the test does not wait.
        interrupt.raise(Asked::Shutdown);
        for other in [lease("ann@lab", Some("c2")), lease("bob@lab", Some("c1")), lease("ann@lab", None)] {
            let error = take(&second, &other, &interrupt, &mut |_| Ok(())).expect_err("held by the first");
            let LeaseError::Busy { holder: Some(note), .. } = error else { panic!("{error:?}") };
            assert_eq!((note.holder.as_str(), note.campaign), ("ann@lab", Some("c1".into())));
        }
    }

    #[test]
    fn a_released_device_is_not_taken_back_until_a_person_resumes() {
        let dir = tempfile::tempdir().expect("a folder for temporary files");
        let interrupt = Interrupt::new().expect("a pipe");
        let attempt = |lease: Lease| {
            let folder = Folder::open(dir.path()).expect("it can be made");
            take(&folder, &lease, &interrupt, &mut |_| Ok(()))
        };
        let campaign = |is_again| Lease { is_again, ..lease("ann@lab", Some("c")) };
        attempt(campaign(false)).expect("free");
        attempt(campaign(true)).expect("free again, and nobody released it");
        attempt(Lease { force: true, ..lease("bob@lab", None) }).expect("free");
        let error = attempt(campaign(true)).expect_err("released");
        assert!(matches!(&error, LeaseError::Released { by, .. } if by == "bob@lab"), "{error}");
        attempt(campaign(false)).expect("a person resumed it");
        attempt(campaign(true)).expect("nobody released it since");
    }

    #[test]
    fn only_an_agent_that_serves_from_the_folder_is_spoken_to() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let root = folder.path().canonicalize().expect("it is there");
        assert!(!is_agent(std::process::id(), &root));
        assert!(!is_agent(1, &root));
        let mut other = std::process::Command::new("sh")
            .args(["-c", "read line", "x", "serve", "--work-dir"])
            .arg(&root)
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("a shell is here");
        // The kernel shows a program's words a moment after it has started; the agent looks again and again, too.
        let is_seen = (0..1000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            is_agent(other.id(), &root)
        });
        assert!(is_seen);
        assert!(!is_agent(other.id(), Path::new("/")));
        drop(other.stdin.take());
        other.wait().expect("it ends with its input");
    }
}
