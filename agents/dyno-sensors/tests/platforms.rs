//! What comes by other ways than one file for one number: a firmware's mailbox and a phone's services. Every expected
//! value is worked out by hand from `fixtures/*.tree`.

mod tree;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use dyno_model::clock::MonoNs;
use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};
use dyno_sensors::played::{Curve, Play};
use dyno_sensors::{
    BOUNDARY_DRIVERS, DRIVERS, Found, ProbeContext, Sampler, SamplerConfig, Stepped, SysRoot,
};

use crate::tree::Tree;

fn probe(root: &Path, driver: &str) -> Found {
    let mut all = DRIVERS.iter().chain(BOUNDARY_DRIVERS);
    let driver = all.find(|known| known.name() == driver).expect("a driver of that name");
    driver.probe(&SysRoot::tree(root), &ProbeContext::new(100)).expect("a tree with folders")
}

/// All columns of one driver with what they say now.
fn says(found: &mut Found) -> Vec<(Channel, Option<i64>)> {
    let mut values = Vec::new();
    for sensor in &mut found.sensors {
        let channels = sensor.channels().to_vec();
        let mut row = vec![Some(-1); channels.len()];
        sensor.read(&mut row).expect("a row");
        values.extend(channels.into_iter().zip(row));
    }
    values
}

fn plain(values: &[(Channel, Option<i64>)]) -> Vec<(Quantity, &str, Option<i64>)> {
    values.iter().map(|(channel, value)| (channel.quantity, &*channel.site, *value)).collect()
}

const RAILS: &str = "commands/vcgencmd pmic_read_adc";
const SUM: &str = "sum of PMIC rails without EXT5V, BATT (USB, HATs, NVMe)";

#[test]
fn a_raspberry_pi_5_tells_its_rails_and_what_is_not_in_their_sum() {
    let tree = Tree::of_fixture("raspberry-pi-5");
    let values = says(&mut probe(tree.path(), "vcio"));
    // Each rail's voltage times its current, in µW.
    let expected = [
        ("3V7_WL_SW", 370_000),
        ("3V3_SYS", 330_000),
        ("1V8_SYS", 360_000),
        ("DDR_VDD2", 22_000),
        ("DDR_VDDQ", 0),
        ("1V1_SYS", 220_000),
        ("0V8_SW", 240_000),
        ("VDD_CORE", 2_000_000),
        // 3.3 V × 0.4 mA.
        ("3V3_DAC", 1320),
        ("3V3_ADC", 1320),
        ("0V8_AON", 4000),
        ("HDMI", 50_000),
        (SUM, 3_598_640),
    ];
    let mut expected: Vec<_> =
        expected.into_iter().map(|(site, uw)| (Quantity::PowerUw, site, Some(uw))).collect();
    expected.push((Quantity::VoltageUv, "EXT5V", Some(5_057_160)));
    assert_eq!(plain(&values), expected, "the flags are in a file");
    let scopes: Vec<_> = values[..13].iter().map(|(channel, _)| channel.scope).collect();
    assert_eq!(scopes, [vec![Some(Scope::Part); 12], vec![Some(Scope::Board)]].concat());
    assert!(values[..13].iter().all(|(channel, _)| channel.class == AccuracyClass::D));
    assert!(values.iter().all(|(channel, _)| channel.period_ms == 1000));
}

#[test]
fn flags_come_from_the_firmware_where_the_kernel_has_no_file() {
    let tree = Tree::of_fixture("raspberry-pi-5");
    let device = "sys/bus/platform/devices/soc@107c000000:firmware";
    fs::remove_dir_all(tree.path().join(device)).expect("it is in the fixture");
    let values = says(&mut probe(tree.path(), "vcio"));
    assert_eq!(plain(&values)[0], (Quantity::ThrottleFlags, "firmware", Some(0x50000)));
}

