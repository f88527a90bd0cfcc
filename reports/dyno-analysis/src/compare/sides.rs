//! The sides of a comparison: which cells each stands for, and what is known of it.

use std::collections::BTreeSet;

use dyno_model::plan::{Cell, PlannedArm};
use dyno_view::compare::SideView;
use dyno_view::comparison::ShareView;
use dyno_view::report::{FactValue, FactView};

use super::ask::{Part, Side};
use super::error::CompareError;
use super::matching::{Field, differing, value_words};
use crate::cell::CellRecord;
use crate::facts::cell_facts;
use crate::planned::{is_cut, n_planned};
use crate::present::{started_at, tool_version};
use crate::record::Record;
use crate::steering::left_out;

/// Facts of a cell that tell releases apart, by their labels.
const TOLD: [&str; 6] = ["Runtime", "Runtime version", "Backend", "Runtime binary", "Model", "Model file"];

/// A side with its record.
pub(super) struct Opened<'r, 'a> {
    pub(super) name: String,
    pub(super) arm: Option<&'a PlannedArm>,
    pub(super) record: &'a Record<'a>,
    pub(super) cells: Vec<&'r CellRecord<'a>>,
}

/// Every side with its cells; one side alone is opened as the sides that it holds.
pub(super) fn open<'r, 'a>(
    sides: &[Side<'_>],
    of: impl Fn(&Side<'_>) -> (&'a Record<'a>, &'r [CellRecord<'a>]),
) -> Result<Vec<Opened<'r, 'a>>, CompareError> {
    let mut opened = match sides {
        [] => return Err(CompareError::NoSide),
        [one] if one.part == Part::All => {
            let (record, cells) = of(one);
            if record.plan.comparison.is_some() { arms(record, cells) } else { split(record, cells)? }
        }
        [one] => {
            let why = "one side is not enough".to_owned();
            return Err(CompareError::Nothing { campaign: one.campaign.id().0.clone(), why });
        }
        several => several
            .iter()
            .map(|side| {
                let (record, cells) = of(side);
                part(side, record, cells)
            })
            .collect::<Result<_, _>>()?,
    };
    name_apart(&mut opened);
    match of_same_launches(&opened) {
        Some(error) => Err(error),
        None => Ok(opened),
    }
}

/// A side that shares a cell with the baseline: a campaign that was named twice, or a copy of it.
fn of_same_launches(opened: &[Opened<'_, '_>]) -> Option<CompareError> {
    let (baseline, others) = opened.split_first()?;
    let shares = |side: &&Opened<'_, '_>| {
        let (one, two) = (baseline.record, side.record);
        (one.id, &one.plan_digest) == (two.id, &two.plan_digest)
            && side.cells.iter().any(|cell| baseline.cells.iter().any(|of| of.cell.id == cell.cell.id))
    };
    others.iter().find(shares).map(|side| CompareError::SameLaunches {
        side: side.name.clone(),
        baseline: baseline.name.clone(),
        campaign: side.record.id.0.clone(),
    })
}

fn part<'r, 'a>(
    side: &Side<'_>,
    record: &'a Record<'a>,
    cells: &'r [CellRecord<'a>],
) -> Result<Opened<'r, 'a>, CompareError> {
    let campaign = || record.id.0.clone();
    let planned = record.plan.comparison.as_ref();
    let of = |is: &dyn Fn(&Cell) -> bool| cells.iter().filter(|cell| is(cell.cell)).collect::<Vec<_>>();
    let opened = |cells, arm| Opened { name: side.name.clone(), arm, record, cells };
    match &side.part {
        Part::All => Ok(opened(of(&|_| true), None)),
        Part::Arm(name) => {
            let arms = || planned.into_iter().flat_map(|planned| &planned.arms);
            let arm = arms().find(|arm| arm.name == *name).ok_or_else(|| CompareError::NoArm {
                campaign: campaign(),
                arm: name.clone(),
                known: arms().map(|arm| arm.name.clone()).collect(),
            })?;
            Ok(opened(of(&|cell| cell.arm.as_ref() == Some(name)), Some(arm)))
        }
        Part::Cell(start) => {
            let found = of(&|cell| cell.id.0.starts_with(start.as_str()));
            match found.as_slice() {
                [_] => Ok(opened(found, None)),
                _ => Err(CompareError::NoCell {
                    campaign: campaign(),
                    cell: start.clone(),
                    known: cells.iter().map(|cell| cell.cell.id.0.clone()).collect(),
                }),
            }
        }
    }
}

/// The arms of a plan, in its order.
pub(super) fn arms<'r, 'a>(record: &'a Record<'a>, cells: &'r [CellRecord<'a>]) -> Vec<Opened<'r, 'a>> {
    let planned = record.plan.comparison.iter().flat_map(|planned| &planned.arms);
    let opened = |arm: &'a PlannedArm| Opened {
        name: arm.name.clone(),
        arm: Some(arm),
        record,
        cells: cells.iter().filter(|cell| cell.cell.arm.as_ref() == Some(&arm.name)).collect(),
    };
    planned.map(opened).collect()
}

