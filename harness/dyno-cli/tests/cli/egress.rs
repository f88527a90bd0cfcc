//! A runtime that speaks to somebody beyond its machine is caught, from the socket to the verdict.

use std::net::Ipv4Addr;
use std::process::{Child, Stdio};

use dyno_testbench::Namespace;
use serde_json::Value;

use crate::sandbox::{Done, Sandbox, journal};

const SERVER: &str = include_str!("homely.py");
const FORBIDDEN: &str =
    "schema_version = 1\nname = \"private\"\ndescription = \"It stays here.\"\nforbid_egress = true\n";
const PORT: u16 = 8443;

/// Somebody in a namespace of their own, who takes connections.
struct Home {
    namespace: Namespace,
    listener: Child,
}

impl Home {
    fn new() -> Self {
        let namespace = Namespace::new().expect("this test makes network namespaces, as root");
        let script = format!(
            "import socket\ns = socket.create_server(('', {PORT}))\nprint('up', flush=True)\nkept = []\nwhile True: kept.append(s.accept())"
        );
        let mut command = namespace.command("python3");
        command.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut listener = command.spawn().expect("python3 is installed");
        let stdout = listener.stdout.take().expect("it is piped");
        let mut said = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut said)
            .expect("it says that it listens");
        assert_eq!(said, "up\n");
        Self { namespace, listener }
    }

    fn address(&self) -> Ipv4Addr {
        self.namespace.address()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Best effort: it ends with its namespace else.
        drop(self.listener.kill());
        drop(self.listener.wait());
    }
}

/// A campaign of one launch of the server in this mode, and what the check says of it.
fn measured(mode: &str, home: Option<Ipv4Addr>) -> (Sandbox, Done) {
    let sandbox = Sandbox::new();
    sandbox.write("homely.py", SERVER);
    sandbox.write("private.toml", FORBIDDEN);
    let script = sandbox.project().join("homely.py").display().to_string();
    let target = home.map(|home| format!(", \"{home}\", \"{PORT}\"")).unwrap_or_default();
    sandbox.write(
        "catalog/runtimes/homely.toml",
        &format!(
            "schema_version = 1\n[runtime.homely]\ntitle = \"homely\"\ndialect = \"openai_chat\"\n\
             ready_limit_ms = 30_000\n[runtime.homely.server]\nprogram = \"python3\"\n\
             args = [\"{script}\", \"{{port}}\", \"{mode}\"{target}]\nready_path = \"/health\"\nprefix = \"/v1\"\n"
        ),
    );
    let run = ["run", "--runtime", "homely", "--model", "none", "--requests", "4", "--repetitions", "1"];
    let done = sandbox.run(&[&run[..], &["--name", "c", "-q"]].concat());
    // A machine that has no CPU to spare makes figures invalid; what was spoken counts all the same.
    assert!(matches!(done.code, Some(0 | 5)), "{}{}", done.stdout, done.stderr);
    let checked = sandbox.run(&["check", "c", "--slo", "private.toml"]);
    (sandbox, checked)
}

/// What the record has of the only launch's sockets.
fn network(sandbox: &Sandbox) -> Value {
    let entries = journal(&sandbox.campaign("c"));
    let event = entries.iter().map(|entry| &entry["event"]).find(|event| event["event"] == "network");
    event.expect("a launch that was watched says so").clone()
}

/// The sockets of the record, each as reach, protocol and place.
fn sockets(network: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = network["sockets"].as_array().expect("a list").iter();
    all.map(|of| (text(&of["reach"]), text(&of["protocol"]), text(&of["remote"]))).collect()
}

#[test]
fn a_server_that_stays_at_home_passes() {
    let (sandbox, checked) = measured("quiet", None);
    assert_eq!(
        (checked.code, checked.stdout.starts_with("PASS")),
        (Some(0), true),
        "{}{}",
        checked.stdout,
        checked.stderr
    );
    let network = network(&sandbox);
    assert_eq!(sockets(&network), [], "{network}");
    assert!(network["n_looks"].as_u64().is_some_and(|n| n > 3), "{network}");
    assert_eq!(network["unwatched"], serde_json::json!([]));
    let shown = sandbox.run(&["report", "c", "--format", "md"]).stdout;
    assert!(shown.contains("Network: nothing beyond loopback in "), "{shown}");
}

