//! Launches by the state that they started from (MEASUREMENT §2.4).

mod chart;
mod figure;
mod row;

use std::collections::BTreeMap;

use dyno_model::start::StartState;
use dyno_view::start::{StartColumnView, StartDifferenceView, StartGroupView, StartsView};

use crate::cell::{CellRecord, LaunchRecord};
use crate::record::Record;
use figure::{COLUMNS, Figure, difference};
use row::row;

/// The starts of a campaign; `None` when no cell names a state.
pub(crate) fn starts(record: &Record<'_>, cells: &[CellRecord<'_>]) -> Option<StartsView> {
    if record.plan.cells.iter().all(|cell| cell.start == StartState::AsItIs) {
        return None;
    }
    let mut groups: Vec<Vec<&CellRecord<'_>>> = Vec::new();
    for cell in cells {
        match groups.iter_mut().find(|group| differ_in_start_only(group[0], cell)) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    let has_state =
        |group: &Vec<&CellRecord<'_>>| group.iter().any(|cell| cell.cell.start != StartState::AsItIs);
    let columns = COLUMNS.iter().map(|column| StartColumnView {
        id: column.id.to_owned(),
        label: column.label.to_owned(),
        unit: column.unit,
        note: column.note.to_owned(),
    });
    Some(StartsView {
        columns: columns.collect(),
        groups: groups.into_iter().filter(has_state).map(group_view).collect(),
    })
}

fn differ_in_start_only(a: &CellRecord<'_>, b: &CellRecord<'_>) -> bool {
    let key = |of: &CellRecord<'_>| {
        let cell = of.cell;
        (cell.device.clone(), cell.runtime.clone(), cell.model.clone(), cell.threads, cell.context_tokens)
    };
    key(a) == key(b) && a.cell.load == b.cell.load
}

fn group_view(mut cells: Vec<&CellRecord<'_>>) -> StartGroupView {
    // The coldest first, and last what nothing was done for.
    cells.sort_by_key(|cell| (cell.cell.start == StartState::AsItIs, cell.cell.start));
    let of = cells[0].cell;
    StartGroupView {
        device: of.device.0.clone(),
        runtime: of.runtime.clone(),
        model: of.model.clone(),
        load: of.load.label(),
        threads: of.threads,
        context_tokens: of.context_tokens,
        rows: cells.iter().map(|cell| row(cell)).collect(),
        differences: differences(&cells),
        charts: chart::charts(&cells),
    }
}

/// Each cold state less the warm one, and that with cleared caches less that with kept ones.
fn differences(cells: &[&CellRecord<'_>]) -> Vec<StartDifferenceView> {
    const PAIRS: [(StartState, StartState); 4] = [
        (StartState::DeviceCold, StartState::PageWarm),
        (StartState::StorageCold, StartState::PageWarm),
        (StartState::CompileCold, StartState::PageWarm),
        (StartState::CompileCold, StartState::StorageCold),
    ];
    let place = |state: StartState| cells.iter().position(|cell| cell.cell.start == state);
    let pairs = PAIRS.into_iter().filter_map(|(of, less)| Some((place(of)?, place(less)?)));
    pairs
        .map(|(of, less)| {
            let (minuend, subtrahend) = (by_round(cells[of]), by_round(cells[less]));
            let both: Vec<_> =
                minuend.iter().filter_map(|(round, a)| Some((a, subtrahend.get(round)?))).collect();
            let pair = |column| {
                let of_one = |cell, launch| Figure::of(cell, launch).value(column);
                let values =
                    both.iter().filter_map(|(a, b)| Some(of_one(cells[of], a)? - of_one(cells[less], b)?));
                difference(column, values.collect())
            };
            StartDifferenceView {
                of: u32::try_from(of).unwrap_or(u32::MAX),
                less: u32::try_from(less).unwrap_or(u32::MAX),
                n_rounds: both.len() as u64,
                figures: (0..COLUMNS.len()).map(pair).collect(),
            }
        })
        .collect()
}

/// The launch of each round that is in its state; the last one where a round was launched again.
fn by_round<'c, 'a>(cell: &'c CellRecord<'a>) -> BTreeMap<u32, &'c LaunchRecord<'a>> {
    let plan = cell.record.plan;
    let round =
        |launch: &&'c LaunchRecord<'a>| Some(plan.run(dyno_model::ids::RunId(launch.row.run))?.repetition);
    let launches = cell.valid_launches().filter(|launch| is_in_state(cell, launch));
    launches.filter_map(|launch| Some((round(&launch)?, launch))).collect()
}

/// Whether a launch was in the state that its cell names; nothing is claimed of one that names none.
pub(crate) fn is_in_state(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> bool {
    unverified(cell, launch).is_none()
}

/// Why a launch was not shown to be in the state that its cell names.
pub(crate) fn unverified<'r>(cell: &CellRecord<'_>, launch: &'r LaunchRecord<'_>) -> Option<&'r str> {
    if cell.cell.start == StartState::AsItIs {
        return None;
    }
    match &launch.row.start {
        None => Some("the record does not say how it was brought about"),
        Some(made) if made.state != cell.cell.start => Some("it was brought into another state"),
        Some(made) => made.unverified.as_deref(),
    }
}

/// `C1 storage-cold`; `None` for launches as they happen to be.
pub(crate) fn start_name(state: StartState) -> Option<String> {
    state.code().map(|code| format!("{code} {}", state.label()))
}
