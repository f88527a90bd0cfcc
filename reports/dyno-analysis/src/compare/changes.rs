//! What differs between two cells, by plan and by what was recorded, and what a reader must know of it.

use std::collections::BTreeMap;

use dyno_model::launch::RuntimeFacts;
use dyno_model::start::StartState;
use dyno_store::JournalEntry;

use super::draft::Both;
use super::matching::{Field, value_words};
use super::pairing::{Block, Pairing};
use super::quality::Answers;
use super::runs::RunOf;
use crate::calibration::identity;
use crate::cell::CellRecord;
use crate::facts::threads_words;
use crate::machine::unreal;

/// House rule: a block in which less than this share of the prompts has a partner is told.
const MIN_PAIRED: f64 = 0.98;
/// Digits of a digest in words.
const DIGITS: usize = 12;

/// What differs, in words; empty where one thing is held against itself.
pub(super) fn changes(both: &Both<'_, '_>) -> Vec<String> {
    let (a, b) = (both.baseline, both.candidate);
    let mut found = Vec::new();
    let mut differs = |what: &str, one: Option<String>, two: Option<String>| {
        if one != two {
            let word = |of: Option<String>| of.unwrap_or_else(|| "unknown".to_owned());
            found.push(format!("{what} {} → {}", word(one), word(two)));
        }
    };
    let field = |field: Field, cell: &CellRecord<'_>| Some(value_words(field, cell.cell));
    let fields = [(Field::Device, "device"), (Field::Runtime, "runtime"), (Field::Model, "model")];
    for (of, word) in fields {
        differs(word, field(of, a), field(of, b));
    }
    if a.cell.threads != b.cell.threads {
        let words = |cell: &CellRecord<'_>| Some(threads_words(cell.cell.threads));
        differs("compute", words(a), words(b));
    }
    let context = |cell: &CellRecord<'_>| Some(cell.cell.context_tokens.to_string());
    differs("tokens of context", context(a), context(b));
    for (name, one, two) in settings(a, b) {
        differs(&name, Some(one), Some(two));
    }
    // What never ran says nothing of itself.
    if let (Some(one), Some(two)) = (facts(a), facts(b)) {
        differs("version", Some(one.version.clone()), Some(two.version.clone()));
        differs("backend", Some(one.backend.clone()), Some(two.backend.clone()));
        let binary = |of: &RuntimeFacts| of.binary_digest.as_ref().map(|digest| short(digest.as_str()));
        differs("binary", binary(one), binary(two));
    }
    if let (Some(one), Some(two)) = (model_file(a), model_file(b)) {
        differs("model file", Some(short(&one)), Some(short(&two)));
    }
    if let (Some(one), Some(two)) = (agent(a), agent(b)) {
        differs("agent", Some(one), Some(two));
    }
    found
}

/// The runtime's facts of the first launch that became ready.
fn facts<'c>(cell: &'c CellRecord<'_>) -> Option<&'c RuntimeFacts> {
    cell.launches.iter().find_map(|launch| launch.row.facts.as_ref())
}

/// The runtime's version and the first digits of its binary, as far as it says; `None` where it never ran.
pub(crate) fn release(cell: &CellRecord<'_>) -> Option<String> {
    let facts = facts(cell)?;
    let binary = facts.binary_digest.as_ref().map(|digest| short(digest.as_str()));
    let parts: Vec<String> = [facts.version.clone()].into_iter().chain(binary).collect();
    let words: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(", binary "))
}

/// Settings of the cell's runtime, as planned.
pub(crate) fn settings_of(cell: &CellRecord<'_>) -> BTreeMap<String, String> {
    let runtime = cell.record.plan.runtimes.get(&cell.cell.runtime);
    runtime.map(|runtime| runtime.settings.clone()).unwrap_or_default()
}

/// Settings that differ: name and both values.
fn settings(a: &CellRecord<'_>, b: &CellRecord<'_>) -> Vec<(String, String, String)> {
    let (one, two) = (settings_of(a), settings_of(b));
    let names: std::collections::BTreeSet<&String> = one.keys().chain(two.keys()).collect();
    let word = |of: &BTreeMap<String, String>, name: &String| {
        of.get(name).cloned().unwrap_or_else(|| "not set".to_owned())
    };
    let differs = names.into_iter().filter(|name| one.get(*name) != two.get(*name));
    differs.map(|name| (name.clone(), word(&one, name), word(&two, name))).collect()
}

/// SHA-256 of the model file as it was on the device.
fn model_file(cell: &CellRecord<'_>) -> Option<String> {
    match cell.record.session_with(&cell.cell.device)? {
        JournalEntry::Session { model_digests, .. } => {
            model_digests.get(&cell.cell.model).map(ToString::to_string)
        }
        _ => None,
    }
}

