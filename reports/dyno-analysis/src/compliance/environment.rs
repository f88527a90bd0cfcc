//! What surrounded a cell's launches: air, heat, throttling, battery, other programs, settings.

use std::collections::BTreeMap;

use dyno_model::sample::Quantity;
use dyno_store::ChannelRow;
use dyno_view::compliance::{EnvironmentView, ProbeView, ZoneView};
use dyno_view::device::{FactValue, FactView};
use dyno_view::heat::HeatVerdict;

use crate::cell::{CellRecord, LaunchRecord};
use crate::contacts::Contacts;
use crate::heat::heat;
use crate::network::network;

/// Zones that are told, the hottest first.
const MAX_ZONES: usize = 4;
/// Sensors of throttling that are told.
const MAX_THROTTLES: usize = 8;

pub(super) fn environment(cell: &CellRecord<'_>) -> EnvironmentView {
    let record = cell.record;
    let device = &cell.cell.device;
    let contacts = Contacts::of(record, device);
    let throttles = throttles(cell);
    let slowed = heat(cell).map_or(0, |view| {
        let is_slow =
            |verdict: HeatVerdict| matches!(verdict, HeatVerdict::Throttled | HeatVerdict::SlowdownUnknown);
        view.launches.iter().filter(|launch| is_slow(launch.verdict)).count()
    });
    EnvironmentView {
        ambient_mdegc: record.plan.devices.get(device).and_then(|planned| planned.ambient_mdegc),
        zones: zones(cell),
        n_throttle_channels: u32::try_from(throttles.len()).unwrap_or(u32::MAX),
        throttling: throttles.into_iter().filter_map(|(_, words)| words).take(MAX_THROTTLES).collect(),
        n_slowed_launches: u32::try_from(slowed).unwrap_or(u32::MAX),
        battery: contacts.facts().and_then(crate::facts::battery),
        charge_ratio: charge(cell),
        others_cpu_ratio: worst_share(cell, |load| load.others_cpu_ns),
        steal_ratio: worst_share(cell, |load| load.steal_ns),
        settings: settings(&contacts),
        network: network(cell),
    }
}

/// Channels of all launches with their readings, in order.
fn readings<'c>(cell: &'c CellRecord<'_>) -> impl Iterator<Item = (&'c ChannelRow, &'c [(u64, i64)])> {
    cell.launches.iter().flat_map(|launch| cell.record.readings_of(launch.row.run, launch.row.launch))
}

fn zones(cell: &CellRecord<'_>) -> Vec<ZoneView> {
    let mut zones: BTreeMap<&str, ZoneView> = BTreeMap::new();
    for (channel, points) in readings(cell).filter(|(of, _)| of.what.quantity == Quantity::TempMdegc) {
        let (Some((_, first)), Some((_, last))) = (points.first(), points.last()) else { continue };
        let max = points.iter().map(|(_, value)| *value).max().unwrap_or(*last);
        let site = channel.what.site.as_str();
        let zone = zones.entry(site).or_insert_with(|| ZoneView {
            site: site.to_owned(),
            first_mdegc: *first,
            last_mdegc: *last,
            max_mdegc: max,
        });
        zone.last_mdegc = *last;
        zone.max_mdegc = zone.max_mdegc.max(max);
    }
    let mut zones: Vec<ZoneView> = zones.into_values().collect();
    zones.sort_by_key(|zone| std::cmp::Reverse(zone.max_mdegc));
    zones.truncate(MAX_ZONES);
    zones
}

type Site<'c> = (&'c str, &'c str, Quantity);

/// Every sensor that would tell of throttling, with what it did; `None` where it was still.
fn throttles<'c>(cell: &'c CellRecord<'_>) -> Vec<(Site<'c>, Option<String>)> {
    let mut sites: BTreeMap<Site<'c>, (i64, u32)> = BTreeMap::new();
    for (channel, points) in readings(cell) {
        let Some(amount) = amount(channel, points) else { continue };
        let key = (channel.driver.as_str(), channel.what.site.as_str(), channel.what.quantity);
        let (all, n) = sites.entry(key).or_default();
        *all = match channel.what.quantity {
            Quantity::ThrottleCount | Quantity::ThrottleNs => all.saturating_add(amount),
            Quantity::ThrottleFlags => *all | amount,
            _ => (*all).max(amount),
        };
        *n += u32::from(amount != 0);
    }
    sites
        .into_iter()
        .map(|(site, (amount, n))| (site, (amount != 0).then(|| words(site, amount, n))))
        .collect()
}

