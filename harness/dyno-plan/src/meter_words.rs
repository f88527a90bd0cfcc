//! The words within a meter's description: source, fields and their units, clock, knocks.

use dyno_model::meter::{ClockOrigin, Knock, MeterClock, MeterField, MeterSource};
use dyno_model::sample::{AccuracyClass, Quantity, Scope};
use schemars::JsonSchema;
use serde::Deserialize;

/// Where readings come from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum SourceWords {
    /// Asked over HTTP once a period.
    Http {
        /// The address: `http://{address}/status`.
        url: String,
    },
    /// Told by an MQTT broker.
    Mqtt {
        /// `host` or `host:port`: `{address}`.
        broker: String,
        /// The topic: `{topic}`.
        topic: String,
    },
    /// Written by a program, one line a reading.
    Lines {
        /// The program and its arguments; no shell reads them.
        argv: Vec<String>,
    },
    /// Lines of a file that grows, or that is put there before the measuring ends.
    File {
        /// Its path on the reading machine: `{path}`.
        path: String,
        /// How long the end waits for an export, in s: 0 if nothing is said.
        #[serde(default)]
        #[schemars(range(max = 86_400))]
        wait_s: u64,
    },
    /// A chip that the reading machine's kernel knows.
    Hwmon {
        /// How the site of its channels begins: `ina226`.
        site: String,
    },
}

/// How a reading is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FormatWord {
    /// JSON; `at` is a JSON pointer: `/ENERGY/Power`.
    Json,
    /// Columns; `at` is a name in the header, or `#1`, `#2` and so on.
    Csv,
    /// One number.
    Plain,
}

/// One value of a reading.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldWords {
    /// Where in the reading.
    #[serde(default)]
    pub(crate) at: String,
    /// Its unit, which says what it is, too.
    unit: UnitWord,
}

/// A unit of power, energy, voltage or current.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
enum UnitWord {
    /// Watt.
    #[serde(rename = "W")]
    Watt,
    /// Milliwatt.
    #[serde(rename = "mW")]
    Milliwatt,
    /// Microwatt.
    #[serde(rename = "uW")]
    Microwatt,
    /// Kilowatt.
    #[serde(rename = "kW")]
    Kilowatt,
    /// Joule.
    #[serde(rename = "J")]
    Joule,
    /// Millijoule.
    #[serde(rename = "mJ")]
    Millijoule,
    /// Microjoule.
    #[serde(rename = "uJ")]
    Microjoule,
    /// Watt-minute, 60 J.
    #[serde(rename = "Wmin")]
    WattMinute,
    /// Milliwatt-hour, 3.6 J.
    #[serde(rename = "mWh")]
    MilliwattHour,
    /// Watt-hour, 3600 J.
    #[serde(rename = "Wh")]
    WattHour,
    /// Kilowatt-hour.
    #[serde(rename = "kWh")]
    KilowattHour,
    /// Volt.
    #[serde(rename = "V")]
    Volt,
    /// Millivolt.
    #[serde(rename = "mV")]
    Millivolt,
    /// Microvolt.
    #[serde(rename = "uV")]
    Microvolt,
    /// Ampere.
    #[serde(rename = "A")]
    Ampere,
    /// Milliampere.
    #[serde(rename = "mA")]
    Milliampere,
    /// Microampere.
    #[serde(rename = "uA")]
    Microampere,
}

/// A meter's own clock.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockWords {
    /// Where in the reading.
    pub(crate) at: String,
    /// Its unit.
    unit: TimeWord,
    /// From when it counts.
    from: OriginWord,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TimeWord {
    /// Second.
    S,
    /// Millisecond.
    Ms,
    /// Microsecond.
    Us,
    /// Nanosecond.
    Ns,
}

/// From when a meter's clock counts.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OriginWord {
    /// 1970, by the clock of the machine that reads it.
    Epoch,
    /// Its own start; readings must come as they are made.
    Start,
    /// Its own start; found out by the knocks alone, as in an export.
    Knock,
}

/// What of a device a meter covers.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScopeWord {
    /// All that the supply or the battery feeds.
    Device,
    /// A module, without its carrier board.
    Board,
    /// One chip.
    Package,
    /// A part of it.
    Part,
}

/// How far a meter can be trusted.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub(crate) enum ClassWord {
    /// Calibrated, and outside of the device.
    A,
    /// A counter of the hardware.
    B,
    /// A sensor that is sampled.
    C,
    /// An estimate.
    D,
}

