//! Rules of what feeds the device and what limits it.

use dyno_model::device::{DeviceFacts, EnergySource, NvpModel};
use dyno_model::sample::AccuracyClass;

use super::Severity::{Info, Invalid, Shaky};
use super::{DeviceWords, Finding};

/// Below this charge nothing is measured, in per cent (house rule): phones and laptops lower their clocks when the
/// battery is nearly empty, and its voltage falls so fast there that two runs are not alike.
pub(super) const BATTERY_FLOOR_PERCENT: u32 = 20;

/// Flags of a Raspberry Pi's firmware, and what they mean now (Raspberry Pi's documentation of `vcgencmd`).
const PI_FLAGS: [(u32, &str); 4] =
    [(0, "under-voltage"), (1, "ARM clock capped"), (2, "throttled"), (3, "soft temperature limit")];

pub(super) fn charging(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(battery) = &facts.battery else { return Vec::new() };
    let plugged = battery.plugged.as_deref().unwrap_or_default().join(", ");
    if battery.status.as_deref() == Some("Charging") {
        let by = if plugged.is_empty() { String::new() } else { format!(" from {plugged}") };
        let why = "charging heats the device, and the battery's figures are those of the charger";
        let fix = if facts.android.is_some() {
            "dumpsys battery suspend_input, where the phone honours it, or unplug it and use adb over Wi-Fi"
        } else {
            "let it charge to full, or unplug it"
        };
        return vec![Finding::new("charging", Invalid, format!("charging{by}"), why).mend(fix)];
    }
    if plugged.is_empty() {
        return Vec::new();
    }
    let why = "a battery that is not drained says nothing of the energy that a run takes";
    let status = battery.status.as_deref().unwrap_or("status unknown");
    vec![Finding::new("charging", Info, format!("plugged in ({plugged}), battery {status}"), why)]
}

pub(super) fn battery_low(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(percent) = facts.battery_percent.filter(|percent| *percent < BATTERY_FLOOR_PERCENT) else {
        return Vec::new();
    };
    let observed = format!("battery at {percent} %, below {BATTERY_FLOOR_PERCENT} %");
    let why = "devices lower their clocks when the battery is nearly empty";
    let fix = format!("charge it above {BATTERY_FLOOR_PERCENT} %, then unplug it");
    vec![Finding::new("battery-low", Invalid, observed, why).mend(fix)]
}

pub(super) fn battery_health(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let health = facts.battery.as_ref().and_then(|battery| battery.health.as_deref());
    let Some(health) = health.filter(|health| *health != "Good") else { return Vec::new() };
    let why = "a battery that is not well makes the device limit itself";
    let finding = Finding::new("battery-health", Shaky, format!("battery health: {health}"), why);
    vec![finding.mend("let it come to room temperature; if that does not help, replace it")]
}

pub(super) fn on_battery(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let drained = facts.battery.as_ref().is_some_and(|one| one.status.as_deref() == Some("Discharging"));
    if !drained || facts.android.is_some() {
        return Vec::new();
    }
    let why = "many laptops are slower on their battery: compare only with figures taken the same way";
    vec![Finding::new("on-battery", Info, "runs on its battery", why)]
}

pub(super) fn saver(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    if facts.power.battery_saver != Some(true) {
        return Vec::new();
    }
    let why = "it lowers clocks and holds programs back";
    let finding = Finding::new("battery-saver", Invalid, "the battery saver is on", why);
    vec![finding.mend("cmd settings put global low_power 0")]
}

pub(super) fn jetson_mode(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(set) = &facts.power.nvpmodel else { return Vec::new() };
    let Some((best, name)) = highest_mode(set).filter(|(best, _)| *best != set.mode) else {
        return Vec::new();
    };
    let now = set.modes.get(&set.mode).map_or_else(|| format!("mode {}", set.mode), Clone::clone);
    let why = "the power mode limits clocks and cores: it is part of what is measured";
    let finding = Finding::new("power-mode", Shaky, format!("power mode {now}, not {name}"), why);
    vec![finding.mend(format!("sudo nvpmodel -m {best} && sudo jetson_clocks"))]
}

