//! `devices` and `doctor`, on this machine and on hosts that are not there: `.invalid` never is (RFC 2606).

use std::fs;

use serde_json::Value;

use crate::sandbox::Sandbox;

const LAB: &str = "# my lab\nschema_version = 1\n\n[device.here]   # this one\ntransport = { kind = \"local\" }\n\
    tags = [\"lab\"]\n\n# the end\n";

fn lab() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("devices.toml", LAB);
    sandbox
}

fn written(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.project().join("devices.toml")).expect("devices.toml is there")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Whether it fits the page of docs/schemas.
fn check_schema(name: &str, value: &Value) {
    let path = format!("{}/../../docs/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema = json(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")));
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let errors: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn one_that_is_not_there_stops_no_other() {
    let sandbox = lab();
    sandbox.write(
        "devices.toml",
        &format!("{LAB}[device.gone]\ntransport = {{ kind = \"ssh\", host = \"gone.invalid\" }}\ntags = [\"lab\"]\n"),
    );
    let done = sandbox.ok(&["devices", "lab", "--json"]);
    let listed = json(&done.stdout);
    check_schema("inventory", &listed);
    let [gone, here] = [&listed["devices"][0], &listed["devices"][1]];
    assert_eq!((gone["name"].as_str(), &gone["reachable"]), (Some("gone"), &Value::Bool(false)));
    assert!(gone["error"].as_str().is_some_and(|error| error.contains("gone.invalid")), "{gone}");
    assert_eq!((here["name"].as_str(), &here["reachable"]), (Some("here"), &Value::Bool(true)));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").expect("this is Linux");
    assert_eq!(here["facts"]["kernel"].as_str(), Some(kernel.trim()));
    assert!(here["latency_ns"].as_u64().is_some_and(|ns| ns > 0), "{here}");
    let table = sandbox.ok(&["devices", "lab"]).stdout;
    assert!(
        table.starts_with("NAME ") && table.contains("\ngone ") && table.contains("  error: "),
        "{table}"
    );
    assert_eq!(sandbox.run(&["doctor", "lab"]).code, Some(3), "one is not there");
}

#[test]
fn doctor_says_what_it_found_and_why() {
    let done = lab().run(&["doctor", "here", "--json"]);
    let diagnoses = json(&done.stdout);
    check_schema("doctor", &diagnoses);
    let one = &diagnoses["devices"][0];
    let invalid = one["verdict"] == "invalid";
    assert_eq!(done.code, Some(if invalid { 5 } else { 0 }), "{one}");
    for finding in one["findings"].as_array().expect("a list") {
        assert!(finding["observed"].as_str().is_some_and(|words| !words.is_empty()), "{finding}");
    }
}

#[test]
fn a_device_is_written_down_with_everything_else_left_as_it_is() {
    let sandbox = lab();
    let words =
        ["--board", "raspberry-pi-5", "--tag", "pi,arm", "--price-eur", "92.5", "--work-dir", "/mnt/x"];
    let add = [&["devices", "add", "pi5-a", "--ssh", "pi5-a", "--no-check"], words.as_slice()].concat();
    sandbox.ok(&add);
    let expected = format!(
        "{LAB}\n[device.pi5-a]\ntransport = {{ kind = \"ssh\", host = \"pi5-a\" }}\nboard = \"raspberry-pi-5\"\n\
         tags = [\"pi\", \"arm\"]\nwork_dir = \"/mnt/x\"\nprice_eur = 92.5\n"
    );
    assert_eq!(written(&sandbox), expected);
    let again = sandbox.run(&add);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("device `pi5-a` is there already"), "{}", again.stderr);
    assert_eq!(written(&sandbox), expected);
    let names: Vec<_> =
        fs::read_dir(sandbox.project()).expect("a folder").flatten().map(|file| file.file_name()).collect();
    assert_eq!(names, ["devices.toml"], "nothing else is left there");
}

#[test]
fn a_device_that_does_not_answer_is_not_written_down() {
    let sandbox = lab();
    let done = sandbox.run(&["devices", "add", "gone", "--ssh", "gone.invalid"]);
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    assert!(done.stderr.contains("gone.invalid") && done.stderr.contains("--no-check"), "{}", done.stderr);
    assert_eq!(written(&sandbox), LAB);
    for wrong in [
        vec!["a b", "--ssh", "x"],
        vec!["x", "--ssh", "-oProxyCommand=y"],
        vec!["x"],
        vec!["x", "--ssh", "y", "--adb", "z"],
    ] {
        let done = sandbox.run(&[&["devices", "add"], wrong.as_slice()].concat());
        assert_eq!(done.code, Some(2), "{wrong:?}: {}", done.stderr);
    }
    assert_eq!(written(&sandbox), LAB);
}

#[test]
fn the_first_device_begins_the_file_and_a_link_to_it_stays_one() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["devices", "add", "phone", "--adb", "usb", "--no-check"]);
    assert!(
        written(&sandbox).ends_with("[device.phone]\ntransport = { kind = \"adb\", serial = \"usb\" }\n")
    );
    let elsewhere = sandbox.project().join("elsewhere.toml");
    fs::rename(sandbox.project().join("devices.toml"), &elsewhere).expect("our own file");
    std::os::unix::fs::symlink("elsewhere.toml", sandbox.project().join("devices.toml"))
        .expect("a fresh link");
    sandbox.ok(&["devices", "add", "pi", "--ssh", "pi", "--no-check"]);
    assert!(fs::symlink_metadata(sandbox.project().join("devices.toml")).expect("a link").is_symlink());
    assert!(fs::read_to_string(elsewhere).expect("the file").contains("[device.pi]"));
}

#[test]
fn clean_removes_what_was_put_there_and_says_how_much() {
    let sandbox = lab();
    sandbox.ok(&["devices", "here"]);
    let freed = json(&sandbox.ok(&["devices", "clean", "here", "--json"]).stdout);
    assert!(
        freed[0]["freed_bytes"].as_u64().is_some_and(|bytes| bytes > 100_000),
        "the agent is that large: {freed}"
    );
    let again = json(&sandbox.ok(&["devices", "clean", "here", "--json"]).stdout);
    assert_eq!(again[0]["freed_bytes"], 0, "{again}");
    assert_eq!(sandbox.run(&["devices", "clean", "nobody"]).code, Some(2));
}

#[test]
fn a_device_that_nobody_has_can_be_released() {
    let done = lab().ok(&["devices", "release", "here"]);
    assert!(done.stdout.contains("here: released"), "{}", done.stdout);
}

#[test]
fn hosts_of_the_ssh_configuration_are_named_and_left_alone() {
    let sandbox = lab();
    sandbox.write("ssh_config", "Host pi5-a web-*\n  HostName gone.invalid\n");
    let config = sandbox.project().join("ssh_config");
    let mut command = sandbox.command(&["devices", "discover", "--json"]);
    let output = command.env("EDGEDYNO_SSH_CONFIG", config).output().expect("edgedyno starts");
    let listed = json(&String::from_utf8(output.stdout).expect("UTF-8"));
    check_schema("inventory", &listed);
    let all = listed["devices"].as_array().expect("a list");
    let candidates: Vec<&Value> = all.iter().filter(|one| one["origin"] == "ssh_config").collect();
    assert_eq!(candidates.len(), 1, "{listed}");
    assert_eq!((candidates[0]["name"].as_str(), &candidates[0]["reachable"]), (Some("pi5-a"), &Value::Null));
    assert_eq!(candidates[0]["hints"][0], "edgedyno devices add NAME --ssh pi5-a");
}
