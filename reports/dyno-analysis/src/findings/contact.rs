//! How the contacts with each device went: what was set, what was lost, what was had again.

use dyno_model::ids::DeviceId;
use dyno_model::prepare::{CommandRun, Prepared, Restored};
use dyno_view::report::Finding;

use super::{counted, note, warning};
use crate::contacts::{Contact, Contacts};
use crate::record::Record;

pub(super) fn findings(record: &Record<'_>) -> Vec<Finding> {
    record.plan.devices.keys().flat_map(|device| of_device(record, device)).collect()
}

fn of_device(record: &Record<'_>, device: &DeviceId) -> Vec<Finding> {
    let contacts = Contacts::of(record, device);
    let name = device.0.as_str();
    let mut findings = Vec::new();
    findings.extend(never_reached(name, &contacts));
    findings.extend(lost_and_had(name, &contacts));
    findings.extend(given_up(name, &contacts));
    for contact in &contacts.all {
        findings.extend(contact.notes.iter().map(|text| note(format!("{name}: {text}"))));
        findings.extend(contact.prepared.into_iter().flat_map(|prepared| set(name, prepared)));
        findings.extend(contact.restored.into_iter().flat_map(|restored| put_back(name, restored)));
    }
    findings
}

/// Also where the record does not say why: a campaign that was stopped before the device's turn.
fn never_reached(name: &str, contacts: &Contacts<'_>) -> Option<Finding> {
    if !contacts.all.is_empty() {
        return None;
    }
    contacts
        .given_up
        .map(|error| warning(format!("{name} was not reached, so nothing was measured on it: {error}")))
}

/// Contacts that broke off and were followed by another one of the same command.
fn lost_and_had(name: &str, contacts: &Contacts<'_>) -> Option<Finding> {
    let again = contacts.all.windows(2).filter(|pair| pair[1].is_again);
    let errors: Vec<&str> = again.filter_map(|pair| pair[0].error).collect();
    let last = errors.last()?;
    let times = match errors.len() {
        1 => "once".to_owned(),
        n => format!("{n} times"),
    };
    Some(note(format!(
        "the link to {name} was lost and had again {times}; the device measured on meanwhile, and what it recorded \
         is in the record ({last})"
    )))
}

/// Contacts that nothing followed: the device was given up, for good or until the campaign was resumed.
fn given_up(name: &str, contacts: &Contacts<'_>) -> Vec<Finding> {
    let is_last = |place: usize| contacts.all.get(place + 1).is_none_or(|next| !next.is_again);
    let words = |(place, contact): (usize, &Contact<'_>)| {
        let is_newest = place + 1 == contacts.all.len();
        let error = contacts.given_up.filter(|_| is_newest).or(contact.error)?;
        let text = format!("the session with {name} ended early: {error}");
        is_last(place).then(|| if is_newest { warning(text) } else { note(text) })
    };
    contacts.all.iter().enumerate().filter_map(words).collect()
}

/// What the device was brought into, and what it could not be.
fn set(name: &str, prepared: &Prepared) -> Vec<Finding> {
    let mut findings = Vec::new();
    let problems = prepared.problems();
    findings.extend(
        problems
            .into_iter()
            .map(|problem| warning(format!("{name} is not as it was asked to be: {problem}"))),
    );
    let setting = |one: &dyno_model::prepare::PreparedSetting| {
        let now = one.after.as_ref().unwrap_or(&one.asked);
        match &one.before {
            Some(before) if before == now => format!("{} {now}", one.setting),
            Some(before) => format!("{} {now} (was {before})", one.setting),
            None => format!("{} {now}", one.setting),
        }
    };
    let good = prepared.settings.iter().filter(|one| one.problem.is_none());
    let mut done: Vec<String> = good.map(setting).collect();
    done.extend(commands(&prepared.commands));
    if !done.is_empty() {
        findings.push(note(format!("{name} was prepared: {}", done.join(", "))));
    }
    findings.extend(prepared.leftover.iter().flat_map(|leftover| put_back(name, leftover)));
    findings
}

fn commands(runs: &[CommandRun]) -> Option<String> {
    let n = runs.iter().filter(|run| run.problem.is_none()).count() as u64;
    (n > 0).then(|| format!("{} run", counted(n, "command")))
}

/// What is not as it was before: silence means that all is.
fn put_back(name: &str, restored: &Restored) -> Vec<Finding> {
    let problems = restored.problems();
    let problem = |problem| warning(format!("{name} was not put back as it was: {problem}"));
    problems.into_iter().map(problem).collect()
}
