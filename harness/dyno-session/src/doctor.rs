//! What would make a measurement on a device invalid or shaky, and how to mend it: from facts to findings.
//!
//! Pure: the facts come from the device, nothing is asked here. Thresholds are constants beside their rule, each with
//! its source; those of our own say "house rule".

mod cpu;
mod heat;
mod power;
mod system;

use dyno_model::device::DeviceFacts;

/// How bad a finding is, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know when figures are read or compared.
    Info,
    /// Figures may be off, or spread more than they should.
    Shaky,
    /// Figures would not be those of the device at its best: they must not be used.
    Invalid,
}

impl Severity {
    /// Its word: `info`, `shaky`, `invalid`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Shaky => "shaky",
            Self::Invalid => "invalid",
        }
    }
}

/// One thing that speaks against measuring now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule found it: `governor`. Stable; for scripts.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was observed, with its unit.
    pub observed: String,
    /// Why it matters.
    pub why: &'static str,
    /// What mends it: a command for a shell on the device, or words; `None` where nothing does.
    pub fix: Option<String>,
}

impl Finding {
    fn new(rule: &'static str, severity: Severity, observed: impl Into<String>, why: &'static str) -> Self {
        Self { rule, severity, observed: observed.into(), why, fix: None }
    }

    fn mend(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// What the user's own words say of the device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceWords<'w> {
    /// `board` of devices.toml.
    pub board: Option<&'w str>,
}

/// A rule: facts to findings.
type Rule = fn(&DeviceFacts, DeviceWords<'_>) -> Vec<Finding>;

/// All rules, in the order in which equally bad findings are told.
const RULES: &[Rule] = &[
    cpu::governor,
    cpu::capped,
    cpu::userland,
    cpu::boost,
    power::charging,
    power::battery_low,
    power::battery_health,
    power::on_battery,
    power::saver,
    power::jetson_mode,
    power::pi_throttled,
    power::profile,
    power::energy,
    heat::zones,
    heat::throttled,
    heat::thermal_status,
    heat::battery_warm,
    system::load,
    system::stolen,
    system::memory,
    system::room,
    system::disk,
    system::virtual_machine,
    system::screen,
    system::doze,
    system::just_booted,
    system::other_board,
];

/// Everything that speaks against measuring now, the worst first.
pub fn diagnose(facts: &DeviceFacts, words: DeviceWords<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(facts, words)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// `1.80 GHz`.
fn ghz(khz: u64) -> String {
    format!("{:.2} GHz", khz as f64 / 1e6)
}

/// `45.5 °C`.
fn celsius(mdegc: i64) -> String {
    format!("{:.1} °C", mdegc as f64 / 1e3)
}

/// `3.2 GiB`; `310 MiB` below one.
fn bytes(n_bytes: u64) -> String {
    const GIB: u64 = 1 << 30;
    if n_bytes < GIB {
        return format!("{} MiB", n_bytes >> 20);
    }
    format!("{:.1} GiB", n_bytes as f64 / GIB as f64)
}

/// `12.5 %` of thousandths.
fn percent(milli: u32) -> String {
    format!("{:.1} %", f64::from(milli) / 10.0)
}

/// `0-3,6`, as the kernel writes lists of CPUs.
fn cpu_list(cpus: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for cpu in cpus {
        match ranges.last_mut() {
            Some(last) if last.1.checked_add(1) == Some(*cpu) => last.1 = *cpu,
            _ => ranges.push((*cpu, *cpu)),
        }
    }
    let range = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(range).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
