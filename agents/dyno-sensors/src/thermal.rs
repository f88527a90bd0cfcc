//! Temperatures: `/sys/class/thermal`, one channel per zone, known by its `type`.

use std::io;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, Sensor, SensorDriver};
use crate::error::SensorError;
use crate::hot::HotFile;
use crate::root::SysRoot;
use crate::text;

/// Where the zones are.
pub(crate) const FOLDER: &str = "sys/class/thermal";
/// More zones than this are not sampled (house rule): phones have up to about 100, boards fewer than 10.
const MAX_ZONES: usize = 64;
/// Temperatures that are believed, in m°C: −40 °C to 150 °C (house rule).
pub(crate) const BELIEVED_MDEGC: std::ops::RangeInclusive<i64> = -40_000..=150_000;
/// Zones of Qualcomm's limits hardware: they say 75000 whatever the temperature is.
pub(crate) const LIMIT_TYPE: &str = "lmh-dcvs";

/// Finds one sensor with a channel for each zone, as site `thermal_zone0 cpu-thermal`.
pub(crate) struct Thermal;

impl SensorDriver for Thermal {
    fn name(&self) -> &'static str {
        "thermal"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        let names = match root.names(FOLDER) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(source) => return Err(SensorError::List { path: FOLDER.to_owned(), source }),
        };
        let mut sensor = ZoneSensor { channels: Vec::new(), files: Vec::new() };
        let zones: Vec<&String> = names.iter().filter(|name| name.starts_with("thermal_zone")).collect();
        if let Some([first, ..]) = zones.get(MAX_ZONES..) {
            let what = format!("{first} and all after it, {} zones", zones.len() - MAX_ZONES);
            found.leave_out(self.name(), what, &format_args!("more than {MAX_ZONES} are not sampled"));
        }
        for zone in zones.into_iter().take(MAX_ZONES) {
            let site = match root.text(&format!("{FOLDER}/{zone}/type")) {
                Some(kind) => format!("{zone} {kind}"),
                None => zone.clone(),
            };
            match open(root, zone, &site) {
                Ok(file) => sensor.add(site, file, context.slow_period_ms),
                Err(error) => found.leave_out(self.name(), site, &error),
            }
        }
        if !sensor.files.is_empty() {
            found.sensors.push(Box::new(sensor));
        }
        Ok(found)
    }
}

/// The zone's `temp`, if it gives a believable temperature now.
fn open(root: &SysRoot, zone: &str, site: &str) -> io::Result<HotFile> {
    let refused = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason);
    if site.contains(LIMIT_TYPE) {
        return Err(refused("a limit, not a temperature"));
    }
    let mut file = HotFile::open(root, &format!("{FOLDER}/{zone}/temp"), 64)?;
    match text::number(file.read()?) {
        Some(value) if BELIEVED_MDEGC.contains(&value) => Ok(file),
        Some(value) => Err(refused(&format!("{value} m°C is not between -40000 and 150000"))),
        None => Err(refused("not a number")),
    }
}

/// All zones as one row.
#[derive(Debug)]
struct ZoneSensor {
    channels: Vec<Channel>,
    files: Vec<HotFile>,
}

impl ZoneSensor {
    fn add(&mut self, site: String, file: HotFile, period_ms: u32) {
        self.channels.push(Channel {
            quantity: Quantity::TempMdegc,
            site,
            class: AccuracyClass::C,
            period_ms,
        });
        self.files.push(file);
    }
}

impl Sensor for ZoneSensor {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let at = monotonic_now();
        for (value, file) in row.iter_mut().zip(&mut self.files) {
            *value = file.text().and_then(text::number).filter(|mdegc| BELIEVED_MDEGC.contains(mdegc));
        }
        Ok(at)
    }
}