/// The mode without limits, which NVIDIA calls MAXN; where there is none, the one of most watts.
fn highest_mode(set: &NvpModel) -> Option<(u32, &str)> {
    let names = || set.modes.iter().map(|(mode, name)| (*mode, name.as_str()));
    let watts = |name: &str| -> Option<u32> {
        let digits = name.trim_start_matches("MODE_");
        let end = digits.find(|c: char| !c.is_ascii_digit())?;
        // Best effort: a name without watts is not compared.
        digits[end..].starts_with('W').then(|| digits[..end].parse().ok())?
    };
    let most = || names().filter_map(|(mode, name)| Some((watts(name)?, mode, name))).max();
    names().find(|(_, name)| name.starts_with("MAXN")).or_else(|| most().map(|(_, mode, name)| (mode, name)))
}

pub(super) fn pi_throttled(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(bits) = facts.power.throttled_bits.filter(|bits| *bits != 0) else { return Vec::new() };
    let flags = |shift: u32| {
        let set = PI_FLAGS.iter().filter(|(bit, _)| bits >> (bit + shift) & 1 == 1);
        set.map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
    };
    let (now, ever) = (flags(0), flags(16));
    let fix = "use a supply of 5 V and 5 A and an active cooler; restart to clear what was since boot";
    let why = "the firmware holds the clocks down";
    if !now.is_empty() {
        let observed = format!("{now} now (get_throttled={bits:#x})");
        return vec![Finding::new("pi-throttled", Invalid, observed, why).mend(fix)];
    }
    if ever.is_empty() {
        return Vec::new();
    }
    let observed = format!("{ever} since boot (get_throttled={bits:#x})");
    vec![Finding::new("pi-throttled", Shaky, observed, "it happened under load, and will again").mend(fix)]
}

pub(super) fn profile(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let Some(profile) = facts.power.profile.as_deref() else { return Vec::new() };
    let (severity, why) = match profile {
        "performance" => return Vec::new(),
        "low-power" | "quiet" | "cool" => (Shaky, "it limits the power of the CPU"),
        _ => (Info, "it limits the power of the CPU a little: compare only with figures taken the same way"),
    };
    let finding = Finding::new("power-profile", severity, format!("platform profile {profile}"), why);
    vec![finding.mend("echo performance | sudo tee /sys/firmware/acpi/platform_profile")]
}

pub(super) fn energy(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let readable: Vec<&EnergySource> =
        facts.energy_sources.iter().filter(|source| source.unread.is_none()).collect();
    let hidden: Vec<&EnergySource> =
        facts.energy_sources.iter().filter(|source| source.unread.is_some()).collect();
    let why = "no energy can be measured; latency and throughput can";
    match (readable.iter().map(|source| source.class).min(), hidden.first()) {
        (None, None) => vec![
            Finding::new("energy", Shaky, "no energy source is seen", why)
                .mend("put an external meter between the device and its supply"),
        ],
        (None, Some(first)) => {
            let reason = first.unread.as_deref().unwrap_or_default();
            let observed = format!("{} {} is there but cannot be read: {reason}", first.source, first.site);
            vec![Finding::new("energy", Shaky, observed, why).mend(fix_of(first))]
        }
        (Some(AccuracyClass::C | AccuracyClass::D), _) => {
            let best = readable.iter().map(|source| format!("{} {}", source.source, source.site));
            let names = best.take(4).collect::<Vec<_>>().join(", ");
            let why =
                "sampled or estimated: good for comparing runs on this device, not devices with each other";
            vec![Finding::new("energy", Info, format!("energy from {names}"), why)]
        }
        (Some(AccuracyClass::A | AccuracyClass::B), _) => Vec::new(),
    }
}

/// What makes a source readable.
fn fix_of(source: &EnergySource) -> String {
    match source.source.as_str() {
        "rapl" => "sudo chmod -R a+r /sys/class/powercap/intel-rapl*/ (until the next boot)".to_owned(),
        "pmic" => "install vcgencmd (package raspi-utils or libraspberrypi-bin)".to_owned(),
        "nvml" => {
            "run `cargo xtask dist`, so that the device gets an agent that can load NVIDIA's library, or use an \
             external meter"
                .to_owned()
        }
        _ => "run the agent as a user who may read it, or use an external meter".to_owned(),
    }
}
