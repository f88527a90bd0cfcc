//! The devices with their settings, each with its cells, as far as all did equal work.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::load::LoadModel;
use dyno_view::comparison::WorkPart;
use dyno_view::compliance::JudgementView;
use dyno_view::recommend::CellRole;

use super::ask::RecommendError;
use super::judge::Checked;
use crate::cell::CellRecord;
use crate::comparison::Work;
use crate::facts::threads_words;
use crate::heat::heat;

/// What makes two cells the same device with the same settings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) device: String,
    pub(super) runtime: String,
    pub(super) threads: Option<u32>,
    pub(super) arm: Option<String>,
}

/// One device with its settings, and its cells.
pub(super) struct Candidate<'c, 'a> {
    pub(super) key: Key,
    /// What tells it from the others.
    pub(super) name: String,
    pub(super) short: Option<Checked<'c, 'a>>,
    pub(super) long: Option<Checked<'c, 'a>>,
    /// By their rate.
    pub(super) rates: Vec<Checked<'c, 'a>>,
}

/// A cell, and what `check` says of it.
pub(super) struct Measured<'a> {
    pub(super) cell: CellRecord<'a>,
    pub(super) judgements: Vec<(usize, JudgementView)>,
}

impl<'c, 'a> Candidate<'c, 'a> {
    /// The cell that is judged: the long load, else the short one, else the lowest rate.
    pub(super) fn judged(&self) -> Option<Checked<'c, 'a>> {
        self.long.or(self.short).or_else(|| self.rates.first().copied())
    }

    /// Its cells with what they are for.
    pub(super) fn cells(&self) -> Vec<(CellRole, Checked<'c, 'a>)> {
        let short = self.short.map(|cell| (CellRole::Short, cell));
        let long = self.long.map(|cell| (CellRole::Long, cell));
        let rates = self.rates.iter().map(|cell| (CellRole::Rate, *cell));
        short.into_iter().chain(long).chain(rates).collect()
    }
}

/// All candidates, and what was left out, one sentence each.
pub(super) struct Candidates<'c, 'a> {
    pub(super) all: Vec<Candidate<'c, 'a>>,
    pub(super) left_out: Vec<String>,
}

/// Sorts the cells of all campaigns; of two for the same device and load, the later one stands.
///
/// # Errors
/// Cells that stand for the same did unlike work.
pub(super) fn candidates<'c, 'a>(cells: &'c [Measured<'a>]) -> Result<Candidates<'c, 'a>, RecommendError> {
    let mut groups: BTreeMap<Key, Candidate<'c, 'a>> = BTreeMap::new();
    let mut left_out = Vec::new();
    for Measured { cell, judgements } in cells {
        let key = key(cell);
        let Some(role) = role(cell) else {
            left_out.push(format!(
                "{} is left out: a {} is neither one user nor a steady rate",
                words(cell),
                cell.cell.load.label()
            ));
            continue;
        };
        let empty =
            Candidate { key: key.clone(), name: String::new(), short: None, long: None, rates: Vec::new() };
        let group = groups.entry(key).or_insert(empty);
        left_out.extend(group.take(role, Checked { cell, judgements }));
    }
    let mut all: Vec<Candidate<'c, 'a>> = groups.into_values().collect();
    check_works(&all)?;
    name_them(&mut all);
    for candidate in &mut all {
        candidate.rates.sort_by_key(|of| rate_milli(&of.cell.cell.load));
    }
    Ok(Candidates { all, left_out })
}

impl<'c, 'a> Candidate<'c, 'a> {
    /// Takes a cell; says so where it takes the place of another, or has none.
    fn take(&mut self, role: CellRole, new: Checked<'c, 'a>) -> Option<String> {
        let place = match role {
            CellRole::Short => &mut self.short,
            CellRole::Long => &mut self.long,
            CellRole::Rate => {
                let load = &new.cell.cell.load;
                let Some(of) = self.rates.iter_mut().find(|of| of.cell.cell.load == *load) else {
                    self.rates.push(new);
                    return None;
                };
                let old = std::mem::replace(of, new);
                return Some(replaced(old.cell, new.cell));
            }
        };
        // A load without rests says more of what is sustained than one with them.
        let has_rests = |of: &CellRecord<'_>| of.cell.hold.is_some_and(|hold| hold.duty.is_some());
        match place {
            Some(old) if has_rests(new.cell) && !has_rests(old.cell) => Some(replaced(new.cell, old.cell)),
            Some(old) => {
                let old = std::mem::replace(old, new);
                Some(replaced(old.cell, new.cell))
            }
            None => {
                *place = Some(new);
                None
            }
        }
    }
}

