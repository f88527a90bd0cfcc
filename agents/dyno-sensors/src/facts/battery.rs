//! The battery that feeds the device: `/sys/class/power_supply`, and Android's battery service.

use dyno_model::device::BatteryFacts;

use crate::facts::clean;
use crate::root::SysRoot;
pub(crate) use crate::supply::FOLDER;
use crate::supply::feeds_the_device;
use crate::text;
use crate::thermal::BELIEVED_MDEGC;

/// Voltages that are believed, in µV: up to 1 kV (house rule).
const BELIEVED_UV: std::ops::RangeInclusive<u64> = 1..=1_000_000_000;
/// Currents that are believed, in µA: up to 1 kA either way (house rule).
const BELIEVED_UA: std::ops::RangeInclusive<i64> = -1_000_000_000..=1_000_000_000;
/// More supplies than this are not looked at (house rule).
const MAX_SUPPLIES: usize = 64;

/// The battery as sysfs has it (Documentation/ABI/testing/sysfs-class-power); `None` where none is seen.
pub(crate) fn battery(root: &SysRoot) -> Option<BatteryFacts> {
    // Best effort: without the folder there is no battery to be seen.
    let mut names = root.names(FOLDER).ok()?;
    names.truncate(MAX_SUPPLIES);
    let batteries: Vec<&String> = names.iter().filter(|name| feeds_the_device(root, name)).collect();
    // Phones have helpers of type Battery beside the one that is called so.
    let name = batteries.iter().find(|name| **name == "battery").or_else(|| batteries.first())?;
    let file = |file: &str| root.text(&format!("{FOLDER}/{name}/{file}"));
    let known = |word: &String| word != "Unknown";
    let signed = |name: &str| text::number(file(name)?.as_bytes());
    Some(BatteryFacts {
        name: clean(name)?,
        percent: root
            .number(&format!("{FOLDER}/{name}/capacity"))
            .filter(|percent| *percent <= 100)
            .and_then(|percent| u32::try_from(percent).ok()),
        status: file("status").filter(known),
        health: file("health").filter(known),
        temp_mdegc: signed("temp").and_then(mdegc_of_tenths),
        voltage_uv: root
            .number(&format!("{FOLDER}/{name}/voltage_now"))
            .filter(|uv| BELIEVED_UV.contains(uv)),
        current_ua: signed("current_now").filter(|ua| BELIEVED_UA.contains(ua)),
        plugged: plugged(root, &names),
    })
}

fn mdegc_of_tenths(tenths: i64) -> Option<i64> {
    tenths.checked_mul(100).filter(|mdegc| BELIEVED_MDEGC.contains(mdegc))
}

/// Supplies that say whether they are plugged in, and are.
fn plugged(root: &SysRoot, names: &[String]) -> Option<Vec<String>> {
    let supply = |name: &String| {
        let kind = root.text(&format!("{FOLDER}/{name}/type")).filter(|kind| kind != "Battery")?;
        let online = root.number(&format!("{FOLDER}/{name}/online"))?;
        let kind = if kind == "Mains" { "AC".to_owned() } else { kind };
        Some((kind, online > 0))
    };
    let supplies: Vec<(String, bool)> = names.iter().filter_map(supply).collect();
    if supplies.is_empty() {
        return None;
    }
    let mut plugged: Vec<String> =
        supplies.into_iter().filter(|supply| supply.1).map(|supply| supply.0).collect();
    plugged.sort();
    plugged.dedup();
    Some(plugged)
}