#[test]
fn a_firmware_that_lies_or_stops_leaves_gaps() {
    let tree = Tree::of_fixture("raspberry-pi-5");
    let mut found = probe(tree.path(), "vcio");
    let whole = says(&mut found);
    let text = fs::read_to_string(tree.path().join(RAILS)).expect("it is in the fixture");
    for (change, gone) in [
        (text.replace("current(7)=2.50000000A", "current(7)=-2.50000000A"), vec!["VDD_CORE", SUM]),
        (text.replace("current(7)=2.50000000A", "current(7)=2500.0A"), vec!["VDD_CORE", SUM]),
        (text.replace("VDD_CORE_V", "VDD_C\u{1b}RE_V"), vec!["VDD_CORE", SUM]),
        (text.replace("volt(24)=5.05716000V", "volt(24)=5.05716"), vec!["EXT5V"]),
        ("error=1 error_msg=\"Command not registered\"".to_owned(), vec![]),
        (String::new(), vec![]),
        ("\u{0}\u{0}\u{0}\n=\n_A _V\n".to_owned(), vec![]),
        ("x".repeat(100_000), vec![]),
    ] {
        fs::write(tree.path().join(RAILS), &change).expect("our own file");
        let now = says(&mut found);
        let none: Vec<&str> =
            now.iter().filter(|(_, value)| value.is_none()).map(|(channel, _)| &*channel.site).collect();
        if gone.is_empty() {
            assert_eq!(none.len(), whole.len(), "{change:.60}");
        } else {
            assert_eq!(none, gone, "{change:.60}");
        }
        assert!(now.iter().zip(&whole).all(|(now, before)| now.1.is_none() || now == before), "{change:.60}");
    }
}

#[test]
fn a_board_without_currents_or_without_a_mailbox_says_so() {
    let tree = Tree::of_fixture("raspberry-pi-5");
    fs::write(tree.path().join(RAILS), "error=1 error_msg=\"Command not registered\"").expect("our own file");
    let found = probe(tree.path(), "vcio");
    assert!(found.sensors.is_empty());
    assert_eq!(found.unreadable[0].what, "rails of the PMIC");
    assert!(found.unreadable[0].reason.contains("before the Raspberry Pi 5"), "{:?}", found.unreadable);
    fs::remove_dir_all(tree.path().join("commands")).expect("it is in the fixture");
    let found = probe(tree.path(), "vcio");
    assert!(found.sensors.is_empty());
    assert_eq!(found.unreadable[0].what, "/dev/vcio");
    let found = probe(Tree::of_fixture("laptop-amd").path(), "vcio");
    assert!(found.sensors.is_empty() && found.unreadable.is_empty(), "{:?}", found.unreadable);
}

#[test]
fn a_played_raspberry_pi_has_the_energy_of_its_rails() {
    let tree = Tree::of_fixture("raspberry-pi-5");
    let text = fs::read_to_string(tree.path().join(RAILS)).expect("it is in the fixture");
    // 115 s: the cores at 6 W for half of each 2.3 s and 1 W else, 402.5 J; all other rails 1.59864 W, 183.84 J.
    let cores = Curve::square((1_000_000, 6_000_000), (1150, 2300), 115_000);
    let part = move |at_ns: u64| {
        // At the 0.8 V of the fixture.
        let milliamps = cores.at(at_ns) / 800;
        let told = format!("current(7)={}.{:03}00000A", milliamps / 1000, milliamps % 1000);
        Some(text.replace("current(7)=2.50000000A", &told))
    };
    let mut play = Play::of(tree.path()).file(RAILS, Box::new(part));
    play.show(0).expect("a temporary tree");
    let mut sampler = Stepped::probe(&SysRoot::tree(tree.path()), 100);
    for at_ns in (0..=1150).map(|tick| tick * 100_000_000) {
        play.show(at_ns).expect("a temporary tree");
        sampler.step(MonoNs(at_ns));
    }
    let rails =
        sampler.declared().iter().find(|one| one.driver == "vcio").expect("it is in the fixture").clone();
    let column = rails.channels.iter().position(|one| one.site == SUM).expect("the sum");
    let batches: Vec<_> = sampler.finish().into_iter().filter(|one| one.sensor == rails.sensor).collect();
    let uw = batches.iter().flat_map(|one| one.values.iter().skip(column).step_by(rails.channels.len()));
    let watts: Vec<f64> = uw.map(|uw| uw.expect("each row is whole") as f64 / 1e6).collect();
    assert_eq!(watts.len(), 116, "once a second");
    let joules: f64 = watts.windows(2).map(|two| f64::midpoint(two[0], two[1])).sum();
    let truth = 402.5 + 183.8436;
    assert!((joules - truth).abs() < 0.1 * truth, "{joules} J instead of {truth} J");
}

