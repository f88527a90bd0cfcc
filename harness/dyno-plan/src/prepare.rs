//! `[device.NAME.prepare]`: what a device is to be like while it is measured.

use std::collections::BTreeMap;

use dyno_model::plan::TransportSpec;
use dyno_model::prepare::{Argv, FreqLimit, PrepareSpec, Screen};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::document::Document;
use crate::problem::Problems;

/// CPU numbers end here, as in the kernel's own sets.
const MAX_CPU: u32 = 1023;
/// The longest name of a cpufreq governor: `CPUFREQ_NAME_LEN` is 16, with the zero at its end.
const MAX_GOVERNOR_CHARS: usize = 15;
/// The longest name of a power mode (house rule).
const MAX_MODE_CHARS: usize = 64;
/// The most commands of one list, and the longest of them (house rule).
const MAX_COMMANDS: usize = 32;
const MAX_COMMAND_BYTES: usize = 8192;

/// What a device is to be like while it is measured; all of it is read back, recorded, and put back afterwards.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub(crate) struct PrepareWords {
    /// Measure only if all of this could be had.
    required: bool,
    /// A Jetson's power mode by number or name; on Android `normal`, `battery-saver` or `fixed-performance`; on a laptop a platform profile: `performance`.
    power_mode: Option<ModeWords>,
    /// cpufreq governor: `performance`.
    governor: Option<String>,
    /// Lowest CPU clock in kHz: one number, or `{ policy0 = 600000, policy4 = 800000 }`.
    min_freq_khz: Option<FreqWords>,
    /// Highest CPU clock in kHz, likewise.
    max_freq_khz: Option<FreqWords>,
    /// CPUs that the runtime may use: `4-7`, `0,2`.
    core_mask: Option<String>,
    /// Keep Android awake while it is plugged in.
    stay_awake: bool,
    /// Switch Android's radios off.
    airplane_mode: bool,
    /// Do not charge the battery.
    suspend_charging: bool,
    /// Switch the screen on or off.
    screen: Option<ScreenWord>,
    /// Commands to run on the device first, each a list of a program and its arguments; no shell reads them.
    before: Vec<Argv>,
    /// Commands to run on the device last, also after a failure.
    after: Vec<Argv>,
    /// How long each command may take: 60000 if nothing is said.
    #[schemars(range(min = 1, max = 600_000))]
    command_limit_ms: Option<u64>,
}

/// A power mode by name or number.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum ModeWords {
    /// Its number.
    Number(u32),
    /// Its name.
    Name(String),
}

/// A clock for all CPUs, or for those of each cpufreq policy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum FreqWords {
    /// All CPUs.
    All(#[schemars(range(min = 1, max = 20_000_000))] u64),
    /// By policy.
    Each(BTreeMap<String, Khz>),
}

/// A clock in kHz.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Khz(#[schemars(range(min = 1, max = 20_000_000))] u64);

/// Whether the screen is lit.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ScreenWord {
    /// Lit.
    On,
    /// Dark.
    Off,
}

impl PrepareWords {
    pub(crate) fn plan(&self) -> PrepareSpec {
        PrepareSpec {
            required: self.required,
            power_mode: self.power_mode.as_ref().map(ModeWords::text),
            governor: self.governor.clone(),
            min_freq_khz: self.min_freq_khz.as_ref().map(FreqWords::limits).unwrap_or_default(),
            max_freq_khz: self.max_freq_khz.as_ref().map(FreqWords::limits).unwrap_or_default(),
            core_mask: self.core_mask.as_deref().and_then(cpu_list),
            stay_awake: self.stay_awake,
            airplane_mode: self.airplane_mode,
            suspend_charging: self.suspend_charging,
            screen: self.screen.map(|word| match word {
                ScreenWord::On => Screen::On,
                ScreenWord::Off => Screen::Off,
            }),
            before: self.before.clone(),
            after: self.after.clone(),
            command_limit_ms: self.command_limit_ms,
        }
    }
}

impl ModeWords {
    fn text(&self) -> String {
        match self {
            Self::Number(id) => id.to_string(),
            Self::Name(name) => name.clone(),
        }
    }
}

impl FreqWords {
    fn limits(&self) -> Vec<FreqLimit> {
        match self {
            Self::All(khz) => vec![FreqLimit { policy: None, khz: *khz }],
            Self::Each(policies) => policies
                .iter()
                .map(|(name, khz)| FreqLimit { policy: number_of_policy(name), khz: khz.0 })
                .collect(),
        }
    }
}

/// What a schema cannot see of the table at `[device.NAME.prepare]`.
pub(crate) fn check(
    name: &str,
    words: &PrepareWords,
    transport: &TransportSpec,
    document: &Document<'_>,
    problems: &mut Problems,
) {
    let mut check = Check { name, document, problems };
    if let Some(governor) = &words.governor {
        check.word("governor", governor, MAX_GOVERNOR_CHARS);
    }
    if let Some(mode) = &words.power_mode {
        check.word("power_mode", &mode.text(), MAX_MODE_CHARS);
    }
    check.policies("min_freq_khz", words.min_freq_khz.as_ref());
    check.policies("max_freq_khz", words.max_freq_khz.as_ref());
    check.order(words);
    if let Some(mask) = words.core_mask.as_deref().filter(|mask| cpu_list(mask).is_none()) {
        let hint = format!("name CPUs from 0 to {MAX_CPU}: \"4-7\", \"0,2\"");
        check.report(&["core_mask"], format!("`{mask}` is no list of CPUs"), Some(hint));
    }
    if words.airplane_mode && is_over_the_air(transport) {
        let hint = Some("reach the phone by its USB serial number".to_owned());
        let message = "`airplane_mode` would cut the link over which this device is reached".to_owned();
        check.report(&["airplane_mode"], message, hint);
    }
    check.commands("before", &words.before);
    check.commands("after", &words.after);
}

