//! Putting back what was set.

use std::path::Path;

use dyno_model::prepare::{Argv, Fate, Restored, RestoredSetting, commands_digest};

use super::commands::run_all;
use super::error::PrepareError;
use super::host::{Host, OnStop, boot_id};
use super::knob::{Knob, knobs};
use super::note::{Entry, Found, NoteStore};

/// The commands that were to run afterwards.
#[derive(Debug, Clone, Copy)]
pub(crate) enum After<'a> {
    /// These, each at most so many ms, if they are those that the note means.
    Run(&'a [Argv], u64),
    /// Not known here; they stay noted.
    Later,
}

/// At the start of an agent: puts back what a crashed contact left. Commands wait for a [`restore()`] that brings them.
///
/// # Errors
/// [`PrepareError::Note`].
pub(crate) fn recover(host: &dyn Host, work_dir: &Path) -> Result<Option<Restored>, PrepareError> {
    restore(host, work_dir, After::Later)
}

/// Puts back what the restore note in the agent's folder names, last set first; `None` if there is no note.
///
/// # Errors
/// [`PrepareError::Note`]: the note could not be removed.
pub(crate) fn restore(
    host: &dyn Host,
    work_dir: &Path,
    after: After<'_>,
) -> Result<Option<Restored>, PrepareError> {
    let store = NoteStore::of(work_dir);
    let note = match store.read() {
        Found::Nothing => return Ok(None),
        Found::Note(note) => note,
        Found::Broken(why) => {
            let name = store.set_aside()?;
            let problem = format!(
                "the restore note cannot be read ({why}); what an earlier campaign set here may still be set, \
                 see {name} in the agent's folder"
            );
            return Ok(Some(Restored { problems: vec![problem], ..Restored::default() }));
        }
    };
    let rebooted = match (&note.boot_id, boot_id(host)) {
        (Some(then), Some(now)) => *then != now,
        _ => false,
    };
    let mut restored = Restored {
        campaign: Some(note.campaign.clone()),
        prepared_at: Some(note.prepared_at),
        rebooted,
        ..Restored::default()
    };
    let mut rest = note.clone();
    rest.entries.clear();
    for entry in note.entries.iter().rev() {
        let setting = put_back(host, entry, rebooted);
        if setting.fate == Fate::Failed {
            rest.entries.insert(0, entry.clone());
        }
        restored.settings.push(setting);
    }
    if let Some(digest) = &note.after {
        match after {
            After::Later => restored.commands_pending = true,
            After::Run(commands, _) if commands_digest(commands).as_ref() != Some(digest) => {
                let what = "its commands of `after` were not run: they are no longer those of `devices.toml`";
                restored.problems.push(what.to_owned());
                rest.after = None;
            }
            After::Run(commands, limit_ms) => {
                // Noted as run before they run: a command that brings the device down is not repeated for ever.
                rest.after = None;
                store.write(&rest)?;
                restored.commands = run_all(host, commands, limit_ms, OnStop::GoOn);
            }
        }
    }
    store.write(&rest)?;
    Ok(Some(restored))
}

fn put_back(host: &dyn Host, entry: &Entry, rebooted: bool) -> RestoredSetting {
    let found = knobs(host, entry.setting.kind).into_iter().find(|knob| knob.setting == entry.setting);
    let mut told = RestoredSetting {
        setting: entry.setting.clone(),
        before: entry.before.clone(),
        found: None,
        now: None,
        fate: Fate::Gone,
        problem: None,
    };
    match found {
        None => told.problem = Some("this device no longer has it".to_owned()),
        Some(knob) if rebooted && !knob.is_lasting() => {
            told.fate = Fate::ResetByReboot;
            // Best effort: for the record only.
            told.found = knob.read(host).ok();
            told.now.clone_from(&told.found);
        }
        Some(knob) => match knob.check(host, &entry.before) {
            Ok(()) => turn_back(host, &knob, entry, &mut told),
            Err(refusal) => {
                told.fate = Fate::LeftAlone;
                told.problem =
                    Some(format!("the restore note asks for what it cannot be: {}", refusal.problem));
            }
        },
    }
    told
}

fn turn_back(host: &dyn Host, knob: &Knob, entry: &Entry, told: &mut RestoredSetting) {
    match (knob.read(host), knob.assumed()) {
        (Ok(found), _) => {
            told.found = Some(found.clone());
            told.now = Some(found);
        }
        (Err(_), Some(_)) => {}
        (Err(refusal), None) => {
            told.fate = Fate::Failed;
            told.problem = Some(refusal.problem);
            return;
        }
    }
    if told.found.as_ref() == Some(&entry.before) {
        told.fate = Fate::AsItWas;
        return;
    }
    // Before it was read back, whatever it is now came from us: we stopped between setting and reading.
    let is_ours = |found: &String| {
        entry.after.is_none() || entry.after.as_ref() == Some(found) || *found == entry.asked
    };
    if let Some(found) = told.found.as_ref().filter(|found| !is_ours(found)) {
        told.fate = Fate::LeftAlone;
        told.problem = Some(format!("somebody else has made it `{found}` since; it was left so"));
        return;
    }
    let refused = knob.write(host, &entry.before).err();
    match knob.read_back(host, &entry.before) {
        Ok(now) => {
            told.fate = if now == entry.before { Fate::PutBack } else { Fate::Failed };
            told.problem = (now != entry.before).then(|| match refused {
                Some(refusal) => refusal.problem,
                None => format!("it was put back, but reads back as `{now}`"),
            });
            told.now = Some(now);
        }
        Err(unread) => {
            let is_blind = refused.is_none() && knob.assumed().is_some();
            told.fate = if is_blind { Fate::PutBack } else { Fate::Failed };
            told.now = None;
            told.problem = (!is_blind).then_some(refused.unwrap_or(unread).problem);
        }
    }
}