/// What sysfs left open, from `dumpsys battery`; its numbers are those of `BatteryManager`.
pub(crate) fn complete(battery: Option<BatteryFacts>, service: &str) -> Option<BatteryFacts> {
    let value = |key: &str| {
        let mut lines = service.lines().map(str::trim_start);
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
    };
    let number = |key: &str| text::number(value(key)?.as_bytes());
    if battery.is_none() && value("present") != Some("true") {
        return None;
    }
    let mut battery =
        battery.unwrap_or_else(|| BatteryFacts { name: "battery".to_owned(), ..BatteryFacts::default() });
    let percent = number("level").zip(number("scale").or(Some(100))).and_then(|(level, scale)| {
        let percent = level.checked_mul(100)?.checked_div(scale)?;
        u32::try_from(percent).ok().filter(|percent| *percent <= 100)
    });
    battery.percent = battery.percent.or(percent);
    let status = number("status")
        .and_then(|status| word(status, &["Charging", "Discharging", "Not charging", "Full"], 2));
    battery.status = battery.status.or(status);
    let healths = ["Good", "Overheat", "Dead", "Over voltage", "Unspecified failure", "Cold"];
    battery.health = battery.health.or(number("health").and_then(|health| word(health, &healths, 2)));
    battery.temp_mdegc = battery.temp_mdegc.or(number("temperature").and_then(mdegc_of_tenths));
    let voltage_uv = number("voltage").and_then(|mv| u64::try_from(mv.checked_mul(1000)?).ok());
    battery.voltage_uv = battery.voltage_uv.or(voltage_uv.filter(|uv| BELIEVED_UV.contains(uv)));
    battery.plugged = battery.plugged.or_else(|| {
        let supplies =
            ["AC", "Dock", "USB", "Wireless"].map(|name| (name, value(&format!("{name} powered"))));
        let told = supplies.iter().any(|supply| supply.1.is_some());
        let on = supplies.iter().filter(|supply| supply.1 == Some("true"));
        told.then(|| on.map(|supply| supply.0.to_owned()).collect())
    });
    Some(battery)
}

/// The word with that number, where the first one's is `first`.
fn word(number: i64, words: &[&str], first: i64) -> Option<String> {
    let idx = usize::try_from(number.checked_sub(first)?).ok()?;
    words.get(idx).map(|word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form of `BatteryService.dumpInternal` of AOSP.
    const SERVICE: &str = "Current Battery Service state:\n  AC powered: false\n  USB powered: true\n  \
        Wireless powered: false\n  Max charging current: 500000\n  status: 2\n  health: 3\n  present: true\n  \
        level: 42\n  scale: 84\n  voltage: 4200\n  temperature: 357\n  technology: Li-ion\n";

    #[test]
    fn the_service_says_what_sysfs_does_not() {
        let battery = complete(None, SERVICE).expect("it is present");
        assert_eq!((battery.percent, battery.status.as_deref()), (Some(50), Some("Charging")));
        assert_eq!((battery.health.as_deref(), battery.temp_mdegc), (Some("Overheat"), Some(35_700)));
        assert_eq!((battery.voltage_uv, battery.plugged), (Some(4_200_000), Some(vec!["USB".to_owned()])));
    }

    #[test]
    fn what_sysfs_says_stays() {
        let sysfs =
            BatteryFacts { percent: Some(77), status: Some("Full".to_owned()), ..BatteryFacts::default() };
        let battery = complete(Some(sysfs), SERVICE).expect("there is one");
        assert_eq!((battery.percent, battery.status.as_deref()), (Some(77), Some("Full")));
        assert_eq!(battery.voltage_uv, Some(4_200_000));
    }

    #[test]
    fn nonsense_is_no_battery() {
        for service in ["", "present: false\n", "present: maybe\nlevel: 5\n"] {
            assert_eq!(complete(None, service), None, "{service}");
        }
        let absurd = "present: true\nlevel: 9223372036854775807\nscale: 0\nstatus: -7\nhealth: 99\n\
                      voltage: 99999999999999\ntemperature: 99999\n";
        let battery = complete(None, absurd).expect("it says that it is present");
        let expected = BatteryFacts { name: "battery".to_owned(), ..BatteryFacts::default() };
        assert_eq!(battery, expected);
    }
}
