//! Thermal zones with their trip points, and cooling devices at work: `/sys/class/thermal`.

use std::io;

use dyno_model::device::{CoolingDevice, ThermalZone, TripPoint, Unread};

use crate::root::SysRoot;
use crate::text;
use crate::thermal::{BELIEVED_MDEGC, FOLDER, LIMIT_TYPE};

/// More zones or cooling devices than this are not listed (house rule): phones have up to about 100.
const MAX_LISTED: usize = 128;
/// More trip points of a zone than this are not listed: the kernel's own limit is 12 to 16.
const MAX_TRIPS: usize = 16;
/// Trip points that are believed, in m°C: −40 °C to 200 °C (house rule).
const BELIEVED_TRIP_MDEGC: std::ops::RangeInclusive<i64> = -40_000..=200_000;

/// Zones and cooling devices.
#[derive(Debug, Default)]
pub(crate) struct Heat {
    pub(crate) zones: Vec<ThermalZone>,
    pub(crate) cooling: Vec<CoolingDevice>,
}

/// All of it, as Documentation/driver-api/thermal/sysfs-api.rst describes it.
pub(crate) fn heat(root: &SysRoot, unread: &mut Vec<Unread>) -> Heat {
    let names = match root.names(FOLDER) {
        Ok(names) => names,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                unread.push(Unread { what: format!("/{FOLDER}"), reason: error.to_string() });
            }
            return Heat::default();
        }
    };
    let of =
        |kind: &str| names.iter().filter(|name| name.starts_with(kind)).take(MAX_LISTED).collect::<Vec<_>>();
    Heat {
        zones: of("thermal_zone").into_iter().map(|name| zone(root, name)).collect(),
        cooling: of("cooling_device").into_iter().filter_map(|name| cooling(root, name)).collect(),
    }
}

fn zone(root: &SysRoot, name: &str) -> ThermalZone {
    let kind = root.text(&format!("{FOLDER}/{name}/type"));
    let temp = if kind.as_deref().is_some_and(|kind| kind.contains(LIMIT_TYPE)) {
        Err("a limit, not a temperature".to_owned())
    } else {
        temperature(root, name)
    };
    ThermalZone {
        name: name.chars().take(64).filter(|c| !c.is_control()).collect(),
        kind,
        trips: trips(root, name),
        temp_mdegc: temp.as_ref().ok().copied(),
        unread: temp.err(),
    }
}

fn temperature(root: &SysRoot, name: &str) -> Result<i64, String> {
    let text = root.read(&format!("{FOLDER}/{name}/temp")).map_err(|error| error.to_string())?;
    match text::number(text.as_bytes()) {
        Some(mdegc) if BELIEVED_MDEGC.contains(&mdegc) => Ok(mdegc),
        Some(mdegc) => Err(format!("{mdegc} m°C is not between -40000 and 150000")),
        None => Err("not a number".to_owned()),
    }
}

/// The zone's trip points that say something sensible; they are numbered without gaps.
fn trips(root: &SysRoot, zone: &str) -> Vec<TripPoint> {
    let mut found = Vec::new();
    for n in 0..MAX_TRIPS {
        let Some(kind) = root.text(&format!("{FOLDER}/{zone}/trip_point_{n}_type")) else { break };
        let temp = root.text(&format!("{FOLDER}/{zone}/trip_point_{n}_temp"));
        let temp_mdegc = temp.and_then(|temp| text::number(temp.as_bytes()));
        // 0 and below is how firmware says that a trip point is off.
        let believed = temp_mdegc.filter(|mdegc| *mdegc > 0 && BELIEVED_TRIP_MDEGC.contains(mdegc));
        found.extend(believed.map(|temp_mdegc| TripPoint { kind, temp_mdegc }));
    }
    found
}

/// The cooling device, if it is at work.
fn cooling(root: &SysRoot, name: &str) -> Option<CoolingDevice> {
    let number = |file: &str| root.number(&format!("{FOLDER}/{name}/{file}"));
    let state = number("cur_state").filter(|state| *state > 0)?;
    let kind = root.text(&format!("{FOLDER}/{name}/type")).unwrap_or_else(|| "unknown".to_owned());
    let name = name.chars().take(64).filter(|c| !c.is_control()).collect();
    Some(CoolingDevice { name, kind, state, max_state: number("max_state").unwrap_or(state).max(state) })
}
