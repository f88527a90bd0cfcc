//! Batteries and chargers: `/sys/class/power_supply` (Documentation/ABI/testing/sysfs-class-power).
//!
//! The gauge's figures are kept as it tells them: the sign of a current, and on some phones its unit, differ between
//! makers, and only a known load settles them. What a battery gives says nothing while it is being charged: its state
//! is a channel of the same row.

use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};

use crate::driver::{Found, ProbeContext, SensorDriver};
use crate::error::SensorError;
use crate::figures::{Figures, Form};
use crate::root::SysRoot;

/// Where supplies are.
pub(crate) const FOLDER: &str = "sys/class/power_supply";
/// More supplies than this are not looked at (house rule).
const MAX_SUPPLIES: usize = 64;
/// More batteries than this are not sampled (house rule): laptops have up to two.
const MAX_BATTERIES: usize = 4;
/// The kernel's numbers for these words (include/linux/power_supply.h); `Unknown`, 0 there, is not readable.
const STATES: &[(&str, i64)] = &[("Charging", 1), ("Discharging", 2), ("Not charging", 3), ("Full", 4)];
/// The name that phones give to the battery as the system sees it, beside gauges of it under other names.
const MAIN: &str = "battery";

/// A file of a battery, how it is read, and those of which only the first that can be read is taken.
type Gauge = (&'static str, Quantity, Form);
const GAUGES: &[&[Gauge]] = &[
    &[("status", Quantity::ChargeState, Form::Words(STATES))],
    &[("voltage_now", Quantity::VoltageUv, Form::Times(1))],
    &[("current_now", Quantity::CurrentUa, Form::Times(1))],
    &[
        ("charge_now", Quantity::ChargeUah, Form::Times(1)),
        ("charge_counter", Quantity::ChargeUah, Form::Times(1)),
    ],
    &[("energy_now", Quantity::StoredUwh, Form::Times(1))],
    &[("capacity", Quantity::CapacityPermille, Form::Times(10))],
    &[("temp", Quantity::TempMdegc, Form::Times(100))],
];

/// Finds a sensor for each battery that feeds the device, as site `BAT0`, and one with the other supplies, as `AC`.
pub(crate) struct PowerSupply;

impl SensorDriver for PowerSupply {
    fn name(&self) -> &'static str {
        "power_supply"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        let names = found.names(root, self.name(), (FOLDER, "supplies", MAX_SUPPLIES), |_any| true)?;
        let (batteries, others): (Vec<&String>, Vec<&String>) =
            names.iter().partition(|name| is_battery(root, name));
        let batteries: Vec<&String> =
            batteries.into_iter().filter(|name| feeds_the_device(root, name)).collect();
        let has_main = batteries.iter().any(|name| *name == MAIN);
        for (idx, name) in batteries.into_iter().enumerate() {
            if has_main && name != MAIN {
                found.leave_out(self.name(), &**name, &"another view of the battery that is sampled");
            } else if !has_main && idx >= MAX_BATTERIES {
                found.leave_out(
                    self.name(),
                    &**name,
                    &format_args!("more than {MAX_BATTERIES} are not sampled"),
                );
            } else {
                self.battery(root, context, name, &mut found);
            }
        }
        self.plugs(root, context, &others, &mut found);
        Ok(found)
    }
}

impl PowerSupply {
    fn battery(&self, root: &SysRoot, context: &ProbeContext, name: &str, found: &mut Found) {
        let mut sensor = Figures::default();
        let channel = |quantity, class| Channel::new(quantity, name, class, context.slow_period_ms);
        let mut columns = [None; 2];
        for choices in GAUGES {
            for (file, quantity, form) in *choices {
                let path = format!("{FOLDER}/{name}/{file}");
                match sensor.add(root, &path, *form, channel(*quantity, AccuracyClass::C)) {
                    Ok(column) => {
                        match quantity {
                            Quantity::VoltageUv => columns[0] = Some(column),
                            Quantity::CurrentUa => columns[1] = Some(column),
                            _ => {}
                        }
                        break;
                    }
                    Err(error) => found.leave_out_if_there(self.name(), format!("{name} {file}"), &error),
                }
            }
        }
        let power = |class| Channel { scope: Some(Scope::Device), ..channel(Quantity::PowerUw, class) };
        let told =
            sensor.add(root, &format!("{FOLDER}/{name}/power_now"), Form::Times(1), power(AccuracyClass::C));
        match (told, columns) {
            (Ok(_), _) => {}
            (Err(_none_told), [Some(voltage), Some(current)]) => {
                sensor.add_power(voltage, current, power(AccuracyClass::D));
            }
            (Err(error), _) => found.leave_out_if_there(self.name(), format!("{name} power_now"), &error),
        }
        sensor.give(found);
    }

    /// Supplies that say whether they are plugged in.
    fn plugs(&self, root: &SysRoot, context: &ProbeContext, names: &[&String], found: &mut Found) {
        let mut sensor = Figures::default();
        for name in names {
            // Chargers tell more than yes and no: 2 is "programmable".
            let form = Form::Words(&[("0", 0), ("1", 1), ("2", 1)]);
            let channel =
                Channel::new(Quantity::PluggedState, &***name, AccuracyClass::C, context.slow_period_ms);
            if let Err(error) = sensor.add(root, &format!("{FOLDER}/{name}/online"), form, channel) {
                found.leave_out_if_there(self.name(), format!("{name} online"), &error);
            }
        }
        sensor.give(found);
    }
}

fn is_battery(root: &SysRoot, name: &str) -> bool {
    root.text(&format!("{FOLDER}/{name}/type")).as_deref() == Some("Battery")
}

/// Whether a supply is a battery of the device itself: scope `Device` is the battery of a mouse.
pub(crate) fn feeds_the_device(root: &SysRoot, name: &str) -> bool {
    is_battery(root, name) && root.text(&format!("{FOLDER}/{name}/scope")).as_deref() != Some("Device")
}
