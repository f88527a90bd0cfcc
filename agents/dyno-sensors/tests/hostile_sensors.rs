//! Meters, counters and gauges that lie, freeze, wrap and vanish: what comes of them is `None`, what they said, or a
//! reason; never a wrong number.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use dyno_model::sample::Quantity;
use dyno_sensors::{DRIVERS, Found, ProbeContext, SysRoot};

struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().expect("a temporary folder"));
        for (name, text) in files {
            tree.write(name, text);
        }
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("top").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().expect("a file in a folder"))
            .expect("a temporary folder");
        fs::write(self.path(name), text).expect("a temporary file");
    }

    fn probe(&self, driver: &str) -> Found {
        let driver = DRIVERS.iter().find(|known| known.name() == driver).expect("a driver of that name");
        driver
            .probe(&SysRoot::tree(self.path("")), &ProbeContext::new(100))
            .expect("a tree that can be listed")
    }

    /// The first row of the driver's last sensor after `change`.
    fn row_after(&self, driver: &str, change: impl FnOnce(&Self)) -> Vec<Option<i64>> {
        let mut sensor = self.probe(driver).sensors.pop().expect("a sensor");
        change(self);
        let mut row = vec![Some(-1); sensor.channels().len()];
        sensor.read(&mut row).expect("a row");
        row
    }
}

const ABSURD: [&str; 9] =
    ["", "\n", "hot", "99999999999999999999999", "12.5", "0x10", "4 2", "\u{0}\u{0}", "EAGAIN"];

const RAIL: [(&str, &str); 4] = [
    ("sys/class/hwmon/hwmon0/name", "ina3221\n"),
    ("sys/class/hwmon/hwmon0/in1_label", "VDD_IN\n"),
    ("sys/class/hwmon/hwmon0/in1_input", "5000\n"),
    ("sys/class/hwmon/hwmon0/curr1_input", "1000\n"),
];
const CURRENT: &str = RAIL[3].0;

#[test]
fn a_rail_without_its_current_has_no_power() {
    for absurd in ABSURD {
        let row = Tree::new(&RAIL).row_after("hwmon", |tree| tree.write(CURRENT, absurd));
        assert_eq!(row, [Some(5_000_000), None, None], "{absurd:?}");
    }
    let row = Tree::new(&RAIL).row_after("hwmon", |tree| tree.write(CURRENT, "-8\n"));
    assert_eq!(row, [Some(5_000_000), Some(-8000), Some(-40_000)], "a shunt's offset can be negative");
}

const COUNTER: &str = "sys/class/powercap/intel-rapl:0/energy_uj";

#[test]
fn a_counter_that_wraps_or_freezes_says_what_it_says() {
    let tree = Tree::new(&[(COUNTER, "65532000000\n")]);
    assert_eq!(tree.row_after("powercap", |tree| tree.write(COUNTER, "17\n")), [Some(17)]);
    let tree = Tree::new(&[(COUNTER, "5\n")]);
    assert_eq!(tree.row_after("powercap", |_frozen| ()), [Some(5)]);
}

#[test]
fn a_counter_that_turns_absurd_is_not_readable_now() {
    for absurd in ABSURD.into_iter().chain(["-1\n", "9223372036854775808\n"]) {
        let tree = Tree::new(&[(COUNTER, "5\n")]);
        assert_eq!(tree.row_after("powercap", |tree| tree.write(COUNTER, absurd)), [None], "{absurd:?}");
        let found = Tree::new(&[(COUNTER, absurd)]).probe("powercap");
        assert!(found.sensors.is_empty() && found.unreadable.len() == 1, "{absurd:?}");
    }
}

#[test]
fn two_ways_to_one_counter_are_one_channel() {
    let named = |zone: &str| (format!("sys/class/powercap/{zone}/name"), "package-0\n");
    let (first, second) = (named("intel-rapl:0"), named("intel-rapl-mmio:0"));
    let other = "sys/class/powercap/intel-rapl-mmio:0/energy_uj";
    let tree = Tree::new(&[(COUNTER, "5\n"), (other, "6\n"), (&first.0, first.1), (&second.0, second.1)]);
    assert_eq!(tree.row_after("powercap", |_| ()), [Some(5)]);
    assert_eq!(tree.probe("powercap").unreadable[0].what, "package-0 of intel-rapl-mmio:0");
}

