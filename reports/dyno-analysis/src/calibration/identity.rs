//! What a device must still be, for what was found out about it to hold.

use dyno_model::device::DeviceFacts;
use dyno_model::ids::DeviceId;
use dyno_view::report::{FactValue, FactView};

use crate::contacts::Contacts;
use crate::record::Record;

/// Machine, system, firmware and what limits its clocks, as the device's first contact says; what it does not say is
/// not among them.
pub(crate) fn identity(record: &Record<'_>, device: &DeviceId) -> Vec<FactView> {
    let contacts = Contacts::of(record, device);
    contacts.facts().map(of_facts).unwrap_or_default()
}

fn of_facts(facts: &DeviceFacts) -> Vec<FactView> {
    let text = |value: Option<String>| value.filter(|text| !text.is_empty()).map(FactValue::Text);
    let governors: Vec<&str> =
        facts.clusters.iter().filter_map(|cluster| cluster.governor.as_deref()).collect();
    let nvpmodel = facts.power.nvpmodel.as_ref().map(|of| of.mode.to_string());
    let fingerprint = facts.android.as_ref().and_then(|android| android.fingerprint.clone());
    let boost = facts.power.boost.map(|is_on| if is_on { "on" } else { "off" }.to_owned());
    let all = [
        ("Model", text(facts.model.clone())),
        ("SoC", text(facts.soc.clone())),
        ("CPU", text(facts.cpu.clone())),
        ("Architecture", text(Some(facts.arch.clone()))),
        ("Logical CPUs", facts.n_cpus.map(|n| FactValue::Count(n.into()))),
        ("RAM", facts.ram_bytes.map(FactValue::Bytes)),
        ("System", text(facts.os_version.clone().or_else(|| Some(facts.os.clone())))),
        ("Kernel", text(facts.kernel.clone())),
        ("Firmware build", text(fingerprint)),
        ("Hypervisor", text(facts.hypervisor.clone())),
        ("Governors", text(Some(governors.join(" ")))),
        ("Power mode", text(nvpmodel)),
        ("Power profile", text(facts.power.profile.clone())),
        ("Boost", text(boost)),
    ];
    let known = all.into_iter().filter(|(_, value)| value.is_some());
    known.map(|(label, value)| FactView { label: label.to_owned(), value }).collect()
}
