//! Peaks, each of its own kind: they are never added up.

use dyno_model::sample::Quantity;
use dyno_view::memory::BoundedView;
use dyno_view::report::UnitView;

use super::readings::{Points, channel, channels, highest, lowest};
use crate::cell::{CellRecord, LaunchRecord};

/// What a process's own readings are filed under.
pub(super) const PROCESS: &str = "process";

/// All figures of a cell that have a channel, and the three peaks in any case.
pub(super) fn figures(cell: &CellRecord<'_>) -> Vec<BoundedView> {
    let peak = |label, quantity, note: &str| {
        let of = |launch: &LaunchRecord<'_>| highest(channel(cell, launch, (quantity, PROCESS))?);
        figure(cell, label, &of, note)
    };
    let mut all = vec![
        peak("Anonymous, peak", Quantity::AnonBytes, "the runtime's own pages"),
        peak("File-resident, peak", Quantity::FileBytes, "pages of files, the mapped model's above all"),
        figure(cell, "GPU, peak", &|launch| gpu(cell, launch), "what the GPU's driver holds for it"),
    ];
    let more = [
        peak(
            "Charged to it, peak",
            Quantity::FootprintBytes,
            "with compressed pages and GPU work, as macOS counts",
        ),
        peak("Swapped out, peak", Quantity::SwapBytes, "pages of the runtime in swap space"),
        peak("PSS at the boundaries, highest", Quantity::PssBytes, "shared pages divided by their users"),
        peak("USS at the boundaries, highest", Quantity::UssBytes, "pages that nobody else shares"),
    ];
    all.extend(more.into_iter().filter(|figure| figure.value.is_some()));
    let available = least_available(cell);
    all.extend(available.value.is_some().then_some(available));
    all
}

/// Of the launches whose numbers may be used, the highest.
fn figure(
    cell: &CellRecord<'_>,
    label: &str,
    of: &dyn Fn(&LaunchRecord<'_>) -> Option<u64>,
    note: &str,
) -> BoundedView {
    let values: Vec<u64> = cell.valid_launches().filter_map(of).collect();
    let value = values.iter().max().map(|bytes| *bytes as f64);
    let note = match values.len() {
        0 => "not sampled here".to_owned(),
        1 => format!("{note}; 1 launch"),
        n => format!("{note}; the highest of {n} launches"),
    };
    BoundedView { label: label.to_owned(), unit: UnitView::Bytes, value, low: None, high: None, note }
}

fn least_available(cell: &CellRecord<'_>) -> BoundedView {
    let of = |launch: &LaunchRecord<'_>| lowest(channel(cell, launch, (Quantity::AvailableBytes, "system"))?);
    let least = cell.valid_launches().filter_map(of).min();
    BoundedView {
        label: "Available to the system, least".to_owned(),
        unit: UnitView::Bytes,
        value: least.map(|bytes| bytes as f64),
        low: None,
        high: None,
        note: "what the system says could be had without swapping".to_owned(),
    }
}

/// What the driver counts for the process, else what the whole device took more than when the launch began.
fn gpu(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> Option<u64> {
    let channels = channels(cell, launch, Quantity::GpuBytes);
    let own = channels.iter().filter(|(site, _)| site.split(' ').any(|word| word == PROCESS));
    let own: Vec<u64> = own.filter_map(|(_, points)| highest(points)).collect();
    if !own.is_empty() {
        return Some(own.into_iter().sum());
    }
    let more = |points: Points<'_>| {
        let before = u64::try_from(points.first()?.1).ok()?;
        Some(highest(points)?.saturating_sub(before))
    };
    channels.iter().filter_map(|(_, points)| more(points)).max()
}
