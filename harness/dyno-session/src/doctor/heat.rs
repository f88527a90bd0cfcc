//! Rules of heat.

use dyno_model::device::{CoolingDevice, DeviceFacts, ThermalZone, TripPoint};

use super::Severity::{Invalid, Shaky};
use super::{DeviceWords, Finding, celsius};

/// So near below a trip point a device is hot already, in m°C (house rule): decoding heats a small SoC by more than
/// this within seconds.
const NEAR_MDEGC: i64 = 5_000;
/// A zone without trip points is hot from here on, in m°C (house rule): SoCs begin to throttle between 80 and 95 °C.
const HOT_MDEGC: i64 = 75_000;
/// A battery is warm from here on, in m°C (house rule): makers limit charging and clocks between 40 and 45 °C.
const BATTERY_WARM_MDEGC: i64 = 40_000;
/// Zones whose temperature decides on the clocks of the CPU or GPU, by a word in their type; others are boards,
/// radios and skins.
const SOC_WORDS: &[&str] =
    &["cpu", "gpu", "soc", "pkg", "package", "coretemp", "big", "little", "mid", "acpitz", "tj", "g3d"];
/// Cooling devices that take speed away, by a word in their type; fans do not.
const BRAKES: &[&str] = &["processor", "cpufreq", "cpu", "gpu", "devfreq", "powerclamp", "thermal-cpu"];

const FIX: &str = "let the device cool: wait, take its case off, or switch its fan on";

pub(super) fn zones(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    facts.thermal_zones.iter().filter_map(zone).collect()
}

fn zone(zone: &ThermalZone) -> Option<Finding> {
    let temp = zone.temp_mdegc?;
    let name = zone.kind.as_deref().unwrap_or(&zone.name);
    let brakes =
        zone.trips.iter().filter(|trip| matches!(trip.kind.as_str(), "passive" | "hot" | "critical"));
    match brakes.min_by_key(|trip| trip.temp_mdegc) {
        Some(trip) => at_trip(name, temp, trip),
        None if temp >= HOT_MDEGC && is_soc(name) => {
            let why = "a hot device throttles within the first requests";
            Some(Finding::new("hot", Shaky, format!("{name} is at {}", celsius(temp)), why).mend(FIX))
        }
        None => None,
    }
}

fn at_trip(name: &str, temp: i64, trip: &TripPoint) -> Option<Finding> {
    let at = format!("{} trip point at {}", trip.kind, celsius(trip.temp_mdegc));
    if temp >= trip.temp_mdegc {
        let observed = format!("{name} is at {}, over its {at}", celsius(temp));
        return Some(Finding::new("hot", Invalid, observed, "the device is throttled now").mend(FIX));
    }
    if temp < trip.temp_mdegc - NEAR_MDEGC {
        return None;
    }
    let observed = format!("{name} is at {}, near its {at}", celsius(temp));
    Some(Finding::new("hot", Shaky, observed, "it throttles within the first requests").mend(FIX))
}

fn is_soc(name: &str) -> bool {
    let name = name.to_lowercase();
    SOC_WORDS.iter().any(|word| name.contains(word))
}

pub(super) fn throttled(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let is_brake = |device: &&CoolingDevice| {
        let kind = device.kind.to_lowercase();
        device.state > 0 && !kind.contains("fan") && BRAKES.iter().any(|word| kind.contains(word))
    };
    let brakes: Vec<String> = facts
        .cooling
        .iter()
        .filter(is_brake)
        .map(|device| format!("{} at {} of {}", device.kind, device.state, device.max_state))
        .collect();
    if brakes.is_empty() {
        return Vec::new();
    }
    let why = "the kernel holds the clocks down because of heat or power";
    vec![Finding::new("throttled", Invalid, brakes.join(", "), why).mend(FIX)]
}

pub(super) fn thermal_status(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    /// Names of android.os.PowerManager.THERMAL_STATUS_*.
    const NAMES: [&str; 7] = ["none", "light", "moderate", "severe", "critical", "emergency", "shutdown"];
    let status = facts.android.as_ref().and_then(|android| android.thermal_status);
    let Some(status) = status.filter(|status| *status > 0) else { return Vec::new() };
    let name = NAMES.get(status as usize).copied().unwrap_or("unknown");
    let (severity, why) = match status {
        1 => (Shaky, "Android has begun to slow the phone down"),
        _ => (Invalid, "Android slows the phone down"),
    };
    vec![Finding::new("thermal-status", severity, format!("thermal status {status} ({name})"), why).mend(FIX)]
}

pub(super) fn battery_warm(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let temp = facts.battery.as_ref().and_then(|battery| battery.temp_mdegc);
    let Some(temp) = temp.filter(|temp| *temp >= BATTERY_WARM_MDEGC) else { return Vec::new() };
    let why = "devices limit themselves to spare a warm battery";
    vec![Finding::new("battery-warm", Shaky, format!("battery at {}", celsius(temp)), why).mend(FIX)]
}
