//! Events on the device until they are safe elsewhere: one file for each launch.
//!
//! `spool/<campaign>/<run>-<launch>.jsonl` in the agent's folder, in lines of [`dyno_model::line`]. Bytes go to the
//! kernel between requests, to the disk every few seconds where nothing waits for it, and at the end; a tail that was torn by a kill or a power
//! cut is left out when the file is read.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use dyno_model::clock::{Clock, MonoNs};
use dyno_model::event::{Event, EventKind, EventSink, SinkError};
use dyno_model::ids::{CampaignId, RunId};
use dyno_model::line;
use dyno_model::outcome::{Outcome, Validity};
use dyno_model::sample::OwnCost;
use dyno_protocol::message::{EventBatch, LaunchKey, SpoolInfo};

use crate::error::SpoolError;
use crate::sys;
use crate::work_dir::{WorkDir, folder_name};

/// Lines wait in memory up to this size, which is never reached between two requests of usual length.
const BUFFER_BYTES: usize = 256 << 10;
/// Bytes are forced to the disk at most so often.
const SYNC_EVERY_NS: u64 = 5_000_000_000;
/// A batch of events is closed when its lines reach this size: small, for the agent is to stay small.
const BATCH_BYTES: usize = 512 << 10;

/// The spool of the launch in progress.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
    /// Bytes of the file up to its last whole line.
    n_intact: u64,
    synced_at: MonoNs,
}

impl Spool {
    fn over(file: File, path: PathBuf) -> Self {
        let buffer = Vec::with_capacity(BUFFER_BYTES);
        Self { file, path, buffer, n_intact: 0, synced_at: Clock::Monotonic.now() }
    }

    /// One whose every write fails: `/dev/full` says "no space left" (full(4)).
    #[cfg(all(test, target_os = "linux"))]
    pub(crate) fn full() -> Self {
        let file = File::options().write(true).open("/dev/full").expect("Linux has it");
        Self::over(file, "/dev/full".into())
    }

    /// The folder of its campaign.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().expect("a spool lies in its campaign's folder")
    }

    /// Hands the waiting lines to the kernel, and to the disk if it is time.
    ///
    /// # Errors
    /// When the disk is full or broken; the file then ends with its last whole line.
    pub(crate) fn flush(&mut self) -> Result<(), SinkError> {
        self.write()?;
        if Clock::Monotonic.now().since(self.synced_at) >= SYNC_EVERY_NS {
            self.sync()?;
        }
        Ok(())
    }

    /// Hands the waiting lines to the kernel, which costs no wait for the disk.
    ///
    /// # Errors
    /// As [`Spool::flush`].
    pub(crate) fn write(&mut self) -> Result<(), SinkError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.file.write_all(&self.buffer) {
            // Best effort: a torn tail is left out by readers anyway.
            drop(self.file.set_len(self.n_intact));
            return Err(self.failed(error));
        }
        self.n_intact += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Hands everything to the disk.
    ///
    /// # Errors
    /// As [`Spool::flush`].
    pub(crate) fn finish(mut self) -> Result<(), SinkError> {
        self.flush()?;
        self.sync()
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.file.sync_data().map_err(|error| self.failed(error))?;
        self.synced_at = Clock::Monotonic.now();
        Ok(())
    }

    fn failed(&self, source: std::io::Error) -> SinkError {
        SinkError { place: self.path.display().to_string(), source }
    }
}

impl EventSink for Spool {
    fn event(&mut self, event: &Event) -> Result<(), SinkError> {
        line::write_line(&mut self.buffer, event).map_err(|error| self.failed(error.into()))?;
        if self.buffer.len() >= BUFFER_BYTES { self.write() } else { Ok(()) }
    }
}

/// All spools of one agent's folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spools<'a> {
    work_dir: &'a WorkDir,
}

impl<'a> Spools<'a> {
    /// Those in `work_dir`.
    pub(crate) fn of(work_dir: &'a WorkDir) -> Self {
        Self { work_dir }
    }

