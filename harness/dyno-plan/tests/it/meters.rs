//! Meters in devices.toml and in the catalogue.

use dyno_model::meter::{
    ClockOrigin, Knock, MeterClock, MeterField, MeterFormat, MeterHost, MeterSource, PlannedMeter,
};
use dyno_model::plan::{Plan, TransportSpec};
use dyno_model::sample::{AccuracyClass, Quantity, Scope};
use dyno_plan::{Ask, Inputs, Problems, Source, SourceKind};

use crate::lab::{DEVICES, ask, lab};

/// A description with all of its gaps.
const CATALOG: &str = r##"schema_version = 1

[meter.plug]
title = "A plug"
source = { kind = "http", url = "http://{address}/status" }
format = "json"
field = [{ at = "/power", unit = "W" }]
period_ms = 500
accuracy_percent = 2.0
lowest_w = 5.0

[meter.export]
title = "An export"
source = { kind = "file", path = "{path}", wait_s = 2 }
format = "csv"
field = [{ at = "#2", unit = "mA" }, { at = "V", unit = "V" }]
clock = { at = "#1", unit = "ms", from = "knock" }
"##;

fn freeze(meter: &str, ask: &Ask) -> Result<Plan, Problems> {
    let devices = format!("{DEVICES}\n{meter}");
    let mut all = lab();
    all.sources.retain(|source| source.kind != SourceKind::Devices);
    all.sources.push(Source::user("devices.toml", devices).expect("a file of ours"));
    all.sources.push(Source::user("catalog/meters/plugs.toml", CATALOG).expect("a file of ours"));
    dyno_plan::freeze(&all, ask)
}

/// The only meter of a plan for the device `bench`.
fn meter(text: &str) -> (String, PlannedMeter) {
    let ask = Ask { devices: vec!["bench".to_owned()], ..ask() };
    let plan = freeze(text, &ask).expect("no problem");
    assert_eq!(plan.meters.len(), 1);
    plan.meters.into_iter().next().expect("there is one")
}

#[test]
fn a_ready_description_wants_an_address_and_no_more() {
    let (name, meter) = meter("[device.bench.meter]\nuse = \"plug\"\naddress = \"10.0.0.7\"\n");
    assert_eq!(name, "bench-meter");
    let expected = PlannedMeter {
        title: "A plug".to_owned(),
        device: "bench".into(),
        host: None,
        source: MeterSource::Http { url: "http://10.0.0.7/status".to_owned() },
        format: MeterFormat::Json,
        fields: vec![MeterField { at: "/power".to_owned(), quantity: Quantity::PowerUw, scale: 1_000_000 }],
        clock: MeterClock::Receipt,
        period_ms: 500,
        latency_ms: 0,
        scope: Scope::Device,
        class: AccuracyClass::A,
        gain_ppm: 20_000,
        offset_uw: 0,
        lowest_uw: Some(5_000_000),
        wraps_at_uj: None,
        knock: Some(Knock { busy_ms: 5000, idle_ms: 5000, n: 3 }),
    };
    assert_eq!(meter, expected);
}

#[test]
fn own_words_win_and_another_machine_may_read_it() {
    let text = "[device.bench.meter]\nuse = \"export\"\nname = \"otii\"\nhost = \"pi5-a\"\npath = \"/tmp/a.csv\"\n\
        class = \"C\"\nlatency_ms = 40\nknock = { busy_ms = 100, n = 2 }\n";
    let (name, meter) = meter(text);
    assert_eq!((name.as_str(), meter.class, meter.latency_ms), ("otii", AccuracyClass::C, 40));
    assert_eq!(meter.source, MeterSource::File { path: "/tmp/a.csv".to_owned(), wait_ms: 2000 });
    assert_eq!(meter.format, MeterFormat::Csv { delimiter: ',' });
    let scales: Vec<_> = meter.fields.iter().map(|field| (field.quantity, field.scale)).collect();
    assert_eq!(scales, [(Quantity::CurrentUa, 1000), (Quantity::VoltageUv, 1_000_000)]);
    let clock = MeterClock::Own { at: "#1".to_owned(), unit_ns: 1_000_000, origin: ClockOrigin::Knock };
    assert_eq!((meter.clock, meter.knock), (clock, Some(Knock { busy_ms: 100, idle_ms: 5000, n: 2 })));
    let transport = TransportSpec::Ssh { host: "pi5-a".to_owned() };
    assert_eq!(meter.host, Some(MeterHost { device: "pi5-a".into(), transport, work_dir: None }));
}

#[test]
fn only_the_devices_that_are_measured_bring_their_meters() {
    let text = "[device.pi5-a.meter]\nuse = \"plug\"\naddress = \"10.0.0.7\"\n";
    let of = |device: &str| {
        let ask = Ask { devices: vec![device.to_owned()], ..ask() };
        freeze(text, &ask).expect("no problem").meters.len()
    };
    assert_eq!((of("bench"), of("pi5-a")), (0, 1));
}

