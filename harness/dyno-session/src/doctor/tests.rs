//! Each rule by itself: the fact that calls it, and the nearest one that does not.

use dyno_model::device::{
    AndroidFacts, BatteryFacts, BusyProcess, CoolingDevice, CpuCluster, DeviceFacts, DiskFacts, DiskKind,
    EnergySource, LoadFacts, NvpModel, ThermalZone, TripPoint,
};
use dyno_model::sample::AccuracyClass;

use super::*;

/// A device that nothing speaks against.
fn fit() -> DeviceFacts {
    DeviceFacts {
        arch: "aarch64".to_owned(),
        n_cpus: Some(4),
        clusters: vec![cluster("performance", None)],
        ram_bytes: Some(8_000_000_000),
        ram_available_bytes: Some(6_000_000_000),
        swap_used_bytes: Some(0),
        free_bytes: Some(100_000_000_000),
        userland_bits: Some(64),
        uptime_s: Some(5000),
        load: Some(LoadFacts {
            load1_milli: Some(100),
            busy_milli: Some(10),
            steal_milli: Some(0),
            window_ms: Some(100),
            ..LoadFacts::default()
        }),
        energy_sources: vec![source("rapl", AccuracyClass::B, None)],
        ..DeviceFacts::default()
    }
}

fn cluster(governor: &str, driver: Option<&str>) -> CpuCluster {
    CpuCluster {
        cpus: vec![0, 1, 2, 3],
        governor: Some(governor.to_owned()),
        driver: driver.map(str::to_owned),
        max_freq_khz: Some(2_400_000),
        limit_freq_khz: Some(2_400_000),
        ..CpuCluster::default()
    }
}

fn source(source: &str, class: AccuracyClass, unread: Option<&str>) -> EnergySource {
    EnergySource {
        source: source.to_owned(),
        site: "site".to_owned(),
        class,
        unread: unread.map(str::to_owned),
    }
}

/// What is found when the fit device is changed so, as `rule severity`.
#[track_caller]
fn check(change: impl FnOnce(&mut DeviceFacts), expected: &[&str]) {
    let mut facts = fit();
    change(&mut facts);
    let found = diagnose(&facts, DeviceWords::default());
    let words: Vec<String> =
        found.iter().map(|one| format!("{} {}", one.rule, one.severity.word())).collect();
    assert_eq!(words, expected, "{found:?}");
}

fn battery(facts: &mut DeviceFacts, status: &str, plugged: &[&str]) {
    facts.battery = Some(BatteryFacts {
        name: "BAT0".to_owned(),
        status: Some(status.to_owned()),
        plugged: Some(plugged.iter().map(|name| (*name).to_owned()).collect()),
        ..BatteryFacts::default()
    });
}

fn zone(kind: &str, temp_mdegc: i64, trips: &[(&str, i64)]) -> ThermalZone {
    let trip =
        |(kind, temp_mdegc): &(&str, i64)| TripPoint { kind: (*kind).to_owned(), temp_mdegc: *temp_mdegc };
    ThermalZone {
        name: "thermal_zone0".to_owned(),
        kind: Some(kind.to_owned()),
        temp_mdegc: Some(temp_mdegc),
        trips: trips.iter().map(trip).collect(),
        ..ThermalZone::default()
    }
}

fn android(facts: &mut DeviceFacts, change: impl FnOnce(&mut AndroidFacts)) {
    change(facts.android.insert(AndroidFacts::default()));
}

#[test]
fn nothing_speaks_against_a_fit_device_nor_against_one_that_says_nothing() {
    check(|_| (), &[]);
    // No energy source is the one thing that a device without any facts is known to lack.
    let found = diagnose(&DeviceFacts::default(), DeviceWords::default());
    assert_eq!(found.iter().map(|one| one.rule).collect::<Vec<_>>(), ["energy"]);
}

#[test]
fn governors() {
    let with = |governor: &'static str, driver| {
        move |facts: &mut DeviceFacts| facts.clusters = vec![cluster(governor, driver)]
    };
    check(with("powersave", Some("cpufreq-dt")), &["governor invalid"]);
    check(with("powersave", None), &["governor invalid"]);
    check(with("powersave", Some("intel_pstate")), &["governor shaky"]);
    check(with("schedutil", Some("intel_cpufreq")), &["governor shaky"]);
    check(with("performance", Some("intel_pstate")), &[]);
    check(|facts| facts.clusters[0].governor = None, &["governor info"]);
    check(|facts| facts.clusters.push(cluster("powersave", None)), &["governor invalid"]);
}