    /// A fresh spool for one launch.
    ///
    /// # Errors
    /// [`SpoolError::Exists`] when that launch has one; else the file cannot be made.
    pub(crate) fn create(self, key: &LaunchKey) -> Result<Spool, SpoolError> {
        let path = self.path(key)?;
        let folder = path.parent().expect("a spool lies in its campaign's folder");
        let failed = |source| SpoolError::File { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let file = match File::options().write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(SpoolError::Exists { key: key.clone() });
            }
            Err(error) => return Err(failed(error)),
        };
        // The name must survive a power cut, too.
        sys::sync_folder(folder).map_err(failed)?;
        Ok(Spool::over(file, path))
    }

    /// What lies there of a campaign, in the order of run and launch.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read.
    pub(crate) fn list(self, campaign: &CampaignId) -> Result<Vec<SpoolInfo>, SpoolError> {
        let folder = self.folder(campaign)?;
        let failed = |source| SpoolError::File { path: folder.clone(), source };
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut spools = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let Some((run, launch)) = name.to_str().and_then(numbers_of) else { continue };
            let key = LaunchKey { campaign: campaign.clone(), run, launch };
            let (bytes, complete) = self.closed(&key)?;
            spools.push(SpoolInfo { campaign: campaign.clone(), run, launch, bytes, complete });
        }
        spools.sort_by_key(|spool| (spool.run, spool.launch));
        Ok(spools)
    }

    /// Intact bytes of a spool, and whether its launch came to an end; a launch that the device's restart cut off
    /// gets its end here.
    fn closed(self, key: &LaunchKey) -> Result<(u64, bool), SpoolError> {
        let state = self.examine(key)?;
        match state.rebooted_after {
            Some((seq, at)) if !state.is_complete => {
                Ok((self.end_rebooted(key, state.n_bytes, seq, at)?, true))
            }
            _ => Ok((state.n_bytes, state.is_complete)),
        }
    }

    fn examine(self, key: &LaunchKey) -> Result<State, SpoolError> {
        let mut lines = Lines::open(self, key)?;
        let mut state = State::default();
        let mut began_in: Option<String> = None;
        let mut last = Vec::new();
        while let Some(line) = lines.next()? {
            if state.n_bytes == 0 {
                began_in = boot_of(line);
            }
            state.n_bytes += line.len() as u64;
            // Only `LaunchEnded` has this tag, and quotes within a text would be escaped.
            state.is_complete = contains(line, br#""event":"launch_ended""#);
            last.clear();
            last.extend_from_slice(line);
        }
        let was_here = began_in.as_deref() == self.work_dir.boot_id();
        if !was_here && began_in.is_some() && self.work_dir.boot_id().is_some() {
            let event = line::read_line::<Event>(&last);
            state.rebooted_after = event.ok().map(|event| (event.seq, event.at));
        }
        Ok(state)
    }

    /// Writes the end of a launch that the device's restart cut off; gives the bytes of the whole spool.
    fn end_rebooted(self, key: &LaunchKey, n_intact: u64, seq: u64, at: MonoNs) -> Result<u64, SpoolError> {
        let path = self.path(key)?;
        let reason = "the device restarted before the launch could be judged".to_owned();
        let kind = EventKind::LaunchEnded {
            outcome: Outcome::Rebooted,
            validity: Validity::Invalid { reasons: vec![reason] },
            exit: None,
            cpu_ns: None,
            peak_rss_bytes: None,
            own: OwnCost::default(),
        };
        // The clock of the boot that ended is gone: the last instant that is known of it stands.
        let event = Event { run: key.run, launch: key.launch, seq: seq + 1, at, kind };
        let mut file = File::options().write(true).open(&path).map_err(|source| failed(&path, source))?;
        file.set_len(n_intact)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(|source| failed(&path, source))?;
        let mut spool = Spool::over(file, path);
        spool.n_intact = n_intact;
        spool.event(&event)?;
        let n_bytes = n_intact + spool.buffer.len() as u64;
        spool.finish()?;
        Ok(n_bytes)
    }

    /// Hands a spool's events to `take`, batch by batch; the last batch says so.
    ///
    /// # Errors
    /// [`SpoolError`], or what `take` gives.
    pub(crate) fn send<E: From<SpoolError>>(
        self,
        key: &LaunchKey,
        take: &mut dyn FnMut(EventBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut lines = Lines::open(self, key)?;
        let batch = |events, last| EventBatch {
            campaign: key.campaign.clone(),
            run: key.run,
            launch: key.launch,
            events,
            last,
        };
        let mut events: Vec<Event> = Vec::new();
        let mut n_bytes = 0;
        while let Some(line) = lines.next()? {
            if n_bytes > 0 && n_bytes + line.len() > BATCH_BYTES {
                take(batch(std::mem::take(&mut events), false))?;
                n_bytes = 0;
            }
            n_bytes += line.len();
            let event = line::read_line(line);
            events.push(event.map_err(|source| SpoolError::Foreign { path: lines.path.clone(), source })?);
        }
        take(batch(events, true))
    }

    /// Removes a spool, and its campaign's folder with the last one; nothing happens when there is none.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub(crate) fn remove(self, key: &LaunchKey) -> Result<(), SpoolError> {
        let path = self.path(key)?;
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(SpoolError::File { path, source });
            }
            Err(_) | Ok(()) => {}
        }
        // Best effort: a folder that is not empty stays.
        drop(fs::remove_dir(self.folder(&key.campaign)?));
        Ok(())
    }

    fn folder(self, campaign: &CampaignId) -> Result<PathBuf, SpoolError> {
        Ok(self.work_dir.root().join("spool").join(folder_name(&campaign.0)?))
    }

    fn path(self, key: &LaunchKey) -> Result<PathBuf, SpoolError> {
        Ok(self.folder(&key.campaign)?.join(format!("{:05}-{:03}.jsonl", key.run.0, key.launch)))
    }
}

