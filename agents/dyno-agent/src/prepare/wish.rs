//! From what a person asks for to the settings of this device.

use dyno_model::prepare::{FreqLimit, PrepareSpec, Screen, Setting, SettingKind};

use super::host::Host;
use super::knob::{Knob, Refusal, knobs};
use super::{android, jetson, sysfs};

/// One setting that is to have a value.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) setting: Setting,
    /// The value, in the device's own words.
    pub(super) asked: String,
    /// What sets it, or why nothing can.
    pub(super) knob: Result<Knob, Refusal>,
}

impl Wish {
    fn of(knob: Knob, asked: impl Into<String>) -> Self {
        Self { setting: knob.setting.clone(), asked: asked.into(), knob: Ok(knob) }
    }

    fn in_vain(kind: SettingKind, site: Option<String>, asked: &str, refusal: Refusal) -> Self {
        Self { setting: Setting { kind, site }, asked: asked.to_owned(), knob: Err(refusal) }
    }
}

/// From a spec to the wishes of one group.
pub(super) type Group = fn(&dyn Host, &PrepareSpec) -> Vec<Wish>;

/// What is set together, one group after the other: a power mode changes governors and clocks, a governor may change
/// clocks, and a screen that is off may put a phone to sleep.
pub(super) const GROUPS: &[Group] =
    &[power_mode, governor, clocks, stay_awake, airplane_mode, charging, screen];

fn power_mode(host: &dyn Host, spec: &PrepareSpec) -> Vec<Wish> {
    let kind = SettingKind::PowerMode;
    let Some(word) = &spec.power_mode else { return Vec::new() };
    let found = knobs(host, kind);
    let site = |name: &str| found.iter().find(|knob| knob.setting.site.as_deref() == Some(name)).cloned();
    let in_vain =
        |site: Option<&str>, refusal| Wish::in_vain(kind, site.map(ToOwned::to_owned), word, refusal);
    let wish = if let Some(knob) = site("nvpmodel") {
        match jetson::id_of(host, word) {
            Ok(id) => Wish::of(knob, id),
            Err(refusal) => in_vain(Some("nvpmodel"), refusal),
        }
    } else if let (Some(saver), Some(fixed)) = (site("battery_saver"), site("fixed_performance")) {
        match word.as_str() {
            "normal" => Wish::of(saver, "0"),
            "battery-saver" => Wish::of(saver, "1"),
            "fixed-performance" => Wish::of(fixed, "on"),
            _ => {
                let refusal = Refusal::new(format!("there is no power mode `{word}`"));
                in_vain(None, refusal.hint("Android has: normal, battery-saver, fixed-performance"))
            }
        }
    } else if let Some(knob) = site("platform_profile") {
        Wish::of(knob, word)
    } else {
        let why = "this device has no power modes: no nvpmodel, no Android, no ACPI platform profile";
        in_vain(None, Refusal::new(why))
    };
    vec![wish]
}

fn governor(host: &dyn Host, spec: &PrepareSpec) -> Vec<Wish> {
    let kind = SettingKind::Governor;
    let Some(word) = &spec.governor else { return Vec::new() };
    let found = knobs(host, kind);
    if found.is_empty() {
        return vec![Wish::in_vain(kind, None, word, no_cpufreq())];
    }
    found.into_iter().map(|knob| Wish::of(knob, word)).collect()
}

/// Both limits of each policy, in the order that never puts the lowest clock above the highest.
fn clocks(host: &dyn Host, spec: &PrepareSpec) -> Vec<Wish> {
    let mut wishes = limits(host, SettingKind::MinFreqKhz, &spec.min_freq_khz);
    for max in limits(host, SettingKind::MaxFreqKhz, &spec.max_freq_khz) {
        let site = max.setting.site.clone();
        let min_at = wishes
            .iter()
            .position(|wish| wish.setting.kind == SettingKind::MinFreqKhz && wish.setting.site == site);
        match min_at {
            Some(at) if !is_below_min_now(host, &max) => wishes.insert(at, max),
            Some(at) => wishes.insert(at + 1, max),
            None => wishes.push(max),
        }
    }
    wishes
}

/// Whether the highest clock that is asked for is below the lowest one now.
fn is_below_min_now(host: &dyn Host, max: &Wish) -> bool {
    let min = knobs(host, SettingKind::MinFreqKhz)
        .into_iter()
        .find(|knob| knob.setting.site == max.setting.site)
        .and_then(|knob| knob.read(host).ok()?.parse::<u64>().ok());
    let max = max.asked.parse::<u64>().ok();
    min.zip(max).is_some_and(|(min, max)| max < min)
}

