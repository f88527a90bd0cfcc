//! Sources of power and energy figures: which are there, how far each can be trusted, and whether it can be read.
//!
//! Only looked at here, not sampled. The classes are those of [`AccuracyClass`].

use std::io;

use dyno_model::device::{BatteryFacts, EnergySource, Unread};
use dyno_model::sample::AccuracyClass;

use crate::facts::{battery, clean, exists};
use crate::powercap;
use crate::root::SysRoot;
use crate::vcio;

/// More sources than this are not listed (house rule).
const MAX_SOURCES: usize = 64;
const POWERCAP: &str = "sys/class/powercap";
const HWMON: &str = "sys/class/hwmon";
const IIO: &str = "sys/bus/iio/devices";

/// What is known of the device when its sources are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) battery: Option<&'a BatteryFacts>,
    pub(crate) compatible: &'a [String],
    pub(crate) is_android: bool,
}

/// All sources that are seen, hardware counters first.
pub(crate) fn sources(root: &SysRoot, about: About<'_>, unread: &mut Vec<Unread>) -> Vec<EnergySource> {
    let mut found = rapl(root, unread);
    found.extend(odpm(root));
    found.extend(hwmon(root, unread));
    found.extend(about.battery.map(|battery| of_battery(root, battery, about.is_android)));
    found.extend(pmic(root, about.compatible));
    found.extend(nvml(root));
    found.sort_by_key(|source| source.class);
    found.truncate(MAX_SOURCES);
    found
}

fn source(source: &str, site: &str, class: AccuracyClass, read: Result<(), String>) -> EnergySource {
    let site = clean(site).unwrap_or_default();
    EnergySource { source: source.to_owned(), site, class, unread: read.err() }
}

