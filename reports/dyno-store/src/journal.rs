//! Writing a journal: one writer at a time, whole lines only.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use dyno_model::clock::WallNs;
use dyno_model::event::Event;
use dyno_model::line::write_line;

use crate::entry::{JOURNAL_FORMAT, JournalEntry};
use crate::error::JournalError;
use crate::layout::Campaign;
use crate::progress::Progress;
use crate::reader::{JournalReader, RawLines, io as io_error};

/// The journal of one campaign, open for appending and locked against a second writer.
///
/// **Invariant:** after every call, failed ones included, the file ends with a whole line
/// (unless the disk refuses even to shorten it; the next [`Journal::open`] does it then).
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    len: u64,
    buffer: Vec<u8>,
    progress: Progress,
}

/// A journal that was there already.
#[derive(Debug)]
pub struct Opened {
    /// Open for appending.
    pub journal: Journal,
    /// The torn tail that was cut off and where its bytes are kept; `None` when there was none.
    pub cut: Option<(u64, PathBuf)>,
}

impl Journal {
    /// Makes the journal of a new campaign, with its header, durably.
    ///
    /// # Errors
    /// It exists already, or cannot be written.
    pub fn create(campaign: &Campaign, tool_version: &str, wall: WallNs) -> Result<Self, JournalError> {
        let path = campaign.journal_path();
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(&path);
        let mut journal = Self::locked(&path, file.map_err(|source| io_error("create", &path, source))?)?;
        journal.write_header(campaign, tool_version, wall)?;
        Ok(journal)
    }

    /// Opens the journal of a campaign to go on with it: cuts off a torn tail, keeps the cut bytes in
    /// `journal.torn-<n>`, and notes that the campaign is resumed. Makes it if its first writer died before that.
    ///
    /// # Errors
    /// Another controller has it, it is damaged other than at its end, belongs to another plan, is of a newer
    /// format, or cannot be written.
    pub fn open(campaign: &Campaign, tool_version: &str, wall: WallNs) -> Result<Opened, JournalError> {
        let path = campaign.journal_path();
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let mut journal = Self::locked(&path, file.map_err(|source| io_error("append to", &path, source))?)?;
        let (intact, torn) = scan(&path)?;
        let cut = if torn > 0 { Some((torn, journal.cut_tail(intact, torn)?)) } else { None };
        journal.len = intact;
        journal.progress = Progress::read(&path)?;
        match journal.progress.plan_digest() {
            None => journal.write_header(campaign, tool_version, wall)?,
            Some(digest) if digest == campaign.plan_digest() => {
                journal.append(&JournalEntry::Resumed { tool_version: tool_version.to_owned(), wall })?;
                journal.sync()?;
            }
            Some(digest) => {
                let (journal, plan) = (digest.short().to_owned(), campaign.plan_digest().short().to_owned());
                return Err(JournalError::OtherPlan { path, journal, plan });
            }
        }
        Ok(Opened { journal, cut })
    }

    /// What the record holds.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Appends events of a session, passing over those that are in the record already, and syncs.
    /// Gives how many were new.
    ///
    /// # Errors
    /// As of [`Self::append`] and [`Self::sync`].
    pub fn append_events(&mut self, session: u32, events: &[Event]) -> Result<usize, JournalError> {
        let mut n_new = 0;
        for event in events {
            if !self.progress.has(event) {
                self.append(&JournalEntry::Event { session, event: event.clone() })?;
                n_new += 1;
            }
        }
        self.sync()?;
        Ok(n_new)
    }

    /// Appends one entry. It is in the file when this returns, and on the disk after [`Self::sync`].
    ///
    /// # Errors
    /// The disk refuses; the file then ends with the line before.
    pub fn append(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        self.buffer.clear();
        write_line(&mut self.buffer, entry)
            .map_err(|source| JournalError::Encode { path: self.path.clone(), source })?;
        append_whole(&mut self.file, self.len, &self.buffer)
            .map_err(|source| io_error("append to", &self.path, source))?;
        self.len += self.buffer.len() as u64;
        self.progress.note(entry);
        Ok(())
    }

