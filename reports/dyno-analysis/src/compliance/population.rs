//! All that was to be served by a cell, whatever became of it.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::ids::{PromptId, RunId};

use crate::cell::{CellRecord, LaunchRecord};

/// Why an observation is not judged. The rules are fixed: no person picks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// Its launch was found not to be usable.
    InvalidLaunch,
    /// We cut it off.
    Cancelled,
    /// The record of its launch ends before the launch did.
    CutOff,
    /// Its prompt was never counted, and the objective selects by length.
    LengthUnknown,
    /// Its prompt has no grader that a program can apply, and the objective is about what passes: it is outside of it.
    Ungraded,
}

impl Rule {
    pub(super) const ALL: [Self; 5] =
        [Self::InvalidLaunch, Self::Cancelled, Self::CutOff, Self::LengthUnknown, Self::Ungraded];

    pub(super) fn id(self) -> &'static str {
        match self {
            Self::InvalidLaunch => "invalid-launch",
            Self::Cancelled => "cancelled-by-us",
            Self::CutOff => "cut-off-launch",
            Self::LengthUnknown => "length-unknown",
            Self::Ungraded => "ungraded",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::InvalidLaunch => "the guards of its launch found that its numbers may not be used",
            Self::Cancelled => "it was cut off from outside, and not measured again",
            Self::CutOff => {
                "the record of its launch ends before the launch did, so no figure of the whole is known"
            }
            Self::LengthUnknown => "the objective selects by length, and nothing ever counted its prompt",
            Self::Ungraded => {
                "its prompt has no grader that a program can apply, so an objective about answers that pass is not about \
                 it; this is not among the 2 %"
            }
        }
    }
}

/// What became of a request or of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate<'r> {
    /// It ended so: `ok`, `timeout`.
    Ended(&'r str),
    /// It was never sent: the runtime had ended.
    Unsent,
    /// The device restarted under it.
    Restarted,
    /// It is not judged.
    Excluded(Rule),
}

/// A request that was to be served.
#[derive(Debug, Clone)]
pub(super) struct Attempt<'r> {
    pub(super) run: u32,
    pub(super) launch: u32,
    pub(super) idx: u32,
    /// Row of the request table; `None` when it is in no record.
    pub(super) row: Option<usize>,
    pub(super) prompt: &'r PromptId,
    pub(super) fate: Fate<'r>,
}

/// A launch.
pub(super) struct Start<'c, 'a> {
    pub(super) launch: &'c LaunchRecord<'a>,
    pub(super) fate: Fate<'c>,
}

/// Everything that a cell was asked for.
pub(super) struct Population<'c, 'a> {
    pub(super) attempts: Vec<Attempt<'c>>,
    pub(super) starts: Vec<Start<'c, 'a>>,
    /// Tokens of each prompt, as the runtime counted them whenever it did.
    isl: BTreeMap<&'c PromptId, u32>,
}

impl<'c, 'a> Population<'c, 'a> {
    pub(super) fn of(cell: &'c CellRecord<'a>) -> Self {
        let requests = &cell.record.requests;
        let mut attempts: Vec<Attempt<'c>> =
            cell.launches.iter().flat_map(|launch| recorded(cell, launch)).collect();
        let mut isl = BTreeMap::new();
        for attempt in &attempts {
            if let Some(tokens) = attempt.row.and_then(|row| requests.prompt_tokens[row]) {
                isl.entry(attempt.prompt).or_insert(tokens);
            }
        }
        attempts.extend(unsent(cell));
        attempts.extend(cell.launches.iter().filter_map(|launch| lost(cell, launch)));
        attempts.sort_by_key(|attempt| (attempt.run, attempt.launch, attempt.idx, attempt.row));
        let starts = cell.launches.iter().filter(|launch| !is_measured_again(cell, launch));
        let starts = starts.map(|launch| Start { launch, fate: fate_of(launch) }).collect();
        Self { attempts, starts, isl }
    }

    /// Tokens of an attempt's prompt; `None` when nothing ever counted them.
    pub(super) fn isl(&self, cell: &CellRecord<'_>, attempt: &Attempt<'_>) -> Option<u32> {
        let own = attempt.row.and_then(|row| cell.record.requests.prompt_tokens[row]);
        own.or_else(|| self.isl.get(attempt.prompt).copied())
    }

    /// Tokens of a prompt; `None` when nothing ever counted them.
    pub(super) fn isl_of(&self, prompt: &PromptId) -> Option<u32> {
        self.isl.get(prompt).copied()
    }

