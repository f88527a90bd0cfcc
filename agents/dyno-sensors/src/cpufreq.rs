//! CPU clocks and their caps: `/sys/devices/system/cpu/cpufreq`, one channel of each per policy.
//!
//! `scaling_cur_freq` is the clock that was last asked for, which the hardware need not keep; hence class C.
//! `scaling_max_freq` falls when the system caps the clock, for heat or for power.

use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, SensorDriver};
use crate::error::SensorError;
use crate::figures::{Figures, Form};
use crate::root::SysRoot;

/// Where the policies are.
pub(crate) const FOLDER: &str = "sys/devices/system/cpu/cpufreq";
/// More policies than this are not sampled (house rule): the cost grows with each.
const MAX_POLICIES: usize = 64;

/// Finds one sensor with the clock of each policy, as site `cpu0-3`, and one with their caps.
pub(crate) struct Cpufreq;

impl SensorDriver for Cpufreq {
    fn name(&self) -> &'static str {
        "cpufreq"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        let of = (FOLDER, "policies", MAX_POLICIES);
        let policies = found.names(root, self.name(), of, |name| name.starts_with("policy"))?;
        let (mut clocks, mut caps) = (Figures::default(), Figures::default());
        for policy in &policies {
            let site = site(root, policy);
            let channel = |quantity, class| Channel::new(quantity, &*site, class, context.slow_period_ms);
            let clock = (format!("{FOLDER}/{policy}/scaling_cur_freq"), Quantity::FreqKhz, AccuracyClass::C);
            let cap = (format!("{FOLDER}/{policy}/scaling_max_freq"), Quantity::FreqCapKhz, AccuracyClass::A);
            if let Err(error) = clocks.add(root, &clock.0, Form::Times(1), channel(clock.1, clock.2)) {
                found.leave_out(self.name(), format!("/{}", clock.0), &error);
            }
            if let Err(error) = caps.add(root, &cap.0, Form::Times(1), channel(cap.1, cap.2)) {
                found.leave_out_if_there(self.name(), format!("/{}", cap.0), &error);
            }
        }
        clocks.give(&mut found);
        caps.give(&mut found);
        Ok(found)
    }
}

/// `cpu` and the numbers of the policy's CPUs: `cpu0-3`; the policy's name where they are not told.
fn site(root: &SysRoot, policy: &str) -> String {
    let cpus =
        root.text(&format!("{FOLDER}/{policy}/related_cpus")).and_then(|list| crate::facts::cpu_list(&list));
    match cpus.as_deref() {
        Some([one]) => format!("cpu{one}"),
        Some([first, .., last]) if (last - first) as usize + 1 == cpus.as_ref().map_or(0, Vec::len) => {
            format!("cpu{first}-{last}")
        }
        Some(many @ [_, _, ..]) => {
            format!("cpu{}", many.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
        }
        Some([]) | None => policy.to_owned(),
    }
}