#[test]
fn a_pixels_services_tell_what_its_files_keep_back() {
    let tree = Tree::of_fixture("pixel-8");
    let values = says(&mut probe(tree.path(), "android"));
    let expected = [
        (Quantity::HeatState, "thermal service", Some(1)),
        (Quantity::TempMdegc, "hal VIRTUAL-SKIN", Some(38_250)),
        (Quantity::TempMdegc, "hal battery", Some(28_700)),
        (Quantity::CoolingState, "hal thermal-cpufreq-0", Some(0)),
        (Quantity::CoolingState, "hal thermal-cpufreq-2", Some(3)),
        // Two rails more are in the meter whose file is open.
        (Quantity::EnergyUj, "VSYS_PWR_MMWAVE", Some(12_500)),
        (Quantity::EnergyUj, "S4M_VDD_CPUCL0", Some(40_001_250)),
        // Voltage and level are in files.
        (Quantity::ChargeState, "battery service", Some(2 - 1)),
        (Quantity::TempMdegc, "battery service", Some(28_700)),
        (Quantity::PluggedState, "battery service", Some(1)),
        (Quantity::OomKills, "lmkd", Some(71)),
    ];
    assert_eq!(plain(&values), expected);
    assert!(values.iter().all(|(channel, _)| channel.period_ms == 0));
    let rail = &values[5].0;
    assert_eq!((rail.class, rail.scope), (AccuracyClass::B, Some(Scope::Part)));
}

#[test]
fn a_phone_whose_services_have_empty_lists_has_a_rating_only() {
    let tree = Tree::of_fixture("phone-fuel-gauge");
    let mut found = probe(tree.path(), "android");
    // Its battery and its charger are in files.
    assert_eq!(plain(&says(&mut found)), [(Quantity::HeatState, "thermal service", Some(0))]);
    assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
}

#[test]
fn services_that_are_set_by_hand_or_closed_say_what_helps() {
    let tree = Tree::of_fixture("pixel-8");
    let change = |command: &str, text: &str| {
        fs::write(tree.path().join("commands").join(command), text).expect("our own file");
    };
    let mut before = probe(tree.path(), "android");
    change("dumpsys thermalservice", "IsStatusOverride: true\nThermal Status: 4\n");
    change(
        "dumpsys battery",
        "Current Battery Service state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n  status: 3\n",
    );
    change(
        "dumpsys activity lmk",
        "Permission Denial: can't dump ActivityManager from pid=1 without permission DUMP\n",
    );
    assert!(
        says(&mut before)
            .iter()
            .all(|(channel, value)| { value.is_none() || channel.quantity == Quantity::EnergyUj })
    );
    let found = probe(tree.path(), "android");
    let told: Vec<String> =
        found.unreadable.iter().map(|one| format!("{}: {}", one.what, one.reason)).collect();
    let expected = [
        "dumpsys thermalservice: somebody set the rating by hand: `cmd thermalservice reset` makes it true again",
        "dumpsys battery: somebody froze what the service says: `dumpsys battery reset` makes it true again",
        "dumpsys activity lmk: the service does not answer this user",
    ];
    assert_eq!(told, expected);
}

#[test]
fn services_that_talk_nonsense_are_passed_over() {
    let tree = Tree::of_fixture("pixel-8");
    let commands = tree.path().join("commands");
    for entry in fs::read_dir(&commands).expect("it is in the fixture") {
        let path = entry.expect("a name").path();
        if path.is_dir() {
            // A name with a slash in it.
            fs::remove_dir_all(path).expect("our own folder");
            continue;
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("our own file");
        let endless = "Temperature{mValue=1.0, mName=x}\n[A]:B 1.00 mWs\n=====\n".repeat(10_000);
        fs::write(path, format!("\u{0}\u{fffd}Thermal Status: \u{1f525}\n{endless}")).expect("our own file");
    }
    let mut found = probe(tree.path(), "android");
    assert_eq!(plain(&says(&mut found)), []);
}

#[test]
fn services_are_asked_at_boundaries_and_at_no_other_time() {
    let tree = Tree::of_fixture("pixel-8");
    let config = SamplerConfig { root: SysRoot::tree(tree.path()), period_ms: 10, runtime_pid: None };
    let sampler = Sampler::start(config).expect("a sampler");
    sampler.take_boundary().expect("services need no process");
    fs::write(tree.path().join("commands/dumpsys activity lmk"), "  Total number of kills: 73\n")
        .expect("our own file");
    sampler.take_boundary().expect("services need no process");
    let declared = sampler.declared();
    let kills = declared
        .iter()
        .find(|one| one.driver == "android" && one.channels[0].quantity == Quantity::OomKills)
        .expect("it is in the fixture");
    let (batches, _own) = sampler.stop();
    let batch = batches.iter().find(|batch| batch.sensor == kills.sensor).expect("rows");
    assert_eq!(batch.values, [Some(71), Some(73)]);
    assert!(batch.at_ns[0] <= batch.at_ns[1]);
}
