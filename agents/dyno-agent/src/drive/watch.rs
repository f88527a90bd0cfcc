//! What the sensors say now, for rests, limits and the end of a held load; nothing is read for it.

use dyno_model::clock::MonoNs;
use dyno_model::sample::Quantity;
use dyno_sensors::Latest;

use crate::sense::Sense;

/// The channels of a launch that decide something while it runs.
#[derive(Debug)]
pub(super) struct Watch {
    latest: Latest,
    pub(super) temps: Vec<Spot>,
    pub(super) cooling: Vec<Spot>,
    pub(super) capacity: Vec<Spot>,
    pub(super) supply: Vec<Spot>,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    sensor: u16,
    column: usize,
    pub(super) quantity: Quantity,
    /// Its site, for people.
    pub(super) site: String,
    /// Driver and site, the same in each launch.
    pub(super) key: String,
}

impl Watch {
    /// Of a launch's sensors; `None` where nothing is sampled.
    pub(super) fn of(sense: &Sense) -> Option<Self> {
        let latest = sense.latest()?;
        let mut watch =
            Self { latest, temps: Vec::new(), cooling: Vec::new(), capacity: Vec::new(), supply: Vec::new() };
        for sensor in sense.declared() {
            for (column, channel) in sensor.channels.iter().enumerate() {
                let spots = match channel.quantity {
                    // Those that are read at boundaries only say nothing now.
                    _ if channel.period_ms == 0 => continue,
                    Quantity::TempMdegc => &mut watch.temps,
                    Quantity::CoolingState => &mut watch.cooling,
                    Quantity::CapacityPermille => &mut watch.capacity,
                    Quantity::ChargeState | Quantity::PluggedState => &mut watch.supply,
                    _ => continue,
                };
                spots.push(Spot {
                    sensor: sensor.sensor,
                    column,
                    quantity: channel.quantity,
                    site: channel.site.clone(),
                    key: format!("{} {}", sensor.driver, channel.site),
                });
            }
        }
        Some(watch)
    }

    /// What a channel says now.
    pub(super) fn value(&self, spot: &Spot) -> Option<i64> {
        self.latest.value(spot.sensor, spot.column)
    }

    /// When that was read.
    pub(super) fn read_at(&self, spot: &Spot) -> Option<MonoNs> {
        self.latest.read_at(spot.sensor)
    }

    /// All temperatures now, in the order of `temps`.
    pub(super) fn temps_now(&self) -> Vec<Option<i64>> {
        self.temps.iter().map(|spot| self.value(spot)).collect()
    }
}

/// A temperature for people, to a tenth: `85.2 °C`.
pub(super) fn degrees(mdegc: i64) -> String {
    let sign = if mdegc <= -50 { "-" } else { "" };
    let tenths = (mdegc.unsigned_abs() + 50) / 100;
    format!("{sign}{}.{} °C", tenths / 10, tenths % 10)
}

/// A duration for people, in whole seconds.
pub(super) fn seconds(ns: u64) -> String {
    format!("{} s", (ns + 500_000_000) / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperatures_are_rounded_to_a_tenth() {
        let cases =
            [(85_249, "85.2 °C"), (85_250, "85.3 °C"), (0, "0.0 °C"), (-1, "0.0 °C"), (-1_250, "-1.3 °C")];
        for (mdegc, expected) in cases {
            assert_eq!(degrees(mdegc), expected);
        }
        assert_eq!((seconds(1_499_999_999), seconds(1_500_000_000)), ("1 s".to_owned(), "2 s".to_owned()));
    }
}