#[test]
fn a_range_that_is_not_one_is_unknown() {
    for absurd in ["0\n", "-5\n", "lots\n"] {
        let range = ("sys/class/powercap/intel-rapl:0/max_energy_range_uj", absurd);
        let found = Tree::new(&[(COUNTER, "5\n"), range]).probe("powercap");
        assert_eq!(found.sensors[0].channels()[0].wraps_at, None, "{absurd}");
    }
}

#[test]
fn who_may_not_read_a_counter_is_told_what_helps() {
    let tree = Tree::new(&[("sys/class/powercap/intel-rapl:0/name", "package-0\n")]);
    // A link that leads outside is refused, for root too.
    fs::write(tree.0.path().join("outside"), "5\n").expect("a temporary file");
    symlink(tree.0.path().join("outside"), tree.path(COUNTER)).expect("a temporary link");
    let found = tree.probe("powercap");
    assert!(found.sensors.is_empty());
    let left_out = &found.unreadable[0];
    assert_eq!(left_out.what, "package-0");
    assert!(left_out.reason.contains("run the agent as root"), "{}", left_out.reason);
}

const METER: &str = "sys/bus/iio/devices/iio:device0/energy_value";

#[test]
fn a_meter_keeps_its_columns_apart() {
    let before = "t=1\nCH0(T=1)[A], 10\nCH1(T=1)[B], 20\n";
    let after = |text: &str| Tree::new(&[(METER, before)]).row_after("odpm", |tree| tree.write(METER, text));
    assert_eq!(after("t=2\nCH1(T=2)[B], 21\nCH0(T=2)[A], 11\n"), [Some(11), Some(21)], "in another order");
    assert_eq!(after("t=2\nCH0(T=2)[A], 11\n"), [Some(11), None], "one is gone");
    assert_eq!(after("t=2\nCH0(T=2)[C], 11\nCH1(T=2)[B], 21\n"), [None, Some(21)], "one has another rail");
    assert_eq!(after("t=2\nCH0(T=2)[A], -11\nCH1(T=2)[B], x\n"), [None, None]);
    assert_eq!(after(""), [None, None], "the driver got no answer from the chip");
    let found = Tree::new(&[(METER, "t=1\n")]).probe("odpm");
    assert!(found.sensors.is_empty() && found.unreadable.len() == 1);
}

#[test]
fn a_meter_that_is_closed_says_what_remains() {
    let tree = Tree::new(&[("sys/bus/iio/devices/iio:device0/name", "s2mpg14-odpm\n")]);
    fs::write(tree.0.path().join("outside"), "t=1\nCH0(T=1)[A], 10\n").expect("a temporary file");
    symlink(tree.0.path().join("outside"), tree.path(METER)).expect("a temporary link");
    let found = tree.probe("odpm");
    let told = &found.unreadable[0];
    assert!(told.what == "s2mpg14-odpm" && told.reason.contains("the battery's gauge remains"), "{told:?}");
}

#[test]
fn a_meter_with_too_many_rails_is_sampled_in_part() {
    let lines: Vec<String> = (0..200).map(|n| format!("CH{n}(T=1)[R{n}], {n}")).collect();
    let found = Tree::new(&[(METER, &lines.join("\n"))]).probe("odpm");
    assert_eq!(found.sensors[0].channels().len(), 32);
}

const BATTERY: [(&str, &str); 4] = [
    ("sys/class/power_supply/BAT0/type", "Battery\n"),
    ("sys/class/power_supply/BAT0/status", "Discharging\n"),
    ("sys/class/power_supply/BAT0/current_now", "-500000\n"),
    ("sys/class/power_supply/BAT0/voltage_now", "4000000\n"),
];

