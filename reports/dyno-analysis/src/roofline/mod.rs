//! Decode and prefill beside what the device's memory and arithmetic allow (MEASUREMENT §7).

mod chart;
mod compute;
mod decode;

use std::collections::BTreeMap;

use dyno_model::board::{PlannedBoard, find_board};
use dyno_model::launch::ModelFacts;
use dyno_model::machine::{ClusterFigures, MachineFigures};
use dyno_view::memory::BoundedView;
use dyno_view::report::UnitView;
use dyno_view::roofline::{RooflineView, RooflineWord};

use crate::cell::CellRecord;
use crate::contacts::Contacts;

pub(crate) use chart::ceiling_chart;

/// The roofline of a cell; `None` where no model is known to run on the device, or nothing was asked of it.
pub(crate) fn roofline(cell: &CellRecord<'_>) -> Option<RooflineView> {
    let model = model(cell)?;
    let contacts = Contacts::of(cell.record, &cell.cell.device);
    let machine = contacts.machine();
    let decode = decode::Decode::of(cell, model)?;
    let cluster = machine.and_then(|machine| cluster_in_use(cell, machine));
    let Some(bandwidth) = cluster.and_then(|cluster| cluster.read) else {
        let why = match machine {
            None => "no bandwidth was measured in this campaign (`machine_ms` of the suite)".to_owned(),
            Some(machine) if machine.notes.is_empty() => {
                "the device's bandwidth could not be measured".to_owned()
            }
            Some(machine) => {
                format!("the device's bandwidth could not be measured: {}", machine.notes.join("; "))
            }
        };
        let figures = decode.bytes_views();
        return Some(RooflineView { verdict: RooflineWord::Unknown, why, ceiling: None, figures });
    };
    let cluster = cluster?;
    let against = decode::Against { cluster, bandwidth, spec: board_bandwidth(cell, &contacts) };
    let (verdict, why) = decode.verdict(&against);
    let mut figures = decode.bytes_views();
    figures.extend(decode.share_views(&against));
    figures.push(compute::mfu(cell, model, cluster));
    Some(RooflineView { verdict, why, ceiling: Some(decode.ceiling(&against)), figures })
}

/// What a cell's decoding reads, how fast it is, and what its board's memory could give.
pub(crate) struct Decoding {
    /// Bytes read for a token.
    pub(crate) bytes_per_token: f64,
    /// Tokens per second of the median TPOT.
    pub(crate) tokens_per_s: f64,
    /// Bytes per second of the data sheet; `None` where no board fits.
    pub(crate) spec_bytes_per_s: Option<u64>,
}

/// The decoding of a cell; `None` where it is not known well enough for a roofline. `boards` are those that its plan
/// does not have.
pub(crate) fn decoding(cell: &CellRecord<'_>, boards: &BTreeMap<String, PlannedBoard>) -> Option<Decoding> {
    let decode = decode::Decode::of(cell, model(cell)?)?;
    let contacts = Contacts::of(cell.record, &cell.cell.device);
    let spec = board_bandwidth(cell, &contacts).map(|of| of.0).or_else(|| {
        let named = cell.record.plan.devices.get(&cell.cell.device).and_then(|of| of.board.as_deref());
        let known = boards.iter().map(|(name, board)| (name.as_str(), board));
        Some(find_board(known, named, contacts.facts())?.1.bandwidth.as_ref()?.bytes_per_s)
    });
    Some(Decoding {
        bytes_per_token: decode.bytes(),
        tokens_per_s: decode.tokens_per_s(),
        spec_bytes_per_s: spec,
    })
}

/// What a launch said of its model, where that is on the device.
fn model<'a>(cell: &CellRecord<'a>) -> Option<&'a ModelFacts> {
    let facts = cell.launches.iter().find_map(|launch| launch.row.facts.as_ref()?.model.as_ref())?;
    (facts.bytes_per_token > 0).then_some(facts)
}

/// The figures of the CPUs that the runtime may use: the smallest set that has all of them, else the first, which is
/// that of all CPUs.
fn cluster_in_use<'m>(cell: &CellRecord<'_>, machine: &'m MachineFigures) -> Option<&'m ClusterFigures> {
    let device = cell.record.plan.devices.get(&cell.cell.device);
    let mask = device.and_then(|device| device.prepare.as_ref()?.core_mask.as_ref());
    let has_all = |cluster: &&ClusterFigures| {
        mask.is_some_and(|mask| mask.iter().all(|cpu| cluster.cpus.contains(cpu)))
    };
    machine.clusters.iter().filter(has_all).min_by_key(|of| of.cpus.len()).or(machine.clusters.first())
}

/// Bytes per second of the board's data sheet, with where that is from.
fn board_bandwidth(cell: &CellRecord<'_>, contacts: &Contacts<'_>) -> Option<(u64, String)> {
    let plan = cell.record.plan;
    let named = plan.devices.get(&cell.cell.device).and_then(|device| device.board.as_deref());
    let boards = plan.boards.iter().map(|(name, board)| (name.as_str(), board));
    let (_, board) = find_board(boards, named, contacts.facts())?;
    let bandwidth = board.bandwidth.as_ref()?;
    Some((bandwidth.bytes_per_s, format!("{}: {}", board.title, bandwidth.source)))
}

/// A figure without bounds.
fn single(label: &str, unit: UnitView, value: f64, note: String) -> BoundedView {
    BoundedView { label: label.to_owned(), unit, value: Some(value), low: None, high: None, note }
}

/// A figure that there is not, and why.
fn missing(label: &str, unit: UnitView, note: String) -> BoundedView {
    BoundedView { label: label.to_owned(), unit, value: None, low: None, high: None, note }
}
