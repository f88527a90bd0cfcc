//! What only Android has: properties, and what its services say.

use std::collections::BTreeMap;

use dyno_model::device::{AndroidFacts, Unread};

use crate::facts::{clean, exists, programs};
use crate::root::SysRoot;

/// More properties than this are not read (house rule): phones have about 1,000.
const MAX_PROPERTIES: usize = 10_000;
/// After so many programs that did not end in time no other one is asked (house rule): the system hangs.
const MAX_LATE: usize = 2;
/// More ABIs than this are not kept (house rule): phones have up to 6.
const MAX_ABIS: usize = 16;

/// Whether the system is Android, whatever the agent was built for.
pub(crate) fn is_android(root: &SysRoot) -> bool {
    exists(root, "system/build.prop") || exists(root, "system/bin/getprop")
}

/// System properties, as `getprop` lists them.
#[derive(Debug, Default)]
pub(crate) struct Properties(BTreeMap<String, String>);

impl Properties {
    pub(crate) fn read(root: &SysRoot, unread: &mut Vec<Unread>) -> Self {
        Self::parse(&said(root, "getprop", &[], unread).unwrap_or_default())
    }

    /// Reads lines `[name]: [value]`; a value may go on over several lines, of which the first is kept.
    fn parse(text: &str) -> Self {
        let property = |line: &str| {
            let (name, value) = line.strip_prefix('[')?.split_once("]: [")?;
            let value = value.trim_end();
            Some((name.to_owned(), clean(value.strip_suffix(']').unwrap_or(value))?))
        };
        Self(text.lines().filter_map(property).take(MAX_PROPERTIES).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| *value != "unknown").cloned()
    }

    fn pair(&self, first: &str, second: &str) -> Option<String> {
        match (self.get(first), self.get(second)) {
            (Some(first), Some(second)) if !second.to_lowercase().starts_with(&first.to_lowercase()) => {
                Some(format!("{first} {second}"))
            }
            (_, second) => second,
        }
    }

    /// Maker and model: `Google Pixel 8`.
    pub(crate) fn model(&self) -> Option<String> {
        self.pair("ro.product.manufacturer", "ro.product.model")
    }

    /// Maker and name of the SoC, which Android has since version 12; before, the platform's name.
    pub(crate) fn soc(&self) -> Option<String> {
        let soc = self.pair("ro.soc.manufacturer", "ro.soc.model");
        soc.or_else(|| self.get("ro.board.platform")).or_else(|| self.get("ro.hardware"))
    }

    /// The emulator's name, if it is one.
    pub(crate) fn hypervisor(&self) -> Option<String> {
        let names = ["ro.kernel.qemu", "ro.boot.qemu"];
        let emulated = names.iter().any(|name| self.get(name).as_deref() == Some("1"));
        emulated.then(|| "Android emulator".to_owned())
    }
}

/// What the properties and services say.
pub(crate) fn facts(root: &SysRoot, properties: &Properties, unread: &mut Vec<Unread>) -> AndroidFacts {
    let power = said(root, "dumpsys", &["power"], unread).unwrap_or_default();
    let thermal = said(root, "dumpsys", &["thermalservice"], unread).unwrap_or_default();
    let doze = said(root, "dumpsys", &["deviceidle", "get", "deep"], unread);
    let abis = properties.get("ro.product.cpu.abilist").unwrap_or_default();
    AndroidFacts {
        release: properties.get("ro.build.version.release"),
        // Best effort: a text that is no number is no API level.
        sdk: properties.get("ro.build.version.sdk").and_then(|sdk| sdk.parse().ok()),
        security_patch: properties.get("ro.build.version.security_patch"),
        fingerprint: properties.get("ro.build.fingerprint"),
        abis: abis.split(',').filter_map(clean).take(MAX_ABIS).collect(),
        screen_on: screen_on(&power),
        wakefulness: value(&power, "mWakefulness="),
        doze: doze.as_deref().and_then(|text| clean(text.lines().next()?)),
        // Best effort: a text that is no number is no status.
        thermal_status: value(&thermal, "Thermal Status:").and_then(|status| status.parse().ok()),
    }
}

/// Whether the battery saver is on.
pub(crate) fn battery_saver(root: &SysRoot, unread: &mut Vec<Unread>) -> Option<bool> {
    match said(root, "cmd", &["settings", "get", "global", "low_power"], unread)?.trim() {
        "0" | "null" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// What a program says; that it cannot be asked goes to `unread`.
pub(crate) fn said(root: &SysRoot, program: &str, args: &[&str], unread: &mut Vec<Unread>) -> Option<String> {
    let late = unread.iter().filter(|one| programs::is_late(&one.reason)).count();
    let said = if late < MAX_LATE {
        programs::ask(root, program, args)
    } else {
        Err("not asked: other programs did not end in time".to_owned())
    };
    said.unwrap_or_else(|reason| {
        unread.push(Unread { what: [&[program], args].concat().join(" "), reason });
        None
    })
}

/// The display's own state; without one, the system's wakefulness.
fn screen_on(power: &str) -> Option<bool> {
    if let Some(state) = value(power, "Display Power: state=") {
        return Some(state == "ON");
    }
    value(power, "mWakefulness=").map(|state| state == "Awake")
}

/// The word behind `key` on the first line that begins with it.
fn value(text: &str, key: &str) -> Option<String> {
    let rest = text.lines().find_map(|line| line.trim_start().strip_prefix(key))?;
    clean(rest.split_whitespace().next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read_line_by_line() {
        let text = "[ro.product.manufacturer]: [samsung]\r\n[ro.product.model]: [SM-S921B]\n\
                    [a]: [first\nsecond]\n[ro.soc.model]: [unknown]\nnonsense\n[b]: []\n[]: [c]\n";
        let properties = Properties::parse(text);
        assert_eq!(properties.model().as_deref(), Some("samsung SM-S921B"));
        assert_eq!((properties.get("a").as_deref(), properties.get("b")), (Some("first"), None));
        assert_eq!((properties.soc(), properties.hypervisor()), (None, None));
        let properties =
            Properties::parse("[ro.product.manufacturer]: [Fairphone]\n[ro.product.model]: [Fairphone 4]\n");
        assert_eq!(properties.model().as_deref(), Some("Fairphone 4"), "the maker is not said twice");
    }

    #[test]
    fn the_display_is_on_when_it_says_so() {
        let check = |power, expected| assert_eq!(screen_on(power), expected, "{power}");
        check("  mWakefulness=Awake\nDisplay Power: state=OFF\n", Some(false));
        check("Display Power: state=ON\n", Some(true));
        check("Display Power: state=DOZE\n", Some(false));
        check("  mWakefulness=Asleep\n", Some(false));
        check("  mWakefulness=Awake\n", Some(true));
        check("", None);
    }
}
