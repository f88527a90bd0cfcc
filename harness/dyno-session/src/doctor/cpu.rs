//! Rules of the CPU: governor, clocks, width of the programs.

use dyno_model::device::{CpuCluster, DeviceFacts};

use super::Severity::{Info, Invalid, Shaky};
use super::{DeviceWords, Finding, cpu_list, ghz};

/// Drivers whose governor `powersave` follows the load (Documentation/admin-guide/pm/intel_pstate.rst, amd-pstate.rst).
const POWERSAVE_FOLLOWS_LOAD: &[&str] = &["intel_pstate", "amd-pstate", "amd-pstate-epp", "amd_pstate_epp"];
/// A cap below this share of the highest clock is told, in thousandths (house rule): drivers round by less.
const CAP_MILLI: u64 = 990;

const FIX_LINUX: &str =
    "echo performance | sudo tee /sys/devices/system/cpu/cpufreq/policy*/scaling_governor";
const FIX_ANDROID: &str = "cmd power set-fixed-performance-mode-enabled true (where the phone honours it)";

pub(super) fn governor(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    if facts.clusters.is_empty() {
        return Vec::new();
    }
    let with: Vec<&CpuCluster> = facts.clusters.iter().filter(|cluster| cluster.governor.is_some()).collect();
    if with.is_empty() {
        let why = "whether the clocks are steady cannot be told from the device";
        return vec![Finding::new("governor", Info, "no governor can be read", why)];
    }
    let others = with.into_iter().filter(|cluster| cluster.governor.as_deref() != Some("performance"));
    others.map(|cluster| one_governor(facts, cluster)).collect()
}

fn one_governor(facts: &DeviceFacts, cluster: &CpuCluster) -> Finding {
    let governor = cluster.governor.as_deref().unwrap_or_default();
    let follows = cluster.driver.as_deref().is_some_and(|driver| POWERSAVE_FOLLOWS_LOAD.contains(&driver));
    let (severity, why) = match governor {
        "powersave" if !follows => (Invalid, "the CPUs stay at their lowest clock"),
        _ => (Shaky, "clocks follow the load, and every short request begins slow"),
    };
    let driver = cluster.driver.as_deref().map(|driver| format!(" ({driver})")).unwrap_or_default();
    let observed = format!("CPUs {}: {governor}{driver}", cpu_list(&cluster.cpus));
    let fix = if facts.android.is_some() { FIX_ANDROID } else { FIX_LINUX };
    let fix = format!("{fix}; or let a run set it: `prepare` in devices.toml");
    Finding::new("governor", severity, observed, why).mend(fix)
}

pub(super) fn capped(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let capped = |cluster: &CpuCluster| {
        let (limit, max) = (cluster.limit_freq_khz?, cluster.max_freq_khz?);
        if limit.saturating_mul(1000) >= max.saturating_mul(CAP_MILLI) {
            return None;
        }
        let cpus = cpu_list(&cluster.cpus);
        let observed = format!("CPUs {cpus}: at most {} of {}", ghz(limit), ghz(max));
        let why = "somebody, or the heat, keeps the CPUs below their highest clock";
        let first = cluster.cpus.first()?;
        let folder = format!("/sys/devices/system/cpu/cpu{first}/cpufreq");
        let fix = format!(
            "echo {max} | sudo tee {folder}/scaling_max_freq; if it falls again, let the device cool"
        );
        Some(Finding::new("clock-cap", Shaky, observed, why).mend(fix))
    };
    facts.clusters.iter().filter_map(capped).collect()
}

pub(super) fn userland(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    let wide = matches!(facts.arch.as_str(), "aarch64" | "x86_64" | "riscv64");
    if !wide || facts.userland_bits != Some(32) {
        return Vec::new();
    }
    let observed = format!("32-bit programs on a 64-bit kernel ({})", facts.arch);
    let why =
        "runtimes of such a system lack the vector instructions of 64-bit ones, and cannot map large models";
    let finding = Finding::new("userland", Shaky, observed, why);
    vec![finding.mend("install the 64-bit edition of the system")]
}

pub(super) fn boost(facts: &DeviceFacts, _words: DeviceWords<'_>) -> Vec<Finding> {
    if facts.power.boost != Some(false) {
        return Vec::new();
    }
    let why =
        "steadier clocks, but not the device's highest ones: compare only with figures taken the same way";
    vec![Finding::new("boost", Info, "turbo is switched off", why)]
}
