//! `devices.toml`: where the devices are, and which of them an ask means.

use std::collections::{BTreeMap, BTreeSet};

use dyno_model::ids::DeviceId;
use dyno_model::plan::{PlannedDevice, TransportSpec};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::care;
use crate::document::Document;
use crate::meters::MeterWords;
use crate::prepare::{self, PrepareWords};
use crate::problem::Problems;
use crate::registry::{At, Registry};

/// The devices that edgedyno can reach.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the file is read table by table; this type is its schema")]
pub(crate) struct DevicesFile {
    /// Version of this file's form: 1.
    schema_version: u32,
    /// One table for each device, under a name of your choice.
    #[serde(default)]
    device: BTreeMap<String, DeviceWords>,
}

/// One device.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceWords {
    /// How to reach it.
    transport: TransportWords,
    /// What board it is: `raspberry-pi-5`.
    board: Option<String>,
    /// Labels; `--device LABEL` means all devices that have it.
    #[serde(default)]
    tags: Vec<String>,
    /// Folder on the device for the agent and the models, if not the usual one.
    work_dir: Option<String>,
    /// What it costs, in euro.
    #[schemars(range(min = 0.0))]
    price_eur: Option<f64>,
    /// What it is to be like while it is measured, if not as it is.
    prepare: Option<PrepareWords>,
    /// Folder on the device that has its `/proc` and `/sys`, as in a container that sees the host's elsewhere.
    sys_root: Option<String>,
    /// Temperature of the air around it in °C, as a thermometer beside it says.
    ambient_c: Option<f64>,
    /// What measures it from outside.
    pub(crate) meter: Option<MeterWords>,
}

/// How to reach a device.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum TransportWords {
    /// This machine.
    Local {},
    /// Over OpenSSH; user, key, port and jump hosts come from your ssh configuration.
    Ssh {
        /// Host name, or an alias of your ssh configuration.
        host: String,
    },
    /// Over an ADB server.
    Adb {
        /// Serial number as `adb devices` shows it, `usb`, or `host:port`.
        serial: String,
    },
}

impl DeviceWords {
    pub(crate) fn plan(&self) -> PlannedDevice {
        PlannedDevice {
            transport: self.transport.plan(),
            board: self.board.clone(),
            tags: self.tags.clone(),
            work_dir: self.work_dir.clone(),
            price_eur_cents: self.price_eur.map(|eur| (eur * 100.0).round() as u64),
            prepare: self.prepare.as_ref().map(PrepareWords::plan),
            sys_root: self.sys_root.clone(),
            ambient_mdegc: self.ambient_c.map(care::air_mdegc),
        }
    }
}

impl TransportWords {
    fn plan(&self) -> TransportSpec {
        match self {
            Self::Local {} => TransportSpec::Local,
            Self::Ssh { host } => TransportSpec::Ssh { host: host.clone() },
            Self::Adb { serial } => TransportSpec::Adb { serial: serial.clone() },
        }
    }
}

/// What a schema cannot see.
pub(crate) fn check(devices: &Registry<'_, DeviceWords>, problems: &mut Problems) {
    for (name, words, document) in devices.usable() {
        let path = ["device", name];
        check_name("device", name, document, &path, problems);
        if let Some(prepare) = &words.prepare {
            prepare::check(name, prepare, &words.transport.plan(), document, problems);
        }
        check_surroundings(name, words, document, problems);
        let (key, text) = match &words.transport {
            TransportWords::Local {} => continue,
            TransportWords::Ssh { host } => ("host", host),
            TransportWords::Adb { serial } => ("serial", serial),
        };
        // A leading dash would be read as an option by the program that reaches the device.
        if text.is_empty() || text.starts_with('-') || text.contains(char::is_whitespace) {
            let message = format!("`{text}` cannot be a {key}");
            problems.push(document.problem_at(&["device", name, "transport", key], message, None));
        }
    }
}

/// Where its kernel is seen, and the air that it stands in.
fn check_surroundings(name: &str, words: &DeviceWords, document: &Document<'_>, problems: &mut Problems) {
    if let Some(root) = words.sys_root.as_ref().filter(|root| !root.starts_with('/') || root.contains('\0')) {
        let message = format!("`{root}` is no folder to read `/proc` and `/sys` below");
        let hint = "write it from the root of the device: /host".to_owned();
        problems.push(document.problem_at(&["device", name, "sys_root"], message, Some(hint)));
    }
    if let Some((message, hint)) = words.ambient_c.and_then(care::refuse_air) {
        problems.push(document.problem_at(&["device", name, "ambient_c"], message, Some(hint)));
    }
}

/// Names become folders, columns and arguments: letters, digits, `-`, `_` and `.`, not a dash or dot in front.
pub(crate) fn check_name(
    noun: &str,
    name: &str,
    document: &Document<'_>,
    path: &[&str],
    problems: &mut Problems,
) {
    if !is_name(name) {
        let hint = "use letters, digits, `-`, `_` and `.`, and begin with a letter or digit".to_owned();
        problems.push(document.problem_at(
            path,
            format!("`{name}` cannot be the name of a {noun}"),
            Some(hint),
        ));
    }
}

/// Whether it can be a name.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && !name.starts_with(['-', '.']) && name.chars().all(fits)
}

/// The devices that `selectors` mean, each an id, a tag, or a glob of either.
pub(crate) fn select(
    devices: &Registry<'_, DeviceWords>,
    selectors: &[String],
    problems: &mut Problems,
) -> BTreeMap<DeviceId, PlannedDevice> {
    let mut ids = BTreeSet::new();
    for selector in selectors {
        let means =
            |name: &str, tags: &[String]| glob(selector, name) || tags.iter().any(|tag| glob(selector, tag));
        let found: Vec<&str> = devices
            .usable()
            .filter(|(name, words, _)| means(name, &words.tags))
            .map(|(name, ..)| name)
            .collect();
        // A device whose table does not fit has been reported already.
        if found.is_empty() && devices.get(selector).is_none() {
            let hint = Some(devices.hint(selector));
            problems.push(At::Flag("--device").problem(format!("unknown device or tag `{selector}`"), hint));
        }
        ids.extend(found);
    }
    devices
        .usable()
        .filter(|(name, ..)| ids.contains(name))
        .map(|(name, words, _)| (DeviceId::from(name), words.plan()))
        .collect()
}

/// Whether `text` fits `pattern`, in which `*` is any text and `?` any one character.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last star did not fit.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == '?' || *c == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            p = at + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let check = |pattern, text, expected| assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        check("pi5-a", "pi5-a", true);
        check("pi5-*", "pi5-a", true);
        check("*", "", true);
        check("pi?-*b", "pi5-ab", true);
        check("*a*b", "xaxb", true);
        check("pi", "pi5", false);
        check("pi5?", "pi5", false);
        check("", "pi5", false);
    }
}
