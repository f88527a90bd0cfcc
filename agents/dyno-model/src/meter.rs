//! External meters: what is read from them, how, and what came of it.
//!
//! A meter measures one device from outside. Its readings carry the clock of the machine that reads it, or its own;
//! how far that clock is from the measured device's is noted beside them, never worked into them.

use serde::{Deserialize, Serialize};

use crate::clock::MonoNs;
use crate::ids::DeviceId;
use crate::plan::TransportSpec;
use crate::sample::{AccuracyClass, Quantity, SampleBatch, Scope, SensorDeclared};

/// The numbers of meters as sensors of a launch begin here, above all that a device has of its own.
pub const FIRST_METER_SENSOR: u16 = 0x8000;

/// The name of the driver of all meters.
pub const METER_DRIVER: &str = "meter";

/// The driver of a meter whose knocks were not found where they must be: its rows are not to be put beside a device's.
pub const UNALIGNED_DRIVER: &str = "meter-unaligned";

/// A meter as the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedMeter {
    /// What it is, in words.
    pub title: String,
    /// Whose power it measures.
    pub device: DeviceId,
    /// On which device it is read; `None` is the controller's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<MeterHost>,
    /// Where readings come from.
    pub source: MeterSource,
    /// How a reading is written.
    pub format: MeterFormat,
    /// What is taken from each reading.
    pub fields: Vec<MeterField>,
    /// When a reading was made.
    #[serde(default)]
    pub clock: MeterClock,
    /// How often there is a reading; a source that is asked is asked so often.
    pub period_ms: u32,
    /// How much older a value is than its stamp: half its averaging time, and what its maker says.
    #[serde(default)]
    pub latency_ms: u32,
    /// What of the device it covers.
    pub scope: Scope,
    /// How far it can be trusted.
    pub class: AccuracyClass,
    /// Its error in proportion to the value, in millionths.
    #[serde(default)]
    pub gain_ppm: u32,
    /// Its error whatever the value is.
    #[serde(default)]
    pub offset_uw: u64,
    /// Power below this is no reading but the end of its range; `None` is no such end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest_uw: Option<u64>,
    /// Its counter of energy begins at 0 again after this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wraps_at_uj: Option<u64>,
    /// How its clock is proved; `None` is not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knock: Option<Knock>,
}

/// The machine that reads a meter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterHost {
    /// Its name among the devices.
    pub device: DeviceId,
    /// How to reach it.
    pub transport: TransportSpec,
    /// As in [`crate::plan::PlannedDevice`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_dir: Option<String>,
}

/// Where readings come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum MeterSource {
    /// Asked over HTTP, without TLS, once a period; each answer is one reading.
    Http {
        /// The address.
        url: String,
    },
    /// Told by an MQTT 3.1.1 broker; each message is one reading.
    Mqtt {
        /// `host` or `host:port`.
        broker: String,
        /// The topic, without wildcards.
        topic: String,
    },
    /// Written by a program, one line a reading, until it is ended.
    Lines {
        /// The program and its arguments; no shell reads them.
        argv: Vec<String>,
    },
    /// Lines of a file that grows while it is read, or that is put there before the session ends.
    File {
        /// Its path on the reading machine.
        path: String,
        /// How long the end of a session waits for it, where nothing was in it yet.
        wait_ms: u64,
    },
    /// A chip that the reading machine's kernel knows.
    Hwmon {
        /// How the site of its channels begins: `ina226`, `VDD_IN`.
        site: String,
    },
}

/// How a reading is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum MeterFormat {
    /// JSON; fields are JSON pointers (RFC 6901).
    Json,
    /// Columns; fields are names in the header, or `#1`, `#2` and so on.
    Csv {
        /// What stands between them.
        delimiter: char,
    },
    /// One number.
    Plain,
    /// Values as the kernel's driver gives them; there are no fields to name.
    Kernel,
}

/// One value of a reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterField {
    /// Where in the reading; empty where there is but one number.
    pub at: String,
    /// What it is.
    pub quantity: Quantity,
    /// How many of the quantity's own units one of the source's is: 1,000,000 for W, 3,600,000,000 for Wh; below 0
    /// where it counts the other way.
    pub scale: i64,
}

/// When a reading was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum MeterClock {
    /// When it came; of an answer, half-way between question and answer.
    #[default]
    Receipt,
    /// When it says.
    Own {
        /// Where in the reading, like [`MeterField::at`].
        at: String,
        /// How long one of its units is.
        unit_ns: u64,
        /// From when it counts.
        origin: ClockOrigin,
    },
}

