//! The live battery, AC adapter, thermal zone and power meter of the laptop machine.
//!
//! `machine/battery.dsl` reads its values from a page of the guest's memory, which is a file of this machine.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::BenchError;

/// Where the ACPI table's values begin in the guest's memory.
const PAGE: u64 = 0x1000_0000;
/// The guest's memory.
pub(crate) const MEMORY_BYTES: u64 = 512 << 20;

/// A value that the guest's sensors show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaptopValue {
    /// Battery state: bit 0 discharging, bit 1 charging, bit 2 critical (ACPI 6.5, 10.2.2.11).
    BatteryState,
    /// Rate of charge or discharge, in mW.
    BatteryRateMw,
    /// Remaining energy, in mWh.
    BatteryRemainingMwh,
    /// Battery voltage, in mV.
    BatteryVoltageMv,
    /// Temperature of the thermal zone, in tenths of a kelvin.
    TemperatureDk,
    /// 1 while the AC adapter is plugged in.
    AcOnline,
    /// What the power meter shows, in mW.
    PowerMw,
}

impl LaptopValue {
    fn offset(self) -> u64 {
        match self {
            Self::BatteryState => 4,
            Self::BatteryRateMw => 8,
            Self::BatteryRemainingMwh => 12,
            Self::BatteryVoltageMv => 16,
            Self::TemperatureDk => 20,
            Self::AcOnline => 24,
            Self::PowerMw => 28,
        }
    }
}

/// A laptop on battery: 8.5 W drawn, 40 of 48 Wh left, 11.4 V, 40.05 °C, 9.1 W at the meter.
const AT_START: [(LaptopValue, u32); 7] = [
    (LaptopValue::BatteryState, 1),
    (LaptopValue::BatteryRateMw, 8_500),
    (LaptopValue::BatteryRemainingMwh, 40_000),
    (LaptopValue::BatteryVoltageMv, 11_400),
    (LaptopValue::TemperatureDk, 3_132),
    (LaptopValue::AcOnline, 0),
    (LaptopValue::PowerMw, 9_100),
];

/// Makes the file that is the guest's memory.
pub(crate) fn make_memory(file: &Path) -> Result<(), BenchError> {
    let memory = File::create(file).map_err(BenchError::io("cannot make", file))?;
    memory.set_len(MEMORY_BYTES).map_err(BenchError::io("cannot make", file))?;
    AT_START.iter().try_for_each(|(value, number)| set(file, *value, *number))
}

/// Changes a value; the guest's next reading shows it.
pub(crate) fn set(file: &Path, value: LaptopValue, number: u32) -> Result<(), BenchError> {
    let memory = File::options().write(true).open(file).map_err(BenchError::io("cannot open", file))?;
    memory
        .write_all_at(&number.to_le_bytes(), PAGE + value.offset())
        .map_err(BenchError::io("cannot write", file))
}