fn replaced(old: &CellRecord<'_>, new: &CellRecord<'_>) -> String {
    let (old, new) = (words(old), words(new));
    format!("{old} is left out: {new} stands for the same device and load")
}

/// `pi5 (campaign c-1, single user)`.
fn words(cell: &CellRecord<'_>) -> String {
    let of = cell.cell;
    format!("{} ({} of campaign {}, {})", of.device, of.runtime, cell.record.id, of.load.label())
}

fn key(cell: &CellRecord<'_>) -> Key {
    let of = cell.cell;
    Key { device: of.device.0.clone(), runtime: of.runtime.clone(), threads: of.threads, arm: of.arm.clone() }
}

fn role(cell: &CellRecord<'_>) -> Option<CellRole> {
    match &cell.cell.load {
        LoadModel::Single { .. } | LoadModel::Closed { workers: 1, .. } => {
            let goes_on = cell.cell.hold.is_some() || heat(cell).is_some();
            Some(if goes_on { CellRole::Long } else { CellRole::Short })
        }
        LoadModel::Open { ramp_to_milli_per_s: None, .. } => Some(CellRole::Rate),
        LoadModel::Open { .. } | LoadModel::Closed { .. } | LoadModel::Trace { .. } => None,
    }
}

pub(super) fn rate_milli(load: &LoadModel) -> u64 {
    match load {
        LoadModel::Open { rate_milli_per_s, .. } => *rate_milli_per_s,
        LoadModel::Single { .. } | LoadModel::Closed { .. } | LoadModel::Trace { .. } => 0,
    }
}

/// Cells of one role must have done equal work, and all must have the same model.
fn check_works(all: &[Candidate<'_, '_>]) -> Result<(), RecommendError> {
    let cells = all.iter().flat_map(Candidate::cells);
    let cells: Vec<(CellRole, &CellRecord<'_>)> = cells.map(|(role, of)| (role, of.cell)).collect();
    for role in [CellRole::Long, CellRole::Short] {
        let of_role: Vec<&CellRecord<'_>> = cells.iter().filter(|of| of.0 == role).map(|of| of.1).collect();
        for pair in of_role.windows(2) {
            refuse_unlike(pair[0], pair[1], &differences(pair[0], pair[1]))?;
        }
    }
    for pair in cells.windows(2) {
        let whatever_the_load = [WorkPart::Model, WorkPart::Context, WorkPart::Start];
        let mut parts = Work::of(pair[0].1).differs(&Work::of(pair[1].1));
        parts.retain(|part| whatever_the_load.contains(part));
        refuse_unlike(pair[0].1, pair[1].1, &parts)?;
    }
    Ok(())
}

fn differences(one: &CellRecord<'_>, other: &CellRecord<'_>) -> BTreeSet<WorkPart> {
    let mut parts = Work::of(one).differs(&Work::of(other));
    let rests = |cell: &CellRecord<'_>| cell.cell.hold.and_then(|hold| hold.duty);
    if rests(one) != rests(other) {
        parts.insert(WorkPart::Load);
    }
    parts
}

fn refuse_unlike(
    one: &CellRecord<'_>,
    other: &CellRecord<'_>,
    parts: &BTreeSet<WorkPart>,
) -> Result<(), RecommendError> {
    if parts.is_empty() {
        return Ok(());
    }
    Err(RecommendError::Unlike {
        one: words(one),
        other: words(other),
        parts: parts.iter().copied().collect(),
    })
}

/// The device, and whatever else tells one from another.
fn name_them(all: &mut [Candidate<'_, '_>]) {
    let n_of = |of: fn(&Key) -> String, all: &[Candidate<'_, '_>]| {
        all.iter().map(|candidate| of(&candidate.key)).collect::<BTreeSet<_>>().len()
    };
    let has_runtimes = n_of(|key| key.runtime.clone(), all) > 1;
    let has_threads = n_of(|key| format!("{:?}", key.threads), all) > 1;
    let has_arms = n_of(|key| format!("{:?}", key.arm), all) > 1;
    for candidate in all {
        let key = &candidate.key;
        let mut parts = vec![key.device.clone()];
        parts.extend(has_runtimes.then(|| key.runtime.clone()));
        parts.extend(has_threads.then(|| threads_words(key.threads)));
        parts.extend(key.arm.clone().filter(|_| has_arms));
        candidate.name = parts.join(" · ");
    }
}