    /// Waits until all that was appended is on the disk (`fdatasync`).
    ///
    /// # Errors
    /// The disk refuses.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(|source| io_error("sync", &self.path, source))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn locked(path: &Path, file: File) -> Result<Self, JournalError> {
        match file.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                file,
                len: 0,
                buffer: Vec::new(),
                progress: Progress::default(),
            }),
            Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io_error("lock", path, source)),
        }
    }

    fn write_header(
        &mut self,
        campaign: &Campaign,
        tool_version: &str,
        wall: WallNs,
    ) -> Result<(), JournalError> {
        self.append(&JournalEntry::Header {
            format: JOURNAL_FORMAT,
            campaign: campaign.id().clone(),
            plan_digest: campaign.plan_digest().clone(),
            tool_version: tool_version.to_owned(),
            wall,
        })?;
        self.sync()?;
        let synced = File::open(campaign.dir()).and_then(|dir| dir.sync_all());
        synced.map_err(|source| io_error("sync", campaign.dir(), source))
    }

    /// Keeps the torn bytes beside the journal, then cuts them off.
    fn cut_tail(&mut self, intact: u64, torn: u64) -> Result<PathBuf, JournalError> {
        let mut bytes = Vec::new();
        self.file
            .seek(SeekFrom::Start(intact))
            .and_then(|_| (&self.file).take(torn).read_to_end(&mut bytes))
            .map_err(|source| io_error("read", &self.path, source))?;
        let kept = keep_torn(&self.path, &bytes)?;
        let cut = self.file.set_len(intact).and_then(|()| self.file.sync_data());
        cut.map_err(|source| io_error("cut the torn tail of", &self.path, source))?;
        Ok(kept)
    }
}

/// Checks every line; gives the bytes of the whole lines and of the torn tail.
fn scan(path: &Path) -> Result<(u64, u64), JournalError> {
    let mut lines = RawLines::open(path)?;
    if lines.check_header()? {
        while lines.advance()?.is_some() {}
    }
    Ok((lines.intact_bytes(), lines.torn_bytes))
}

/// Writes the bytes to the first `journal.torn-<n>` that is free.
fn keep_torn(journal: &Path, bytes: &[u8]) -> Result<PathBuf, JournalError> {
    let mut n = 1_u32;
    loop {
        let path = journal.with_file_name(format!("journal.torn-{n}"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                let written = file.write_all(bytes).and_then(|()| file.sync_all());
                return written.map(|()| path.clone()).map_err(|source| {
                    // Best effort: the first error is the one to report.
                    drop(fs::remove_file(&path));
                    io_error("write", &path, source)
                });
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => n += 1,
            Err(source) => return Err(io_error("create", &path, source)),
        }
    }
}

/// A file that lines are appended to, or a disk that is full on purpose.
trait Appendable: Write {
    /// Shortens the file.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

impl Appendable for File {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

/// Appends `line` to a file of `len` bytes, or leaves it as it was.
fn append_whole(file: &mut dyn Appendable, len: u64, line: &[u8]) -> io::Result<()> {
    file.write_all(line).inspect_err(|_| {
        // Best effort: if even this fails, the torn tail is cut off when the journal is opened again.
        drop(file.cut(len));
    })
}

impl Progress {
    /// What the journal at `path` holds.
    ///
    /// # Errors
    /// As of [`JournalReader`].
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let mut progress = Self::default();
        for line in JournalReader::open(path)? {
            progress.note(&line?.entry);
        }
        Ok(progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for so many bytes.
    struct FullDisk {
        bytes: Vec<u8>,
        room: usize,
    }

    impl Write for FullDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let n = bytes.len().min(self.room - self.bytes.len());
            if n == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.bytes.extend_from_slice(&bytes[..n]);
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Appendable for FullDisk {
        fn cut(&mut self, len: u64) -> io::Result<()> {
            self.bytes.truncate(len as usize);
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_leaves_the_last_whole_line() {
        let mut disk = FullDisk { bytes: b"first\n".to_vec(), room: 10 };
        let error = append_whole(&mut disk, 6, b"second\n").expect_err("4 bytes of room for 7");
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(disk.bytes, b"first\n");
        append_whole(&mut disk, 6, b"2nd\n").expect("4 bytes of room for 4");
        assert_eq!(disk.bytes, b"first\n2nd\n");
    }
}