    /// The shortest and the longest prompt that was counted.
    pub(super) fn isl_range(&self) -> Option<(u32, u32)> {
        Some((*self.isl.values().min()?, *self.isl.values().max()?))
    }
}

/// Requests of a launch that are in the record.
fn recorded<'c>(cell: &'c CellRecord<'_>, launch: &'c LaunchRecord<'_>) -> Vec<Attempt<'c>> {
    let requests = &cell.record.requests;
    let planned = cell.record.plan.run(RunId(launch.row.run));
    let attempt = |row: &usize| {
        let outcome: &str = &requests.outcome[*row];
        let fate = match outcome {
            _ if !launch.is_valid() => Fate::Excluded(Rule::InvalidLaunch),
            "cancelled" => Fate::Excluded(Rule::Cancelled),
            _ => Fate::Ended(outcome),
        };
        let idx = requests.idx[*row];
        let prompt = &planned?.request(idx)?.prompt;
        Some(Attempt { run: launch.row.run, launch: launch.row.launch, idx, row: Some(*row), prompt, fate })
    };
    launch.rows.iter().filter_map(attempt).collect()
}

/// Requests that were never sent because the runtime had ended; none where we ended it ourselves or its record was cut
/// off, for those are measured when a person resumes.
fn unsent<'c>(cell: &'c CellRecord<'_>) -> Vec<Attempt<'c>> {
    let requests = &cell.record.requests;
    let mut last: BTreeMap<u32, &'c LaunchRecord<'_>> = BTreeMap::new();
    let mut measured: BTreeSet<(u32, u32)> = BTreeSet::new();
    for launch in &cell.launches {
        last.insert(launch.row.run, launch);
        let rows = launch.rows.iter().filter(|row| requests.outcome[**row] != "cancelled");
        measured.extend(rows.map(|row| (launch.row.run, requests.idx[*row])));
    }
    let has_ended = |launch: &LaunchRecord<'_>| {
        launch.row.outcome.as_deref().is_some_and(|outcome| !matches!(outcome, "cancelled" | "rebooted"))
    };
    let mut unsent = Vec::new();
    for (run, launch) in last.into_iter().filter(|(_, launch)| has_ended(launch)) {
        let Some(planned) = cell.record.plan.run(RunId(run)).filter(|_| cell.cell.hold.is_none()) else {
            continue;
        };
        let fate = if launch.is_valid() { Fate::Unsent } else { Fate::Excluded(Rule::InvalidLaunch) };
        for (idx, request) in (0_u32..).zip(&planned.requests) {
            if !measured.contains(&(run, idx)) {
                let (launch, prompt) = (launch.row.launch, &request.prompt);
                unsent.push(Attempt { run, launch, idx, row: None, prompt, fate });
            }
        }
    }
    unsent
}

/// The request that was under way when the device restarted: whoever asked it got no answer.
fn lost<'c>(cell: &'c CellRecord<'_>, launch: &'c LaunchRecord<'_>) -> Option<Attempt<'c>> {
    if launch.row.outcome.as_deref() != Some("rebooted") {
        return None;
    }
    let requests = &cell.record.requests;
    let seen: BTreeSet<u32> = launch.rows.iter().map(|row| requests.idx[*row]).collect();
    let idx = (0..=seen.len() as u32).find(|idx| !seen.contains(idx))?;
    let planned = cell.record.plan.run(RunId(launch.row.run))?.request(idx)?;
    Some(Attempt {
        run: launch.row.run,
        launch: launch.row.launch,
        idx,
        row: None,
        prompt: &planned.prompt,
        fate: Fate::Restarted,
    })
}

fn fate_of<'c>(launch: &'c LaunchRecord<'_>) -> Fate<'c> {
    match launch.row.outcome.as_deref() {
        Some("rebooted") => Fate::Restarted,
        _ if !launch.is_valid() => Fate::Excluded(Rule::InvalidLaunch),
        None => Fate::Excluded(Rule::CutOff),
        Some("cancelled") => Fate::Excluded(Rule::Cancelled),
        Some(outcome) => Fate::Ended(outcome),
    }
}

/// Whether a launch was cut off from outside and its run launched again since.
fn is_measured_again(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> bool {
    let is_cut = matches!(launch.row.outcome.as_deref(), None | Some("cancelled"));
    let is_later =
        |other: &LaunchRecord<'_>| other.row.run == launch.row.run && other.row.launch > launch.row.launch;
    is_cut && cell.launches.iter().any(is_later)
}