/// The cells of a plain matrix, where they differ by one thing: a side for each of its values.
fn split<'r, 'a>(
    record: &'a Record<'a>,
    cells: &'r [CellRecord<'a>],
) -> Result<Vec<Opened<'r, 'a>>, CompareError> {
    let all: Vec<&CellRecord<'a>> = cells.iter().collect();
    let nothing = |why: String| CompareError::Nothing { campaign: record.id.0.clone(), why };
    let field = match differing(&all).as_slice() {
        [] => return Err(nothing("it has one cell only".to_owned())),
        [field] => *field,
        several => {
            let words: Vec<&str> = several.iter().map(|field| field.word()).collect();
            return Err(nothing(format!(
                "its cells differ by {}, so that it is not clear what is held against what",
                crate::comparison::listed(&words)
            )));
        }
    };
    let mut opened: Vec<Opened<'r, 'a>> = Vec::new();
    for cell in cells {
        let name = value_words(field, cell.cell);
        match opened.iter_mut().find(|side| side.name == name) {
            Some(side) => side.cells.push(cell),
            None => opened.push(Opened { name, arm: None, record, cells: vec![cell] }),
        }
    }
    Ok(opened)
}

/// Sides of one name get their campaigns beside it, or a number.
fn name_apart(opened: &mut [Opened<'_, '_>]) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for side in opened {
        let campaign = &side.record.id.0;
        let with_campaign = (side.name != *campaign).then(|| format!("{} of {campaign}", side.name));
        let numbered = (2_u32..).map(|n| format!("{} ({n})", side.name));
        let mut names = [side.name.clone()].into_iter().chain(with_campaign).chain(numbered);
        let free = names.find(|name| !seen.contains(name)).expect("one of endlessly many numbers is free");
        side.name = free;
        seen.insert(side.name.clone());
    }
}

pub(super) fn side_view(side: &Opened<'_, '_>) -> SideView {
    let record = side.record;
    let sorted = |of: fn(&Cell) -> &String| {
        let all: BTreeSet<&String> = side.cells.iter().map(|cell| of(cell.cell)).collect();
        all.into_iter().cloned().collect::<Vec<_>>()
    };
    SideView {
        name: side.name.clone(),
        campaign: record.id.0.clone(),
        plan_digest: record.plan_digest.clone(),
        tool_version: tool_version(record),
        started_at: started_at(record),
        arm: side.arm.map(|arm| arm.name.clone()),
        words: side.arm.map(|arm| arm.words.clone()),
        cells: side.cells.iter().map(|cell| cell.cell.id.0.clone()).collect(),
        devices: sorted(|cell| &cell.device.0),
        runtimes: sorted(|cell| &cell.runtime),
        models: sorted(|cell| &cell.model),
        facts: facts(side),
        launches: launches(&side.cells),
        requests: requests(&side.cells),
        complete: is_complete(side),
    }
}

/// What runtime and model say, of the first cell that was launched.
fn facts(side: &Opened<'_, '_>) -> Vec<FactView> {
    let launched = side.cells.iter().find(|cell| !cell.launches.is_empty());
    let all = launched.or(side.cells.first()).map(|cell| cell_facts(cell)).unwrap_or_default();
    let is_told = |fact: &FactView| TOLD.contains(&fact.label.as_str());
    let is_known = |fact: &FactView| !matches!(&fact.value, Some(FactValue::Text(text)) if text.is_empty());
    all.into_iter().filter(|fact| is_told(fact) && is_known(fact)).collect()
}

pub(super) fn launches(cells: &[&CellRecord<'_>]) -> ShareView {
    let of = cells.iter().map(|cell| cell.launches.len() as u64).sum();
    let n = cells.iter().map(|cell| cell.valid_launches().count() as u64).sum();
    ShareView { n, of }
}

fn requests(cells: &[&CellRecord<'_>]) -> ShareView {
    let mut share = ShareView::default();
    for cell in cells {
        let outcomes = &cell.record.requests.outcome;
        let measured = cell.all_rows().filter(|row| outcomes[*row] != "cancelled");
        for row in measured {
            share.of += 1;
            share.n += u64::from(outcomes[row] == "ok");
        }
    }
    share
}

pub(super) fn is_complete(side: &Opened<'_, '_>) -> bool {
    let record = side.record;
    let left_out = left_out(&record.entries);
    let is_ours = |id: &dyno_model::ids::CellId| side.cells.iter().any(|cell| cell.cell.id == *id);
    let runs = record.plan.runs.iter().filter(|run| is_ours(&run.cell) && !left_out.contains_key(&run.id));
    let (mut wanted, mut is_whole) = (0, true);
    for run in runs {
        wanted += n_planned(record, run);
        is_whole &= !is_cut(record, run);
    }
    is_whole && requests(&side.cells).of >= wanted
}

/// The words of a comparison of these sides.
pub(super) fn regenerate(opened: &[Opened<'_, '_>]) -> String {
    let of_one = opened.first().filter(|first| opened.iter().all(|side| side.record.id == first.record.id));
    if let Some(first) = of_one {
        return format!("edgedyno compare {}", first.record.id);
    }
    let words: Vec<String> = opened
        .iter()
        .map(|side| match side.arm {
            Some(arm) => format!("{}:{}", side.record.id, arm.name),
            None => side.record.id.0.clone(),
        })
        .collect();
    format!("edgedyno compare {}", words.join(" "))
}

impl Field {
    /// For messages.
    fn word(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Runtime => "runtime",
            Self::Model => "model",
            Self::Threads => "threads",
            Self::Context => "context length",
            Self::Load => "load",
            Self::Start => "start",
            Self::Hold => "duration",
            Self::Arm => "arm",
        }
    }
}