fn agent(cell: &CellRecord<'_>) -> Option<String> {
    match cell.record.session_with(&cell.cell.device)? {
        JournalEntry::Session { build_id, .. } => Some(build_id.clone()),
        _ => None,
    }
}

fn short(digest: &str) -> String {
    digest.chars().take(DIGITS).collect()
}

/// What a reader must know of the pair.
pub(super) fn notes(both: &Both<'_, '_>, pairing: &Pairing<'_, '_>, answers: &Answers) -> Vec<String> {
    let mut notes = Vec::new();
    let files = [model_file(both.baseline), model_file(both.candidate)];
    if let Answers::Unlike(reason) = answers {
        notes.push(format!("answers are not compared by their graders: {reason}"));
    }
    if let ([Some(one), Some(two)], Answers::Ungraded) = (&files, answers)
        && one != two
    {
        notes.push("the model files differ, so the answers do, too: quality is not compared here".to_owned());
    }
    notes.extend(device_changed(both));
    if let Pairing::Paired(blocks) = pairing {
        notes.extend(left_out(blocks));
        notes.extend(interrupted(both, blocks));
        notes.extend(unpaired_prompts(both, blocks));
    }
    let mark = |cell: &CellRecord<'_>| unreal(cell.record, &cell.cell.device).map(|unreal| unreal.mark());
    match [mark(both.baseline), mark(both.candidate)] {
        [Some(one), Some(two)] if one == two => notes.push(format!("measured on a {one}")),
        marks => {
            let each = marks.into_iter().zip(both.names);
            notes.extend(each.filter_map(|(mark, name)| Some(format!("{name} was measured on a {}", mark?))));
        }
    }
    notes
}

/// A device of one name may have become another one between two campaigns.
fn device_changed(both: &Both<'_, '_>) -> Option<String> {
    let (a, b) = (both.baseline, both.candidate);
    if std::ptr::eq(a.record, b.record) || a.cell.device != b.cell.device {
        return None;
    }
    let (one, two) = (identity(a.record, &a.cell.device), identity(b.record, &b.cell.device));
    let parts: Vec<&str> =
        one.iter().filter(|fact| two.iter().all(|of| of != *fact)).map(|fact| fact.label.as_str()).collect();
    (!parts.is_empty()).then(|| {
        format!(
            "the device is not as it was: {} changed between the campaigns",
            crate::comparison::listed(&parts)
        )
    })
}

fn left_out(blocks: &[Block<'_, '_>]) -> Option<String> {
    let out: Vec<String> = blocks
        .iter()
        .filter_map(|block| Some(format!("block {}: {}", block.number, block.left_out.as_ref()?)))
        .collect();
    (!out.is_empty()).then(|| {
        let words = crate::findings::some_of(&out);
        format!("{} of {} blocks do not count ({words})", out.len(), blocks.len())
    })
}

/// A block belongs in one session (MEASUREMENT §3.5, rule 1). A device that is started anew for each launch has one for
/// each.
fn interrupted(both: &Both<'_, '_>, blocks: &[Block<'_, '_>]) -> Option<String> {
    if both.baseline.cell.start == StartState::DeviceCold {
        return None;
    }
    let is_apart = |block: &&Block<'_, '_>| {
        let launches = || block.baseline.launches.iter().chain(&block.candidate.launches);
        let first = launches().next().map(|launch| launch.row.session);
        block.left_out.is_none() && launches().any(|launch| Some(launch.row.session) != first)
    };
    let numbers: Vec<String> =
        blocks.iter().filter(is_apart).map(|block| format!("block {}", block.number)).collect();
    (!numbers.is_empty()).then(|| {
        format!(
            "{}: begun in one session and ended in another, so that what changed in between is in the ratio",
            crate::findings::some_of(&numbers)
        )
    })
}

/// Prompts that only one side answered are in no ratio, and may be the slow ones.
fn unpaired_prompts(both: &Both<'_, '_>, blocks: &[Block<'_, '_>]) -> Option<String> {
    let outcome = &both.baseline.record.requests.outcome;
    let counting = || blocks.iter().filter(|block| block.left_out.is_none());
    // What we cut off ourselves was not to be answered.
    let rows = |run: &RunOf<'_, '_>| {
        let all = run.launches.iter().flat_map(|launch| &launch.rows);
        all.filter(|row| outcome[**row] != "cancelled").count()
    };
    let asked: usize = counting().map(|block| rows(&block.baseline).min(rows(&block.candidate))).sum();
    let is_answered = |(a, b): &&(usize, usize)| outcome[*a] == "ok" && outcome[*b] == "ok";
    let answered: usize = counting().map(|block| block.pairs.iter().filter(is_answered).count()).sum();
    ((answered as f64) < asked as f64 * MIN_PAIRED).then(|| {
        format!(
            "{} of {asked} prompts were not answered by both sides: they are in no ratio, and may be the slow ones",
            asked - answered
        )
    })
}
