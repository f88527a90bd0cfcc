//! What feeds a device and what limits it.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use crate::sample::AccuracyClass;

/// The battery that feeds a device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct BatteryFacts {
    /// Its name: `BAT0`, `battery`.
    pub name: String,
    /// Charge in per cent of full.
    pub percent: Option<u32>,
    /// `Charging`, `Discharging`, `Not charging`, `Full`.
    pub status: Option<String>,
    /// `Good`, `Overheat`, `Dead`, `Over voltage`, `Unspecified failure`, `Cold`.
    pub health: Option<String>,
    /// Temperature, in m°C.
    pub temp_mdegc: Option<i64>,
    /// Voltage, in µV.
    pub voltage_uv: Option<u64>,
    /// Current as the gauge gives it, in µA: which sign means charging differs between makers.
    pub current_ua: Option<i64>,
    /// Supplies that are plugged in, sorted: `AC`, `USB`, `Wireless`; `None` where no supply is told.
    pub plugged: Option<Vec<String>>,
}

/// A source of power or energy figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EnergySource {
    /// `rapl`, `hwmon`, `ina3221`, `battery`, `odpm`, `pmic`, `nvml`.
    pub source: String,
    /// What of the device it covers: `package-0`, `VDD_IN`, `BAT0`.
    pub site: String,
    /// How far it can be trusted.
    pub class: AccuracyClass,
    /// Why it cannot be read; `None` where it can.
    pub unread: Option<String>,
}

/// Power modes and limits that are set now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PowerFacts {
    /// Whether clocks above the base clock are allowed (turbo, boost).
    pub boost: Option<bool>,
    /// Platform profile of a laptop: `low-power`, `balanced`, `performance`.
    pub profile: Option<String>,
    /// Whether the battery saver is on.
    pub battery_saver: Option<bool>,
    /// Power mode of a Jetson.
    pub nvpmodel: Option<NvpModel>,
    /// Flags of a Raspberry Pi's firmware. Now: 0 under-voltage, 1 ARM clock capped, 2 throttled, 3 soft temperature
    /// limit; bits 16 to 19: the same since boot.
    pub throttled_bits: Option<u32>,
}

/// Power mode of a Jetson, as `nvpmodel` keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct NvpModel {
    /// Number of the mode that is set.
    pub mode: u32,
    /// Names of all modes, by number.
    #[serde(deserialize_with = "numbered")]
    pub modes: BTreeMap<u32, String>,
}

/// Names by their number. Within a tagged enum, serde knows the keys of a map as text only.
fn numbered<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<u32, String>, D::Error> {
    let names = BTreeMap::<String, String>::deserialize(from)?;
    let number = |(key, name): (String, String)| key.parse().map(|key| (key, name)).map_err(D::Error::custom);
    names.into_iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_modes_are_read_within_a_tagged_message() {
        #[derive(Deserialize)]
        #[serde(tag = "reply", rename_all = "snake_case")]
        enum Reply {
            Facts { set: NvpModel },
        }
        let text = r#"{"reply":"facts","set":{"mode":1,"modes":{"0":"15W","1":"7W"}}}"#;
        let Reply::Facts { set } = serde_json::from_str(text).expect("what an agent sends");
        assert_eq!(set.modes.get(&set.mode).map(String::as_str), Some("7W"));
    }
}
