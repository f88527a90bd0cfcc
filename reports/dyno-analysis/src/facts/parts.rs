//! Parts of a device, each in one line; `None` where the device has no such part or says nothing of it.

use dyno_model::device::{
    Accelerator, AcceleratorKind, AndroidFacts, CoolingDevice, DeviceFacts, DiskFacts, DiskKind,
    EnergySource, LoadFacts, PowerFacts, RuntimeFound, ThermalZone, Unread,
};

/// Things of one kind that are named before the rest is counted (house rule).
const MAX_NAMED: usize = 6;

/// The first few, and how many more there are.
pub(super) fn some_of(words: &[String]) -> String {
    let named = words.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
    match words.len().saturating_sub(MAX_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn each<T>(all: &[T], word: impl Fn(&T) -> String) -> Option<String> {
    let words: Vec<String> = all.iter().map(word).collect();
    (!words.is_empty()).then(|| some_of(&words))
}

fn joined(words: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let words: Vec<String> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// Whole degrees: sensors of devices are hardly surer.
fn degrees(mdegc: i64) -> String {
    format!("{:.0} °C", mdegc as f64 / 1000.0)
}

/// `12.3 %` of thousandths.
fn share(milli: u32) -> String {
    format!("{}.{} %", milli / 10, milli % 10)
}

pub(super) fn disk(disk: &DiskFacts) -> Option<String> {
    let kind = disk.kind.map(|kind| match kind {
        DiskKind::Sd => "SD card",
        DiskKind::Emmc => "eMMC",
        DiskKind::Nvme => "NVMe drive",
        DiskKind::Solid => "solid-state disk",
        DiskKind::Usb => "USB disk",
        DiskKind::Rotating => "disk with platters",
        DiskKind::Memory => "RAM",
        DiskKind::Network => "another machine's disk",
        DiskKind::Virtual => "virtual disk",
    });
    joined([kind.map(str::to_owned), disk.device.clone(), disk.file_system.clone()])
}

pub(super) fn android(android: &AndroidFacts) -> Option<String> {
    let thermal = android.thermal_status.filter(|status| *status > 0);
    joined([
        android.sdk.map(|sdk| format!("API level {sdk}")),
        android.security_patch.as_ref().map(|date| format!("security patch of {date}")),
        android.screen_on.map(|on| if on { "screen on" } else { "screen off" }.to_owned()),
        android.wakefulness.clone(),
        android.doze.as_ref().map(|doze| format!("doze {doze}")),
        thermal.map(|status| format!("thermal status {status}")),
    ])
}

pub(crate) fn battery(facts: &DeviceFacts) -> Option<String> {
    let battery = facts.battery.as_ref();
    let plugged = battery.and_then(|battery| battery.plugged.as_ref()).map(|supplies| {
        if supplies.is_empty() {
            "nothing plugged in".to_owned()
        } else {
            format!("plugged in: {}", supplies.join(" "))
        }
    });
    joined([
        facts.battery_percent.map(|percent| format!("{percent} %")),
        facts.battery_status.clone(),
        battery.and_then(|battery| battery.temp_mdegc).map(degrees),
        battery.and_then(|battery| battery.health.clone()).filter(|health| health != "Good"),
        plugged,
    ])
}

pub(super) fn power(power: &PowerFacts) -> Option<String> {
    let on_off = |on: bool| if on { "on" } else { "off" };
    let nvpmodel = power.nvpmodel.as_ref().map(|of| match of.modes.get(&of.mode) {
        Some(name) => format!("power mode {name} ({})", of.mode),
        None => format!("power mode {}", of.mode),
    });
    joined([
        nvpmodel,
        power.profile.as_ref().map(|profile| format!("profile {profile}")),
        power.boost.map(|boost| format!("boost {}", on_off(boost))),
        power.battery_saver.map(|saver| format!("battery saver {}", on_off(saver))),
        power.throttled_bits.filter(|bits| *bits > 0).map(|bits| format!("firmware flags {bits:#x}")),
    ])
}

pub(super) fn energy(sources: &[EnergySource]) -> Option<String> {
    each(sources, |source| {
        let unread = source.unread.as_ref().map(|why| format!(", cannot be read: {why}")).unwrap_or_default();
        format!("{} {} (class {:?}{unread})", source.source, source.site, source.class)
    })
}

pub(super) fn zones(zones: &[ThermalZone]) -> Option<String> {
    each(zones, |zone| {
        let name = zone.kind.as_ref().unwrap_or(&zone.name);
        match zone.temp_mdegc {
            Some(mdegc) => format!("{name} {}", degrees(mdegc)),
            None => format!("{name} (cannot be read)"),
        }
    })
}

pub(super) fn cooling(devices: &[CoolingDevice]) -> Option<String> {
    each(devices, |device| format!("{} at {} of {}", device.kind, device.state, device.max_state))
}

pub(super) fn accelerators(all: &[Accelerator]) -> Option<String> {
    each(all, |one| {
        let kind = match one.kind {
            AcceleratorKind::Gpu => "GPU",
            AcceleratorKind::Npu => "NPU",
            AcceleratorKind::Dsp => "DSP",
        };
        format!("{kind} {}", one.name)
    })
}

pub(super) fn runtimes(all: &[RuntimeFound]) -> Option<String> {
    each(all, |one| match &one.version {
        Some(version) => format!("{} {version}", one.name),
        None => one.name.clone(),
    })
}

pub(super) fn load(load: &LoadFacts) -> Option<String> {
    let busiest: Vec<String> =
        load.busiest.iter().map(|process| format!("{} {}", process.name, share(process.cpu_milli))).collect();
    let busiest = (!busiest.is_empty()).then(|| format!("busiest: {}", some_of(&busiest)));
    joined([
        load.busy_milli.map(|milli| format!("{} of all CPUs busy", share(milli))),
        load.steal_milli
            .filter(|milli| *milli > 0)
            .map(|milli| format!("{} taken by the hypervisor", share(milli))),
        load.load1_milli.map(|milli| format!("load average {:.2}", milli as f64 / 1000.0)),
        busiest,
    ])
}

pub(super) fn unread(all: &[Unread]) -> Option<String> {
    each(all, |one| format!("{} ({})", one.what, one.reason))
}

#[cfg(test)]
mod tests {
    use dyno_model::device::{BatteryFacts, BusyProcess, NvpModel};
    use dyno_model::sample::AccuracyClass;

    use super::*;

    #[test]
    fn parts_are_told_in_one_line() {
        let check = |found: Option<String>, expected: &str| assert_eq!(found.as_deref(), Some(expected));
        let facts = DeviceFacts {
            battery_percent: Some(83),
            battery_status: Some("Charging".to_owned()),
            battery: Some(BatteryFacts {
                temp_mdegc: Some(31_400),
                plugged: Some(vec!["USB".to_owned()]),
                ..BatteryFacts::default()
            }),
            ..DeviceFacts::default()
        };
        check(battery(&facts), "83 %, Charging, 31 °C, plugged in: USB");
        let zone = |kind: &str, temp_mdegc| ThermalZone {
            kind: Some(kind.to_owned()),
            temp_mdegc,
            ..ThermalZone::default()
        };
        check(zones(&[zone("cpu", Some(51_600)), zone("gpu", None)]), "cpu 52 °C, gpu (cannot be read)");
        let source = EnergySource {
            source: "rapl".to_owned(),
            site: "package-0".to_owned(),
            class: AccuracyClass::B,
            unread: Some("permission denied".to_owned()),
        };
        check(energy(&[source]), "rapl package-0 (class B, cannot be read: permission denied)");
        let nvpmodel = NvpModel { mode: 2, modes: [(2, "15W".to_owned())].into() };
        let set = PowerFacts { nvpmodel: Some(nvpmodel), boost: Some(false), ..PowerFacts::default() };
        check(power(&set), "power mode 15W (2), boost off");
        let busy = LoadFacts {
            busy_milli: Some(123),
            busiest: vec![BusyProcess { name: "chrome".to_owned(), cpu_milli: 1005 }],
            ..LoadFacts::default()
        };
        check(load(&busy), "12.3 % of all CPUs busy, busiest: chrome 100.5 %");
    }

    #[test]
    fn what_is_not_there_is_not_told() {
        assert_eq!(battery(&DeviceFacts::default()), None);
        assert_eq!((zones(&[]), energy(&[]), runtimes(&[])), (None, None, None));
        assert_eq!((power(&PowerFacts::default()), load(&LoadFacts::default())), (None, None));
    }

    #[test]
    fn many_of_a_kind_are_counted() {
        let names: Vec<String> = (0..9).map(|i| format!("z{i}")).collect();
        assert_eq!(some_of(&names), "z0, z1, z2, z3, z4, z5 and 3 more");
    }
}
