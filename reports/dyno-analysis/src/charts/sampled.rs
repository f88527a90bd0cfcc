//! What the sensors saw.

use std::collections::BTreeMap;

use dyno_model::sample::Quantity;
use dyno_store::ChannelRow;
use dyno_view::chart::{AxisUnit, Chart, ChartForm, Mark, Series};

use super::reduce::line;
use super::{MAX_LAUNCHES, axis, chart};
use crate::cell::{CellRecord, LaunchRecord};
use crate::record::Readings;

/// More sites than this are not drawn: nobody can tell the lines apart.
const MAX_SITES: usize = 6;
/// Drivers whose clocks are none of CPUs.
const OTHER_CLOCKS: [&str; 4] = ["devfreq", "accelerator", "nvml", "hwmon"];

pub(super) fn memory(cell: &CellRecord<'_>) -> Chart {
    const PARTS: [(Quantity, &str); 2] =
        [(Quantity::AnonBytes, "anonymous"), (Quantity::FileBytes, "file-backed")];
    let mut series = Vec::new();
    for launch in cell.launches.iter().take(MAX_LAUNCHES) {
        let resident = readings(cell, launch, Quantity::RssBytes);
        series.extend(of_process(resident).map(|of| over_launch(launch, &named(launch, "RSS"), of)));
    }
    if let Some(first) = cell.launches.first() {
        for (quantity, name) in PARTS {
            let part = of_process(readings(cell, first, quantity));
            series.extend(part.map(|of| over_launch(first, &named(first, name), of)));
        }
    }
    let axes = (axis("time since the launch began", AxisUnit::Ns), axis("resident memory", AxisUnit::Bytes));
    let caption = "Memory of the runtime's process: anonymous pages are its own, file-backed ones are the model file \
                   as it is mapped.";
    let mut chart = chart("memory", "Memory over time", caption, ChartForm::Line, axes, series);
    chart.marks = ready_mark(cell);
    chart
}

pub(super) fn cpu(cell: &CellRecord<'_>) -> Chart {
    let mut series = Vec::new();
    for launch in cell.launches.iter().take(MAX_LAUNCHES) {
        for (channel, points) in readings(cell, launch, Quantity::CpuNs) {
            let is_first = cell.launches.first().is_some_and(|first| std::ptr::eq(first, launch));
            if channel.what.site == "process" || is_first {
                series.push(rate(launch, &named(launch, &channel.what.site), points));
            }
        }
    }
    let axes = (axis("time since the launch began", AxisUnit::Ns), axis("CPUs in use", AxisUnit::Count));
    let caption = "CPU time per time: 1 is one CPU at full load.";
    let mut chart = chart("cpu", "CPU use over time", caption, ChartForm::Line, axes, series);
    chart.marks = ready_mark(cell);
    chart
}

pub(super) fn temperature(cell: &CellRecord<'_>) -> Chart {
    let axes = (axis("time since the first launch", AxisUnit::Ns), axis("temperature", AxisUnit::Mdegc));
    let (series, n_more) = by_site(cell, Quantity::TempMdegc, |_| true);
    let more = match n_more {
        0 => String::new(),
        1 => " A cooler zone is in the tables.".to_owned(),
        n => format!(" {n} cooler zones are in the tables."),
    };
    let caption = format!("Temperatures over all launches.{more}");
    chart("temperature", "Temperature over time", &caption, ChartForm::Line, axes, series)
}

pub(super) fn clocks(cell: &CellRecord<'_>) -> Chart {
    let axes = (axis("time since the first launch", AxisUnit::Ns), axis("clock", AxisUnit::Khz));
    let (series, n_more) = by_site(cell, Quantity::FreqKhz, is_cpu_clock);
    let more = match n_more {
        0 => String::new(),
        n => format!(" The fastest {MAX_SITES}; {n} more are in the tables."),
    };
    let caption = format!("CPU clocks over all launches, as the system reports them.{more}");
    chart("clocks", "Clocks over time", &caption, ChartForm::Line, axes, series)
}

/// Clocks of GPUs, NPUs and memory have other drivers; they are among the panels of a load that goes on.
fn is_cpu_clock(row: &ChannelRow) -> bool {
    !OTHER_CLOCKS.contains(&row.driver.as_str())
}

/// The channels of a launch that measure `quantity`, in the order of their declaration.
fn readings<'a>(cell: &CellRecord<'a>, launch: &LaunchRecord<'_>, quantity: Quantity) -> Vec<Readings<'a>> {
    let all = cell.record.readings_of(launch.row.run, launch.row.launch);
    all.filter(|(row, _)| row.what.quantity == quantity).collect()
}

