//! Whether a device stays fast under a load that goes on (MEASUREMENT §3.6, §5.3).

mod cause;
mod chart;
mod figure;
mod levels;
mod pace;
mod sensors;
mod table;
mod view;
mod window;

use dyno_view::heat::HeatView;

use crate::cell::{CellRecord, LaunchRecord};
use chart::panels;
use pace::Pace;
use view::launch_view;
use window::Window;

pub(crate) use sensors::is_charging;
pub(crate) use table::heat_table;
pub(crate) use window::is_warm;

/// A load that takes at least so long is looked at, whether it is held or not (house rule).
const LONG_NS: u64 = 300_000_000_000;
/// Launches that are drawn.
const MAX_CHARTS: usize = 3;

/// The heat of a cell; `None` when none of its loads went on.
pub(crate) fn heat<'c>(cell: &'c CellRecord<'_>) -> Option<&'c HeatView> {
    cell.heat.get_or_init(|| made(cell)).as_ref()
}

/// When the last quarter of a launch's load began; `None` without a request.
pub(crate) fn last_quarter_from(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<u64> {
    Window::of(cell, launch).map(Window::last_quarter_from)
}

fn made(cell: &CellRecord<'_>) -> Option<HeatView> {
    let is_held = cell.cell.hold.is_some();
    if cell.cell.load.is_open() && !is_held {
        // Pace follows the rate that is offered.
        return None;
    }
    let mut paces = Vec::new();
    for launch in &cell.launches {
        let Some(window) = Window::of(cell, launch) else { continue };
        let pace = Pace::of(cell, launch, window);
        // Without rounds of the prompts a change of pace may be one of the prompts.
        if is_held || (window.len_ns() >= LONG_NS && pace.is_even()) {
            paces.push(pace);
        }
    }
    let first = paces.first()?;
    let launches: Vec<_> = paces.iter().map(|pace| launch_view(cell, pace)).collect();
    let drawn = paces.iter().zip(&launches).take(MAX_CHARTS);
    Some(HeatView {
        signal: first.signal().to_owned(),
        iteration: first.iteration(),
        ambient_mdegc: cell.record.plan.devices.get(&cell.cell.device).and_then(|of| of.ambient_mdegc),
        charts: drawn.map(|(pace, view)| panels(cell, pace, view)).collect(),
        launches,
    })
}
