//! What `doctor --sensors` makes of what a device answers.

use std::path::Path;

use dyno_model::device::DeviceFacts;
use dyno_model::sample::UnreadableSensor;
use dyno_report::terminal::ColorChoice;

use super::*;

fn tested(site: &str, levels: Option<(i64, i64)>, verdict: SourceVerdict) -> SourceTest {
    SourceTest {
        driver: "hwmon".to_owned(),
        site: site.to_owned(),
        quantity: Quantity::PowerUw,
        class: AccuracyClass::C,
        scope: Some(Scope::Part),
        update_ns: Some(50_000_000),
        lag_ns: None,
        idle_uw: levels.map(|levels| levels.0),
        busy_uw: levels.map(|levels| levels.1),
        n_steps: 6,
        n_followed: 5,
        verdict,
    }
}

/// An AGX Orin whose rails did as told.
fn found(soc: SourceVerdict) -> SensorsFound {
    let channel = Channel::new(Quantity::TempMdegc, "tj\u{1b}[2J", AccuracyClass::C, 1000);
    SensorsFound {
        declared: vec![SensorDeclared { sensor: 0, driver: "thermal".to_owned(), channels: vec![channel] }],
        unreadable: vec![UnreadableSensor {
            driver: "powercap".to_owned(),
            what: "package-0".to_owned(),
            reason: "Permission denied (os error 13)".to_owned(),
        }],
        tests: vec![
            tested("VDD_GPU_SOC", Some((2_000_000, 2_100_000)), soc),
            tested("VDD_CPU_CV", Some((1_000_000, 9_000_000)), SourceVerdict::Usable),
            tested("VIN_SYS_5V0", Some((3_000_000, 4_000_000)), SourceVerdict::Usable),
        ],
        facts: DeviceFacts { compatible: vec!["nvidia,p3701-0005".to_owned()], ..DeviceFacts::default() },
    }
}

fn inventory(found: Result<SensorsFound, Failure>) -> Inventory {
    let boards = dyno_plan::Catalog::load(&dyno_plan::Inputs::shipped()).expect("no problem").boards;
    let found = BTreeMap::from([(DeviceId::from("orin"), found)]);
    Inventory { format: FORMAT, devices: devices(&BTreeMap::new(), &found, &boards) }
}

#[test]
fn the_sum_of_a_board_is_that_of_its_rails_unless_one_is_wrong() {
    let sum = |soc| {
        let inventory = inventory(Ok(found(soc)));
        let total = inventory.devices[0].total.as_ref().expect("the catalogue names one");
        (total.idle_uw, total.busy_uw)
    };
    // 2 + 1 + 3 W, and 2.1 + 9 + 4 W.
    let untried = SourceVerdict::Untried { why: "still".to_owned() };
    assert_eq!(sum(untried), (Some(6_000_000), Some(15_100_000)));
    assert_eq!(sum(SourceVerdict::Unusable { why: "frozen".to_owned() }), (None, None));
}

#[test]
fn a_person_is_told_what_to_know_and_what_to_do() {
    let text = table::render(
        &inventory(Ok(found(SourceVerdict::Untried { why: "it stood still".to_owned() }))),
        ColorChoice::Never,
    );
    assert!(!text.contains('\u{1b}'), "{text}");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let expected = [
        "orin, NVIDIA Jetson AGX Orin",
        "VDD_CPU_CV   hwmon   C      part   50 ms   n/a  1.000 W  9.000 W     follows (5 of 6)",
        "VDD_GPU_SOC: it stood still",
        "board = VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0: 6.000 W at rest, 15.100 W under load",
        "powercap  package-0: Permission denied (os error 13)",
        "fix: sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj (until the next boot)",
    ];
    for line in expected {
        assert!(lines.contains(&line), "{line:?} in\n{text}");
    }
    let gone = inventory(Err(Failure::usage("no way", "walk")));
    assert_eq!(table::render(&gone, ColorChoice::Never), "orin\n  error: no way\n  hint: walk\n");
}

#[test]
fn quantities_have_the_unit_of_their_name() {
    let check = |quantity: Quantity, expected| assert_eq!(unit(&word(&quantity)), expected, "{quantity:?}");
    check(Quantity::PowerUw, Some("µW"));
    check(Quantity::StoredUwh, Some("µWh"));
    check(Quantity::TempMdegc, Some("m°C"));
    check(Quantity::FanRpm, Some("1/min"));
    check(Quantity::ThrottleFlags, None);
    check(Quantity::MajorFaults, None);
}

#[test]
fn the_schema_is_current_and_fits() {
    let schema = schemars::schema_for!(Inventory).to_value();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/sensors.schema.json");
    let mut generated = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    generated.push('\n');
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &generated).expect("docs can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == generated,
        "docs/schemas/sensors is old: run `UPDATE_GOLDEN=1 cargo test` and read it"
    );
    let json = serde_json::to_value(inventory(Ok(found(SourceVerdict::Usable)))).expect("it is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    assert!(validator.is_valid(&json), "{json}");
}
