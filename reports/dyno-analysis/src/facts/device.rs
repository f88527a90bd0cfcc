//! What a device said of itself and how it was reached.

use dyno_model::device::{CpuCluster, DeviceFacts};
use dyno_model::ids::DeviceId;
use dyno_model::plan::TransportSpec;
use dyno_store::JournalEntry;
use dyno_view::report::{DeviceView, FactView};

use super::{bytes, count, khz, ns, parts, text};
use crate::clock::clock_view;
use crate::contacts::Contacts;
use crate::record::Record;

/// Every device of the plan.
pub(crate) fn device_views(record: &Record<'_>) -> Vec<DeviceView> {
    record.plan.devices.keys().map(|id| device_view(record, id)).collect()
}

fn device_view(record: &Record<'_>, id: &DeviceId) -> DeviceView {
    let contacts = Contacts::of(record, id);
    let facts = match record.session_with(id) {
        Some(JournalEntry::Session { build_id, facts, .. }) => device_facts(facts, build_id),
        // Never reached: all that is known is how it would have been.
        _ => Vec::new(),
    };
    DeviceView {
        id: id.0.clone(),
        transport: transport(record, id, &contacts),
        clock: clock_view(&contacts),
        facts,
    }
}

/// As it was asked for, and what carried it: `ssh pi5 (ssh2)`.
fn transport(record: &Record<'_>, id: &DeviceId, contacts: &Contacts<'_>) -> String {
    let planned = match record.plan.devices.get(id).map(|device| &device.transport) {
        None => String::new(),
        Some(TransportSpec::Local) => "local".to_owned(),
        Some(TransportSpec::Ssh { host }) => format!("ssh {host}"),
        Some(TransportSpec::Adb { serial }) => format!("adb {serial}"),
    };
    let mut carriers: Vec<&str> = Vec::new();
    for contact in &contacts.all {
        if contact.carrier != planned && !carriers.contains(&contact.carrier) {
            carriers.push(contact.carrier);
        }
    }
    if carriers.is_empty() { planned } else { format!("{planned} ({})", carriers.join(", then ")) }
}

fn device_facts(facts: &DeviceFacts, build_id: &str) -> Vec<FactView> {
    let mut views = processor(facts);
    for (place, cluster) in facts.clusters.iter().enumerate() {
        views.extend(cluster_facts(cluster, (facts.clusters.len() > 1).then_some(place)));
    }
    views.extend([
        bytes("RAM", facts.ram_bytes),
        bytes("RAM available at the start", facts.ram_available_bytes),
        bytes("Swap", facts.swap_bytes),
    ]);
    views.extend(facts.swap_used_bytes.filter(|used| *used > 0).map(|used| bytes("Swap in use", Some(used))));
    views.extend([
        text("System", facts.os_version.as_deref().or(Some(&facts.os))),
        text("Kernel", facts.kernel.as_deref()),
        text("Hypervisor", facts.hypervisor.as_deref().or(Some("none seen"))),
        text("Host name", facts.host.as_deref()),
        bytes("Free disk", facts.free_bytes),
    ]);
    views.extend(known([
        ("Disk of the work folder", facts.work_disk.as_ref().and_then(parts::disk)),
        ("Android", facts.android.as_ref().and_then(parts::android)),
        ("Battery", parts::battery(facts)),
        ("Power settings", parts::power(&facts.power)),
        ("Energy sources", parts::energy(&facts.energy_sources)),
        ("Thermal zones", parts::zones(&facts.thermal_zones)),
        ("Cooling at work", parts::cooling(&facts.cooling)),
        ("Accelerators seen", parts::accelerators(&facts.accelerators)),
        ("Runtimes found", parts::runtimes(&facts.runtimes)),
        ("Load at the start", facts.load.as_ref().and_then(parts::load)),
    ]));
    views.extend(facts.uptime_s.map(|s| ns("Up for", Some(s.saturating_mul(1_000_000_000)))));
    views.push(text("Boot", facts.boot_id.as_deref()));
    views.push(text("Agent build", Some(build_id)));
    views.extend(known([("Could not be read", parts::unread(&facts.unread))]));
    views
}

fn processor(facts: &DeviceFacts) -> Vec<FactView> {
    let mut views = vec![text("Model", facts.model.as_deref())];
    let board = (!facts.compatible.is_empty()).then(|| parts::some_of(&facts.compatible));
    views.extend(known([("SoC", facts.soc.clone()), ("Board", board)]));
    let features = (!facts.cpu_features.is_empty()).then(|| facts.cpu_features.join(" "));
    let arch = match facts.userland_bits {
        // A 64-bit kernel may carry 32-bit programs.
        Some(32) if facts.arch.contains("64") => format!("{}, with 32-bit programs", facts.arch),
        _ => facts.arch.clone(),
    };
    views.extend([
        text("CPU", facts.cpu.as_deref()),
        text("Architecture", Some(&arch)),
        text("CPU features", features.as_deref()),
        count("Logical CPUs", facts.n_cpus.map(u64::from)),
        count("Physical cores", facts.n_cores.map(u64::from)),
    ]);
    views
}

/// Those that the device has.
fn known<const N: usize>(all: [(&str, Option<String>); N]) -> impl Iterator<Item = FactView> {
    all.into_iter().filter_map(|(label, value)| Some(text(label, Some(&value?))))
}

fn cluster_facts(cluster: &CpuCluster, place: Option<usize>) -> Vec<FactView> {
    let cpus: Vec<String> = cluster.cpus.iter().map(u32::to_string).collect();
    let label = |what: &str| match place {
        None => what.to_owned(),
        Some(place) => format!("Cluster {place}: {}", what.to_lowercase()),
    };
    let mut views = Vec::new();
    if place.is_some() {
        let core = cluster.core.as_ref().map(|core| format!(" ({core})")).unwrap_or_default();
        views.push(text(&label("CPUs"), Some(&format!("{}{core}", cpus.join(" ")))));
    }
    let governor = match (&cluster.governor, &cluster.driver) {
        (Some(governor), Some(driver)) => Some(format!("{governor} ({driver})")),
        (governor, _) => governor.clone(),
    };
    views.extend([
        text(&label("Governor"), governor.as_deref()),
        khz(&label("Lowest clock"), cluster.min_freq_khz),
        khz(&label("Highest clock"), cluster.max_freq_khz),
    ]);
    let cap = cluster.limit_freq_khz.filter(|limit| cluster.max_freq_khz.is_some_and(|max| *limit < max));
    views.extend(cap.map(|cap| khz(&label("Highest clock allowed"), Some(cap))));
    views.push(khz(&label("Clock at the start"), cluster.now_freq_khz));
    views
}
