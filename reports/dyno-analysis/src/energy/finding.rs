//! What a reader must know before the figures of energy.

use std::collections::BTreeMap;

use dyno_model::care::SpanKind;
use dyno_view::energy::{EnergyView, IdleKind};
use dyno_view::report::Finding;

use super::figures::Totals;
use super::idle::WANTED_S;
use super::launch::Chosen;
use crate::cell::{CellRecord, LaunchRecord};
use crate::findings::{note, some_of, warning};
use crate::heat::{heat, is_warm};

/// There are sources, and none is good enough.
pub(super) fn no_energy(why: &str) -> Finding {
    warning(format!("there is no energy: {why}"))
}

pub(super) fn findings(
    cell: &CellRecord<'_>,
    view: &EnergyView,
    chosen: &Chosen<'_>,
    totals: &Totals,
) -> Vec<Finding> {
    let mut all = Vec::new();
    for other in view.others.iter().filter(|other| other.why.starts_with("its test failed")) {
        all.push(warning(format!("power source {} is not used: {}", other.name, other.why)));
    }
    all.extend(without_energy(chosen));
    if let Err(why) = &totals.net {
        all.push(note(format!("energy has no net figure: {why}")));
    } else if !totals.has_own_rest {
        all.push(note(
            "the power at rest is in part that of other launches of the day: net energy is that much less sure"
                .to_owned(),
        ));
    }
    all.extend(short_rest(view));
    all.extend(hot_starts(cell));
    if totals.n_failed > 0 {
        all.push(note(format!(
            "what {} requests took that did not go well is in the energy of the others",
            totals.n_failed
        )));
    }
    all
}

/// Launches without an energy, together where the reason is the same.
fn without_energy(chosen: &Chosen<'_>) -> Vec<Finding> {
    let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for of in &chosen.launches {
        if let Err(why) = &of.energy {
            names.entry(why).or_default().push(of.name.clone());
        }
    }
    let told = |(why, names): (&str, Vec<String>)| {
        let has = if names.len() == 1 { "has" } else { "have" };
        warning(format!("{} {has} no energy: {why}", some_of(&names)))
    };
    names.into_iter().map(told).collect()
}

fn short_rest(view: &EnergyView) -> Option<Finding> {
    let taken = view
        .idle
        .iter()
        .find(|idle| idle.kind == IdleKind::Loaded)
        .or_else(|| view.idle.iter().find(|idle| idle.kind == IdleKind::Unloaded))?;
    let each_s = taken.span_ns as f64 / 1e9 / taken.n_launches.max(1) as f64;
    (each_s < WANTED_S - 0.5).then(|| {
        note(format!(
            "power at rest was measured for {each_s:.0} s a launch: {WANTED_S:.0} s make a baseline"
        ))
    })
}

/// Launches that began while the device was still warm from what was before. Of loads that go on, it is told with
/// their heat.
fn hot_starts(cell: &CellRecord<'_>) -> Option<Finding> {
    let is_hot = |launch: &&LaunchRecord<'_>| {
        launch.row.spans.iter().any(|span| span.kind == SpanKind::CoolDown && is_warm(span))
    };
    let names: Vec<String> = cell.valid_launches().filter(is_hot).map(LaunchRecord::name).collect();
    (!names.is_empty() && heat(cell).is_none()).then(|| {
        warning(format!(
            "{} began warmer than the baseline: hotter silicon leaks more, so that energy is biased upwards",
            some_of(&names)
        ))
    })
}
