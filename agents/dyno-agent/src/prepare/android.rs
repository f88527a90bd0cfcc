//! Settings that Android's own programs read and set, as the user `shell` may.
//!
//! Sources: the help texts of `cmd power`, `cmd connectivity`, `settings` and `input`, and `android.provider.Settings`
//! and `android.os.BatteryManager` for keys and values.

use dyno_model::prepare::SettingKind;

use super::host::Host;
use super::knob::{Knob, Means, Refusal, program};

const SETTINGS: &str = "/system/bin/settings";
const CMD: &str = "/system/bin/cmd";
const INPUT: &str = "/system/bin/input";
const DUMPSYS: &str = "/system/bin/dumpsys";
/// Plugged into a charger, into USB, onto a pad: `BATTERY_PLUGGED_AC | _USB | _WIRELESS`.
pub(super) const ANY_PLUG: u32 = 1 | 2 | 4;
/// What `settings get` says of a key that was never set.
const UNSET: &str = "null";

/// A part of Android that has a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// `stay_on_while_plugged_in`.
    StayOn,
    /// `airplane_mode_on`.
    AirplaneMode,
    /// The battery saver, `low_power`.
    BatterySaver,
    /// Clocks that can be held for long; nothing tells whether it is on.
    FixedPerformance,
    /// Whether the screen is on, as a press of the power button changes it.
    Wakefulness,
}

/// Battery saver and fixed performance, if this is Android.
pub(super) fn power_modes(host: &dyn Host) -> Vec<Knob> {
    let saver = Knob::new(SettingKind::PowerMode, "battery_saver", Means::Android(Service::BatterySaver));
    let fixed = Means::Android(Service::FixedPerformance);
    if_here(host, [saver, Knob::new(SettingKind::PowerMode, "fixed_performance", fixed)])
}

/// Whether Android stays awake while it is plugged in.
pub(super) fn stay_awake(host: &dyn Host) -> Vec<Knob> {
    let means = Means::Android(Service::StayOn);
    if_here(host, [Knob::new(SettingKind::StayAwake, "stay_on_while_plugged_in", means)])
}

/// Whether Android's radios are off.
pub(super) fn airplane_mode(host: &dyn Host) -> Vec<Knob> {
    let means = Means::Android(Service::AirplaneMode);
    if_here(host, [Knob::new(SettingKind::AirplaneMode, "airplane_mode_on", means)])
}

/// Whether Android's screen is on.
pub(super) fn screen(host: &dyn Host) -> Vec<Knob> {
    let means = Means::Android(Service::Wakefulness);
    if_here(host, [Knob::new(SettingKind::Screen, "wakefulness", means)])
}

/// The value that keeps Android awake on any plug, what is set already included.
pub(super) fn awake_on_any_plug(before: Option<&str>) -> String {
    let already: u32 = before.and_then(|value| value.parse().ok()).unwrap_or(0);
    (already | ANY_PLUG).to_string()
}

fn if_here<const N: usize>(host: &dyn Host, knobs: [Knob; N]) -> Vec<Knob> {
    if host.has(SETTINGS.trim_start_matches('/')) { knobs.into() } else { Vec::new() }
}

impl Service {
    pub(super) fn read(self, host: &dyn Host) -> Result<String, Refusal> {
        match self {
            Self::StayOn => global(host, "stay_on_while_plugged_in"),
            Self::AirplaneMode => global(host, "airplane_mode_on").map(|value| flag(&value)),
            Self::BatterySaver => global(host, "low_power").map(|value| flag(&value)),
            Self::FixedPerformance => Err(Refusal::new("Android does not tell whether it is on")),
            Self::Wakefulness => wakefulness(host),
        }
    }

    pub(super) fn write(self, host: &dyn Host, value: &str) -> Result<(), Refusal> {
        let is_on = value == "1" || value == "on";
        let done = match self {
            Self::StayOn if value == UNSET => {
                program(host, &[SETTINGS, "delete", "global", "stay_on_while_plugged_in"])
            }
            Self::StayOn => program(host, &[SETTINGS, "put", "global", "stay_on_while_plugged_in", value]),
            Self::AirplaneMode => {
                let word = if is_on { "enable" } else { "disable" };
                let old = "Android 10 and older have no command for it: switch it by hand";
                program(host, &[CMD, "connectivity", "airplane-mode", word])
                    .map_err(|refusal| refusal.hint(old))
            }
            Self::BatterySaver => {
                let charging = "Android switches the battery saver on only while it is not being charged";
                program(host, &[CMD, "power", "set-mode", value]).map_err(|refusal| refusal.hint(charging))
            }
            Self::FixedPerformance => {
                let word = if is_on { "true" } else { "false" };
                program(host, &[CMD, "power", "set-fixed-performance-mode-enabled", word])
            }
            Self::Wakefulness => {
                let key = if is_on { "KEYCODE_WAKEUP" } else { "KEYCODE_SLEEP" };
                program(host, &[INPUT, "keyevent", key])
            }
        };
        done.map(drop)
    }

    pub(super) fn check(self, value: &str) -> Result<(), Refusal> {
        let fits = match self {
            // The plugs that Android knows are the lowest four bits.
            Self::StayOn => value == UNSET || value.parse::<u32>().is_ok_and(|plugs| plugs <= 15),
            Self::AirplaneMode | Self::BatterySaver => matches!(value, "0" | "1"),
            Self::FixedPerformance | Self::Wakefulness => matches!(value, "on" | "off"),
        };
        if fits { Ok(()) } else { Err(Refusal::new(format!("`{value}` is not to be had"))) }
    }

    /// Android keeps its settings; what its services were told, they forget.
    pub(super) fn is_lasting(self) -> bool {
        match self {
            Self::StayOn | Self::AirplaneMode | Self::BatterySaver => true,
            Self::FixedPerformance | Self::Wakefulness => false,
        }
    }

    /// Fixed performance is off unless a developer switched it on since the last boot.
    pub(super) fn assumed(self) -> Option<&'static str> {
        match self {
            Self::FixedPerformance => Some("off"),
            Self::StayOn | Self::AirplaneMode | Self::BatterySaver | Self::Wakefulness => None,
        }
    }
}

/// A global setting: one line, `null` if it was never set.
fn global(host: &dyn Host, key: &str) -> Result<String, Refusal> {
    let text = program(host, &[SETTINGS, "get", "global", key])?;
    let value = text.trim();
    let is_value = value == UNSET || (!value.is_empty() && value.chars().all(|c| c.is_ascii_digit()));
    if is_value {
        Ok(value.to_owned())
    } else {
        Err(Refusal::new(format!("settings: `{key}` makes no sense")))
    }
}

/// A flag that was never set is off.
fn flag(value: &str) -> String {
    if value == UNSET { "0".to_owned() } else { value.to_owned() }
}

/// The line `mWakefulness=Awake` of `dumpsys power`.
fn wakefulness(host: &dyn Host) -> Result<String, Refusal> {
    let text = program(host, &[DUMPSYS, "power"])?;
    let word = text.lines().find_map(|line| line.trim().strip_prefix("mWakefulness="));
    match word.map(str::trim) {
        Some("Awake" | "Dreaming") => Ok("on".to_owned()),
        Some("Asleep" | "Dozing") => Ok("off".to_owned()),
        Some(_) | None => Err(Refusal::new("dumpsys power does not tell whether the screen is on")),
    }
}
