//! Facts on Linux and Android: procfs, sysfs, `os-release`.

use std::path::Path;

use dyno_model::device::{DeviceFacts, LoadFacts, Unread};

use crate::facts::android::{self, Properties};
use crate::facts::cpuinfo::CpuInfo;
use crate::facts::{accelerators, battery, clusters, disk, energy, heat, load, power, runtimes, soc};
use crate::root::SysRoot;
use crate::{sys, text};

/// What board makers leave in the DMI table where a name should be.
const NO_NAMES: &[&str] = &[
    "none",
    "unknown",
    "default string",
    "not specified",
    "not applicable",
    "o.e.m.",
    "to be filled by o.e.m.",
    "system manufacturer",
    "system product name",
    "invalid",
];

/// Hypervisors by a word in the DMI vendor or product.
const HYPERVISORS: &[(&str, &str)] = &[
    ("qemu", "QEMU"),
    ("kvm", "KVM"),
    ("vmware", "VMware"),
    ("virtualbox", "VirtualBox"),
    ("innotek", "VirtualBox"),
    ("xen", "Xen"),
    ("amazon ec2", "Amazon EC2"),
    ("google compute engine", "Google Compute Engine"),
    ("virtual machine", "Hyper-V"),
    ("parallels", "Parallels"),
    ("bhyve", "bhyve"),
    ("apple virtualization", "Apple Virtualization"),
];

/// The random id of this boot.
pub(crate) fn boot_id(root: &SysRoot) -> Option<String> {
    root.text("proc/sys/kernel/random/boot_id")
}

/// All facts but the free room; `work_dir` is where the agent works.
pub(crate) fn facts(root: &SysRoot, work_dir: &Path) -> DeviceFacts {
    let mut unread = Vec::new();
    // First of all, so that what is asked for below is not seen as load of the device.
    let snapshot = load::Snapshot::take(root);
    let device = of_files(root, work_dir, &mut unread);
    let load = load::load(root, &snapshot, &mut unread);
    let mut device = of_programs(root, device, &mut unread);
    device.load = (load != LoadFacts::default()).then_some(load);
    device.unread = unread;
    device
}

/// What files say.
fn of_files(root: &SysRoot, work_dir: &Path, unread: &mut Vec<Unread>) -> DeviceFacts {
    // Best effort, here and below: what cannot be read is `None`.
    let cpuinfo_text = root.read("proc/cpuinfo").unwrap_or_default();
    let cpuinfo = CpuInfo::parse(&cpuinfo_text);
    let online = clusters::online(root).or_else(|| Some((0..cpuinfo.n_cpus()?).collect()));
    let cpus = online.as_deref().unwrap_or_default();
    let memory = root.read("proc/meminfo").unwrap_or_default();
    let bytes = |key: &str| text::kib_line(memory.as_bytes(), key.as_bytes()).map(i64::cast_unsigned);
    let compatible = soc::compatible(root);
    let heat = heat::heat(root, unread);
    let swap_bytes = bytes("SwapTotal:");
    DeviceFacts {
        model: model(root),
        cpu: cpuinfo.name(),
        arch: arch(root).unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cpu_features: cpuinfo.features(),
        n_cpus: online.as_ref().and_then(|cpus| u32::try_from(cpus.len()).ok()),
        n_cores: clusters::n_cores(root, cpus).or_else(|| cpuinfo.n_cores()),
        clusters: clusters::clusters(root, cpus, &cpuinfo),
        ram_bytes: bytes("MemTotal:").filter(|bytes| *bytes > 0),
        ram_available_bytes: bytes("MemAvailable:"),
        swap_bytes,
        swap_used_bytes: swap_bytes.and_then(|total| total.checked_sub(bytes("SwapFree:")?)),
        os: std::env::consts::OS.to_owned(),
        os_version: os_version(root),
        kernel: root.text("proc/sys/kernel/osrelease"),
        host: root.text("proc/sys/kernel/hostname"),
        boot_id: root.text("proc/sys/kernel/random/boot_id"),
        hypervisor: hypervisor(root, &cpuinfo),
        soc: soc::soc(root, &compatible),
        userland_bits: soc::userland_bits(root),
        uptime_s: uptime_s(root),
        work_disk: disk::disk(root, work_dir),
        battery: battery::battery(root),
        thermal_zones: heat.zones,
        cooling: heat.cooling,
        accelerators: accelerators::accelerators(root),
        runtimes: runtimes::runtimes(root),
        compatible,
        ..DeviceFacts::default()
    }
}

