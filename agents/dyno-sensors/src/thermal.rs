//! Temperatures and mitigation: `/sys/class/thermal`, one channel per zone and per cooling device, known by `type`.

use std::io;

use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, SensorDriver};
use crate::error::SensorError;
use crate::figures::{Figures, Form};
use crate::hot::{HotFile, may_pass};
use crate::root::SysRoot;
use crate::text;

/// Where the zones are.
pub(crate) const FOLDER: &str = "sys/class/thermal";
/// More zones than this are not sampled (house rule): phones have up to about 100, boards fewer than 10.
const MAX_ZONES: usize = 64;
/// More cooling devices than this are not sampled (house rule): phones have up to about 60.
const MAX_COOLING: usize = 64;
/// Temperatures that are believed, in m°C: −40 °C to 150 °C (house rule).
pub(crate) const BELIEVED_MDEGC: std::ops::RangeInclusive<i64> = -40_000..=150_000;
/// Zones of Qualcomm's limits hardware: they say 75000 whatever the temperature is.
pub(crate) const LIMIT_TYPE: &str = "lmh-dcvs";

/// Finds one sensor with a channel for each zone, as site `thermal_zone0 cpu-thermal`, and one with the state of each
/// cooling device, as site `cooling_device0 pwm-fan`.
pub(crate) struct Thermal;

impl SensorDriver for Thermal {
    fn name(&self) -> &'static str {
        "thermal"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        self.zones(root, context, &mut found)?;
        self.cooling(root, context, &mut found)?;
        Ok(found)
    }
}

impl Thermal {
    fn zones(&self, root: &SysRoot, context: &ProbeContext, found: &mut Found) -> Result<(), SensorError> {
        let of = (FOLDER, "zones", MAX_ZONES);
        let mut sensor = Figures::default();
        for zone in found.names(root, self.name(), of, |name| name.starts_with("thermal_zone"))? {
            let site = site(root, &zone);
            match open(root, &zone, &site) {
                Ok(file) => {
                    let channel =
                        Channel::new(Quantity::TempMdegc, site, AccuracyClass::C, context.slow_period_ms);
                    sensor.add_open(file, Form::Times(1), channel);
                }
                Err(error) => found.leave_out(self.name(), site, &error),
            }
        }
        sensor.give(found);
        Ok(())
    }

    fn cooling(&self, root: &SysRoot, context: &ProbeContext, found: &mut Found) -> Result<(), SensorError> {
        let of = (FOLDER, "cooling devices", MAX_COOLING);
        let mut sensor = Figures::default();
        for device in found.names(root, self.name(), of, |name| name.starts_with("cooling_device"))? {
            let site = site(root, &device);
            let path = format!("{FOLDER}/{device}/cur_state");
            let channel =
                Channel::new(Quantity::CoolingState, &*site, AccuracyClass::A, context.slow_period_ms);
            if let Err(error) = sensor.add(root, &path, Form::Times(1), channel) {
                found.leave_out(self.name(), site, &error);
            }
        }
        sensor.give(found);
        Ok(())
    }
}

/// The name with its type, where it tells one.
fn site(root: &SysRoot, name: &str) -> String {
    match root.text(&format!("{FOLDER}/{name}/type")) {
        Some(kind) => format!("{name} {kind}"),
        None => name.to_owned(),
    }
}

/// The zone's `temp`, if it gives a believable temperature now or may give one later.
fn open(root: &SysRoot, zone: &str, site: &str) -> io::Result<HotFile> {
    let refused = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason);
    if site.contains(LIMIT_TYPE) {
        return Err(refused("a limit, not a temperature"));
    }
    let mut file = HotFile::open(root, &format!("{FOLDER}/{zone}/temp"), 64)?;
    let text = match file.read() {
        Ok(text) => text,
        Err(error) if may_pass(&error) => return Ok(file),
        Err(error) => return Err(error),
    };
    match text::number(text) {
        Some(value) if BELIEVED_MDEGC.contains(&value) => Ok(file),
        Some(value) => Err(refused(&format!("{value} m°C is not between -40000 and 150000"))),
        None => Err(refused("not a number")),
    }
}