/// How much a sensor of throttling moved in one launch; `None` of another sensor.
fn amount(channel: &ChannelRow, points: &[(u64, i64)]) -> Option<i64> {
    let (first, last) = (points.first()?.1, points.last()?.1);
    let max = || points.iter().map(|(_, value)| *value).max().unwrap_or(last);
    match channel.what.quantity {
        Quantity::ThrottleCount | Quantity::ThrottleNs => Some(last.saturating_sub(first).max(0)),
        Quantity::ThrottleFlags => Some(points.iter().fold(0, |all, (_, value)| all | value)),
        Quantity::HeatState | Quantity::AlarmState => Some(max()),
        // A fan that runs faster keeps a device fast.
        Quantity::CoolingState if !channel.what.site.contains("fan") => {
            Some(max().saturating_sub(first).max(0))
        }
        _ => None,
    }
}

fn words((driver, site, quantity): Site<'_>, amount: i64, n: u32) -> String {
    let launches = super::words::plural(u64::from(n), "launch");
    let what = match quantity {
        Quantity::ThrottleCount => format!("{amount} throttle events"),
        Quantity::ThrottleNs => format!("{:.1} s of throttling", amount as f64 / 1e9),
        Quantity::ThrottleFlags => format!("flags {amount:#x}"),
        Quantity::CoolingState => format!("cooling rose by {amount}"),
        _ => format!("state {amount}"),
    };
    format!("{driver} {site}: {what}, in {launches}")
}

/// The battery's charge, from the first reading to the last.
fn charge(cell: &CellRecord<'_>) -> Option<[f64; 2]> {
    let mut of = readings(cell).filter(|(of, _)| of.what.quantity == Quantity::CapacityPermille);
    let first = of.next()?;
    let last = of.last().unwrap_or(first);
    let ratio = |point: Option<&(u64, i64)>| Some(point?.1 as f64 / 1000.0);
    Some([ratio(first.1.first())?, ratio(last.1.last())?])
}

/// CPU time of something that is no part of the measurement, as a share of all CPUs, in the worst launch.
fn worst_share(cell: &CellRecord<'_>, of: fn(&dyno_model::proof::LoadFacts) -> Option<u64>) -> Option<f64> {
    let n_cpus = f64::from(cell.record.n_cpus(&cell.cell.device).filter(|n| *n > 0)?);
    let share = |launch: &LaunchRecord<'_>| {
        let load = launch.row.load.as_ref()?;
        let wall_ns = load.ended_at.since(load.began_at);
        (wall_ns > 0).then_some(of(load)? as f64 / (wall_ns as f64 * n_cpus))
    };
    cell.launches.iter().filter_map(share).max_by(f64::total_cmp)
}

/// What was asked of the device, and what was read back, at the last contact that prepared it.
fn settings(contacts: &Contacts<'_>) -> Vec<FactView> {
    let Some(prepared) = contacts.all.iter().rev().find_map(|contact| contact.prepared) else {
        return Vec::new();
    };
    let fact = |setting: &dyno_model::prepare::PreparedSetting| {
        let value = setting.after.as_ref().map(|after| match &setting.problem {
            None => format!("{after}, as asked and read back"),
            Some(problem) => format!("{after}, asked {}: {problem}", setting.asked),
        });
        FactView { label: setting.setting.to_string(), value: value.map(FactValue::Text) }
    };
    prepared.settings.iter().map(fact).collect()
}

/// Probes of all launches, by driver.
pub(super) fn probes(cell: &CellRecord<'_>) -> Vec<ProbeView> {
    let record = cell.record;
    let mut sites: BTreeMap<ProbeView, std::collections::BTreeSet<&str>> = BTreeMap::new();
    let of_cell = |row: &&ChannelRow| record.cell_of(row.run).is_some_and(|of| of.id == cell.cell.id);
    for row in record.channels.iter().filter(of_cell) {
        let probe = ProbeView {
            driver: row.driver.clone(),
            quantity: snake(&format!("{:?}", row.what.quantity)),
            class: format!("{:?}", row.what.class),
            period_ms: row.what.period_ms,
            n_sites: 0,
        };
        sites.entry(probe).or_default().insert(&row.what.site);
    }
    let counted = |(probe, sites): (ProbeView, std::collections::BTreeSet<&str>)| ProbeView {
        n_sites: u32::try_from(sites.len()).unwrap_or(u32::MAX),
        ..probe
    };
    sites.into_iter().map(counted).collect()
}

/// `temp_mdegc` of `TempMdegc`: the word that tables have.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (place, c) in name.char_indices() {
        if c.is_uppercase() && place > 0 {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_the_word_of_the_tables() {
        for quantity in [Quantity::TempMdegc, Quantity::RssBytes, Quantity::StallFullNs, Quantity::PowerUw] {
            let word = serde_json::to_value(quantity).expect("a word");
            assert_eq!(Some(snake(&format!("{quantity:?}")).as_str()), word.as_str());
        }
    }
}