#[test]
fn a_server_that_phones_home_is_caught_with_address_and_program() {
    let home = Home::new();
    let (sandbox, checked) = measured("tcp", Some(home.address()));
    assert_eq!((checked.code, checked.stdout.starts_with("FAIL")), (Some(1), true), "{}", checked.stdout);
    let place = format!("{}:{PORT}", home.address());
    for part in [place.as_str(), "python3", "after the start"] {
        assert!(checked.stdout.contains(part), "{part}: {}", checked.stdout);
    }
    assert_eq!(sockets(&network(&sandbox)), [("connected".into(), "TCP".into(), place.clone())]);
    for format in ["md", "html", "json", "terminal"] {
        let path = sandbox.project().join("out");
        let out = path.display().to_string();
        assert!(matches!(sandbox.run(&["report", "c", "--format", format, "-o", &out]).code, Some(0 | 5)));
        let shown = std::fs::read_to_string(&path).expect("a report was written");
        assert!(shown.contains(&place), "{format}: {shown}");
    }
    // The pack leaves the address out, keeps the verdict, and is computed again from what is left.
    let packed = ["evidence", "pack", "c", "--redact", "drop", "--slo", "private.toml", "--output", "p.zip"];
    let done = sandbox.run(&packed);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let pack = std::fs::read(sandbox.project().join("p.zip")).expect("a pack was written");
    assert!(!pack.windows(place.len()).any(|part| part == place.as_bytes()), "the address is left out");
    let verified = sandbox.run(&["evidence", "verify", "p.zip"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    let redacted = sandbox.run(&["report", "c", "--redact", "drop", "--format", "md"]).stdout;
    assert!(redacted.contains("1 connection beyond loopback") && !redacted.contains(&place), "{redacted}");
}

#[test]
fn a_child_that_phones_home_is_caught() {
    let home = Home::new();
    let (sandbox, checked) = measured("child", Some(home.address()));
    let place = format!("{}:{PORT}", home.address());
    assert_eq!((checked.code, checked.stdout.contains(&place)), (Some(1), true), "{}", checked.stdout);
    assert_eq!(sockets(&network(&sandbox)), [("connected".into(), "TCP".into(), place)]);
    assert!(network(&sandbox)["n_processes"].as_u64().is_some_and(|n| n >= 2));
}

#[test]
fn an_attempt_that_nobody_answers_is_caught() {
    let home = Home::new();
    home.namespace.link_down().expect("the cable can be pulled");
    let (sandbox, checked) = measured("attempt", Some(home.address()));
    let place = format!("{}:{PORT}", home.address());
    assert_eq!(
        (checked.code, checked.stdout.contains("tried to connect")),
        (Some(1), true),
        "{}",
        checked.stdout
    );
    assert_eq!(sockets(&network(&sandbox)), [("attempted".into(), "TCP".into(), place)]);
}

#[test]
fn datagrams_are_told_by_what_is_known_of_them() {
    let home = Home::new();
    let place = format!("{}:{PORT}", home.address());
    let (sandbox, checked) = measured("udp", Some(home.address()));
    assert_eq!((checked.code, checked.stdout.contains(&place)), (Some(1), true), "{}", checked.stdout);
    assert_eq!(sockets(&network(&sandbox)), [("connected".into(), "UDP".into(), place)]);
    // Where a datagram went that was sent without a connection, no table says.
    let (sandbox, checked) = measured("sendto", Some(home.address()));
    assert_eq!(checked.code, Some(5), "{}", checked.stdout);
    assert!(checked.stdout.contains("could send anywhere"), "{}", checked.stdout);
    assert_eq!(sockets(&network(&sandbox)), [("anywhere".into(), "UDP".into(), String::new())]);
}
