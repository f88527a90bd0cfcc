//! The first run against the sustained pace, for each launch.

use dyno_view::heat::{HeatLaunchView, HeatRowView, HeatTableView, HeatView};
use dyno_view::report::CellView;

use crate::cell::{CellRecord, launch_name};

/// One row for each launch whose load went on; `None` when there is none.
pub(crate) fn heat_table(cells: &[CellRecord<'_>], views: &[CellView]) -> Option<HeatTableView> {
    let of_cell = |(cell, view): (&CellRecord<'_>, &CellView)| {
        let heat = view.heat.as_ref()?;
        let row = |launch: &HeatLaunchView| row(cell, view, heat, launch);
        Some(heat.launches.iter().map(row).collect::<Vec<_>>())
    };
    let rows: Vec<HeatRowView> = cells.iter().zip(views).filter_map(of_cell).flatten().collect();
    (!rows.is_empty()).then_some(HeatTableView { rows })
}

fn row(cell: &CellRecord<'_>, view: &CellView, heat: &HeatView, launch: &HeatLaunchView) -> HeatRowView {
    let is_one = heat.launches.len() == 1;
    let duty = cell.cell.hold.and_then(|hold| hold.duty).map(|duty| {
        format!(", {} s of work and {} s of rest in turn", duty.work_ms / 1000, duty.rest_ms / 1000)
    });
    HeatRowView {
        cell: view.id.clone(),
        device: view.device.clone(),
        runtime: view.runtime.clone(),
        model: view.model.clone(),
        load: format!("{}{}", view.load, duty.unwrap_or_default()),
        launch: (!is_one).then(|| launch_name(launch.run, launch.launch.into())),
        iteration: heat.iteration.clone(),
        first: launch.first.clone(),
        tenth: launch.tenth.clone(),
        sustained: launch.sustained.clone(),
        throttle: launch.throttle.clone(),
        ended: launch.terminated.clone(),
        invalid: launch.invalid.clone(),
    }
}