/// All problems of `[device.bench.meter]` with this text; it begins on line 14.
fn check(text: &str, expected: &[&str]) {
    let result = freeze(&format!("[device.bench.meter]\n{text}\n"), &ask());
    let found: Vec<String> =
        result.err().map(|problems| problems.0.iter().map(ToString::to_string).collect()).unwrap_or_default();
    let expected: Vec<String> = expected.iter().map(|text| format!("devices.toml:{text}")).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn every_slip_has_its_place_and_a_hint() {
    check(
        "use = \"plugg\"",
        &["14:7: unknown meter `plugg`\n  hint: did you mean `plug`? known: export, plug"],
    );
    check(
        "use = \"plug\"",
        &[
            "13:15: missing key `address` of a meter\n  hint: the description has a gap for it: http://{address}/status",
        ],
    );
    check(
        "name = \"m\"",
        &[
            "13:15: missing key `source` of a meter\n  hint: name a ready description with `use`, or write `source`, `format` and `field`",
        ],
    );
    check(
        "source = { kind = \"http\", url = \"https://plug/\" }\nformat = \"json\"\nfield = [{ at = \"/p\", unit = \"W\" }]",
        &[
            "14:1: `https://plug/` is no address that a meter is asked at\n  hint: the form is http://host:port/path; behind TLS, read it with a program (`lines`)",
        ],
    );
    check(
        "source = { kind = \"mqtt\", broker = \"b\", topic = \"a/#\" }\nformat = \"json\"\nfield = [{ at = \"p\", unit = \"W\" }]",
        &[
            "14:1: `a/#` is not one topic\n  hint: write it in full, without `+` and `#`",
            "16:9: `p` is no place in a reading\n  hint: write a JSON pointer: `/ENERGY/Power`",
        ],
    );
    check(
        "source = { kind = \"lines\", argv = [] }\nformat = \"csv\"\ndelimiter = \"ab\"",
        &[
            "13:15: missing key `field` of a meter\n  hint: write what is taken from a reading: field = [{ at = \"/power\", unit = \"W\" }]",
            "14:1: no program is named\n  hint: `argv` is a list: [\"program\", \"argument\"]",
            "16:13: `ab` cannot stand between columns\n  hint: one character: `,`, `;` or `\\t`",
        ],
    );
    check(
        "use = \"plug\"\naddress = \"a\"\nhost = \"pi5-b\"",
        &["16:8: unknown device `pi5-b`\n  hint: did you mean `pi5-a`? known: bench, pi5-a"],
    );
    check(
        "use = \"export\"\npath = \"p\"\nknock = { n = 0 }",
        &[
            "13:15: the knocks can place an export only\n  hint: it is to be a file, with `knock` not at 0; a source that tells as it reads counts from `start`",
        ],
    );
    check(
        "use = \"plug\"\naddress = \"a\"\nfield = [{ at = \"/p\", unit = \"watt\" }]",
        &[
            "16:30: `watt` is no value of `device.bench.meter.field[0].unit`\n  hint: known: W, mW, uW, kW, J, mJ, uJ, Wmin, mWh, Wh, kWh, V, mV, uV, A, mA, uA",
        ],
    );
}

#[test]
fn two_meters_of_one_name_are_told_apart() {
    let one = "use = \"plug\"\naddress = \"a\"\nname = \"m\"\n";
    let result = freeze(&format!("[device.bench.meter]\n{one}[device.pi5-a.meter]\n{one}"), &ask());
    let problems = result.expect_err("two of one name");
    let expected = "devices.toml:20:8: another meter is named `m`, too\n  hint: give each its own `name`";
    assert_eq!(problems.0.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

#[test]
fn every_shipped_description_can_be_used() {
    let names =
        ["shelly-gen1", "shelly-gen2", "tasmota", "tasmota-mqtt", "joulescope", "otii", "monsoon", "ina2xx"];
    for name in names {
        let gaps = "address = \"10.0.0.7\"\ntopic = \"tele/plug/SENSOR\"\npath = \"/tmp/export.csv\"\n";
        let text = format!(
            "schema_version = 1\n[device.bench]\ntransport = {{ kind = \"local\" }}\n[device.bench.meter]\nuse = \"{name}\"\n{gaps}"
        );
        let mut all = Inputs::shipped();
        all.sources.push(Source::user("devices.toml", text).expect("a file of ours"));
        let ask = Ask { devices: vec!["bench".to_owned()], ..Ask::suite("selftest") };
        let plan = dyno_plan::freeze(&all, &ask).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        assert_eq!(plan.meters["bench-meter"].scope, Scope::Device, "{name}");
    }
}