#[test]
fn clocks_below_their_highest() {
    check(|facts| facts.clusters[0].limit_freq_khz = Some(1_800_000), &["clock-cap shaky"]);
    check(|facts| facts.clusters[0].limit_freq_khz = Some(2_390_000), &[]);
    check(|facts| facts.clusters[0].limit_freq_khz = None, &[]);
    check(|facts| facts.power.boost = Some(false), &["boost info"]);
    let mut facts = fit();
    facts.clusters[0].limit_freq_khz = Some(1_800_000);
    let found = diagnose(&facts, DeviceWords::default());
    assert_eq!(found[0].observed, "CPUs 0-3: at most 1.80 GHz of 2.40 GHz");
}

#[test]
fn narrow_programs() {
    check(|facts| facts.userland_bits = Some(32), &["userland shaky"]);
    let narrow_kernel =
        |facts: &mut DeviceFacts| (facts.arch, facts.userland_bits) = ("armv7l".to_owned(), Some(32));
    check(narrow_kernel, &[]);
}

#[test]
fn batteries() {
    check(|facts| battery(facts, "Charging", &["USB"]), &["charging invalid"]);
    check(|facts| battery(facts, "Full", &["AC"]), &["charging info"]);
    check(|facts| battery(facts, "Discharging", &[]), &["on-battery info"]);
    check(
        |facts| {
            battery(facts, "Discharging", &[]);
            android(facts, |_| ());
        },
        &[],
    );
    check(|facts| facts.battery_percent = Some(19), &["battery-low invalid"]);
    check(|facts| facts.battery_percent = Some(20), &[]);
    let with = |change: fn(&mut BatteryFacts)| {
        move |facts: &mut DeviceFacts| change(facts.battery.insert(BatteryFacts::default()))
    };
    check(with(|battery| battery.health = Some("Overheat".to_owned())), &["battery-health shaky"]);
    check(with(|battery| battery.health = Some("Good".to_owned())), &[]);
    check(with(|battery| battery.temp_mdegc = Some(40_000)), &["battery-warm shaky"]);
    check(with(|battery| battery.temp_mdegc = Some(39_900)), &[]);
    check(|facts| facts.power.battery_saver = Some(true), &["battery-saver invalid"]);
    check(|facts| facts.power.battery_saver = Some(false), &[]);
}

#[test]
fn power_modes() {
    let modes = |list: &[(u32, &str)]| list.iter().map(|(n, name)| (*n, (*name).to_owned())).collect();
    let set = |mode, list: &'static [(u32, &'static str)]| {
        move |facts: &mut DeviceFacts| facts.power.nvpmodel = Some(NvpModel { mode, modes: modes(list) })
    };
    let orin: &[(u32, &str)] = &[(0, "15W"), (1, "7W"), (2, "MAXN_SUPER")];
    check(set(0, orin), &["power-mode shaky"]);
    check(set(2, orin), &[]);
    check(set(1, &[(0, "15W"), (1, "7W")]), &["power-mode shaky"]);
    check(set(0, &[(0, "15W"), (1, "7W")]), &[]);
    check(set(3, &[(0, "MODE_15W_6CORE"), (3, "MODE_10W_4CORE")]), &["power-mode shaky"]);
    check(set(0, &[]), &[]);
    check(|facts| facts.power.profile = Some("low-power".to_owned()), &["power-profile shaky"]);
    check(|facts| facts.power.profile = Some("balanced".to_owned()), &["power-profile info"]);
    check(|facts| facts.power.profile = Some("performance".to_owned()), &[]);
}

#[test]
fn flags_of_a_raspberry_pi() {
    check(|facts| facts.power.throttled_bits = Some(0), &[]);
    check(|facts| facts.power.throttled_bits = Some(0x50000), &["pi-throttled shaky"]);
    check(|facts| facts.power.throttled_bits = Some(0x50005), &["pi-throttled invalid"]);
    let mut facts = fit();
    facts.power.throttled_bits = Some(0x50005);
    let found = diagnose(&facts, DeviceWords::default());
    assert_eq!(found[0].observed, "under-voltage, throttled now (get_throttled=0x50005)");
}

