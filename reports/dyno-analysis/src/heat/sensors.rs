//! The readings of a launch.

use dyno_model::sample::Quantity;
use dyno_store::ChannelRow;
use dyno_view::heat::HeatTempView;

use super::window::{Window, spans};
use crate::cell::{CellRecord, LaunchRecord};
use dyno_model::care::SpanKind;
use dyno_stats::{Level, type1};

/// Zones that are told, the hottest first.
const MAX_ZONES: usize = 5;
/// A battery that charges, by the kernel's number.
const CHARGING: i64 = 1;

/// A channel with its readings as instant and value.
#[derive(Clone, Copy)]
pub(super) struct Readings<'a> {
    pub(super) channel: &'a ChannelRow,
    pub(super) points: &'a [(u64, i64)],
}

impl Readings<'_> {
    pub(super) fn quantity(&self) -> Quantity {
        self.channel.what.quantity
    }

    pub(super) fn site(&self) -> &str {
        &self.channel.what.site
    }

    /// The last reading at or before an instant.
    pub(super) fn before(&self, at_ns: u64) -> Option<i64> {
        let end = self.points.partition_point(|(at, _)| *at <= at_ns);
        self.points.get(end.checked_sub(1)?).map(|(_, value)| *value)
    }

    /// Readings from one instant to another, both included.
    pub(super) fn within(&self, from_ns: u64, to_ns: u64) -> &[(u64, i64)] {
        let start = self.points.partition_point(|(at, _)| *at < from_ns);
        let end = self.points.partition_point(|(at, _)| *at <= to_ns);
        self.points.get(start..end.max(start)).unwrap_or_default()
    }

    pub(super) fn max(&self, window: Window) -> Option<i64> {
        self.within(window.began_at, window.ended_at).iter().map(|(_, value)| *value).max()
    }
}

/// All channels of a launch that have readings.
pub(super) struct Sensors<'a> {
    all: Vec<Readings<'a>>,
}

impl<'a> Sensors<'a> {
    pub(super) fn of(cell: &CellRecord<'a>, launch: &LaunchRecord<'_>) -> Self {
        let all = cell.record.readings_of(launch.row.run, launch.row.launch);
        Self { all: all.map(|(channel, points)| Readings { channel, points }).collect() }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Readings<'a>> {
        self.all.iter().copied()
    }

    pub(super) fn with(&self, quantity: Quantity) -> impl Iterator<Item = Readings<'a>> {
        self.all().filter(move |of| of.quantity() == quantity)
    }

    pub(super) fn last_at(&self) -> Option<u64> {
        self.all().filter_map(|of| of.points.last().map(|(at, _)| *at)).max()
    }

    /// The hottest zones of the load, the hottest first.
    pub(super) fn zones(&self, window: Window) -> Vec<Readings<'a>> {
        let hottest = |of: &Readings<'a>| std::cmp::Reverse(of.max(window));
        let mut zones: Vec<_> =
            self.with(Quantity::TempMdegc).filter(|of| of.max(window).is_some()).collect();
        zones.sort_by_cached_key(hottest);
        zones.truncate(MAX_ZONES);
        zones
    }
}

/// What the hottest zones did.
pub(super) fn temps(
    sensors: &Sensors<'_>,
    launch: &LaunchRecord<'_>,
    window: Window,
    onset_at: Option<u64>,
) -> Vec<HeatTempView> {
    let rest = spans(launch, SpanKind::ReadyIdle).chain(spans(launch, SpanKind::Idle)).next();
    let view = |of: &Readings<'_>| {
        let resting = rest.and_then(|span| median(of.within(span.began_at.0, span.ended_at.0)));
        Some(HeatTempView {
            site: of.site().to_owned(),
            before_mdegc: resting.or_else(|| of.before(window.began_at)),
            onset_mdegc: onset_at.and_then(|at| of.before(at)),
            end_mdegc: of.before(window.ended_at),
            max_mdegc: of.max(window)?,
        })
    };
    sensors.zones(window).iter().filter_map(view).collect()
}

/// The type 1 median of readings.
pub(super) fn median(points: &[(u64, i64)]) -> Option<i64> {
    let mut values: Vec<i64> = points.iter().map(|(_, value)| *value).collect();
    values.sort_unstable();
    type1(&values, Level::P50)
}

/// Whether a battery was charged while a launch went on.
pub(crate) fn is_charging(cell: &CellRecord<'_>, launch: &LaunchRecord<'_>) -> bool {
    let sensors = Sensors::of(cell, launch);
    let charges = |of: Readings<'_>| of.points.iter().any(|(_, state)| *state == CHARGING);
    sensors.with(Quantity::ChargeState).any(charges)
}
