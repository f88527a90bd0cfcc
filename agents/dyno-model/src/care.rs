//! What surrounds the load of a launch: rests, a cool-down, limits, and how long the load is held.

use serde::{Deserialize, Serialize};

use crate::clock::MonoNs;

/// How a device is treated around each load; all that is not asked for is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Care {
    /// Waits before a launch until the device has cooled down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cool_down: Option<CoolDown>,
    /// Rest before the runtime is started: the idle power of the device. 0 is none.
    #[serde(default)]
    pub idle_ms: u64,
    /// Rest when the runtime is ready, before the first request: the idle power of the device with it. 0 is none.
    #[serde(default)]
    pub ready_idle_ms: u64,
    /// How long, at most, the device is watched after the load until it is as cool as before. 0 is not at all.
    #[serde(default)]
    pub recovery_ms: u64,
    /// What stops a launch.
    #[serde(default)]
    pub limits: Limits,
    /// Time for finding out what memory bandwidth and arithmetic the device has, once for each contact. 0 is none.
    #[serde(default)]
    pub machine_ms: u64,
    /// Whether each source of power is tried against a known step of load, once for each contact.
    #[serde(default)]
    pub test_sensors: bool,
}

/// When a device has cooled down (MEASUREMENT §5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoolDown {
    /// No temperature is further than this above its baseline, which is that of the campaign's first launch there.
    pub above_mdegc: u32,
    /// For so long without a break.
    pub for_ms: u64,
    /// After so long the launch begins all the same, and is marked.
    pub limit_ms: u64,
}

/// What stops a launch safely: its outcome is then [`crate::outcome::Outcome::AtLimit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// A temperature of any zone that is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_temp_mdegc: Option<u32>,
    /// A charge of the battery that is reached from above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_battery_permille: Option<u32>,
}

/// A load that goes on: the run's requests go round as often as needed.
///
/// Request number `n` of such a launch is request `n` modulo their number of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// No request is begun after that long.
    pub for_ms: u64,
    /// No more requests than that; `None` is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_requests: Option<u32>,
    /// Ends sooner once rate and temperatures are steady, and never before this; `None` is never sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady_after_ms: Option<u64>,
    /// Work and rest in turn; `None` is without rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<Duty>,
}

/// A duty cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// Requests are begun for so long,
    pub work_ms: u64,
    /// and then none for so long.
    pub rest_ms: u64,
}

/// What went on in a part of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// Waiting for the device to cool down.
    CoolDown,
    /// At rest, without the runtime.
    Idle,
    /// At rest, with the runtime ready.
    ReadyIdle,
    /// Requests.
    Load,
    /// Watching after the load.
    Recovery,
}

/// A part of a launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// What it was for.
    pub kind: SpanKind,
    /// From here
    pub began_at: MonoNs,
    /// to here.
    pub ended_at: MonoNs,
    /// Why it ended, where there is something to say: `no temperature can be read`, `after 900 s still 7 °C above`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