#[test]
fn a_battery_that_is_plugged_in_midway_says_so_in_the_same_row() {
    let row = |change: fn(&Tree)| Tree::new(&BATTERY).row_after("power_supply", change);
    let (status, current) = (BATTERY[1].0, BATTERY[2].0);
    assert_eq!(row(|_| ()), [Some(2), Some(4_000_000), Some(-500_000), Some(-2_000_000)]);
    let plugged = row(|tree| {
        tree.write(BATTERY[1].0, "Charging\n");
        tree.write(BATTERY[2].0, "900000\n");
    });
    assert_eq!(plugged, [Some(1), Some(4_000_000), Some(900_000), Some(3_600_000)]);
    for unknown in ["Unknown\n", "", "42\n"] {
        let tree = Tree::new(&BATTERY);
        assert_eq!(
            tree.row_after("power_supply", |tree| tree.write(status, unknown))[0],
            None,
            "{unknown:?}"
        );
    }
    let tree = Tree::new(&BATTERY);
    let row = tree.row_after("power_supply", |tree| tree.write(current, "1000000001\n"));
    assert_eq!(row[2..], [None, None], "more than 1 kA");
}

const FLAGS: &str = "sys/bus/platform/devices/soc:firmware/get_throttled";

#[test]
fn flags_are_bits_or_not_readable_now() {
    let after =
        |text: &str| Tree::new(&[(FLAGS, "0\n")]).row_after("throttle", |tree| tree.write(FLAGS, text));
    assert_eq!(after("50005\n"), [Some(0x50005)]);
    for absurd in ["", "throttled=0x0\n", "-1\n", "fffffffffffffffff\n"] {
        assert_eq!(after(absurd), [None], "{absurd:?}");
    }
}

#[test]
fn chips_and_inputs_beyond_all_measure_are_sampled_in_part_and_said_so() {
    let tree = Tree::new(&[]);
    tree.write("sys/class/hwmon/hwmon0/name", "big\n");
    for n in 0..500 {
        tree.write(&format!("sys/class/hwmon/hwmon0/temp{n}_input"), "40000\n");
    }
    fs::write(tree.path("name"), "").expect("a temporary file");
    for n in 1..10_000 {
        fs::hard_link(tree.path("name"), tree.path(&format!("sys/class/hwmon/hwmon{n}"))).expect("a name");
    }
    let found = tree.probe("hwmon");
    assert_eq!(found.sensors.iter().map(|sensor| sensor.channels().len()).sum::<usize>(), 96);
    let left_out: Vec<String> =
        found.unreadable.iter().map(|one| format!("{}: {}", one.what, one.reason)).collect();
    let expected = [
        "hwmon64 and all after it, 9936 chips: more than 64 are not sampled",
        "404 inputs: more than 96 are not sampled",
    ];
    assert_eq!(left_out, expected);
}

#[test]
fn ten_thousand_of_anything_cost_no_more_than_their_names() {
    for (driver, folder, name) in [
        ("powercap", "sys/class/powercap", "intel-rapl:"),
        ("thermal", "sys/class/thermal", "cooling_device"),
        ("power_supply", "sys/class/power_supply", "BAT"),
        ("devfreq", "sys/class/devfreq", "gpu"),
        ("accelerator", "sys/class/drm", "card"),
        ("odpm", "sys/bus/iio/devices", "iio:device"),
        ("throttle", "sys/devices/system/cpu", "cpu"),
    ] {
        let tree = Tree::new(&[("name", "")]);
        fs::create_dir_all(tree.path(folder)).expect("a temporary folder");
        for n in 0..10_000 {
            fs::hard_link(tree.path("name"), tree.path(folder).join(format!("{name}{n}"))).expect("a name");
        }
        let found = tree.probe(driver);
        assert!(found.sensors.is_empty(), "{driver}");
        assert!(found.unreadable.iter().any(|one| one.what.contains("and all after it")), "{driver}");
        assert!(found.unreadable.len() <= 66, "{driver}: {}", found.unreadable.len());
    }
}

#[test]
fn a_rail_that_is_called_anything_stays_a_name() {
    let mut files = RAIL;
    files[1].1 = "\u{1b}[31mVDD\u{7}_IN\n";
    let found = Tree::new(&files).probe("hwmon");
    assert_eq!(found.sensors[0].channels()[0].site, "[31mVDD_IN");
    assert_eq!(found.sensors[0].channels()[2].quantity, Quantity::PowerUw);
}
