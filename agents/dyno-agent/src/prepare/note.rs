//! The restore note: what is to be put back, in the agent's folder, on the disk before anything is set.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use dyno_model::clock::WallNs;
use dyno_model::digest::Digest;
use dyno_model::ids::CampaignId;
use dyno_model::prepare::Setting;
use dyno_sensors::root::SysRoot;
use serde::{Deserialize, Serialize};

use super::error::PrepareError;
use super::knob::MAX_VALUE_CHARS;
use crate::work_dir::folder_name;

/// The note's name in the agent's folder.
const NAME: &str = "restore.json";
/// What a note is called that could not be read.
const BROKEN_NAME: &str = "restore.broken.json";
/// Version of the note's form.
const FORMAT: u32 = 1;
/// The largest note that is read: some thousand settings.
const MAX_BYTES: usize = 1 << 20;
/// The most settings that one note may name.
const MAX_ENTRIES: usize = 4096;
/// The longest name of a setting's place, or of a boot.
const MAX_NAME_CHARS: usize = 128;

/// What is to be put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    format: u32,
    /// Which campaign set it.
    pub(super) campaign: CampaignId,
    /// When, by the device's clock.
    pub(super) prepared_at: WallNs,
    /// In which boot.
    pub(super) boot_id: Option<String>,
    /// What was set, in that order.
    pub(super) entries: Vec<Entry>,
    /// The digest of the commands that are still to run; the commands themselves come from the controller.
    pub(super) after: Option<Digest>,
}

/// One setting that is to be put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) setting: Setting,
    /// The value to put back.
    pub(super) before: String,
    /// The value that was asked for.
    pub(super) asked: String,
    /// The value that it then had; `None` until it was read back.
    pub(super) after: Option<String>,
}

impl Note {
    pub(super) fn new(campaign: &CampaignId, boot_id: Option<String>, after: Option<Digest>) -> Self {
        let campaign = campaign.clone();
        Self { format: FORMAT, campaign, prepared_at: WallNs::now(), boot_id, entries: Vec::new(), after }
    }

    /// Whether there is nothing left to do.
    pub(super) fn is_done(&self) -> bool {
        self.entries.is_empty() && self.after.is_none()
    }

    /// Notes that a setting is about to be set. What an earlier campaign could not put back keeps its first value.
    pub(super) fn add(&mut self, setting: &Setting, before: &str, asked: &str) {
        match self.entries.iter_mut().find(|entry| &entry.setting == setting) {
            Some(entry) => {
                asked.clone_into(&mut entry.asked);
                entry.after = None;
            }
            None => self.entries.push(Entry {
                setting: setting.clone(),
                before: before.to_owned(),
                asked: asked.to_owned(),
                after: None,
            }),
        }
    }

    /// Notes the value that a setting was read back with; one that did not change needs no putting back.
    pub(super) fn learn(&mut self, setting: &Setting, after: &str) {
        let Some(at) = self.entries.iter().position(|entry| &entry.setting == setting) else { return };
        if self.entries[at].before == after {
            self.entries.remove(at);
        } else {
            self.entries[at].after = Some(after.to_owned());
        }
    }

    /// Why it cannot be a note of ours; `None` if it can.
    fn flaw(&self) -> Option<&'static str> {
        let is_short = |text: &str, limit: usize| text.chars().take(limit + 1).count() <= limit;
        let is_clean = |text: &str, limit: usize| is_short(text, limit) && !text.contains(char::is_control);
        let is_good = |entry: &Entry| {
            let values = [Some(&entry.before), Some(&entry.asked), entry.after.as_ref()];
            values.into_iter().flatten().all(|value| is_clean(value, MAX_VALUE_CHARS))
                && entry.setting.site.as_ref().is_some_and(|site| is_clean(site, MAX_NAME_CHARS))
        };
        if self.format != FORMAT {
            Some("it is of another version of edgedyno")
        } else if folder_name(&self.campaign.0).is_err() {
            Some("its campaign has no name")
        } else if self.boot_id.as_ref().is_some_and(|id| !is_clean(id, MAX_NAME_CHARS)) {
            Some("its boot has no name")
        } else if self.entries.len() > MAX_ENTRIES || !self.entries.iter().all(is_good) {
            Some("its settings make no sense")
        } else {
            None
        }
    }
}