fn limits(host: &dyn Host, kind: SettingKind, asked: &[FreqLimit]) -> Vec<Wish> {
    if asked.is_empty() {
        return Vec::new();
    }
    let found = knobs(host, kind);
    let names: Vec<&str> = found.iter().filter_map(|knob| knob.setting.site.as_deref()).collect();
    let mut wishes: Vec<Wish> = Vec::new();
    for limit in asked {
        let site = limit.policy.map(|number| format!("policy{number}"));
        let khz = limit.khz.to_string();
        let refusal = match &site {
            _ if found.is_empty() => no_cpufreq(),
            Some(name) if !names.contains(&name.as_str()) => {
                Refusal::new(format!("there is no {name}")).hint(format!("it has: {}", names.join(", ")))
            }
            Some(_) | None => continue,
        };
        wishes.push(Wish::in_vain(kind, site, &khz, refusal));
    }
    for knob in found {
        let number = knob.setting.site.as_deref().and_then(sysfs::number_of_policy);
        let own = asked.iter().find(|limit| limit.policy.is_some() && limit.policy == number);
        if let Some(limit) = own.or_else(|| asked.iter().find(|limit| limit.policy.is_none())) {
            wishes.push(Wish::of(knob, limit.khz.to_string()));
        }
    }
    wishes
}

fn no_cpufreq() -> Refusal {
    Refusal::new(
        "this system has no cpufreq: nobody can set the clocks of its CPUs, as in most virtual machines",
    )
}

fn stay_awake(host: &dyn Host, spec: &PrepareSpec) -> Vec<Wish> {
    if !spec.stay_awake {
        return Vec::new();
    }
    on_android(host, SettingKind::StayAwake, |knob| {
        android::awake_on_any_plug(knob.read(host).ok().as_deref())
    })
}

fn airplane_mode(host: &dyn Host, spec: &PrepareSpec) -> Vec<Wish> {
    if spec.airplane_mode {
        on_android(host, SettingKind::AirplaneMode, |_| "1".to_owned())
    } else {
        Vec::new()
    }
}

fn on_android(host: &dyn Host, kind: SettingKind, asked: impl Fn(&Knob) -> String) -> Vec<Wish> {
    let found = knobs(host, kind);
    if found.is_empty() {
        return vec![Wish::in_vain(kind, None, "on", Refusal::new("only Android has it"))];
    }
    found
        .into_iter()
        .map(|knob| {
            let asked = asked(&knob);
            Wish::of(knob, asked)
        })
        .collect()
}

fn charging(host: &dyn Host, spec: &PrepareSpec) -> Vec<Wish> {
    let kind = SettingKind::SuspendCharging;
    if !spec.suspend_charging {
        return Vec::new();
    }
    let mut wishes: Vec<Wish> = Vec::new();
    let battery =
        |setting: &Setting| setting.site.as_deref().and_then(|site| Some(site.split_once('/')?.0.to_owned()));
    for knob in knobs(host, kind) {
        // The first way of a battery is the best one.
        if wishes.iter().any(|wish| battery(&wish.setting) == battery(&knob.setting)) {
            continue;
        }
        let asked = match knob.setting.site.as_deref().and_then(|site| site.split_once('/')) {
            Some((_, "charge_behaviour")) => "inhibit-charge",
            Some((_, "charging_enabled")) => "0",
            Some(_) | None => "1",
        };
        wishes.push(Wish::of(knob, asked));
    }
    if wishes.is_empty() {
        let refusal = Refusal::new("nothing on this device can suspend its charging").hint(
            "unplug the charger, or power it through a hub that can switch its ports; \
             `dumpsys battery unplug` would only change what Android reports",
        );
        wishes.push(Wish::in_vain(kind, None, "suspended", refusal));
    }
    wishes
}

fn screen(host: &dyn Host, spec: &PrepareSpec) -> Vec<Wish> {
    let kind = SettingKind::Screen;
    let Some(screen) = spec.screen else { return Vec::new() };
    let word = if screen == Screen::On { "on" } else { "off" };
    let found = knobs(host, kind);
    // Android's own way, if there is one: what is behind it is not ours to switch.
    let service = found.iter().find(|knob| knob.setting.site.as_deref() == Some("wakefulness"));
    if let Some(knob) = service {
        return vec![Wish::of(knob.clone(), word)];
    }
    if found.is_empty() {
        return vec![Wish::in_vain(
            kind,
            None,
            word,
            Refusal::new("no screen that can be switched was found"),
        )];
    }
    // `FB_BLANK_UNBLANK` and `FB_BLANK_POWERDOWN`.
    let value = if screen == Screen::On { "0" } else { "4" };
    found.into_iter().map(|knob| Wish::of(knob, value)).collect()
}
