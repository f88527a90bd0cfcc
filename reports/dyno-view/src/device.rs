//! What is known of a device.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceView {
    /// Its id in devices.toml.
    pub id: String,
    /// How it was reached.
    pub transport: String,
    /// How its clock stood to the controller's; `None` where they were not compared.
    #[serde(default)]
    pub clock: Option<ClockView>,
    /// Facts as label and value, in the order to show; a value of `None` could not be read.
    pub facts: Vec<FactView>,
}

/// How a device's clock stood to the controller's. No latency is ever a difference of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockView {
    /// Device minus controller, of the wall clocks, where they were compared best.
    pub wall_offset_ns: i64,
    /// The true offset lies within this of it.
    pub err_ns: u64,
    /// How often the clocks were compared, in all sessions.
    pub n_comparisons: u64,
    /// How fast the clocks part; `None` with fewer than 3 comparisons or within less than 10 s of one session.
    pub drift: Option<DriftView>,
}

/// How fast two clocks part: a straight line through the offsets of one session, by least squares.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DriftView {
    /// Parts per million; positive when the device's monotonic clock is the faster.
    pub ppm: f64,
    /// The true drift of the line lies within this of it, as far as the offsets lie within their errors.
    pub err_ppm: f64,
    /// Comparisons behind it.
    pub n: u64,
    /// From the first to the last of them.
    pub span_ns: u64,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FactView {
    /// What.
    pub label: String,
    /// The value; `None` could not be read.
    pub value: Option<FactValue>,
}

/// A value with its kind, so that the renderer words it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum FactValue {
    /// Words.
    Text(String),
    /// A count.
    Count(u64),
    /// A size.
    Bytes(u64),
    /// A clock.
    Khz(u64),
    /// A duration.
    Ns(u64),
    /// A SHA-256.
    Digest(String),
}
