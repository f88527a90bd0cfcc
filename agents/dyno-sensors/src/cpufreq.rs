//! CPU clocks: `/sys/devices/system/cpu/cpufreq`, one channel per policy.
//!
//! `scaling_cur_freq` is the clock that was last asked for, which the hardware need not keep; hence class C.

use std::io;

use dyno_model::clock::{MonoNs, monotonic_now};
use dyno_model::sample::{AccuracyClass, Channel, Quantity};

use crate::driver::{Found, ProbeContext, Sensor, SensorDriver};
use crate::error::SensorError;
use crate::hot::HotFile;
use crate::root::SysRoot;
use crate::text;

/// Where the policies are.
pub(crate) const FOLDER: &str = "sys/devices/system/cpu/cpufreq";
/// More policies than this are not sampled (house rule): the cost grows with each.
const MAX_POLICIES: usize = 64;
/// Clocks that are believed: 1 kHz to 20 GHz (house rule).
const BELIEVED_KHZ: std::ops::RangeInclusive<i64> = 1..=20_000_000;

/// Finds one sensor with a channel for each policy, as site `cpu0-3`.
pub(crate) struct Cpufreq;

impl SensorDriver for Cpufreq {
    fn name(&self) -> &'static str {
        "cpufreq"
    }

    fn probe(&self, root: &SysRoot, context: &ProbeContext) -> Result<Found, SensorError> {
        let mut found = Found::default();
        let mut sensor = ClockSensor { channels: Vec::new(), files: Vec::new() };
        let names = match root.names(FOLDER) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(source) => return Err(SensorError::List { path: FOLDER.to_owned(), source }),
        };
        let policies: Vec<&String> = names.iter().filter(|name| name.starts_with("policy")).collect();
        if let Some([first, ..]) = policies.get(MAX_POLICIES..) {
            let what = format!("{first} and all after it, {} policies", policies.len() - MAX_POLICIES);
            found.leave_out(self.name(), what, &format_args!("more than {MAX_POLICIES} are not sampled"));
        }
        for policy in policies.into_iter().take(MAX_POLICIES) {
            let path = format!("{FOLDER}/{policy}/scaling_cur_freq");
            match HotFile::open(root, &path, 64).and_then(|mut file| file.read().map(drop).map(|()| file)) {
                Ok(file) => sensor.add(site(root, policy), file, context.slow_period_ms),
                Err(error) => found.leave_out(self.name(), format!("/{path}"), &error),
            }
        }
        if !sensor.files.is_empty() {
            found.sensors.push(Box::new(sensor));
        }
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

/// All policies as one row.
#[derive(Debug)]
struct ClockSensor {
    channels: Vec<Channel>,
    files: Vec<HotFile>,
}

impl ClockSensor {
    fn add(&mut self, site: String, file: HotFile, period_ms: u32) {
        self.channels.push(Channel { quantity: Quantity::FreqKhz, site, class: AccuracyClass::C, period_ms });
        self.files.push(file);
    }
}

impl Sensor for ClockSensor {
    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn read(&mut self, row: &mut [Option<i64>]) -> Result<MonoNs, SensorError> {
        let at = monotonic_now();
        for (value, file) in row.iter_mut().zip(&mut self.files) {
            *value = file.text().and_then(text::number).filter(|khz| BELIEVED_KHZ.contains(khz));
        }
        Ok(at)
    }
}
