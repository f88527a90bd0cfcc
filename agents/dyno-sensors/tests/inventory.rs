//! The inventory's facts from the `.tree` files in `fixtures/`; every expected value is worked out by hand from them.

mod tree;

use std::path::Path;

use dyno_model::device::{AcceleratorKind, DeviceFacts, DiskKind, NvpModel};
use dyno_model::sample::AccuracyClass;
use dyno_sensors::{SysRoot, device_facts};

use crate::tree::Tree;

fn facts(name: &str, work_dir: &str) -> DeviceFacts {
    let tree = Tree::of_fixture(name);
    device_facts(&SysRoot::tree(tree.path()), Path::new(work_dir))
}

/// Source, site, class and why not, in their order.
fn energy(facts: &DeviceFacts) -> Vec<(&str, &str, AccuracyClass, Option<&str>)> {
    facts
        .energy_sources
        .iter()
        .map(|source| (&*source.source, &*source.site, source.class, source.unread.as_deref()))
        .collect()
}

fn accelerators(facts: &DeviceFacts) -> Vec<(AcceleratorKind, &str, &str)> {
    facts.accelerators.iter().map(|one| (one.kind, &*one.name, &*one.node)).collect()
}

fn runtimes(facts: &DeviceFacts) -> Vec<(&str, &str, Option<&str>)> {
    facts.runtimes.iter().map(|one| (&*one.name, &*one.path, one.version.as_deref())).collect()
}

fn trips(facts: &DeviceFacts, zone: usize) -> Vec<(&str, i64)> {
    facts.thermal_zones[zone].trips.iter().map(|trip| (&*trip.kind, trip.temp_mdegc)).collect()
}

#[test]
fn a_raspberry_pi_5() {
    let facts = facts("raspberry-pi-5", "/home/pi/.cache/edgedyno");
    assert_eq!(facts.model.as_deref(), Some("Raspberry Pi 5 Model B Rev 1.0"));
    assert_eq!(facts.soc.as_deref(), Some("brcm,bcm2712"));
    assert_eq!(facts.compatible, ["raspberrypi,5-model-b", "brcm,bcm2712"]);
    assert_eq!((facts.uptime_s, facts.swap_used_bytes), (Some(350_735), Some(100_000 << 10)));
    let load = facts.load.as_ref().expect("a load average");
    assert_eq!((load.load1_milli, load.busy_milli, load.window_ms), (Some(520), None, None));
    let cluster = &facts.clusters[0];
    assert_eq!(
        (cluster.core.as_deref(), cluster.driver.as_deref()),
        (Some("Arm Cortex-A76"), Some("cpufreq-dt"))
    );
    assert_eq!((cluster.max_freq_khz, cluster.limit_freq_khz), (Some(2_400_000), Some(1_800_000)));
    let disk = facts.work_disk.as_ref().expect("mounts are told");
    assert_eq!((disk.file_system.as_deref(), disk.device.as_deref()), (Some("ext4"), Some("mmcblk0")));
    assert_eq!(disk.kind, Some(DiskKind::Sd));
    assert_eq!(trips(&facts, 0), [("critical", 110_000), ("active", 50_000)], "one that is off is none");
    assert_eq!(facts.thermal_zones[0].temp_mdegc, Some(49_850));
    assert_eq!(
        (facts.cooling[0].kind.as_str(), facts.cooling[0].state, facts.cooling[0].max_state),
        ("pwm-fan", 1, 4)
    );
    assert_eq!(facts.power.throttled_bits, Some(0x50000));
    assert_eq!(energy(&facts), [("pmic", "rails of the PMIC", AccuracyClass::D, None)]);
    assert_eq!(accelerators(&facts), [(AcceleratorKind::Gpu, "Broadcom VideoCore", "/dev/dri/renderD128")]);
    let expected = [
        ("mlc_llm", "/usr/bin/mlc_llm", Some("0.18.1")),
        ("llama-server", "/opt/llama.cpp/build/bin/llama-server", None),
    ];
    assert_eq!(runtimes(&facts), expected, "what may not be run is no runtime");
    assert_eq!((&facts.battery, &facts.android), (&None, &None));
}

