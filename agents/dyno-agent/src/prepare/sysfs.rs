//! Settings that are files below `/sys`. A reboot resets them all.
//!
//! Sources: `Documentation/admin-guide/pm/cpufreq.rst`, `Documentation/userspace-api/sysfs-platform_profile.rst`,
//! `Documentation/ABI/testing/sysfs-class-power` (`charge_behaviour`), `Documentation/ABI/stable/sysfs-class-backlight`
//! (`bl_power`). `input_suspend` and `charging_enabled` are of phone makers' kernels, without a page of their own.

use std::io::{self, ErrorKind};

use dyno_model::prepare::SettingKind;

use super::host::Host;
use super::knob::{Knob, Means, Refusal};

const CPUFREQ: &str = "sys/devices/system/cpu/cpufreq";
const POWER_SUPPLY: &str = "sys/class/power_supply";
const BACKLIGHT: &str = "sys/class/backlight";
const PROFILE: &str = "sys/firmware/acpi/platform_profile";
/// More settings of one kind than this are not touched (house rule): no known machine has as many CPUs.
const MAX_SITES: usize = 1024;
/// Clocks that are believed: up to 20 GHz (house rule).
const MAX_KHZ: u64 = 20_000_000;

/// One file that holds one value.
#[derive(Debug, Clone)]
pub(super) struct SysFile {
    path: String,
    form: Form,
}

/// What a file says.
#[derive(Debug, Clone)]
enum Form {
    /// A word; those that it can be are in another file, if that is there.
    Word { choices: String },
    /// Words of which the one in brackets is chosen: `[auto] inhibit-charge`.
    Bracketed,
    /// A clock in kHz.
    Khz,
    /// 0 or 1.
    Flag,
    /// `FB_BLANK_UNBLANK` 0 to `FB_BLANK_POWERDOWN` 4.
    Blank,
}

/// Governors or clock limits, one for each cpufreq policy.
pub(super) fn policies(host: &dyn Host, kind: SettingKind) -> Vec<Knob> {
    let is_policy = |name: &String| number_of_policy(name).is_some();
    let policies = host.names(CPUFREQ).into_iter().filter(is_policy).take(MAX_SITES);
    policies
        .map(|policy| {
            let file = |name: &str| format!("{CPUFREQ}/{policy}/{name}");
            let (path, form) = match kind {
                SettingKind::MinFreqKhz => (file("scaling_min_freq"), Form::Khz),
                SettingKind::MaxFreqKhz => (file("scaling_max_freq"), Form::Khz),
                _ => {
                    let choices = file("scaling_available_governors");
                    (file("scaling_governor"), Form::Word { choices })
                }
            };
            Knob::new(kind, policy, Means::File(SysFile { path, form }))
        })
        .collect()
}

/// The number in `policy4`.
pub(super) fn number_of_policy(name: &str) -> Option<u32> {
    name.strip_prefix("policy")?.parse().ok()
}

/// The platform profile of a laptop's firmware.
pub(super) fn platform_profile(host: &dyn Host) -> Vec<Knob> {
    let form = Form::Word { choices: "sys/firmware/acpi/platform_profile_choices".to_owned() };
    let file = SysFile { path: PROFILE.to_owned(), form };
    let knob = Knob::new(SettingKind::PowerMode, "platform_profile", Means::File(file));
    host.has(PROFILE).then_some(knob).into_iter().collect()
}

/// What stops the charging of a battery, the best documented first.
pub(super) fn charging(host: &dyn Host) -> Vec<Knob> {
    let mut found = Vec::new();
    for supply in host.names(POWER_SUPPLY).into_iter().take(MAX_SITES) {
        let ways = [
            ("charge_behaviour", Form::Bracketed),
            ("input_suspend", Form::Flag),
            ("charging_enabled", Form::Flag),
        ];
        for (name, form) in ways {
            let path = format!("{POWER_SUPPLY}/{supply}/{name}");
            if host.has(&path) {
                let file = Means::File(SysFile { path, form });
                found.push(Knob::new(SettingKind::SuspendCharging, format!("{supply}/{name}"), file));
            }
        }
    }
    found
}

/// The lights behind the screens.
pub(super) fn backlights(host: &dyn Host) -> Vec<Knob> {
    let panels = host.names(BACKLIGHT).into_iter().take(MAX_SITES);
    panels
        .map(|panel| (format!("{BACKLIGHT}/{panel}/bl_power"), panel))
        .filter(|(path, _)| host.has(path))
        .map(|(path, panel)| {
            let file = SysFile { path, form: Form::Blank };
            Knob::new(SettingKind::Screen, format!("backlight/{panel}"), Means::File(file))
        })
        .collect()
}

impl SysFile {
    pub(super) fn read(&self, host: &dyn Host) -> Result<String, Refusal> {
        let text = host.read(&self.path).map_err(|error| self.refusal("read", &error))?;
        let value = match &self.form {
            Form::Bracketed => chosen(&text),
            Form::Word { .. } | Form::Khz | Form::Flag | Form::Blank => Some(text.trim()),
        };
        let value = value.filter(|value| !value.is_empty() && !value.contains(char::is_control));
        value.map(ToOwned::to_owned).ok_or_else(|| Refusal::new(format!("/{} makes no sense", self.path)))
    }

    pub(super) fn write(&self, host: &dyn Host, value: &str) -> Result<(), Refusal> {
        host.write(&self.path, value).map_err(|error| self.refusal("set", &error))
    }

    pub(super) fn check(&self, host: &dyn Host, value: &str) -> Result<(), Refusal> {
        let choices = match &self.form {
            Form::Khz => {
                let fits = value.parse::<u64>().is_ok_and(|khz| (1..=MAX_KHZ).contains(&khz));
                return if fits {
                    Ok(())
                } else {
                    Err(Refusal::new(format!("`{value}` is no clock in kHz")))
                };
            }
            Form::Flag => "0 1".to_owned(),
            Form::Blank => "0 1 2 3 4".to_owned(),
            // Best effort: where the choices cannot be read, the kernel itself refuses what it does not know.
            Form::Word { choices } => host.read(choices).unwrap_or_default(),
            Form::Bracketed => host.read(&self.path).unwrap_or_default().replace(['[', ']'], " "),
        };
        let words: Vec<&str> = choices.split_whitespace().collect();
        let is_word = |value: &str| {
            !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        };
        if is_word(value) && (words.is_empty() || words.contains(&value)) {
            return Ok(());
        }
        let refusal = Refusal::new(format!("`{value}` is not to be had"));
        Err(if words.is_empty() { refusal } else { refusal.hint(format!("it has: {}", words.join(", "))) })
    }

    fn refusal(&self, verb: &str, error: &io::Error) -> Refusal {
        let refusal = Refusal::new(format!("cannot {verb} /{}: {error}", self.path));
        match error.kind() {
            ErrorKind::PermissionDenied => refusal.hint(format!(
                "only root may do this: reach the device as root, or allow it until the next boot with \
                 `sudo chmod a+w /{}`",
                of_all_policies(&self.path)
            )),
            ErrorKind::ReadOnlyFilesystem => {
                refusal.hint("/sys is read-only here, as in a container: do it on the machine itself")
            }
            _ => refusal,
        }
    }
}

/// The path of this file of all policies.
fn of_all_policies(path: &str) -> String {
    let parts = path.split('/').map(|part| if number_of_policy(part).is_some() { "policy*" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The word in brackets.
fn chosen(text: &str) -> Option<&str> {
    text.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'))
}
