//! The driver: `powermetrics`, the rating of thermal pressure, and the memory that is charged to the runtime.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, Sensor, SensorDriver};
use crate::error::SensorError;
use crate::macos::powermetrics::{ARGS, Columns, Meter, PROGRAM};
use crate::root::SysRoot;
use crate::{facts, figures, sys};

/// Finds a sensor each for power, thermal pressure and the runtime's memory.
pub(crate) struct Mac;

impl SensorDriver for Mac {
    fn name(&self) -> &'static str {
        "macos"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        if !root.is_real() {
            return Ok(found);
        }
        let period_ms = context.slow_period_ms;
        let pressure = Channel::new(Quantity::HeatState, "thermal pressure", AccuracyClass::C, period_ms);
        match sys::ThermalPressure::watch() {
            Some(watch) => found.sensors.push(Box::new(Pressure { channel: [pressure], watch })),
            None => found.leave_out(self.name(), "thermal pressure", &"the system does not tell it"),
        }
        let footprint = Channel::new(Quantity::FootprintBytes, "process", AccuracyClass::A, period_ms);
        let watched = Arc::clone(&context.watched);
        found.sensors.push(Box::new(Footprint { channel: [footprint], watched }));
        match meter(root, period_ms) {
            Ok(meter) => found.sensors.push(Box::new(meter)),
            Err(why) => found.leave_out(self.name(), PROGRAM, &why),
        }
        Ok(found)
    }
}

/// Tries the program once, then starts it for good.
fn meter(root: &SysRoot, period_ms: u32) -> Result<Meter, String> {
    if !sys::is_root() {
        return Err("only root may start it: run the agent with sudo".to_owned());
    }
    let trial = [ARGS, &["-n", "1", "-i", "200"]].concat();
    let said = facts::ask(root, PROGRAM, &trial)?.ok_or("this system does not have it")?;
    let columns = Columns::of(&said, period_ms).ok_or("it tells no power on this machine")?;
    let path = root.path(&format!("usr/bin/{PROGRAM}")).map_err(|error| error.to_string())?;
    Meter::start(&path, columns).map_err(|error: io::Error| format!("cannot be started: {error}"))
}

/// The rating of heat: 0 nominal, 1 moderate, 2 heavy, 3 trapping, 4 sleeping.
struct Pressure {
    channel: [Channel; 1],
    watch: sys::ThermalPressure,
}

impl Sensor for Pressure {
    fn channels(&self) -> &[Channel] {
        &self.channel
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let level = self.watch.level().filter(|level| figures::believed(Quantity::HeatState).contains(level));
        row[0] = level;
        Ok(monotonic_now())
    }
}

/// What the kernel charges to the runtime's process, the buffers of Metal among it.
struct Footprint {
    channel: [Channel; 1],
    watched: Arc<AtomicU32>,
}

impl Sensor for Footprint {
    fn channels(&self) -> &[Channel] {
        &self.channel
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let pid = self.watched.load(Ordering::Acquire);
        if pid == 0 {
            return Err(SensorError::NotAttached);
        }
        row[0] = sys::footprint_bytes(pid);
        Ok(monotonic_now())
    }
}