/// The loads by which a meter's clock is proved.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KnockWords {
    /// How long each load is, in ms.
    #[schemars(range(min = 50, max = 120_000))]
    busy_ms: u32,
    /// How long each rest is, in ms.
    #[schemars(range(min = 50, max = 120_000))]
    idle_ms: u32,
    /// How many loads; 0 is none.
    #[schemars(range(max = 20))]
    n: u32,
}

impl Default for KnockWords {
    fn default() -> Self {
        let Knock { busy_ms, idle_ms, n } = Knock::default();
        Self { busy_ms, idle_ms, n }
    }
}

impl SourceWords {
    /// The source, each text of it as `fill` gives it back.
    pub(crate) fn plan(&self, mut fill: impl FnMut(&str) -> String) -> MeterSource {
        match self {
            Self::Http { url } => MeterSource::Http { url: fill(url) },
            Self::Mqtt { broker, topic } => MeterSource::Mqtt { broker: fill(broker), topic: fill(topic) },
            Self::Lines { argv } => MeterSource::Lines { argv: argv.iter().map(|arg| fill(arg)).collect() },
            Self::File { path, wait_s } => MeterSource::File { path: fill(path), wait_ms: wait_s * 1000 },
            Self::Hwmon { site } => MeterSource::Hwmon { site: fill(site) },
        }
    }
}

impl FieldWords {
    pub(crate) fn plan(&self) -> MeterField {
        let (quantity, scale) = self.unit.plan();
        MeterField { at: self.at.clone(), quantity, scale }
    }
}

impl UnitWord {
    /// The quantity, and how many of its own units one of these is.
    fn plan(self) -> (Quantity, i64) {
        match self {
            Self::Watt => (Quantity::PowerUw, 1_000_000),
            Self::Milliwatt => (Quantity::PowerUw, 1000),
            Self::Microwatt => (Quantity::PowerUw, 1),
            Self::Kilowatt => (Quantity::PowerUw, 1_000_000_000),
            Self::Joule => (Quantity::EnergyUj, 1_000_000),
            Self::Millijoule => (Quantity::EnergyUj, 1000),
            Self::Microjoule => (Quantity::EnergyUj, 1),
            Self::WattMinute => (Quantity::EnergyUj, 60_000_000),
            Self::MilliwattHour => (Quantity::EnergyUj, 3_600_000),
            Self::WattHour => (Quantity::EnergyUj, 3_600_000_000),
            Self::KilowattHour => (Quantity::EnergyUj, 3_600_000_000_000),
            Self::Volt => (Quantity::VoltageUv, 1_000_000),
            Self::Millivolt => (Quantity::VoltageUv, 1000),
            Self::Microvolt => (Quantity::VoltageUv, 1),
            Self::Ampere => (Quantity::CurrentUa, 1_000_000),
            Self::Milliampere => (Quantity::CurrentUa, 1000),
            Self::Microampere => (Quantity::CurrentUa, 1),
        }
    }
}

impl ClockWords {
    pub(crate) fn plan(&self) -> MeterClock {
        let unit_ns = match self.unit {
            TimeWord::S => 1_000_000_000,
            TimeWord::Ms => 1_000_000,
            TimeWord::Us => 1000,
            TimeWord::Ns => 1,
        };
        let origin = match self.from {
            OriginWord::Epoch => ClockOrigin::Wall,
            OriginWord::Start => ClockOrigin::Start,
            OriginWord::Knock => ClockOrigin::Knock,
        };
        MeterClock::Own { at: self.at.clone(), unit_ns, origin }
    }
}

impl ScopeWord {
    pub(crate) fn plan(self) -> Scope {
        match self {
            Self::Device => Scope::Device,
            Self::Board => Scope::Board,
            Self::Package => Scope::Package,
            Self::Part => Scope::Part,
        }
    }
}

impl ClassWord {
    pub(crate) fn plan(self) -> AccuracyClass {
        match self {
            Self::A => AccuracyClass::A,
            Self::B => AccuracyClass::B,
            Self::C => AccuracyClass::C,
            Self::D => AccuracyClass::D,
        }
    }
}

impl KnockWords {
    pub(crate) fn plan(&self) -> Option<Knock> {
        let Self { busy_ms, idle_ms, n } = *self;
        (n > 0).then_some(Knock { busy_ms, idle_ms, n })
    }
}