/// What lies in the agent's folder.
#[derive(Debug)]
pub(super) enum Found {
    /// No note.
    Nothing,
    /// A note of ours.
    Note(Note),
    /// Something else, and why it is none.
    Broken(String),
}

/// Where the note is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoteStore<'a> {
    work_dir: &'a Path,
}

impl<'a> NoteStore<'a> {
    /// In the agent's folder.
    pub(super) fn of(work_dir: &'a Path) -> Self {
        Self { work_dir }
    }

    /// What lies there. Never waits and never reads more than a note may have, whatever it is.
    pub(super) fn read(self) -> Found {
        // Nothing that leads elsewhere is followed; a link that leads nowhere is broken, not nothing.
        match fs::symlink_metadata(self.path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Found::Nothing,
            Err(error) => return Found::Broken(error.to_string()),
            Ok(about) if !about.is_file() => return Found::Broken("it is no plain file".to_owned()),
            Ok(about) if about.len() > MAX_BYTES as u64 => return Found::Broken("it is too long".to_owned()),
            Ok(_) => {}
        }
        let text = match SysRoot::tree(self.work_dir).read(NAME) {
            Ok(text) if text.len() > MAX_BYTES => return Found::Broken("it is too long".to_owned()),
            Ok(text) => text,
            Err(error) => return Found::Broken(error.to_string()),
        };
        match serde_json::from_str::<Note>(&text) {
            Ok(note) => match note.flaw() {
                None => Found::Note(note),
                Some(flaw) => Found::Broken(flaw.to_owned()),
            },
            Err(error) => Found::Broken(error.to_string()),
        }
    }

    /// Writes the note whole onto the disk, or removes it when there is nothing left to do.
    ///
    /// # Errors
    /// [`PrepareError::Note`]; the note is then as it was.
    pub(super) fn write(self, note: &Note) -> Result<(), PrepareError> {
        if note.is_done() { self.remove() } else { self.replace(note) }.map_err(|source| self.failed(source))
    }

    /// Moves what is no note out of the way, where a person can look at it.
    ///
    /// # Errors
    /// [`PrepareError::Note`].
    pub(super) fn set_aside(self) -> Result<&'static str, PrepareError> {
        let moved = fs::rename(self.path(), self.work_dir.join(BROKEN_NAME));
        moved.map_err(|source| self.failed(source))?;
        Ok(BROKEN_NAME)
    }

    fn path(self) -> PathBuf {
        self.work_dir.join(NAME)
    }

    fn failed(self, source: io::Error) -> PrepareError {
        PrepareError::Note { path: self.path(), source }
    }

    fn replace(self, note: &Note) -> io::Result<()> {
        let part = self.work_dir.join(format!("{NAME}.part"));
        if let Err(error) = fs::remove_file(&part)
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error);
        }
        // A fresh file, so that nothing that lies there is written through.
        let mut file = File::options().write(true).create_new(true).open(&part)?;
        let mut json = serde_json::to_vec_pretty(note)?;
        json.push(b'\n');
        file.write_all(&json)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&part, self.path())?;
        self.sync_names();
        Ok(())
    }

    fn remove(self) -> io::Result<()> {
        match fs::remove_file(self.path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => {
                self.sync_names();
                Ok(())
            }
        }
    }

    fn sync_names(self) {
        // Best effort: not every system can sync a folder. Only a power cut could undo the renaming, and a note that
        // comes back after it is read as what it is: one of an earlier boot.
        drop(File::open(self.work_dir).and_then(|folder| folder.sync_all()));
    }
}
