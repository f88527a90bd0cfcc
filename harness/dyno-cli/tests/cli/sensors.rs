//! `doctor --sensors`, on this machine and on the trees of boards.

use std::path::Path;

use serde_json::Value;

use crate::sandbox::Sandbox;

/// A project whose device `board` is this machine with the files of a fixture.
fn with_tree(fixture: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../../agents/dyno-sensors/tests/fixtures/{fixture}.tree"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let top = sandbox.root().join(fixture);
    lay_out(&text, &top);
    let toml = format!(
        "schema_version = 1\n[device.board]\ntransport = {{ kind = \"local\" }}\nsys_root = {:?}\n{more}",
        top.display().to_string()
    );
    sandbox.write("devices.toml", &toml);
    sandbox
}

/// The files of a tree: `=== PATH KIND` begins one; `agents/dyno-sensors/src/played/tree.rs` describes the form.
fn lay_out(text: &str, top: &Path) {
    for file in text.split("\n=== ").skip(1) {
        let (line, text) = file.split_once('\n').unwrap_or((file, ""));
        let (path, kind) = line.split_once(' ').unwrap_or((line, ""));
        let path = top.join(path);
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a temporary folder");
        match kind.trim() {
            "!" => std::fs::create_dir(&path).expect("a temporary folder"),
            _ => std::fs::write(&path, text.replace("\\0", "\0") + "\n").expect("a temporary file"),
        }
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn texts<'v>(list: &'v Value, key: &str) -> Vec<&'v str> {
    list.as_array().into_iter().flatten().filter_map(|one| one[key].as_str()).collect()
}

#[test]
fn this_machine_lists_its_sensors() {
    let sandbox = Sandbox::new();
    let listed = json(&sandbox.ok(&["doctor", "--sensors", "--load-time", "1", "--json"]).stdout);
    let device = &listed["devices"][0];
    assert_eq!((device["name"].as_str(), &device["error"]), (Some("local"), &Value::Null));
    assert!(texts(&device["channels"], "quantity").contains(&"available_bytes"), "{device}");
    assert!(device["notes"].as_array().is_some_and(|notes| !notes.is_empty()), "{device}");
    let path = format!("{}/../../docs/schemas/sensors.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema = json(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")));
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    assert!(validator.is_valid(&listed), "{listed}");
    let table = sandbox.ok(&["doctor", "local", "--sensors", "--load-time", "1"]).stdout;
    assert!(table.starts_with("local") && table.contains("channels that can be read"), "{table}");
}

#[test]
fn each_board_says_what_a_person_with_it_needs_to_know() {
    let check = |fixture: &str, more: &str, board: Option<&str>, source: Option<&str>, note: &str| {
        let sandbox = with_tree(fixture, more);
        let args = ["doctor", "--sensors", "--device", "board", "--load-time", "1"];
        let listed = json(&sandbox.ok(&[&args[..], &["--json"]].concat()).stdout);
        let device = &listed["devices"][0];
        assert_eq!(device["board"].as_str(), board, "{fixture}: {device}");
        let sites = texts(&device["sources"], "site");
        assert!(source.is_none_or(|source| sites.contains(&source)), "{fixture}: {device}");
        let verdicts = texts(&device["sources"], "verdict");
        let stands_still = |one: &&str| ["unusable", "untried"].contains(one);
        assert!(verdicts.iter().all(stands_still), "a tree of files follows no load: {device}");
        assert!(device["notes"].to_string().contains(note), "{fixture}: {device}");
    };
    check("jetson-orin-nano", "", Some("NVIDIA Jetson Orin Nano"), Some("VDD_IN"), "not to be added");
    check("jetson-agx-orin", "", Some("NVIDIA Jetson AGX Orin"), Some("VIN_SYS_5V0"), "No rail is the whole");
    check("pixel-8", "", Some("Google Pixel 8"), Some("S2M_VDD_CPUCL2"), "measure unplugged");
    check("laptop-x86", "", Some("a PC with an Intel CPU"), Some("BAT0"), "never add them");
    check("raspberry-pi-5", "", Some("Raspberry Pi 5"), None, "5 V branch");
    check("phone-fuel-gauge", "", None, Some("battery"), "needs a meter between supply and device");
    // What the tree does not say, a person can.
    check(
        "laptop-amd",
        "board = \"amd-pc\"\n",
        Some("a PC with an AMD CPU"),
        Some("package-0"),
        "RAPL counts",
    );
}

#[test]
fn a_device_that_is_not_there_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "devices.toml",
        "schema_version = 1\n[device.gone]\ntransport = { kind = \"ssh\", host = \"gone.invalid\" }\n",
    );
    let done = sandbox.run(&["doctor", "--sensors", "gone"]);
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    assert!(done.stdout.contains("  error: "), "{}", done.stdout);
    assert_eq!(sandbox.run(&["doctor"]).code, Some(2), "no device is named");
    assert_eq!(sandbox.run(&["doctor", "gone", "--load-time", "3"]).code, Some(2), "for sensors only");
}
