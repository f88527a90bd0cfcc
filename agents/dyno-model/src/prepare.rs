//! Bringing a device into a known state before it is measured, and putting it back afterwards.
//!
//! [`PrepareSpec`] is what a person asked for; [`Prepared`] is what the device really became, setting by setting, as
//! it was read back; [`Restored`] is what became of it afterwards.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::WallNs;
use crate::digest::Digest;
use crate::ids::CampaignId;

/// A command as a list of words: the program and its arguments. No shell reads it.
pub type Argv = Vec<String>;

/// How long a command of `before` or `after` may take, if nothing else is said (house rule).
pub const COMMAND_LIMIT_MS: u64 = 60_000;

/// What a device is to be like while it is measured. What is not asked for stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own, as in devices.toml")]
pub struct PrepareSpec {
    /// Nothing is measured unless all of this could be set and was read back as asked.
    #[serde(skip_serializing_if = "is_false")]
    pub required: bool,
    /// Power mode: of a Jetson (number or name), of Android, or an ACPI platform profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_mode: Option<String>,
    /// cpufreq governor of all policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
    /// Lowest clocks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub min_freq_khz: Vec<FreqLimit>,
    /// Highest clocks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub max_freq_khz: Vec<FreqLimit>,
    /// CPUs that the runtime may use, sorted; goes into each launch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core_mask: Option<Vec<u32>>,
    /// Android does not sleep while it is plugged in.
    #[serde(skip_serializing_if = "is_false")]
    pub stay_awake: bool,
    /// Android's radios are off.
    #[serde(skip_serializing_if = "is_false")]
    pub airplane_mode: bool,
    /// The battery is not charged.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend_charging: bool,
    /// Whether the screen is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<Screen>,
    /// Commands to run on the device before anything is set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Argv>,
    /// Commands to run on the device after everything was put back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Argv>,
    /// How long each of these commands may take; `None` is [`COMMAND_LIMIT_MS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_limit_ms: Option<u64>,
}

impl PrepareSpec {
    /// Whether the device itself is left as it is; a core mask is of the launches, not of the device.
    pub fn leaves_device_alone(&self) -> bool {
        let rest = Self { required: false, core_mask: None, command_limit_ms: None, ..self.clone() };
        rest == Self::default()
    }

    /// How long each command may take.
    pub fn command_limit_ms(&self) -> u64 {
        self.command_limit_ms.unwrap_or(COMMAND_LIMIT_MS)
    }

    /// What names the commands of `after` in a restore note; `None` if there are none.
    pub fn after_digest(&self) -> Option<Digest> {
        commands_digest(&self.after)
    }
}

/// SHA-256 of a list of commands as JSON; `None` for an empty list.
pub fn commands_digest(commands: &[Argv]) -> Option<Digest> {
    let json = serde_json::to_vec(commands).expect("lists of texts are JSON");
    (!commands.is_empty()).then(|| Digest::of(&json))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// A limit of the CPU clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreqLimit {
    /// The cpufreq policy; `None` is all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<u32>,
    /// The clock.
    pub khz: u64,
}

/// Whether a screen is lit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    /// Lit.
    On,
    /// Dark.
    Off,
}

/// What can be set, by its word in `devices.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// `power_mode`.
    PowerMode,
    /// `governor`.
    Governor,
    /// `min_freq_khz`.
    MinFreqKhz,
    /// `max_freq_khz`.
    MaxFreqKhz,
    /// `stay_awake`.
    StayAwake,
    /// `airplane_mode`.
    AirplaneMode,
    /// `suspend_charging`.
    SuspendCharging,
    /// `screen`.
    Screen,
}

impl SettingKind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::PowerMode => "power_mode",
            Self::Governor => "governor",
            Self::MinFreqKhz => "min_freq_khz",
            Self::MaxFreqKhz => "max_freq_khz",
            Self::StayAwake => "stay_awake",
            Self::AirplaneMode => "airplane_mode",
            Self::SuspendCharging => "suspend_charging",
            Self::Screen => "screen",
        }
    }
}

/// One thing on one device that can be set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// What it is.
    pub kind: SettingKind,
    /// Which one: `policy4`, `nvpmodel`, `BAT0/charge_behaviour`; `None` where the device has no such thing.
    pub site: Option<String>,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.word())?;
        match &self.site {
            Some(site) => write!(f, " ({site})"),
            None => Ok(()),
        }
    }
}

/// What became of one wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedSetting {
    /// What was to be set.
    pub setting: Setting,
    /// Its value before; `None` if it could not be read.
    pub before: Option<String>,
    /// The value that was asked for, in the device's own words.
    pub asked: String,
    /// Its value afterwards, read back; `None` if it could not be read.
    pub after: Option<String>,
    /// Why it is not as asked; `None` if it is.
    pub problem: Option<String>,
    /// What to do about that, where it is sure.
    pub hint: Option<String>,
}

