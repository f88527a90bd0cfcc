//! Trees whose files lie, never end or hold what could move a cursor: facts stay small, plain and honest.

use std::fs;
use std::path::Path;

use dyno_model::device::DeviceFacts;
use dyno_sensors::{SysRoot, device_facts};

/// Files with one text in them, of every module of the facts.
const FILES: &[&str] = &[
    "bin/sh",
    "commands/cmd settings get global low_power",
    "commands/dumpsys battery",
    "commands/dumpsys deviceidle get deep",
    "commands/dumpsys power",
    "commands/dumpsys thermalservice",
    "commands/getprop",
    "commands/vcgencmd get_throttled",
    "commands/vcgencmd pmic_read_adc",
    "dev/mali0",
    "dev/nvidiactl",
    "etc/nvpmodel.conf",
    "etc/os-release",
    "proc/cpuinfo",
    "proc/device-tree/compatible",
    "proc/device-tree/model",
    "proc/driver/nvidia/gpus/0/information",
    "proc/loadavg",
    "proc/meminfo",
    "proc/self/mountinfo",
    "proc/stat",
    "proc/sys/kernel/arch",
    "proc/sys/kernel/hostname",
    "proc/sys/kernel/osrelease",
    "proc/sys/kernel/random/boot_id",
    "proc/uptime",
    "sys/block/sda/queue/rotational",
    "sys/bus/iio/devices/iio:device0/energy_value",
    "sys/bus/iio/devices/iio:device0/name",
    "sys/class/dmi/id/product_name",
    "sys/class/dmi/id/sys_vendor",
    "sys/class/drm/renderD128/device/uevent",
    "sys/class/hwmon/hwmon0/name",
    "sys/class/hwmon/hwmon0/power1_input",
    "sys/class/hwmon/hwmon0/power1_label",
    "sys/class/hwmon/hwmon1/curr1_input",
    "sys/class/hwmon/hwmon1/in1_label",
    "sys/class/kgsl/kgsl-3d0/gpu_model",
    "sys/class/misc/mali0/device/gpuinfo",
    "sys/class/power_supply/AC/online",
    "sys/class/power_supply/AC/type",
    "sys/class/power_supply/BAT0/capacity",
    "sys/class/power_supply/BAT0/current_now",
    "sys/class/power_supply/BAT0/health",
    "sys/class/power_supply/BAT0/status",
    "sys/class/power_supply/BAT0/temp",
    "sys/class/power_supply/BAT0/voltage_now",
    "sys/class/powercap/intel-rapl:0/energy_uj",
    "sys/class/powercap/intel-rapl:0/name",
    "sys/class/thermal/cooling_device0/cur_state",
    "sys/class/thermal/cooling_device0/max_state",
    "sys/class/thermal/cooling_device0/type",
    "sys/class/thermal/thermal_zone0/temp",
    "sys/class/thermal/thermal_zone0/trip_point_0_temp",
    "sys/class/thermal/thermal_zone0/trip_point_0_type",
    "sys/class/thermal/thermal_zone0/type",
    "sys/devices/soc0/family",
    "sys/devices/system/cpu/cpufreq/boost",
    "sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq",
    "sys/devices/system/cpu/cpufreq/policy0/related_cpus",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_governor",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq",
    "sys/devices/system/cpu/intel_pstate/no_turbo",
    "sys/devices/system/cpu/online",
    "sys/firmware/acpi/platform_profile",
    "sys/hypervisor/type",
    "system/build.prop",
    "var/lib/nvpmodel/status",
];

fn write(top: &Path, name: &str, text: &[u8]) {
    let path = top.join(name);
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a temporary folder");
    fs::write(path, text).expect("a temporary file");
}

/// Facts of a tree in which every file holds `text`.
fn all(text: &[u8]) -> DeviceFacts {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for name in FILES {
        write(dir.path(), name, text);
    }
    // What makes a battery one and a chip an INA3221 stays, so that the files beside it are read.
    write(dir.path(), "sys/class/power_supply/BAT0/type", b"Battery\n");
    write(dir.path(), "sys/class/hwmon/hwmon1/name", b"ina3221\n");
    device_facts(&SysRoot::tree(dir.path()), Path::new("/"))
}

/// Whether all texts are short and plain, and the whole is small.
fn check(facts: &DeviceFacts, what: &str) {
    fn texts(value: &serde_json::Value, what: &str) {
        match value {
            serde_json::Value::String(text) => {
                assert!(text.chars().count() <= 600, "{what}: {} characters", text.chars().count());
                assert!(!text.chars().any(char::is_control), "{what}: {text:?}");
            }
            serde_json::Value::Array(list) => list.iter().for_each(|value| texts(value, what)),
            serde_json::Value::Object(map) => map.values().for_each(|value| texts(value, what)),
            _ => {}
        }
    }
    let json = serde_json::to_value(facts).expect("facts have only string keys");
    texts(&json, what);
    let n_bytes = json.to_string().len();
    assert!(n_bytes < 100_000, "{what}: {n_bytes} bytes");
    assert_eq!(&serde_json::from_value::<DeviceFacts>(json).expect("our own words"), facts);
}

#[test]
fn whatever_all_files_say_facts_are_small_and_plain() {
    let endless = "9".repeat(200_000);
    let lines = "[a]: [b]\nkey: value\n".repeat(10_000);
    let escapes = "\u{1b}[2J\u{7}\u{0}\u{202e}x\u{85}\r".repeat(1000);
    let cases: [&[u8]; 10] = [
        b"",
        b"\n",
        b"\xff\xfe\xfd",
        b"-1\n",
        b"18446744073709551615\n",
        b"-9223372036854775808\n",
        b"1e9",
        endless.as_bytes(),
        lines.as_bytes(),
        escapes.as_bytes(),
    ];
    for text in cases {
        let what = String::from_utf8_lossy(&text[..text.len().min(20)]).into_owned();
        check(&all(text), &what);
    }
}

#[test]
fn huge_numbers_are_unknown_not_believed() {
    let facts = all(b"18446744073709551615\n");
    let battery = facts.battery.as_ref().expect("there is one");
    assert_eq!(
        (battery.percent, battery.temp_mdegc, battery.voltage_uv, battery.current_ua),
        (None, None, None, None)
    );
    assert_eq!((facts.battery_percent, facts.ram_bytes, facts.n_cpus), (None, None, None));
    assert_eq!(facts.thermal_zones[0].temp_mdegc, None);
    assert!(facts.thermal_zones[0].trips.is_empty() && facts.clusters.is_empty());
    assert_eq!((facts.power.boost, facts.power.throttled_bits), (Some(false), None));
    assert_eq!(facts.load, None);
}

#[test]
fn thousands_of_everything_are_listed_in_part() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for n in 0..500 {
        write(dir.path(), &format!("sys/class/thermal/thermal_zone{n}/temp"), b"40000\n");
        write(dir.path(), &format!("sys/class/thermal/cooling_device{n}/cur_state"), b"1\n");
        write(dir.path(), &format!("sys/class/drm/renderD{n}/device/uevent"), b"DRIVER=i915\n");
        write(dir.path(), &format!("sys/bus/iio/devices/iio:device{n}/energy_value"), b"1\n");
    }
    let facts = device_facts(&SysRoot::tree(dir.path()), Path::new("/"));
    assert_eq!((facts.thermal_zones.len(), facts.cooling.len()), (128, 128));
    assert_eq!((facts.accelerators.len(), facts.energy_sources.len()), (32, 64));
    check(&facts, "thousands");
}