#[test]
fn energy_sources() {
    check(|facts| facts.energy_sources.clear(), &["energy shaky"]);
    let hidden = source("rapl", AccuracyClass::B, Some("Permission denied (os error 13)"));
    check(|facts| facts.energy_sources = vec![hidden.clone()], &["energy shaky"]);
    check(
        |facts| facts.energy_sources = vec![hidden.clone(), source("battery", AccuracyClass::C, None)],
        &["energy info"],
    );
    check(|facts| facts.energy_sources.push(hidden.clone()), &[]);
}

#[test]
fn heat() {
    let trips = [("active", 50_000), ("critical", 110_000), ("passive", 85_000)];
    check(|facts| facts.thermal_zones = vec![zone("cpu-thermal", 79_999, &trips)], &[]);
    check(|facts| facts.thermal_zones = vec![zone("cpu-thermal", 80_000, &trips)], &["hot shaky"]);
    check(|facts| facts.thermal_zones = vec![zone("cpu-thermal", 85_000, &trips)], &["hot invalid"]);
    check(|facts| facts.thermal_zones = vec![zone("x86_pkg_temp", 75_000, &[])], &["hot shaky"]);
    check(|facts| facts.thermal_zones = vec![zone("x86_pkg_temp", 74_000, &[])], &[]);
    check(|facts| facts.thermal_zones = vec![zone("modem", 90_000, &[])], &[]);
    let cooling = |kind: &str, state| CoolingDevice {
        name: "cooling_device0".to_owned(),
        kind: kind.to_owned(),
        state,
        max_state: 10,
    };
    check(|facts| facts.cooling = vec![cooling("Processor", 2)], &["throttled invalid"]);
    check(|facts| facts.cooling = vec![cooling("cpufreq-cpu0", 0)], &[]);
    check(|facts| facts.cooling = vec![cooling("pwm-fan", 3)], &[]);
    check(|facts| android(facts, |android| android.thermal_status = Some(1)), &["thermal-status shaky"]);
    check(|facts| android(facts, |android| android.thermal_status = Some(2)), &["thermal-status invalid"]);
    check(|facts| android(facts, |android| android.thermal_status = Some(0)), &[]);
}

#[test]
fn load_of_others() {
    let with = |change: fn(&mut LoadFacts)| {
        move |facts: &mut DeviceFacts| change(facts.load.as_mut().expect("it has one"))
    };
    check(with(|load| load.busy_milli = Some(49)), &[]);
    check(with(|load| load.busy_milli = Some(50)), &["load shaky"]);
    check(with(|load| load.busy_milli = Some(250)), &["load invalid"]);
    // 4 CPUs: 1.0 is a quarter of each.
    check(with(|load| load.load1_milli = Some(999)), &[]);
    check(with(|load| load.load1_milli = Some(1000)), &["load shaky"]);
    check(with(|load| load.load1_milli = Some(3000)), &["load invalid"]);
    // 4 CPUs in 100 ms are 40 ticks: one is 25 thousandths.
    check(with(|load| load.steal_milli = Some(49)), &[]);
    check(with(|load| load.steal_milli = Some(50)), &["steal shaky"]);
    check(with(|load| load.steal_milli = Some(75)), &["steal invalid"]);
}

#[test]
fn one_tick_of_the_cpu_clock_is_no_load() {
    let change = |facts: &mut DeviceFacts| {
        facts.n_cpus = Some(1);
        let load = facts.load.as_mut().expect("it has one");
        (load.load1_milli, load.busy_milli, load.steal_milli) = (Some(0), Some(100), Some(100));
    };
    check(change, &[]);
}

#[test]
fn the_load_is_told_with_the_names_of_the_busiest() {
    let mut facts = fit();
    let busiest = vec![BusyProcess { name: "rustc".to_owned(), cpu_milli: 990 }];
    facts.load =
        Some(LoadFacts { load1_milli: Some(3100), busy_milli: Some(500), busiest, ..LoadFacts::default() });
    let found = diagnose(&facts, DeviceWords::default());
    let expected = "load 3.10 over the last minute on 4 CPUs; 50.0 % of all CPUs busy with other programs; \
                    rustc 99.0 % of one CPU";
    assert_eq!(found[0].observed, expected);
}