/// One command that was run on the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRun {
    /// The command.
    pub argv: Argv,
    /// How it ended: `exit status 0`; `None` if it did not start.
    pub exit: Option<String>,
    /// How long it took.
    pub wall_ns: u64,
    /// The end of what it said on stdout, then on stderr, safe to print.
    pub output_tail: String,
    /// Why it counts as failed; `None` if it does not.
    pub problem: Option<String>,
}

/// What a device became.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prepared {
    /// What an earlier campaign had left set, and what became of that.
    pub leftover: Option<Restored>,
    /// The commands of `before`, in order.
    pub commands: Vec<CommandRun>,
    /// All settings that were asked for, in the order in which they were set.
    pub settings: Vec<PreparedSetting>,
}

impl Prepared {
    /// What is not as asked, one line each.
    pub fn problems(&self) -> Vec<String> {
        let commands = self
            .commands
            .iter()
            .filter_map(|run| Some(format!("command `{}`: {}", run.argv.first()?, run.problem.as_ref()?)));
        let settings = self
            .settings
            .iter()
            .filter_map(|one| Some(format!("{}: {}", one.setting, one.problem.as_ref()?)));
        commands.chain(settings).collect()
    }
}

/// What became of one setting when it was to be put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It has its old value again.
    PutBack,
    /// It had its old value already.
    AsItWas,
    /// Somebody else has changed it since; it was left alone.
    LeftAlone,
    /// A reboot has reset it.
    ResetByReboot,
    /// The device no longer has it.
    Gone,
    /// It could not be put back; the next contact tries again.
    Failed,
}

/// One setting that was to be put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredSetting {
    /// Which one.
    pub setting: Setting,
    /// The value that it was to have again.
    pub before: String,
    /// What it was found to be; `None` if that could not be read.
    pub found: Option<String>,
    /// What it is now, read back; `None` if that could not be read.
    pub now: Option<String>,
    /// What became of it.
    pub fate: Fate,
    /// Why, where something is to be said.
    pub problem: Option<String>,
}

/// What became of a prepared device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Restored {
    /// The campaign that had prepared it; `None` if its note could not be read.
    pub campaign: Option<CampaignId>,
    /// When that was, by the device's clock.
    pub prepared_at: Option<WallNs>,
    /// The device was rebooted in between.
    pub rebooted: bool,
    /// What was to be put back, in the order in which it was.
    pub settings: Vec<RestoredSetting>,
    /// The commands of `after`, in order.
    pub commands: Vec<CommandRun>,
    /// Commands of `after` are still to be run, by a restore that brings them.
    pub commands_pending: bool,
    /// What else is to be said.
    pub problems: Vec<String>,
}

impl Restored {
    /// What is not as it was before, one line each.
    pub fn problems(&self) -> Vec<String> {
        let settings = self
            .settings
            .iter()
            .filter_map(|one| Some(format!("{}: {}", one.setting, one.problem.as_ref()?)));
        let commands = self
            .commands
            .iter()
            .filter_map(|run| Some(format!("command `{}`: {}", run.argv.first()?, run.problem.as_ref()?)));
        self.problems.iter().cloned().chain(settings).chain(commands).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_spec_is_an_empty_object() {
        let json = serde_json::to_string(&PrepareSpec::default()).expect("only string keys");
        assert_eq!(json, "{}");
        assert_eq!(
            serde_json::from_str::<PrepareSpec>("{}").expect("all is optional"),
            PrepareSpec::default()
        );
        assert!(serde_json::from_str::<PrepareSpec>(r#"{"governer":"x"}"#).is_err());
    }

    #[test]
    fn a_core_mask_leaves_the_device_alone_and_a_command_does_not() {
        let mask = PrepareSpec { core_mask: Some(vec![4, 5]), required: true, ..PrepareSpec::default() };
        assert!(mask.leaves_device_alone());
        let command = PrepareSpec { after: vec![vec!["sync".to_owned()]], ..PrepareSpec::default() };
        assert!(!command.leaves_device_alone());
    }

    #[test]
    fn commands_are_named_by_their_words_and_order() {
        let commands = |text: &str| serde_json::from_str::<Vec<Argv>>(text).expect("lists of texts");
        assert_eq!(commands_digest(&[]), None);
        let one = commands_digest(&commands(r#"[["a","b"]]"#));
        // printf '[["a","b"]]' | sha256sum
        let expected = Digest::of(br#"[["a","b"]]"#);
        assert_eq!(one, Some(expected));
        assert_ne!(one, commands_digest(&commands(r#"[["a"],["b"]]"#)));
    }
}
