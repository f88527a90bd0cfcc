//! A chip that this machine's kernel knows, as the meter of another device's supply.

use std::fmt;
use std::time::{Duration, Instant};

use dyno_model::sample::Quantity;

use crate::driver::{ProbeContext, Sensor, SensorDriver as _};
use crate::hwmon::Hwmon;
use crate::meter::error::MeterError;
use crate::meter::intake::Intake;
use crate::meter::source::{Source, Stop};
use crate::root::SysRoot;

/// What a meter can say.
const QUANTITIES: [Quantity; 4] =
    [Quantity::PowerUw, Quantity::EnergyUj, Quantity::VoltageUv, Quantity::CurrentUa];

/// One sensor of the driver, and which of its columns are asked for.
pub(crate) struct Chip {
    sensor: Box<dyn Sensor>,
    columns: Vec<usize>,
    period: Duration,
}

impl fmt::Debug for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chip").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl Chip {
    pub(crate) fn find(site: &str, period_ms: u32) -> Result<Self, MeterError> {
        Self::find_in(&SysRoot::real(), site, period_ms)
    }

    fn find_in(root: &SysRoot, site: &str, period_ms: u32) -> Result<Self, MeterError> {
        let no_chip = || MeterError::NoChip { site: site.to_owned() };
        // Best effort: a machine whose chips cannot be listed has none that can be read.
        let found = Hwmon.probe(root, &ProbeContext::new(period_ms)).map_err(|_unlisted| no_chip())?;
        for sensor in found.sensors {
            let columns: Vec<usize> = (0..)
                .zip(sensor.channels())
                .filter_map(|(idx, channel)| {
                    let fits = channel.site.starts_with(site) && QUANTITIES.contains(&channel.quantity);
                    fits.then_some(idx)
                })
                .collect();
            if !columns.is_empty() {
                return Ok(Self { sensor, columns, period: Duration::from_millis(u64::from(period_ms)) });
            }
        }
        Err(no_chip())
    }
}

impl Source for Chip {
    fn run(&mut self, intake: &Intake, stop: &Stop) -> Result<(), MeterError> {
        let mut row = vec![None; self.sensor.channels().len()];
        let mut due = Instant::now();
        while stop.wait_until(due) {
            row.fill(None);
            // A row that cannot be had now is a gap.
            if let Ok(at) = self.sensor.read(&mut row) {
                let values: Vec<_> = self.columns.iter().map(|column| row[*column]).collect();
                intake.put(&values, at);
            }
            due = (due + self.period).max(Instant::now());
        }
        Ok(())
    }

    fn quantities(&self) -> Option<Vec<Quantity>> {
        Some(self.columns.iter().map(|column| self.sensor.channels()[*column].quantity).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_shunt_is_found_by_its_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let chip = dir.path().join("sys/class/hwmon/hwmon0");
        fs::create_dir_all(&chip).expect("a tree");
        // Documentation/hwmon/ina2xx.rst: in1_input mV, curr1_input mA, power1_input µW.
        for (file, text) in [
            ("name", "ina226\n"),
            ("in1_input", "5100\n"),
            ("curr1_input", "1500\n"),
            ("power1_input", "7650000\n"),
        ] {
            fs::write(chip.join(file), text).expect("a file");
        }
        let root = SysRoot::tree(dir.path());
        let mut chip = Chip::find_in(&root, "ina226", 100).expect("there is one");
        let mut row = vec![None; chip.sensor.channels().len()];
        chip.sensor.read(&mut row).expect("a row");
        let quantities = chip.quantities().expect("a chip knows what it measures");
        let power = chip.columns.iter().zip(quantities).find(|(_, of)| *of == Quantity::PowerUw);
        assert_eq!(power.and_then(|(column, _)| row[*column]), Some(7_650_000));
        assert!(matches!(Chip::find_in(&root, "ina3221", 100), Err(MeterError::NoChip { .. })));
    }
}