/// From when a meter's own clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockOrigin {
    /// 1970: it is the wall clock of the machine that reads it.
    Wall,
    /// Whenever it was started; found out by the reading that came with the least delay.
    Start,
    /// Whenever it was started; found out by the power knocks alone, as in an export made afterwards.
    Knock,
}

/// A known pattern of load by which a meter's clock is proved: rest, then load and rest, so many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knock {
    /// How long each load is.
    pub busy_ms: u32,
    /// How long each rest is.
    pub idle_ms: u32,
    /// How many loads.
    pub n: u32,
}

impl Default for Knock {
    /// MEASUREMENT §4.3 (house rule).
    fn default() -> Self {
        Self { busy_ms: 5000, idle_ms: 5000, n: 3 }
    }
}

/// Why readings are not in the rows, each a count since the meter was begun.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MeterCounts {
    /// Rows kept.
    pub n_rows: u64,
    /// Readings that could not be understood: text, another form, a field that is not there.
    pub n_garbled: u64,
    /// Values that cannot be: not a number, below 0, beyond all reason.
    pub n_absurd: u64,
    /// Values of power below the meter's range.
    pub n_too_low: u64,
    /// Readings whose stamp was not after the one before.
    pub n_disordered: u64,
    /// Readings lost for want of room.
    pub n_dropped: u64,
    /// Times that the source failed and was sought again.
    pub n_failures: u64,
    /// The last failure, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}

/// How a reader's clock becomes the measured device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClockMap {
    /// The device's instant is the reader's plus this.
    pub offset_ns: i64,
    /// The true offset lies within this of it.
    pub err_ns: u64,
}

impl ClockMap {
    /// The device's instant of one of the reader's; `None` where it would lie before all time.
    pub fn map(self, at: MonoNs) -> Option<MonoNs> {
        let mapped = i128::from(at.0) + i128::from(self.offset_ns);
        u64::try_from(mapped).ok().map(MonoNs)
    }
}

/// Rows of a meter within one launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metered {
    /// The meter's name in the plan.
    pub meter: String,
    /// Its channels, as a sensor of the launch.
    pub declared: SensorDeclared,
    /// Its rows, by the clock of the machine that read them.
    pub batch: SampleBatch,
    /// How that becomes the measured device's clock; the meter's latency is in it.
    pub clock: ClockMap,
    /// What was not kept, since the meter was begun.
    pub counts: MeterCounts,
}

/// What came of the power knocks of one meter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterKnocked {
    /// The meter's name in the plan.
    pub meter: String,
    /// Each load of the knocks, from and to, by the measured device's clock.
    pub loads: Vec<(MonoNs, MonoNs)>,
    /// Rows that were there to be looked at.
    pub n_rows: u64,
    /// How much later the meter shows the loads than they were; `None` where it does not show them.
    pub shift_ns: Option<i64>,
    /// Correlation of the rows with the loads at that shift, in thousandths.
    pub correlation_milli: Option<i32>,
    /// Mean power during the loads less mean power between them.
    pub step_uw: Option<i64>,
    /// What follows.
    pub verdict: KnockVerdict,
}

/// Whether a meter's rows may be put beside the device's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum KnockVerdict {
    /// The loads are where they must be, to within half a period.
    Aligned,
    /// The meter's own clock was set by them; the knocks at the other end prove it.
    Placed,
    /// They are not.
    Unaligned {
        /// Why not.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_mapped_both_ways_and_never_before_all_time() {
        let map = |offset_ns| ClockMap { offset_ns, err_ns: 0 }.map(MonoNs(1000));
        assert_eq!((map(500), map(-1000), map(-1001)), (Some(MonoNs(1500)), Some(MonoNs(0)), None));
        assert_eq!(ClockMap { offset_ns: 1, err_ns: 0 }.map(MonoNs(u64::MAX)), None);
    }

    #[test]
    fn a_short_description_is_enough() {
        let json = r#"{"title":"plug","device":"pi","source":{"kind":"http","url":"http://10.0.0.7/rpc"},
            "format":{"kind":"json"},"fields":[{"at":"/apower","quantity":"power_uw","scale":1000000}],
            "period_ms":1000,"scope":"device","class":"A"}"#;
        let meter: PlannedMeter = serde_json::from_str(json).expect("all else has its own value");
        assert_eq!((meter.clock, meter.knock, meter.host), (MeterClock::Receipt, None, None));
        assert_eq!(Knock::default(), Knock { busy_ms: 5000, idle_ms: 5000, n: 3 });
    }
}