/// What a spool holds.
#[derive(Debug, Default)]
struct State {
    n_bytes: u64,
    is_complete: bool,
    /// Number and instant of the last event, where the device has restarted since the launch began.
    rebooted_after: Option<(u64, MonoNs)>,
}

/// In which boot a launch began, from its first line.
fn boot_of(line: &[u8]) -> Option<String> {
    match line::read_line::<Event>(line).ok()?.kind {
        EventKind::LaunchStarted { boot_id, .. } => boot_id,
        _ => None,
    }
}

/// Run and launch of a spool's file name.
fn numbers_of(name: &str) -> Option<(RunId, u16)> {
    let (run, launch) = name.strip_suffix(".jsonl")?.split_once('-')?;
    Some((RunId(run.parse().ok()?), launch.parse().ok()?))
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// The intact lines of a spool.
struct Lines {
    input: BufReader<File>,
    path: PathBuf,
    line: Vec<u8>,
}

impl Lines {
    fn open(spools: Spools<'_>, key: &LaunchKey) -> Result<Self, SpoolError> {
        let path = spools.path(key)?;
        match File::open(&path) {
            Ok(file) => Ok(Self { input: BufReader::new(file), path, line: Vec::new() }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(SpoolError::Missing { key: key.clone() })
            }
            Err(source) => Err(SpoolError::File { path, source }),
        }
    }

    /// The next one, with its newline; `None` at the end or where the tail is torn.
    fn next(&mut self) -> Result<Option<&[u8]>, SpoolError> {
        self.line.clear();
        let mut limited = (&mut self.input).take(line::MAX_LINE_BYTES as u64);
        limited.read_until(b'\n', &mut self.line).map_err(|source| failed(&self.path, source))?;
        let is_intact = self.line.ends_with(b"\n") && line::checked_json(&self.line).is_ok();
        Ok(is_intact.then_some(&self.line))
    }
}

fn failed(path: &Path, source: std::io::Error) -> SpoolError {
    SpoolError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_model::clock::WallNs;
    use tempfile::TempDir;

    fn folder() -> (TempDir, WorkDir) {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let work_dir = WorkDir::take(folder.path()).expect("free");
        (folder, work_dir)
    }

    fn key(run: u32, launch: u16) -> LaunchKey {
        LaunchKey { campaign: "c".into(), run: RunId(run), launch }
    }

    fn event(seq: u64, text: &str) -> Event {
        Event {
            run: RunId(1),
            launch: 1,
            seq,
            at: MonoNs(seq),
            kind: EventKind::Note { text: text.to_owned() },
        }
    }

    fn ended(seq: u64) -> Event {
        let kind = EventKind::LaunchEnded {
            outcome: Outcome::Ok,
            validity: Validity::Valid,
            exit: None,
            cpu_ns: None,
            peak_rss_bytes: None,
            own: OwnCost::default(),
        };
        Event { kind, ..event(seq, "") }
    }

    fn write(spools: Spools<'_>, key: &LaunchKey, events: &[Event]) {
        let mut spool = spools.create(key).expect("none yet");
        for event in events {
            spool.event(event).expect("room on the disk");
        }
        spool.finish().expect("room on the disk");
    }

    fn read(spools: Spools<'_>, key: &LaunchKey) -> Vec<EventBatch> {
        let mut batches = Vec::new();
        let mut take = |batch| {
            batches.push(batch);
            Ok::<(), SpoolError>(())
        };
        spools.send(key, &mut take).expect("readable");
        batches
    }

    #[test]
    fn a_launch_that_a_restart_cut_off_has_rebooted() {
        let (_folder, work_dir) = folder();
        let spools = Spools::of(&work_dir);
        let started = |boot: &str| Event {
            kind: EventKind::LaunchStarted { wall: WallNs(1), n_requests: 3, boot_id: Some(boot.to_owned()) },
            ..event(0, "")
        };
        write(spools, &key(1, 1), &[started("an earlier boot"), event(1, "before")]);
        write(spools, &key(2, 1), &[started("this boot"), event(1, "before")]);
        let torn = spools.path(&key(1, 1)).expect("a plain name");
        File::options()
            .append(true)
            .open(&torn)
            .and_then(|mut file| file.write_all(b"0123 {\"torn"))
            .expect("room");
        let listed = spools.list(&"c".into()).expect("readable");
        assert_eq!(listed.iter().map(|spool| spool.complete).collect::<Vec<_>>(), [true, false]);
        assert_eq!(spools.list(&"c".into()).expect("readable"), listed, "a second look changes nothing");
        let events = read(spools, &key(1, 1)).remove(0).events;
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [0, 1, 2]);
        let EventKind::LaunchEnded { outcome, .. } = &events[2].kind else { panic!("an end") };
        assert_eq!((outcome, events[2].at), (&Outcome::Rebooted, MonoNs(1)));
    }

    #[test]
    fn what_was_spooled_is_listed_sent_and_dropped() {
        let (_folder, work_dir) = folder();
        let spools = Spools::of(&work_dir);
        assert_eq!(spools.list(&"c".into()).expect("an empty list"), []);
        let events = [event(0, "launch_ended"), ended(1)];
        write(spools, &key(10, 1), &events);
        write(spools, &key(9, 2), &[event(0, r#""event":"launch_ended""#)]);
        let listed = spools.list(&"c".into()).expect("readable");
        let seen: Vec<_> = listed.iter().map(|spool| (spool.run.0, spool.launch, spool.complete)).collect();
        assert_eq!(seen, [(9, 2, false), (10, 1, true)]);
        let batches = read(spools, &key(10, 1));
        assert_eq!((batches.len(), batches[0].last, &batches[0].events[..]), (1, true, &events[..]));
        spools.remove(&key(10, 1)).expect("removable");
        spools.remove(&key(9, 2)).expect("removable");
        spools.remove(&key(9, 2)).expect("nothing left to remove");
        assert!(matches!(
            spools.send::<SpoolError>(&key(9, 2), &mut |_| Ok(())),
            Err(SpoolError::Missing { .. })
        ));
        assert!(!work_dir.root().join("spool/c").exists());
    }

    #[test]
    fn a_torn_tail_is_left_out() {
        let (_folder, work_dir) = folder();
        let spools = Spools::of(&work_dir);
        write(spools, &key(1, 1), &[event(0, "whole"), ended(1)]);
        let path = spools.path(&key(1, 1)).expect("a plain name");
        let bytes = fs::read(&path).expect("just written");
        let n_first = bytes.iter().position(|byte| *byte == b'\n').expect("two lines") + 1;
        fs::write(&path, &bytes[..bytes.len() - 1]).expect("our own file");
        let listed = spools.list(&"c".into()).expect("readable");
        assert_eq!((listed[0].bytes, listed[0].complete), (n_first as u64, false));
        assert_eq!(read(spools, &key(1, 1))[0].events, [event(0, "whole")]);
    }

    #[test]
    fn many_events_go_in_batches_without_a_gap() {
        let (_folder, work_dir) = folder();
        let spools = Spools::of(&work_dir);
        let events: Vec<Event> = (0..5).map(|seq| event(seq, &"x".repeat(BATCH_BYTES / 2 - 100))).collect();
        write(spools, &key(1, 1), &events);
        let batches = read(spools, &key(1, 1));
        let sizes: Vec<_> = batches.iter().map(|batch| (batch.events.len(), batch.last)).collect();
        assert_eq!(sizes, [(2, false), (2, false), (1, true)]);
        let sent: Vec<Event> = batches.into_iter().flat_map(|batch| batch.events).collect();
        assert_eq!(sent, events);
    }

    #[test]
    fn a_launch_is_recorded_once() {
        let (_folder, work_dir) = folder();
        let spools = Spools::of(&work_dir);
        write(spools, &key(1, 1), &[ended(0)]);
        let error = spools.create(&key(1, 1)).expect_err("recorded already");
        assert_eq!(error.to_string(), "launch 1 of run 1 has a spool already");
        let climbing = LaunchKey { campaign: "../c".into(), run: RunId(1), launch: 1 };
        assert!(matches!(spools.create(&climbing), Err(SpoolError::WorkDir(_))));
    }

    /// `/dev/full` says "no space left" to every write (full(4)).
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_with_its_place() {
        let file = File::options().write(true).open("/dev/full").expect("Linux has it");
        let mut spool = Spool::over(file, "/dev/full".into());
        spool.event(&event(0, "lost")).expect("only in memory");
        let error = SpoolError::from(spool.flush().expect_err("no space"));
        let expected = "the launch was stopped: cannot keep an event in /dev/full: No space left on device (os error 28)";
        assert_eq!(dyno_model::blame::chain(&error), expected);
        assert_eq!(dyno_model::blame::Classify::hints(&error), ["make room on the device, then resume"]);
    }
}
