//! Which cell of a side is held against which of the baseline.
//!
//! What each side has one value of is what is compared, or what all of them share; the rest must be equal.

use std::collections::{BTreeSet, HashMap};

use dyno_model::plan::Cell;

use super::sides::Opened;
use crate::cell::CellRecord;
use crate::facts::threads_words;
use crate::start::start_name;

/// What a cell is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Device,
    Runtime,
    Model,
    Threads,
    Context,
    Load,
    Start,
    Hold,
    Arm,
}

/// All but the arm, which is told by the others.
const FIELDS: [Field; 8] = [
    Field::Device,
    Field::Runtime,
    Field::Model,
    Field::Threads,
    Field::Context,
    Field::Load,
    Field::Start,
    Field::Hold,
];

/// The canonical text of a field.
fn value(field: Field, cell: &Cell) -> String {
    match field {
        Field::Device => cell.device.0.clone(),
        Field::Runtime => cell.runtime.clone(),
        Field::Model => cell.model.clone(),
        Field::Threads => format!("{:?}", cell.threads),
        Field::Context => cell.context_tokens.to_string(),
        Field::Load => format!("{:?}", cell.load),
        Field::Start => format!("{:?}", cell.start),
        Field::Hold => format!("{:?}", cell.hold),
        Field::Arm => cell.arm.clone().unwrap_or_default(),
    }
}

/// The value of a field in words.
pub(super) fn value_words(field: Field, cell: &Cell) -> String {
    match field {
        Field::Device | Field::Runtime | Field::Model | Field::Arm => value(field, cell),
        Field::Threads => threads_words(cell.threads),
        Field::Context => format!("{} tokens of context", cell.context_tokens),
        Field::Load => cell.load.label(),
        Field::Start => start_name(cell.start).unwrap_or_else(|| "as it is".to_owned()),
        Field::Hold => match cell.hold {
            None => "each request once".to_owned(),
            Some(hold) => format!("held for {} s", hold.for_ms / 1000),
        },
    }
}

/// The fields by which cells differ.
pub(super) fn differing(cells: &[&CellRecord<'_>]) -> Vec<Field> {
    let differs = |field: &Field| {
        let values: BTreeSet<String> = cells.iter().map(|cell| value(*field, cell.cell)).collect();
        values.len() > 1
    };
    FIELDS.into_iter().filter(differs).collect()
}

/// Cells that belong together, and those that have no partner.
pub(super) struct Matched<'r, 'a> {
    pub(super) pairs: Vec<Pair<'r, 'a>>,
    /// Side and cell, in words.
    pub(super) unmatched: Vec<String>,
}

/// One cell of a side and the baseline's.
pub(super) struct Pair<'r, 'a> {
    /// Place of the side.
    pub(super) side: usize,
    pub(super) baseline: &'r CellRecord<'a>,
    pub(super) candidate: &'r CellRecord<'a>,
    /// What tells it from other pairs of the side, in words; empty for the only one.
    pub(super) told_by: Vec<Field>,
}

pub(super) fn matched<'r, 'a>(opened: &[Opened<'r, 'a>]) -> Matched<'r, 'a> {
    let mut matched = Matched { pairs: Vec::new(), unmatched: Vec::new() };
    let Some((baseline, others)) = opened.split_first() else { return matched };
    for (side, other) in others.iter().enumerate() {
        let fields = fields_of(&baseline.cells, &other.cells);
        let key = |cell: &CellRecord<'_>| -> Vec<String> {
            fields.iter().map(|field| value(*field, cell.cell)).collect()
        };
        let mut taken = vec![false; other.cells.len()];
        let mut places: HashMap<Vec<String>, usize> = HashMap::new();
        for (place, cell) in other.cells.iter().enumerate() {
            places.entry(key(cell)).or_insert(place);
        }
        for cell in &baseline.cells {
            let partner = places.get(&key(cell)).copied();
            match partner.filter(|place| !taken[*place]) {
                Some(place) => {
                    taken[place] = true;
                    matched.pairs.push(Pair {
                        side: side + 1,
                        baseline: cell,
                        candidate: other.cells[place],
                        told_by: fields.clone(),
                    });
                }
                None => matched.unmatched.push(lonely(&baseline.name, cell, &other.name)),
            }
        }
        let left = other.cells.iter().zip(taken).filter(|(_, taken)| !taken);
        matched.unmatched.extend(left.map(|(cell, _)| lonely(&other.name, cell, &baseline.name)));
    }
    matched
}

fn lonely(side: &str, cell: &CellRecord<'_>, other: &str) -> String {
    let of = cell.cell;
    format!("{side} has {} · {} on {}, and {other} has nothing like it", of.model, of.runtime, of.device)
}

/// Fields of which one side has several values; the arm where these do not tell its cells apart.
fn fields_of(a: &[&CellRecord<'_>], b: &[&CellRecord<'_>]) -> Vec<Field> {
    let (of_a, of_b) = (differing(a), differing(b));
    let mut fields: Vec<Field> =
        FIELDS.into_iter().filter(|field| of_a.contains(field) || of_b.contains(field)).collect();
    let is_told = |cells: &[&CellRecord<'_>]| {
        let key =
            |cell: &&CellRecord<'_>| fields.iter().map(|field| value(*field, cell.cell)).collect::<Vec<_>>();
        cells.iter().map(key).collect::<BTreeSet<_>>().len() == cells.len()
    };
    if !is_told(a) || !is_told(b) {
        fields.push(Field::Arm);
    }
    fields
}