#[test]
fn memory_and_room() {
    check(|facts| facts.swap_used_bytes = Some(2_000_000_000), &["swap shaky"]);
    check(|facts| facts.swap_used_bytes = Some(1_999_999_999), &[]);
    check(|facts| facts.ram_available_bytes = Some(799_999_999), &["memory shaky"]);
    check(|facts| facts.ram_available_bytes = Some(800_000_000), &[]);
    check(|facts| facts.free_bytes = Some(255_999_999), &["room invalid"]);
    check(|facts| facts.free_bytes = Some(256_000_000), &["room shaky"]);
    check(|facts| facts.free_bytes = Some(2_000_000_000), &[]);
    check(|facts| facts.free_bytes = None, &[]);
    let on = |kind| {
        move |facts: &mut DeviceFacts| facts.work_disk = Some(DiskFacts { kind, ..DiskFacts::default() })
    };
    check(on(Some(DiskKind::Sd)), &["disk shaky"]);
    check(on(Some(DiskKind::Usb)), &["disk shaky"]);
    check(on(Some(DiskKind::Network)), &["disk shaky"]);
    check(on(Some(DiskKind::Rotating)), &["disk shaky"]);
    check(on(Some(DiskKind::Memory)), &["disk info"]);
    check(on(Some(DiskKind::Nvme)), &[]);
    check(on(None), &[]);
}

#[test]
fn the_rest() {
    check(|facts| facts.hypervisor = Some("KVM".to_owned()), &["hypervisor shaky"]);
    check(|facts| android(facts, |android| android.screen_on = Some(true)), &["screen shaky"]);
    check(|facts| android(facts, |android| android.screen_on = Some(false)), &[]);
    check(|facts| android(facts, |android| android.doze = Some("IDLE".to_owned())), &["doze invalid"]);
    check(|facts| android(facts, |android| android.doze = Some("ACTIVE".to_owned())), &[]);
    check(|facts| facts.uptime_s = Some(119), &["just-booted shaky"]);
    check(|facts| facts.uptime_s = Some(120), &[]);
}

#[test]
fn another_board_than_devices_toml_says() {
    let check = |board, model: &str, compatible: &[&str], expected| {
        let mut facts = fit();
        facts.model = Some(model.to_owned());
        facts.compatible = compatible.iter().map(|name| (*name).to_owned()).collect();
        let found = diagnose(&facts, DeviceWords { board: Some(board) });
        assert_eq!(found.iter().any(|one| one.rule == "board"), expected, "{board} {model}");
    };
    let pi = "Raspberry Pi 5 Model B Rev 1.0";
    check("raspberry-pi-5", pi, &[], false);
    check("raspberry-pi-4", pi, &[], true);
    check("jetson-orin-nano", "NVIDIA Jetson Orin Nano Developer Kit", &["nvidia,tegra234"], false);
    check("pixel-8", "Google Pixel 8", &[], false);
    check("pixel-8", "Google Pixel 8a", &[], true);
}

#[test]
fn the_worst_comes_first_and_everything_that_is_bad_can_be_mended() {
    let mut facts = fit();
    battery(&mut facts, "Charging", &["USB"]);
    facts.hypervisor = Some("KVM".to_owned());
    facts.power.boost = Some(false);
    facts.battery_percent = Some(5);
    let found = diagnose(&facts, DeviceWords::default());
    let severities: Vec<Severity> = found.iter().map(|one| one.severity).collect();
    assert_eq!(severities, [Severity::Invalid, Severity::Invalid, Severity::Shaky, Severity::Info]);
    for one in found.iter().filter(|one| one.severity > Severity::Info) {
        assert!(one.fix.as_ref().is_some_and(|fix| !fix.is_empty()), "{one:?}");
    }
}

#[test]
fn numbers_are_told_with_their_unit() {
    assert_eq!((ghz(1_800_000).as_str(), celsius(-500).as_str()), ("1.80 GHz", "-0.5 °C"));
    // 310 × 2^20 and a bit; 3.25 × 2^30.
    assert_eq!((bytes(325_100_000), bytes(3_489_660_928)), ("310 MiB".to_owned(), "3.2 GiB".to_owned()));
    assert_eq!((percent(125), cpu_list(&[0, 1, 2, 6, 8, 9])), ("12.5 %".to_owned(), "0-2,6,8-9".to_owned()));
}