#[test]
fn the_disk_is_the_one_where_the_folder_lies() {
    let check = |tree, folder, expected| {
        let disk = facts(tree, folder).work_disk.expect("mounts are told");
        assert_eq!((disk.device.as_deref(), disk.kind), expected, "{tree} {folder}");
    };
    check("raspberry-pi-5", "/mnt/fast/edgedyno", (Some("nvme0n1"), Some(DiskKind::Nvme)));
    check("raspberry-pi-5", "/mnt/faster", (Some("mmcblk0"), Some(DiskKind::Sd)));
    check("raspberry-pi-5", "/run/user/1000", (None, Some(DiskKind::Memory)));
    check("laptop-x86", "/home/user", (Some("nvme0n1"), Some(DiskKind::Nvme)));
    check("laptop-x86", "/home/user/remote/x", (None, Some(DiskKind::Network)));
    check("laptop-x86", "/media/stick", (Some("sdb"), Some(DiskKind::Rotating)));
    check("pixel-8", "/data/local/tmp/edgedyno", (Some("sda"), Some(DiskKind::Solid)));
}

#[test]
fn a_jetson_orin_nano() {
    let facts = facts("jetson-orin-nano", "/home/user");
    assert_eq!(facts.model.as_deref(), Some("NVIDIA Jetson Orin Nano Developer Kit"));
    assert_eq!(facts.soc.as_deref(), Some("nvidia,tegra234"));
    let modes = [(0, "15W"), (1, "7W"), (2, "MAXN_SUPER")].map(|(n, name)| (n, name.to_owned()));
    assert_eq!(facts.power.nvpmodel, Some(NvpModel { mode: 0, modes: modes.into() }));
    let expected = [
        ("ina3221", "VDD_IN", AccuracyClass::C, None),
        ("ina3221", "VDD_CPU_GPU_CV", AccuracyClass::C, None),
        ("ina3221", "VDD_SOC", AccuracyClass::C, None),
    ];
    assert_eq!(energy(&facts), expected);
    let expected = [
        (AcceleratorKind::Gpu, "NVIDIA Tegra GPU", "/dev/nvhost-gpu"),
        (AcceleratorKind::Npu, "NVIDIA NVDLA", "/dev/nvhost-nvdla0"),
    ];
    assert_eq!(accelerators(&facts), expected);
    assert_eq!(facts.thermal_zones[0].temp_mdegc, Some(52_125));
    let gpu = &facts.thermal_zones[1];
    assert_eq!((gpu.kind.as_deref(), gpu.temp_mdegc), (Some("gpu-thermal"), None));
    assert!(gpu.unread.is_some(), "{gpu:?}");
    assert!(facts.cooling.is_empty(), "nothing is throttled");
    assert_eq!(facts.uptime_s, Some(90));
}

