//! Facts on Linux and Android: procfs, sysfs, `os-release`.

use dyno_model::device::DeviceFacts;

use crate::facts::clusters;
use crate::facts::cpuinfo::CpuInfo;
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

/// All facts but the free room.
pub(crate) fn facts(root: &SysRoot) -> DeviceFacts {
    // Best effort, here and below: what cannot be read is `None`.
    let cpuinfo_text = root.read("proc/cpuinfo").unwrap_or_default();
    let cpuinfo = CpuInfo::parse(&cpuinfo_text);
    let online = clusters::online(root).or_else(|| Some((0..cpuinfo.n_cpus()?).collect()));
    let cpus = online.as_deref().unwrap_or_default();
    let memory = root.read("proc/meminfo").unwrap_or_default();
    let bytes = |key: &str| text::kib_line(memory.as_bytes(), key.as_bytes()).map(i64::cast_unsigned);
    let (battery_status, battery_percent) = battery(root).unwrap_or_default();
    DeviceFacts {
        model: model(root),
        cpu: cpuinfo.name(),
        arch: arch(root).unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cpu_features: cpuinfo.features(),
        n_cpus: online.as_ref().and_then(|cpus| u32::try_from(cpus.len()).ok()),
        n_cores: clusters::n_cores(root, cpus).or_else(|| cpuinfo.n_cores()),
        clusters: clusters::clusters(root, cpus, cpuinfo.freq_khz()),
        ram_bytes: bytes("MemTotal:").filter(|bytes| *bytes > 0),
        ram_available_bytes: bytes("MemAvailable:"),
        swap_bytes: bytes("SwapTotal:"),
        os: std::env::consts::OS.to_owned(),
        os_version: os_version(root),
        kernel: root.text("proc/sys/kernel/osrelease"),
        host: root.text("proc/sys/kernel/hostname"),
        boot_id: root.text("proc/sys/kernel/random/boot_id"),
        hypervisor: hypervisor(root, &cpuinfo),
        free_bytes: None,
        battery_status,
        battery_percent,
    }
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

/// State and charge of the first battery that feeds the device itself.
fn battery(root: &SysRoot) -> Option<(Option<String>, Option<u32>)> {
    const FOLDER: &str = "sys/class/power_supply";
    let names = root.names(FOLDER).ok()?;
    let file = |name: &str, file: &str| root.text(&format!("{FOLDER}/{name}/{file}"));
    let is_battery = |name: &&String| {
        // Scope `Device` is the battery of a mouse.
        file(name, "type").as_deref() == Some("Battery") && file(name, "scope").as_deref() != Some("Device")
    };
    let name = names.iter().find(is_battery)?;
    let status = file(name, "status").filter(|status| status != "Unknown");
    let percent = root.number(&format!("{FOLDER}/{name}/capacity")).filter(|percent| *percent <= 100);
    Some((status, percent.and_then(|percent| u32::try_from(percent).ok())))
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
