//! Clocks of GPUs, memory and other devices: `/sys/class/devfreq`, one channel per device.

use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, SensorDriver};
use crate::error::SensorError;
use crate::figures::{Figures, Form};
use crate::root::SysRoot;

const FOLDER: &str = "sys/class/devfreq";
/// More devices than this are not sampled (house rule): phones have up to about 30.
const MAX_DEVICES: usize = 32;
/// The least highest clock that is believed to be one in Hz: 10 MHz (house rule).
const LEAST_HZ: u64 = 10_000_000;
/// The least highest clock that is believed to be one in kHz: 100 MHz (house rule).
const LEAST_KHZ: u64 = 100_000;

/// Finds one sensor with the clock of each device, as site `17000000.gpu`, and one with their caps.
pub(crate) struct Devfreq;

impl SensorDriver for Devfreq {
    fn name(&self) -> &'static str {
        "devfreq"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        let (mut clocks, mut caps) = (Figures::default(), Figures::default());
        for device in found.names(root, self.name(), (FOLDER, "devices", MAX_DEVICES), |_any| true)? {
            let file = |name: &str| format!("{FOLDER}/{device}/{name}");
            let Some(form) = form(root.number(&file("max_freq"))) else {
                found.leave_out(self.name(), &*device, &"its highest clock does not tell a unit");
                continue;
            };
            let channel =
                |quantity| Channel::new(quantity, &*device, AccuracyClass::C, context.slow_period_ms);
            if let Err(error) = clocks.add(root, &file("cur_freq"), form, channel(Quantity::FreqKhz)) {
                found.leave_out(self.name(), &*device, &error);
                continue;
            }
            // Best effort: the cap was read just now; where it cannot be kept open there is none.
            let _no_cap = caps.add(root, &file("max_freq"), form, channel(Quantity::FreqCapKhz));
        }
        clocks.give(&mut found);
        caps.give(&mut found);
        Ok(found)
    }
}

/// How clocks are read.
///
/// Documentation/ABI/testing/sysfs-class-devfreq says Hz; some makers' drivers tell kHz, and others bandwidths.
fn form(max_freq: Option<u64>) -> Option<Form> {
    match max_freq? {
        LEAST_HZ.. => Some(Form::Over(1000)),
        LEAST_KHZ.. => Some(Form::Times(1)),
        _ => None,
    }
}