#[test]
fn a_phone() {
    let facts = facts("pixel-8", "/data/local/tmp/edgedyno");
    assert_eq!((facts.os.as_str(), facts.os_version.as_deref()), ("android", Some("Android 14")));
    assert_eq!(
        (facts.model.as_deref(), facts.soc.as_deref()),
        (Some("Google Pixel 8"), Some("Google Tensor G3"))
    );
    assert_eq!((facts.userland_bits, facts.hypervisor.as_deref()), (Some(64), None));
    let android = facts.android.as_ref().expect("it is one");
    assert_eq!((android.release.as_deref(), android.sdk), (Some("14"), Some(34)));
    assert_eq!(android.security_patch.as_deref(), Some("2024-08-05"));
    let fingerprint = "google/shiba/shiba:14/AP2A.240805.005/12025142:user/release-keys";
    assert_eq!(android.fingerprint.as_deref(), Some(fingerprint));
    assert_eq!(android.abis, ["arm64-v8a", "armeabi-v7a"]);
    assert_eq!((android.screen_on, android.wakefulness.as_deref()), (Some(true), Some("Awake")));
    assert_eq!((android.doze.as_deref(), android.thermal_status), (Some("ACTIVE"), Some(1)));
    let battery = facts.battery.as_ref().expect("there is one");
    assert_eq!((battery.name.as_str(), battery.percent), ("battery", Some(64)));
    assert_eq!((battery.status.as_deref(), battery.health.as_deref()), (Some("Charging"), Some("Good")));
    assert_eq!((battery.temp_mdegc, battery.voltage_uv), (Some(28_700), Some(4_015_000)));
    assert_eq!((battery.current_ua, battery.plugged.clone()), (Some(-512_000), Some(vec!["USB".to_owned()])));
    assert_eq!((facts.battery_status.as_deref(), facts.battery_percent), (Some("Charging"), Some(64)));
    assert_eq!(facts.power.battery_saver, Some(true));
    let cores: Vec<_> = facts.clusters.iter().map(|cluster| cluster.core.as_deref()).collect();
    assert_eq!(cores, [Some("Arm Cortex-X3"), Some("Arm Cortex-A510")]);
    let sources = energy(&facts);
    assert_eq!(sources[0].0, "odpm");
    assert!(sources[0].3.is_some(), "the first meter cannot be read: {sources:?}");
    assert_eq!(
        sources[1..],
        [("odpm", "s2mpg15-odpm", AccuracyClass::B, None), ("battery", "battery", AccuracyClass::D, None)]
    );
    let expected = [
        (AcceleratorKind::Gpu, "Arm Mali-G715 7 cores r0p0 0xB002", "/dev/mali0"),
        (AcceleratorKind::Npu, "Google Tensor TPU", "/dev/rio"),
    ];
    assert_eq!(accelerators(&facts), expected);
    let expected =
        [("llama-cli", "/data/local/tmp/llama-cli", None), ("opencl", "/vendor/lib64/libOpenCL.so", None)];
    assert_eq!(runtimes(&facts), expected);
    assert_eq!(facts.thermal_zones[1].unread.as_deref(), Some("a limit, not a temperature"));
    assert!(!format!("{facts:?}").contains("SECRET"), "a serial number names one device");
}

#[test]
fn a_laptop() {
    let facts = facts("laptop-x86", "/home/user");
    assert_eq!((facts.userland_bits, facts.arch.as_str()), (Some(32), "x86_64"));
    assert_eq!((facts.power.boost, facts.power.profile.as_deref()), (Some(false), Some("balanced")));
    let battery = facts.battery.as_ref().expect("there is one");
    assert_eq!((battery.percent, battery.status.as_deref()), (Some(17), Some("Charging")));
    assert_eq!(battery.plugged, Some(vec!["AC".to_owned()]));
    let sources = energy(&facts);
    let names: Vec<_> =
        sources.iter().map(|source| (source.0, source.1, source.2, source.3.is_none())).collect();
    let expected = [
        ("rapl", "package-0", AccuracyClass::B, false),
        ("rapl", "package-0/core", AccuracyClass::B, true),
        ("rapl", "package-0 (mmio)", AccuracyClass::B, true),
        ("nvml", "NVIDIA GPU", AccuracyClass::B, false),
        ("hwmon", "amdgpu PPT", AccuracyClass::C, true),
        ("battery", "BAT0", AccuracyClass::C, true),
    ];
    assert_eq!(names.len(), expected.len(), "{names:?}");
    for one in expected {
        assert!(names.contains(&one), "{one:?} is not in {names:?}");
    }
    let expected = [
        (AcceleratorKind::Gpu, "NVIDIA GeForce MX450", "/dev/nvidia0"),
        (AcceleratorKind::Gpu, "Intel GPU", "/dev/dri/renderD128"),
        (AcceleratorKind::Npu, "Intel NPU", "/dev/accel/accel0"),
    ];
    assert_eq!(accelerators(&facts), expected);
    assert!(!format!("{facts:?}").contains("GPU-secret"));
}
