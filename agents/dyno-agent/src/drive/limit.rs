//! What stops a launch, and what changes the meaning of its power: looked at in the sampler's newest rows.

use dyno_model::care::Limits;
use dyno_model::clock::MonoNs;
use dyno_model::sample::Quantity;

use super::watch::{Spot, Watch, degrees};

/// Watches over the limits of a launch.
///
/// A limit is reached when two rows in a row say so (house rule): one that jumps for a single reading stops nothing.
/// What no device can have, as 999 °C, is no reading at all: its driver says so.
#[derive(Debug, Default)]
pub(super) struct LimitWatch {
    limits: Limits,
    /// When each temperature, and then each charge, was seen at its limit first.
    seen_at: Vec<Option<MonoNs>>,
}

impl LimitWatch {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, seen_at: Vec::new() }
    }

    /// Whether there is any limit.
    pub(super) fn is_any(&self) -> bool {
        self.limits != Limits::default()
    }

    /// The limit that is reached, with its sensor and figures.
    pub(super) fn reached(&mut self, watch: &Watch) -> Option<String> {
        let Limits { max_temp_mdegc, min_battery_permille } = self.limits;
        self.seen_at.resize(watch.temps.len() + watch.capacity.len(), None);
        let (temps, charges) = self.seen_at.split_at_mut(watch.temps.len());
        let hot = max_temp_mdegc.and_then(|limit| {
            let is_at = |value| value >= i64::from(limit);
            let (site, value) = confirmed(watch, &watch.temps, temps, is_at)?;
            Some(format!("{site} is at {}, the limit is {}", degrees(value), degrees(limit.into())))
        });
        hot.or_else(|| {
            let limit = min_battery_permille?;
            let is_at = |value| value <= i64::from(limit);
            let (site, value) = confirmed(watch, &watch.capacity, charges, is_at)?;
            Some(format!("{site} is charged to {value} ‰, the limit is {limit} ‰"))
        })
    }
}

/// The first channel that was at its limit in two rows in a row, and what it says.
fn confirmed<'a>(
    watch: &Watch,
    spots: &'a [Spot],
    seen_at: &mut [Option<MonoNs>],
    is_at: impl Fn(i64) -> bool,
) -> Option<(&'a str, i64)> {
    for (spot, seen_at) in spots.iter().zip(seen_at) {
        match (watch.value(spot).filter(|value| is_at(*value)), watch.read_at(spot)) {
            (Some(value), now) if seen_at.is_some() && *seen_at != now => return Some((&spot.site, value)),
            (Some(_), now) => *seen_at = seen_at.or(now),
            (None, _) => *seen_at = None,
        }
    }
    None
}

/// Watches what feeds the device.
#[derive(Debug, Default)]
pub(super) struct SupplyWatch {
    /// What each of the channels said last; empty before the first look.
    last: Vec<Option<i64>>,
}

impl SupplyWatch {
    /// What has changed since the last look, in words.
    ///
    /// A channel that cannot be read for a while has not changed.
    pub(super) fn changes(&mut self, watch: &Watch) -> Vec<String> {
        self.last.resize(watch.supply.len(), None);
        let mut changes = Vec::new();
        for (spot, last) in watch.supply.iter().zip(&mut self.last) {
            let Some(now) = watch.value(spot) else { continue };
            if let Some(before) = last.replace(now).filter(|before| *before != now) {
                let [now, before] = [now, before].map(|value| state(spot.quantity, value));
                changes.push(format!("{} is {now} now, was {before}", spot.site));
            }
        }
        changes
    }
}

/// A state in words; the numbers are those of [`Quantity::ChargeState`] and [`Quantity::PluggedState`].
fn state(quantity: Quantity, value: i64) -> &'static str {
    match (quantity, value) {
        (Quantity::PluggedState, 0) => "unplugged",
        (Quantity::PluggedState, _) => "plugged in",
        (_, 1) => "charging",
        (_, 2) => "discharging",
        (_, 3) => "not charging",
        (_, 4) => "full",
        (_, _) => "in an unknown state",
    }
}
