//! Whether the devices were fit to be measured.

use std::collections::BTreeSet;

use dyno_model::device::DeviceFacts;
use dyno_model::ids::DeviceId;
use dyno_store::JournalEntry;
use dyno_view::report::Finding;

use super::{note, warning};
use crate::comparison::listed;
use crate::machine::{Unreal, shared_machines, unreal};
use crate::record::Record;

pub(super) fn findings(record: &Record<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for device in record.plan.devices.keys() {
        let Some(JournalEntry::Session { facts, .. }) = record.session_with(device) else { continue };
        let name = device.0.as_str();
        findings.extend(governor(name, facts));
        findings.extend(unreal(record, device).map(|unreal| not_real(name, &unreal)));
        if facts.battery_status.as_deref() == Some("Discharging") {
            findings.push(warning(format!("{name} ran on its battery: many devices are slower then")));
        }
    }
    findings.extend(shared_machines(record).into_iter().map(|devices| one_machine(&devices)));
    findings.extend(restarted(record));
    findings.extend(unsampled(record));
    findings.extend(unreadable(record));
    findings
}

fn not_real(name: &str, unreal: &Unreal) -> Finding {
    match unreal {
        Unreal::Emulated { by } => warning(format!(
            "{name} runs on an emulated CPU: {by}; its times are not those of a device and must not be quoted as such"
        )),
        Unreal::Virtual { hypervisor } => note(format!(
            "{name} is a virtual machine ({hypervisor}): its figures are those of a share of a computer"
        )),
    }
}

fn one_machine(devices: &[&DeviceId]) -> Finding {
    let names: Vec<&str> = devices.iter().map(|device| device.0.as_str()).collect();
    warning(format!(
        "{} are one machine (they say the same boot): measured at once, they take CPU time from each other",
        listed(&names)
    ))
}

fn governor(name: &str, facts: &DeviceFacts) -> Option<Finding> {
    let governors = facts.clusters.iter().filter_map(|cluster| cluster.governor.as_deref());
    let others: BTreeSet<&str> = governors.filter(|governor| *governor != "performance").collect();
    if others.is_empty() {
        return None;
    }
    let others: Vec<&str> = others.into_iter().collect();
    Some(note(format!(
        "the CPU governor of {name} is {}, not performance: clocks follow the load",
        others.join(", ")
    )))
}

/// Devices that were met in more than one boot.
fn restarted(record: &Record<'_>) -> Vec<Finding> {
    let boots = |device: &str| {
        let of = record.entries.iter().filter_map(|entry| match entry {
            JournalEntry::Session { device: id, facts, .. } if id.0 == device => facts.boot_id.as_deref(),
            _ => None,
        });
        of.collect::<BTreeSet<_>>().len()
    };
    let devices = record.plan.devices.keys().filter(|device| boots(&device.0) > 1);
    devices.map(|device| note(format!("{device} was restarted between its sessions"))).collect()
}

/// Launches without any sensor: the agent's own words.
fn unsampled(record: &Record<'_>) -> Vec<Finding> {
    let notes = record.launches.iter().flat_map(|launch| &launch.notes);
    let words: BTreeSet<&String> = notes.filter(|note| note.starts_with("no sensor is sampled")).collect();
    words.into_iter().map(|words| warning(words.clone())).collect()
}

/// Sensors that were seen and could not be read: one finding for all of them.
fn unreadable(record: &Record<'_>) -> Option<Finding> {
    let all = record.launches.iter().flat_map(|launch| &launch.unreadable);
    let words: BTreeSet<String> =
        all.map(|sensor| format!("{} {} ({})", sensor.driver, sensor.what, sensor.reason)).collect();
    if words.is_empty() {
        return None;
    }
    let words: Vec<String> = words.into_iter().collect();
    Some(note(format!("sensors that are there but could not be read: {}", words.join("; "))))
}
