//! Power modes and limits: turbo, platform profile, Jetson's `nvpmodel`, Raspberry Pi's firmware.

use std::collections::BTreeMap;

use dyno_model::device::{NvpModel, PowerFacts, Unread};

use crate::facts::clean;
use crate::root::SysRoot;
use crate::{throttle, vcio};

/// More power modes than this are not kept (house rule): Jetsons have up to about 10.
const MAX_MODES: usize = 64;

/// What is set now; `compatible` are the board's names in the device tree.
pub(crate) fn power(root: &SysRoot, compatible: &[String], unread: &mut Vec<Unread>) -> PowerFacts {
    let is_pi = compatible.iter().any(|name| name.starts_with("raspberrypi,"));
    PowerFacts {
        boost: boost(root),
        profile: root.text("sys/firmware/acpi/platform_profile"),
        battery_saver: None,
        nvpmodel: nvpmodel(root),
        throttled_bits: if is_pi { throttled_bits(root, unread) } else { None },
    }
}

/// Documentation/admin-guide/pm/intel_pstate.rst and cpufreq.rst.
fn boost(root: &SysRoot) -> Option<bool> {
    const CPU: &str = "sys/devices/system/cpu";
    let off = root.number(&format!("{CPU}/intel_pstate/no_turbo")).map(|off| off == 0);
    off.or_else(|| root.number(&format!("{CPU}/cpufreq/boost")).map(|on| on == 1))
}

/// The mode that `nvpmodel` wrote down, and the modes of its configuration.
fn nvpmodel(root: &SysRoot) -> Option<NvpModel> {
    let status = root.text("var/lib/nvpmodel/status")?;
    let digits: String =
        status.split_once("pmode:")?.1.chars().take_while(char::is_ascii_digit).take(9).collect();
    // Best effort: a configuration that cannot be read leaves the mode without a name.
    let conf = root.read("etc/nvpmodel.conf").unwrap_or_default();
    Some(NvpModel { mode: digits.parse().ok()?, modes: modes(&conf) })
}

/// Lines `< POWER_MODEL ID=0 NAME=MAXN >`.
fn modes(conf: &str) -> BTreeMap<u32, String> {
    let mode = |line: &str| {
        let words: Vec<&str> = line.trim().strip_prefix('<')?.strip_suffix('>')?.split_whitespace().collect();
        let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
        let is_mode = words.first() == Some(&"POWER_MODEL");
        // Best effort: a line without a number is no mode.
        is_mode.then(|| Some((value("ID=")?.parse().ok()?, clean(value("NAME=")?)?))).flatten()
    };
    conf.lines().filter_map(mode).take(MAX_MODES).collect()
}

/// The firmware's flags: a file of Raspberry Pi's own kernel, else its mailbox.
fn throttled_bits(root: &SysRoot, unread: &mut Vec<Unread>) -> Option<u32> {
    if let Some(text) = throttle::flags_path(root).and_then(|path| root.text(&path)) {
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        // Best effort: a text that is no number has no flags.
        return u32::from_str_radix(digits, 16).ok();
    }
    match vcio::flags(root) {
        // Best effort: as above.
        Ok(flags) => flags.and_then(|flags| u32::try_from(flags).ok()),
        Err(reason) => {
            unread.push(Unread { what: "/dev/vcio".to_owned(), reason });
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_from_their_own_lines_only() {
        let conf = "# < POWER_MODEL ID=9 NAME=OFF >\n< POWER_MODEL ID=0 NAME=15W >\nCPU_ONLINE CORE_0 1\n\
                    < POWER_MODEL ID=2 NAME=MAXN_SUPER >\n< CLOCK_MODEL ID=3 NAME=X >\n< POWER_MODEL ID=x NAME=Y >\n\
                    < PM_CONFIG DEFAULT=0 >\n";
        let expected = BTreeMap::from([(0, "15W".to_owned()), (2, "MAXN_SUPER".to_owned())]);
        assert_eq!(modes(conf), expected);
    }
}