/// The same with what only programs of the system say.
fn of_programs(root: &SysRoot, mut device: DeviceFacts, unread: &mut Vec<Unread>) -> DeviceFacts {
    device.power = power::power(root, &device.compatible, unread);
    let is_android = android::is_android(root);
    if is_android {
        let properties = Properties::read(root, unread);
        device.model = properties.model().or(device.model);
        device.soc = properties.soc().or(device.soc);
        device.hypervisor = properties.hypervisor().or(device.hypervisor);
        let facts = android::facts(root, &properties, unread);
        device.os_version =
            facts.release.as_ref().map(|release| format!("Android {release}")).or(device.os_version);
        "android".clone_into(&mut device.os);
        device.android = Some(facts);
        let service = android::said(root, "dumpsys", &["battery"], unread).unwrap_or_default();
        device.battery = battery::complete(device.battery, &service);
        device.power.battery_saver = android::battery_saver(root, unread);
    }
    let about =
        energy::About { battery: device.battery.as_ref(), compatible: &device.compatible, is_android };
    device.energy_sources = energy::sources(root, about, unread);
    device.battery_status = device.battery.as_ref().and_then(|battery| battery.status.clone());
    device.battery_percent = device.battery.as_ref().and_then(|battery| battery.percent);
    device
}

/// Whole seconds of the first number of proc_uptime(5).
fn uptime_s(root: &SysRoot) -> Option<u64> {
    // Best effort: a text that is no number is no time.
    root.text("proc/uptime")?.split(['.', ' ']).next()?.parse().ok()
}

/// The kernel's own word; files have it since Linux 6.1 only.
fn arch(root: &SysRoot) -> Option<String> {
    if root.is_real() { sys::machine() } else { root.text("proc/sys/kernel/arch") }
}

fn dmi(root: &SysRoot, name: &str) -> Option<String> {
    let text = root.text(&format!("sys/class/dmi/id/{name}"))?;
    (!NO_NAMES.contains(&text.to_lowercase().as_str())).then_some(text)
}

/// Vendor and product of the DMI table, else the model of the device tree.
fn model(root: &SysRoot) -> Option<String> {
    match (dmi(root, "sys_vendor"), dmi(root, "product_name")) {
        (Some(vendor), Some(product)) if !product.starts_with(&vendor) => Some(format!("{vendor} {product}")),
        (_, Some(product)) => Some(product),
        (_, None) => {
            let tree = root.text("proc/device-tree/model");
            tree.or_else(|| root.text("sys/firmware/devicetree/base/model"))
        }
    }
}

/// `PRETTY_NAME` of `os-release`, by the rules of os-release(5).
fn os_version(root: &SysRoot) -> Option<String> {
    let text = root.read("etc/os-release").or_else(|_absent| root.read("usr/lib/os-release")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?.trim();
    let quoted = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let bare = quoted('"').map(unescaped).or_else(|| quoted('\'').map(str::to_owned));
    let name: String =
        bare.unwrap_or_else(|| value.to_owned()).chars().filter(|c| !c.is_control()).take(256).collect();
    (!name.is_empty()).then_some(name)
}

/// Without the backslashes of a shell's double quotes.
fn unescaped(quoted: &str) -> String {
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

/// The hypervisor's name where one is seen; `unnamed` where only the CPU says that there is one.
fn hypervisor(root: &SysRoot, cpuinfo: &CpuInfo<'_>) -> Option<String> {
    if let Some(kind) = root.text("sys/hypervisor/type") {
        return Some(kind);
    }
    if let Some(compatible) = root.text("proc/device-tree/hypervisor/compatible") {
        return Some(compatible);
    }
    let table = ["sys_vendor", "product_name"]
        .map(|name| dmi(root, name).unwrap_or_default().to_lowercase())
        .join(" ");
    let named = HYPERVISORS.iter().find(|(word, _)| table.contains(word)).map(|(_, name)| (*name).to_owned());
    named.or_else(|| cpuinfo.is_guest().then(|| "unnamed".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn os_release_is_read_by_its_quoting_rules() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(dir.path().join("etc")).expect("a fresh folder");
        let check = |text: &str, expected: Option<&str>| {
            fs::write(dir.path().join("etc/os-release"), text).expect("a temporary file");
            assert_eq!(os_version(&SysRoot::tree(dir.path())).as_deref(), expected, "{text}");
        };
        check(
            "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
            Some("Debian GNU/Linux 12 (bookworm)"),
        );
        check("PRETTY_NAME='A B'\n", Some("A B"));
        check("PRETTY_NAME=Plain\n", Some("Plain"));
        check("PRETTY_NAME=\"say \\\"hi\\\" \\$1\"\n", Some("say \"hi\" $1"));
        check("PRETTY_NAME=\"\"\n", None);
        check("NAME=x\n", None);
    }
}
