//! Power at rest, by the same source, of the same launch or the same day.

use dyno_model::care::SpanKind;
use dyno_view::energy::{IdleKind, IdlePowerView};

use super::reading::{Energy, Reading};
use crate::cell::LaunchRecord;

/// House rule (MEASUREMENT §4.4 asks for 60 s): a shorter rest is told.
pub(super) const WANTED_S: f64 = 60.0;
/// A baseline is of that day: no older, no younger.
const DAY_NS: u64 = 86_400_000_000_000;

/// What a launch says of rest.
#[derive(Debug, Clone, Default)]
pub(super) struct Rest {
    /// Without the runtime.
    pub(super) unloaded: Option<Energy>,
    /// With the runtime ready.
    pub(super) loaded: Option<Energy>,
    /// When the launch began, by the device's wall clock.
    pub(super) wall_ns: Option<u64>,
}

impl Rest {
    pub(super) fn of(launch: &LaunchRecord<'_>, reading: &Reading) -> Self {
        let of = |kind| {
            let span = launch.row.spans.iter().find(|span| span.kind == kind)?;
            reading.energy(span.began_at.0, span.ended_at.0).ok()
        };
        Self { unloaded: of(SpanKind::Idle), loaded: of(SpanKind::ReadyIdle), wall_ns: launch.row.wall_ns }
    }

    /// With the runtime ready where that was measured, else without it.
    pub(super) fn baseline(&self) -> Option<(IdleKind, Energy)> {
        let loaded = self.loaded.map(|of| (IdleKind::Loaded, of));
        loaded.or_else(|| self.unloaded.map(|of| (IdleKind::Unloaded, of)))
    }

    fn is_of_the_day_of(&self, other: &Self) -> bool {
        match (self.wall_ns, other.wall_ns) {
            (Some(one), Some(other)) => one.abs_diff(other) <= DAY_NS,
            _ => false,
        }
    }
}

/// The launch's own baseline, or the mean of the others' of that day.
pub(super) fn baseline_of(own: &Rest, all: &[Rest]) -> Option<(IdleKind, Energy)> {
    own.baseline().or_else(|| {
        let same_day: Vec<&Rest> = all.iter().filter(|other| other.is_of_the_day_of(own)).collect();
        let loaded: Vec<Energy> = same_day.iter().filter_map(|rest| rest.loaded).collect();
        let unloaded: Vec<Energy> = same_day.iter().filter_map(|rest| rest.unloaded).collect();
        let (kind, found) =
            if loaded.is_empty() { (IdleKind::Unloaded, unloaded) } else { (IdleKind::Loaded, loaded) };
        (!found.is_empty()).then(|| (kind, Energy::sum(found.iter())))
    })
}

/// Both kinds of rest over all launches.
pub(super) fn views(all: &[Rest]) -> Vec<IdlePowerView> {
    let kinds = [
        (IdleKind::Unloaded, all.iter().filter_map(|rest| rest.unloaded).collect::<Vec<_>>()),
        (IdleKind::Loaded, all.iter().filter_map(|rest| rest.loaded).collect()),
    ];
    let view = |(kind, found): (IdleKind, Vec<Energy>)| {
        let sum = Energy::sum(found.iter());
        (!found.is_empty()).then(|| IdlePowerView {
            kind,
            power_w: sum.power_w(),
            u_w: sum.expanded() / sum.span_s,
            span_ns: (sum.span_s * 1e9).round() as u64,
            n_launches: found.len() as u64,
        })
    };
    kinds.into_iter().filter_map(view).collect()
}
