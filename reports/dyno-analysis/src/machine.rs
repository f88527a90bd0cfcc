//! What a device runs on: a machine of its own, a share of one, or no real CPU at all.

use std::collections::BTreeMap;

use dyno_model::device::DeviceFacts;
use dyno_model::ids::DeviceId;
use dyno_model::plan::TransportSpec;

use crate::contacts::Contacts;
use crate::record::Record;

/// Why a device's times are not those of a device of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreal {
    /// Its instructions are carried out by a program; the words say what shows it.
    Emulated { by: String },
    /// It is a share of a computer.
    Virtual { hypervisor: String },
}

impl Unreal {
    /// For a table's row.
    pub(crate) fn mark(&self) -> String {
        match self {
            Self::Emulated { .. } => "emulated CPU".to_owned(),
            // A machine of QEMU may have the host's CPU or one in software; it does not say which.
            Self::Virtual { hypervisor } if hypervisor == "QEMU" => {
                "virtual or emulated CPU (QEMU)".to_owned()
            }
            Self::Virtual { hypervisor } if hypervisor == "unnamed" => "virtual machine".to_owned(),
            Self::Virtual { hypervisor } => {
                let name: String = hypervisor.chars().take(MAX_NAME_CHARS).collect();
                format!("virtual machine ({name})")
            }
        }
    }
}

/// A hypervisor's name in a table's row; it is the device's own word.
const MAX_NAME_CHARS: usize = 40;

/// What a device of the plan is, as far as its facts and those of the others tell.
pub(crate) fn unreal(record: &Record<'_>, device: &DeviceId) -> Option<Unreal> {
    let facts = Contacts::of(record, device).facts()?;
    let emulated = emulated_by_itself(facts).or_else(|| foreign_here(record, device, facts));
    let hypervisor = || facts.hypervisor.clone().map(|hypervisor| Unreal::Virtual { hypervisor });
    emulated.map(|by| Unreal::Emulated { by }).or_else(hypervisor)
}

/// What only an emulator says. QEMU's own CPU model has the implementer 0, which ARM keeps for software
/// (Arm Architecture Reference Manual, `MIDR_EL1`); RAPL is a part of x86 CPUs only.
fn emulated_by_itself(facts: &DeviceFacts) -> Option<String> {
    let cpu = facts.cpu.as_deref().unwrap_or_default();
    if cpu.starts_with("implementer 0x0 ") {
        return Some(format!("its CPU is no maker's ({cpu})"));
    }
    if ["qemu", "tcg"].iter().any(|word| cpu.to_lowercase().contains(word)) {
        return Some(format!("its CPU is {cpu}"));
    }
    let shows_rapl = facts.energy_sources.iter().any(|source| source.source == "rapl");
    (shows_rapl && family(&facts.arch) != "x86")
        .then(|| format!("it says {} and shows the power meter of an x86 CPU", facts.arch))
}

/// A system of another instruction set in the same boot as this machine itself.
fn foreign_here(record: &Record<'_>, device: &DeviceId, facts: &DeviceFacts) -> Option<String> {
    let is_local = |id: &&DeviceId| {
        record.plan.devices.get(*id).is_some_and(|planned| planned.transport == TransportSpec::Local)
    };
    let local = record.plan.devices.keys().find(is_local).filter(|local| *local != device)?;
    let here = Contacts::of(record, local).facts()?;
    let is_same_boot = here.boot_id.is_some() && here.boot_id == facts.boot_id;
    (is_same_boot && family(&here.arch) != family(&facts.arch))
        .then(|| format!("it says {} and runs on {local}, which is {}", facts.arch, here.arch))
}

/// Instruction sets that one CPU can carry out natively.
fn family(arch: &str) -> &str {
    match arch {
        "x86_64" | "amd64" | "i386" | "i586" | "i686" | "x86" => "x86",
        _ if arch.starts_with("arm") || arch.starts_with("aarch64") => "arm",
        other => other,
    }
}

/// Devices that are one machine: those of the plan that say the same boot, where there are several.
pub(crate) fn shared_machines<'a>(record: &'a Record<'_>) -> Vec<Vec<&'a DeviceId>> {
    let mut by_boot: BTreeMap<&str, Vec<&DeviceId>> = BTreeMap::new();
    for device in record.plan.devices.keys() {
        let boot = Contacts::of(record, device).facts().and_then(|facts| facts.boot_id.as_deref());
        if let Some(boot) = boot.filter(|boot| !boot.is_empty()) {
            by_boot.entry(boot).or_default().push(device);
        }
    }
    let mut shared: Vec<Vec<&DeviceId>> = by_boot.into_values().filter(|devices| devices.len() > 1).collect();
    shared.sort();
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(cpu: &str, arch: &str) -> DeviceFacts {
        DeviceFacts { cpu: Some(cpu.to_owned()), arch: arch.to_owned(), ..DeviceFacts::default() }
    }

    #[test]
    fn an_emulator_betrays_itself() {
        let check = |cpu: &str, arch: &str, expected: bool| {
            assert_eq!(emulated_by_itself(&facts(cpu, arch)).is_some(), expected, "{cpu}");
        };
        // The first is what qemu-aarch64 10.0.2 shows in /proc/cpuinfo (Debian 12, 2026-11-21).
        check("implementer 0x0 part 0x51", "aarch64", true);
        check("QEMU Virtual CPU version 2.5+", "x86_64", true);
        check("Arm Cortex-A76", "aarch64", false);
        check("implementer 0x48 part 0xd40", "aarch64", false);
        check("AMD EPYC", "x86_64", false);
    }

    #[test]
    fn a_mark_names_the_hypervisor_where_it_is_known() {
        let check = |hypervisor: &str, expected: &str| {
            assert_eq!(Unreal::Virtual { hypervisor: hypervisor.to_owned() }.mark(), expected);
        };
        check("KVM", "virtual machine (KVM)");
        check("unnamed", "virtual machine");
        check("QEMU", "virtual or emulated CPU (QEMU)");
    }

    #[test]
    fn a_narrow_program_on_a_wide_cpu_is_not_foreign() {
        assert_eq!(family("armv7l"), family("aarch64"));
        assert_eq!(family("i686"), family("x86_64"));
        assert_ne!(family("riscv64"), family("aarch64"));
    }
}