struct Check<'c, 'd> {
    name: &'c str,
    document: &'c Document<'d>,
    problems: &'c mut Problems,
}

impl Check<'_, '_> {
    fn word(&mut self, key: &str, word: &str, limit: usize) {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if word.is_empty() || word.len() > limit || word.starts_with('-') || !word.chars().all(fits) {
            self.report(&[key], format!("`{word}` cannot be a {}", key.replace('_', " ")), None);
        }
    }

    fn policies(&mut self, key: &str, words: Option<&FreqWords>) {
        let Some(FreqWords::Each(policies)) = words else { return };
        for policy in policies.keys().filter(|policy| number_of_policy(policy).is_none()) {
            let hint = "cpufreq calls them policy0, policy4, …, by the first CPU of each".to_owned();
            self.report(&[key, policy], format!("`{policy}` is no cpufreq policy"), Some(hint));
        }
    }

    fn order(&mut self, words: &PrepareWords) {
        let limits = |words: Option<&FreqWords>| words.map(FreqWords::limits).unwrap_or_default();
        let (min, max) = (limits(words.min_freq_khz.as_ref()), limits(words.max_freq_khz.as_ref()));
        let of = |limits: &[FreqLimit], policy: Option<u32>| {
            let own = limits.iter().find(|limit| limit.policy == policy);
            own.or_else(|| limits.iter().find(|limit| limit.policy.is_none())).map(|limit| limit.khz)
        };
        let policies = min.iter().chain(&max).map(|limit| limit.policy);
        let above = policies.filter_map(|policy| Some((of(&min, policy)?, of(&max, policy)?)));
        if let Some((min, max)) = above.into_iter().find(|(min, max)| min > max) {
            let message = format!("the lowest clock, {min} kHz, is above the highest, {max} kHz");
            self.report(&["min_freq_khz"], message, None);
        }
    }

    fn commands(&mut self, key: &str, commands: &[Argv]) {
        if commands.len() > MAX_COMMANDS {
            self.report(&[key], format!("more than {MAX_COMMANDS} commands"), None);
        }
        for (idx, argv) in commands.iter().enumerate() {
            let idx = idx.to_string();
            let bytes: usize = argv.iter().map(String::len).sum();
            if argv.first().is_none_or(|program| program.trim().is_empty()) {
                let hint = "a command is a list of a program and its arguments: [\"sync\"]".to_owned();
                self.report(&[key, &idx], "a command without a program".to_owned(), Some(hint));
            } else if bytes > MAX_COMMAND_BYTES || argv.iter().any(|word| word.contains('\0')) {
                let message =
                    format!("a command that no system takes: over {MAX_COMMAND_BYTES} bytes, or with a zero");
                self.report(&[key, &idx], message, None);
            }
        }
    }

    fn report(&mut self, keys: &[&str], message: String, hint: Option<String>) {
        let path = [&["device", self.name, "prepare"], keys].concat();
        let problem = self.document.problem_at(&path, message, hint);
        self.problems.push(problem);
    }
}

/// Whether the link to the device is one that an airplane mode cuts.
fn is_over_the_air(transport: &TransportSpec) -> bool {
    match transport {
        TransportSpec::Local => false,
        TransportSpec::Ssh { .. } => true,
        // `192.0.2.7:5555`, or a name that was found by multicast DNS.
        TransportSpec::Adb { serial } => serial.contains(':') || serial.contains("._adb"),
    }
}

/// The number in `policy4`.
fn number_of_policy(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("policy")?;
    // No sign and no zeros in front: it is a folder's name.
    let number: u32 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

/// The CPUs of a list in the kernel's syntax, sorted; `None` if it is none, or empty.
fn cpu_list(text: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u32>().ok().filter(|cpu| *cpu <= MAX_CPU);
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return None;
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists() {
        let check =
            |text, expected: Option<&[u32]>| assert_eq!(cpu_list(text).as_deref(), expected, "{text}");
        check("4-7", Some(&[4, 5, 6, 7]));
        check("6,0-1, 1", Some(&[0, 1, 6]));
        check("3", Some(&[3]));
        check("", None);
        check("7-4", None);
        check("0-", None);
        check("1024", None);
        check("0x3", None);
        check("-1", None);
    }

    #[test]
    fn policies() {
        let check = |text, expected| assert_eq!(number_of_policy(text), expected, "{text}");
        check("policy0", Some(0));
        check("policy12", Some(12));
        check("policy", None);
        check("policy+1", None);
        check("policy01", None);
        check("cpu0", None);
    }
}
