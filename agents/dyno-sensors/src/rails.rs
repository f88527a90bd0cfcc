//! Rails of boards with an INA3221, as Jetsons have them: voltage and current of three rails, known by their labels.
//!
//! The chip has no register of power: it is the product of the two, 1 mV × 1 mA being 1 µW. Each read waits for the
//! chip's next conversion (drivers/hwmon/ina3221.c), 7 ms as boards set it, so that a rail is a row of its own.

use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};

use crate::driver::{Found, ProbeContext};
use crate::figures::{Figures, Form};
use crate::root::SysRoot;

const DRIVER: &str = "hwmon";
/// Channels of the chip; inputs 4 to 7 are the shunts' voltages.
const N_RAILS: u32 = 3;
/// The label of an input that the board does not use.
const UNUSED: &str = "NC";

/// Adds a sensor for each rail, as site `VDD_IN`.
pub(crate) fn probe(root: &SysRoot, context: &ProbeContext, folder: &str, found: &mut Found) {
    for n in 1..=N_RAILS {
        let file = |name: &str| root.text(&format!("{folder}/{name}"));
        // An input without a label, or one that is switched off, has no rail.
        let label = file(&format!("in{n}_label")).filter(|label| label != UNUSED);
        let is_off = file(&format!("in{n}_enable")).as_deref() == Some("0");
        let Some(label) = label.filter(|_| !is_off) else { continue };
        let mut sensor = Figures::default();
        let channel = |quantity| Channel::new(quantity, &*label, AccuracyClass::C, context.period_ms);
        let milli = Form::Times(1000);
        let voltage = sensor.add(root, &format!("{folder}/in{n}_input"), milli, channel(Quantity::VoltageUv));
        let current =
            sensor.add(root, &format!("{folder}/curr{n}_input"), milli, channel(Quantity::CurrentUa));
        match (voltage, current) {
            (Ok(voltage), Ok(current)) => {
                let power = Channel { scope: Some(scope(&label)), ..channel(Quantity::PowerUw) };
                sensor.add_power(voltage, current, power);
                sensor.give(found);
            }
            (Err(error), _) => found.leave_out(DRIVER, format!("{label} voltage"), &error),
            (_, Err(error)) => found.leave_out(DRIVER, format!("{label} current"), &error),
        }
    }
}

/// `VDD_IN` feeds the module with all other rails, as in arch/arm64/boot/dts/nvidia/tegra234-p3767.dtsi.
///
/// AGX Orin (tegra234-p3701.dtsi) has no such rail: each of its rails is a part, and whether one holds another is not
/// documented.
fn scope(label: &str) -> Scope {
    // The older Jetsons call it so too, by the names of their own schematics.
    if matches!(label, "VDD_IN" | "POM_5V_IN") { Scope::Board } else { Scope::Part }
}