/// Whether the file can be read and says something.
fn readable(root: &SysRoot, path: &str) -> Result<(), String> {
    match root.read(path) {
        Ok(text) if text.trim().is_empty() => Err("it says nothing".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Names in a folder that begin so; that a folder cannot be listed goes to `unread`.
fn names(root: &SysRoot, folder: &str, begin: &str, unread: &mut Vec<Unread>) -> Vec<String> {
    match root.names(folder) {
        Ok(names) => names.into_iter().filter(|name| name.starts_with(begin)).take(MAX_SOURCES).collect(),
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                unread.push(Unread { what: format!("/{folder}"), reason: error.to_string() });
            }
            Vec::new()
        }
    }
}

/// Zones of Intel's and AMD's energy counters (Documentation/power/powercap/powercap.rst).
fn rapl(root: &SysRoot, unread: &mut Vec<Unread>) -> Vec<EnergySource> {
    let named = |zone: &str| root.text(&format!("{POWERCAP}/{zone}/name"));
    let zones = names(root, POWERCAP, "intel-rapl", unread);
    let zones = zones.iter().filter(|zone| zone.contains(':'));
    let found = zones.map(|zone| {
        let own = named(zone).unwrap_or_else(|| zone.clone());
        // `intel-rapl:0:1` is a part of `intel-rapl:0`.
        let parent = zone
            .rsplit_once(':')
            .filter(|(parent, _)| parent.contains(':'))
            .and_then(|(parent, _)| named(parent));
        let site = parent.map_or_else(|| own.clone(), |parent| format!("{parent}/{own}"));
        let site = if zone.starts_with("intel-rapl-mmio") { format!("{site} (mmio)") } else { site };
        let path = format!("{POWERCAP}/{zone}/energy_uj");
        let read = root.read(&path).map(drop).map_err(|error| powercap::advice(&error, &path));
        source("rapl", &site, AccuracyClass::B, read.and_then(|()| readable(root, &path)))
    });
    found.collect()
}

/// Meters on the rails of phones: IIO devices with accumulated energy.
fn odpm(root: &SysRoot) -> Vec<EnergySource> {
    // Best effort: without the folder there are none.
    let devices = root.names(IIO).unwrap_or_default();
    let of = |device: &String| {
        let file = format!("{IIO}/{device}/energy_value");
        let seen = exists(root, &file);
        let name = root.text(&format!("{IIO}/{device}/name")).unwrap_or_else(|| device.clone());
        seen.then(|| source("odpm", &name, AccuracyClass::B, readable(root, &file)))
    };
    devices.iter().filter(|name| name.starts_with("iio:device")).take(MAX_SOURCES).filter_map(of).collect()
}

/// Chips with a power or energy figure (Documentation/hwmon/sysfs-interface.rst), and the rails of an INA3221.
fn hwmon(root: &SysRoot, unread: &mut Vec<Unread>) -> Vec<EnergySource> {
    let mut found = Vec::new();
    for chip in names(root, HWMON, "hwmon", unread) {
        let folder = format!("{HWMON}/{chip}");
        let named =
            root.text(&format!("{folder}/name")).or_else(|| root.text(&format!("{folder}/device/name")));
        let name = named.unwrap_or_else(|| chip.clone());
        if name.starts_with("ina3221") {
            found.extend(rails(root, &folder));
        } else {
            found.extend(figures(root, &folder, &name));
        }
    }
    found
}

/// The three channels of an INA3221, by the names that the board gives them.
fn rails(root: &SysRoot, folder: &str) -> Vec<EnergySource> {
    let rail = |n: u32| {
        let label = root.text(&format!("{folder}/in{n}_label")).filter(|label| label != "NC")?;
        let current = readable(root, &format!("{folder}/curr{n}_input"));
        let read = current.and_then(|()| readable(root, &format!("{folder}/in{n}_input")));
        Some(source("ina3221", &label, AccuracyClass::C, read))
    };
    (1..=3).filter_map(rail).collect()
}

fn figures(root: &SysRoot, folder: &str, chip: &str) -> Vec<EnergySource> {
    // Best effort: a chip that cannot be listed has no figures.
    let files = root.names(folder).unwrap_or_default();
    let figure = |file: &String| {
        let (stem, kind) = file.split_once('_')?;
        let class = match (stem.trim_end_matches(|c: char| c.is_ascii_digit()), kind) {
            ("energy", "input") => AccuracyClass::B,
            ("power", "input" | "average") => AccuracyClass::C,
            _ => return None,
        };
        let label = root.text(&format!("{folder}/{stem}_label")).unwrap_or_else(|| stem.to_owned());
        Some(source("hwmon", &format!("{chip} {label}"), class, readable(root, &format!("{folder}/{file}"))))
    };
    let mut found: Vec<EnergySource> = files.iter().filter_map(figure).take(MAX_SOURCES).collect();
    // A chip may have both an instantaneous figure and an average of one sensor.
    found.dedup_by(|a, b| (&a.site, a.class) == (&b.site, b.class));
    found
}

/// The battery's gauge: sampled; on phones the scale and sign of its current differ between makers.
fn of_battery(root: &SysRoot, battery: &BatteryFacts, is_android: bool) -> EnergySource {
    let file = |name: &str| readable(root, &format!("{}/{}/{name}", battery::FOLDER, battery.name));
    let by_parts = || file("current_now").and_then(|()| file("voltage_now"));
    let read = file("power_now").or_else(|_absent| by_parts());
    let read = read.map_err(|why| format!("neither power_now nor current_now and voltage_now: {why}"));
    source("battery", &battery.name, if is_android { AccuracyClass::D } else { AccuracyClass::C }, read)
}

/// The power chip of a Raspberry Pi 5, which its firmware reads; others have none.
fn pmic(root: &SysRoot, compatible: &[String]) -> Option<EnergySource> {
    if !compatible.iter().any(|name| name.starts_with("raspberrypi,5") || name == "brcm,bcm2712") {
        return None;
    }
    Some(source("pmic", "rails of the PMIC", AccuracyClass::D, vcio::tells_rails(root)))
}

/// NVIDIA's management library: it is only asked where the driver's device file is.
fn nvml(root: &SysRoot) -> Option<EnergySource> {
    let seen = exists(root, "dev/nvidiactl");
    seen.then(|| source("nvml", "NVIDIA GPU", AccuracyClass::B, crate::nvml::tells_energy(root)))
}
