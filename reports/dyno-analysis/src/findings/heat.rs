//! Whether a device stays fast.

use dyno_model::sample::Quantity;
use dyno_view::heat::{HeatCause, HeatLaunchView, HeatVerdict, HeatView};
use dyno_view::report::Finding;

use super::{duration, note, percent, some_of, warning};
use crate::cell::{CellRecord, LaunchRecord, launch_name};
use crate::heat::{heat, is_charging};

pub(super) fn findings(cell: &CellRecord<'_>) -> Vec<Finding> {
    let Some(view) = heat(cell) else { return Vec::new() };
    let mut findings: Vec<Finding> = view.launches.iter().filter_map(slowdown).collect();
    findings.extend(view.launches.iter().filter_map(ended));
    findings.extend(unsteady(cell, view));
    findings.extend(hot_start(view));
    findings.extend(ambient(cell, view));
    findings.extend(charging(cell));
    findings
}

fn name(launch: &HeatLaunchView) -> String {
    launch_name(launch.run, launch.launch.into())
}

fn slowdown(launch: &HeatLaunchView) -> Option<Finding> {
    let onset = launch.onset?;
    let depth = percent(launch.depth_ratio?);
    let after = duration(onset.at_ns as f64);
    let name = name(launch);
    match launch.verdict {
        HeatVerdict::Throttled => {
            let causes: Vec<&str> = launch.causes().into_iter().map(word).collect();
            let all = causes.join(" and ");
            Some(warning(format!(
                "{name} was throttled after {after} ({all}): its pace fell by up to {depth}; what it does at first \
                 does not last"
            )))
        }
        HeatVerdict::SlowdownUnknown => Some(warning(format!(
            "{name} became slower after {after}, by up to {depth}, and no throttle counter, cooling state, flag or \
             clock moved within 10 s of it: slowdown, cause unknown"
        ))),
        HeatVerdict::Flat | HeatVerdict::TooFew { .. } => None,
    }
}

fn word(cause: HeatCause) -> &'static str {
    match cause {
        HeatCause::UnderVoltage => "under-voltage",
        HeatCause::Thermal => "heat",
        HeatCause::PowerCap => "a limit of power",
        HeatCause::ClockCap => "lower clocks, for no reason that is told",
    }
}

/// A launch that the device could not go on with is a result; [`super::measured`] tells how it ended.
fn ended(launch: &HeatLaunchView) -> Option<Finding> {
    let of = launch.terminated.as_ref()?;
    let text = format!(
        "{}: the device could not go on: `{}` {} after the load began, and that is its result",
        name(launch),
        of.outcome,
        duration(of.after_ns as f64)
    );
    Some(warning(text))
}

fn unsteady(cell: &CellRecord<'_>, view: &HeatView) -> Option<Finding> {
    let is_unsteady = |launch: &&HeatLaunchView| {
        launch.sustained.why.as_ref().is_some_and(|why| why.starts_with("not steady"))
    };
    let names: Vec<String> = view.launches.iter().filter(is_unsteady).map(name).collect();
    cell.cell.hold.filter(|_| !names.is_empty()).map(|hold| {
        warning(format!(
            "the pace of {} still changed in the last quarter, so no pace is sustained: hold the load for more than \
             {} min",
            some_of(&names),
            hold.for_ms / 60_000
        ))
    })
}

fn hot_start(view: &HeatView) -> Option<Finding> {
    let hot = |launch: &HeatLaunchView| {
        let wait = launch.cool_down.as_ref().filter(|wait| wait.is_cool == Some(false))?;
        Some(format!("{} ({})", name(launch), wait.why.as_deref().unwrap_or_default()))
    };
    let names: Vec<String> = view.launches.iter().filter_map(hot).collect();
    (!names.is_empty()).then(|| {
        warning(format!(
            "not cooled down before the load: {}: a hot start throttles sooner and takes more energy",
            some_of(&names)
        ))
    })
}

/// A claim of heat without the temperature of the air is one of an unknown day.
fn ambient(cell: &CellRecord<'_>, view: &HeatView) -> Option<Finding> {
    let has_zones = cell.record.channels.iter().any(|row| row.what.quantity == Quantity::TempMdegc);
    (view.ambient_mdegc.is_none() && has_zones).then(|| {
        note(
            "ambient=unknown: what a device sustains depends on the air around it; say its temperature with `ambient_c` \
             in devices.toml"
                .to_owned(),
        )
    })
}

fn charging(cell: &CellRecord<'_>) -> Option<Finding> {
    let launches = cell.launches.iter().filter(|launch| is_charging(cell, launch));
    let names: Vec<String> = launches.map(LaunchRecord::name).collect();
    (!names.is_empty()).then(|| {
        warning(format!(
            "the battery was charged in {}: charging heats a device, and its sensors tell no energy of the load",
            some_of(&names)
        ))
    })
}
