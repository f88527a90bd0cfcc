//! Setting what is asked for.

use std::path::Path;

use dyno_model::ids::CampaignId;
use dyno_model::prepare::{PrepareSpec, Prepared, PreparedSetting};

use super::commands::run_all;
use super::error::PrepareError;
use super::host::{Host, OnStop, boot_id};
use super::knob::{Knob, Refusal};
use super::note::{Found, Note, NoteStore};
use super::restore::{After, restore};
use super::wish::{GROUPS, Wish};

/// Brings the device into the state that `spec` asks for; what cannot be set is told in the result.
///
/// What an earlier campaign left is put back first.
///
/// # Errors
/// [`PrepareError`]: no note could be kept, a required setting could not be had, or somebody asked to stop. What was
/// set by then has been put back, and the commands of `after` were run.
pub(crate) fn apply(
    host: &dyn Host,
    work_dir: &Path,
    campaign: &CampaignId,
    spec: &PrepareSpec,
) -> Result<Prepared, PrepareError> {
    let leftover = restore(host, work_dir, After::Run(&spec.after, spec.command_limit_ms()))?;
    let mut prepared = Prepared { leftover, ..Prepared::default() };
    match set_all(host, work_dir, campaign, spec, &mut prepared) {
        Ok(()) => Ok(prepared),
        Err(error) => {
            // Best effort: the first error says more, and a note that cannot be worked off waits for the next contact.
            drop(restore(host, work_dir, After::Run(&spec.after, spec.command_limit_ms())));
            Err(error)
        }
    }
}

fn set_all(
    host: &dyn Host,
    work_dir: &Path,
    campaign: &CampaignId,
    spec: &PrepareSpec,
    prepared: &mut Prepared,
) -> Result<(), PrepareError> {
    let store = NoteStore::of(work_dir);
    let mut note = Note::new(campaign, boot_id(host), spec.after_digest());
    if let Found::Note(unfinished) = store.read() {
        // What could not be put back just now is tried again with what is set now.
        note.entries = unfinished.entries;
    }
    store.write(&note)?;
    prepared.commands = run_all(host, &spec.before, spec.command_limit_ms(), OnStop::Stop);
    for wishes in GROUPS {
        if host.is_stopped() {
            return Err(PrepareError::Stopped);
        }
        let attempts: Vec<Attempt> =
            wishes(host, spec).into_iter().map(|wish| Attempt::of(host, wish)).collect();
        let n_noted = note.entries.len();
        for attempt in &attempts {
            attempt.write_down(&mut note);
        }
        if note.entries.len() > n_noted {
            store.write(&note)?;
        }
        for attempt in attempts {
            let setting = attempt.carry_out(host);
            if let Some(after) = &setting.after {
                note.learn(&setting.setting, after);
            }
            prepared.settings.push(setting);
        }
    }
    store.write(&note)?;
    if host.is_stopped() {
        return Err(PrepareError::Stopped);
    }
    let problems = if spec.required { prepared.problems() } else { Vec::new() };
    if problems.is_empty() {
        return Ok(());
    }
    let mut hints: Vec<String> = prepared.settings.iter().filter_map(|one| one.hint.clone()).collect();
    hints.dedup();
    Err(PrepareError::Required { problems, hints })
}

/// A wish, and what the setting was before.
struct Attempt {
    wish: Wish,
    before: Option<String>,
    step: Step,
}

/// What is to be done.
enum Step {
    /// Set it; `true_before` is the value to put back.
    Set { knob: Knob, true_before: String },
    /// It is as asked already.
    Nothing,
    /// It cannot be done.
    Refuse(Refusal),
}

impl Attempt {
    fn of(host: &dyn Host, wish: Wish) -> Self {
        let knob = match &wish.knob {
            Ok(knob) => knob.clone(),
            Err(refusal) => {
                let step = Step::Refuse(refusal.clone());
                return Self { wish, before: None, step };
            }
        };
        let (before, true_before) = match (knob.read(host), knob.assumed()) {
            (Ok(value), _) => (Some(value.clone()), value),
            (Err(_), Some(assumed)) => (None, assumed.to_owned()),
            (Err(refusal), None) => return Self { wish, before: None, step: Step::Refuse(refusal) },
        };
        let step = if before.as_ref() == Some(&wish.asked) {
            Step::Nothing
        } else {
            match knob.check(host, &wish.asked) {
                Ok(()) => Step::Set { knob, true_before },
                Err(refusal) => Step::Refuse(refusal),
            }
        };
        Self { wish, before, step }
    }

    fn write_down(&self, note: &mut Note) {
        if let Step::Set { true_before, .. } = &self.step {
            note.add(&self.wish.setting, true_before, &self.wish.asked);
        }
    }

    fn carry_out(self, host: &dyn Host) -> PreparedSetting {
        let Self { wish: Wish { setting, asked, .. }, before, step } = self;
        let (after, refusal) = match step {
            Step::Nothing => (before.clone(), None),
            Step::Refuse(refusal) => (before.clone(), Some(refusal)),
            Step::Set { knob, .. } => set(host, &knob, &asked),
        };
        let (problem, hint) = refusal.map_or((None, None), |refusal| (Some(refusal.problem), refusal.hint));
        PreparedSetting { setting, before, asked, after, problem, hint }
    }
}

/// Sets and reads back; a value that is another one than asked is told.
fn set(host: &dyn Host, knob: &Knob, asked: &str) -> (Option<String>, Option<Refusal>) {
    let refused = knob.write(host, asked).err();
    match knob.read_back(host, asked) {
        Ok(after) if after == asked => (Some(after), None),
        Ok(after) => {
            let other = Refusal::new(format!("it was set, but reads back as `{after}`"));
            (Some(after), Some(refused.unwrap_or(other)))
        }
        Err(refusal) => {
            let unread = Refusal { problem: format!("it was set, but: {}", refusal.problem), ..refusal };
            (None, Some(refused.unwrap_or(unread)))
        }
    }
}