fn of_process(readings: Vec<Readings<'_>>) -> Option<&[(u64, i64)]> {
    readings.into_iter().find(|(channel, _)| channel.what.site == "process").map(|(_, points)| points)
}

fn named(launch: &LaunchRecord<'_>, what: &str) -> String {
    let invalid = if launch.is_valid() { "" } else { " (invalid)" };
    format!("{what}, {}{invalid}", launch.name())
}

fn series(name: String, points: &[[f64; 2]]) -> Series {
    Series { name, points: line(points), n: points.len() as u64 }
}

/// Readings over the time since their launch began, or since the first one where that is not known.
fn over_launch(launch: &LaunchRecord<'_>, name: &str, points: &[(u64, i64)]) -> Series {
    let start = start_of(launch, points);
    let points: Vec<[f64; 2]> =
        points.iter().map(|(at, value)| [at.saturating_sub(start) as f64, *value as f64]).collect();
    series(name.to_owned(), &points)
}

fn start_of(launch: &LaunchRecord<'_>, points: &[(u64, i64)]) -> u64 {
    launch.row.started_at_ns.or_else(|| points.first().map(|(at, _)| *at)).unwrap_or(0)
}

/// The growth of a cumulative channel per time, at the end of each interval; an interval without time, or in which
/// the channel fell (its process was another), has none.
fn rate(launch: &LaunchRecord<'_>, name: &str, points: &[(u64, i64)]) -> Series {
    let start = start_of(launch, points);
    let grown = |pair: &[(u64, i64)]| {
        let (from, to) = (pair[0], pair[1]);
        let elapsed = to.0.checked_sub(from.0).filter(|elapsed| *elapsed > 0)?;
        let growth = to.1.checked_sub(from.1).filter(|growth| *growth >= 0)?;
        Some([to.0.saturating_sub(start) as f64, growth as f64 / elapsed as f64])
    };
    let points: Vec<[f64; 2]> = points.windows(2).filter_map(grown).collect();
    series(name.to_owned(), &points)
}

/// One series for each site that is wanted, over all launches of one boot, and how many more there are: of too many to
/// tell apart, those that reach the most.
fn by_site(
    cell: &CellRecord<'_>,
    quantity: Quantity,
    is_wanted: fn(&ChannelRow) -> bool,
) -> (Vec<Series>, usize) {
    let Some(start) = cell.launches.first().and_then(|launch| launch.row.started_at_ns) else {
        return (Vec::new(), 0);
    };
    let mut sites: Vec<(String, Vec<[f64; 2]>)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    // After a restart the clock begins anew: those launches have no place on this axis.
    let same_boot =
        cell.launches.iter().filter(|launch| launch.row.started_at_ns.is_some_and(|at| at >= start));
    for launch in same_boot {
        for (channel, points) in readings(cell, launch, quantity) {
            if !is_wanted(channel) {
                continue;
            }
            let site = &channel.what.site;
            let points = points.iter().map(|(at, value)| [at.saturating_sub(start) as f64, *value as f64]);
            let place = *places.entry(site).or_insert_with(|| {
                sites.push((site.clone(), Vec::new()));
                sites.len() - 1
            });
            sites[place].1.extend(points);
        }
    }
    let highest =
        |points: &[[f64; 2]]| points.iter().map(|point| point[1]).max_by(f64::total_cmp).unwrap_or(0.0);
    let mut heights: Vec<f64> = sites.iter().map(|(_, points)| highest(points)).collect();
    heights.sort_unstable_by(|a, b| b.total_cmp(a));
    let least = heights.get(MAX_SITES - 1).copied().unwrap_or(f64::NEG_INFINITY);
    let n_all = sites.len();
    sites.retain(|(_, points)| highest(points) >= least);
    sites.truncate(MAX_SITES);
    let n_more = n_all - sites.len();
    (sites.into_iter().map(|(name, points)| series(name, &points)).collect(), n_more)
}

/// When the first launch became ready.
fn ready_mark(cell: &CellRecord<'_>) -> Vec<Mark> {
    let ready = cell.launches.first().and_then(|launch| {
        let after = launch.row.ready_at_ns?.checked_sub(launch.row.started_at_ns?)?;
        Some(Mark { x: after as f64, label: format!("ready, {}", launch.name()) })
    });
    ready.into_iter().collect()
}
