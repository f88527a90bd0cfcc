//! Whom a project trusts, signatures and pins, from words to the plan.

use dyno_model::digest::Digest;
use dyno_model::trust::{SignatureSource, Trust};
use dyno_plan::{Ask, Catalog, Inputs, Problems, Source};

use crate::lab::{MODELS, ask, lab, lab_with};

// `minisign -G`, `ssh-keygen -t ed25519`.
const MINISIGN: &str = "RWTpUN+emgfacVmxTwYCm21SwU7d0WZE0FWsoojlwINFwN4SibaE/uLJ";
const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOazHNFgyyQt4Y99BPOYUHfFHRoa8FlOQokdGl4f2kM7 lab key";

fn with(text: &str) -> Inputs {
    lab().with(Source::user("catalog/trust.toml", text).expect("a file of trust"))
}

fn trust(text: &str) -> Option<Trust> {
    dyno_plan::freeze(&with(text), &ask()).expect("no problem").trust
}

fn problems<T>(result: Result<T, Problems>) -> Vec<String> {
    result.err().map(|problems| problems.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[test]
fn keys_and_demands_go_into_the_plan_and_nothing_goes_in_without_them() {
    let text = format!(
        "schema_version = 1\naccepted_terms = [\"https://b.example/\", \"https://a.example/\"]\n\
         [require_signature]\nmodels = true\n[key.lab]\npublic_key = \"{MINISIGN}\"\n[key.desk]\npublic_key = \"{SSH}\"\n"
    );
    let found = trust(&text).expect("there is a file");
    assert_eq!(found.names(), ["desk", "lab"]);
    assert_eq!(found.keys[1].minisign_id.as_deref(), Some("71DA079A9EDF50E9"));
    assert_eq!((found.require_for_models, found.require_for_runtimes), (true, false));
    assert_eq!(found.accepted_terms, ["https://a.example/", "https://b.example/"]);
    let all =
        format!("schema_version = 1\nrequire_signature = true\n[key.lab]\npublic_key = \"{MINISIGN}\"\n");
    let found = trust(&all).expect("there is a file");
    assert!(found.require_for_models && found.require_for_runtimes);
    assert_eq!(trust("schema_version = 1\n"), Some(Trust::default()));
    let bare = dyno_plan::freeze(&lab(), &ask()).expect("no problem");
    assert_eq!(bare.trust, None);
    let text = String::from_utf8(bare.canonical()).expect("JSON");
    assert!(!text.contains("trust") && !text.contains("provenance"), "{text}");
}

#[test]
fn problems_of_trust_are_told_with_their_lines() {
    let check = |text: &str, expected: &[&str]| {
        let found = problems(Catalog::load(&with(text)));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    };
    let key = |name: &str, key: &str| format!("[key.{name}]\npublic_key = \"{key}\"\n");
    check(
        &format!("schema_version = 1\n{}{}", key("lab", "no"), key("old", "ssh-rsa AAAA")),
        &[
            "catalog/trust.toml:3:14: key `lab` is no public key",
            "catalog/trust.toml:5:14: key `old` is of the kind `ssh-rsa`",
        ],
    );
    check(
        &format!("schema_version = 1\n{}{}", key("a", MINISIGN), key("b", MINISIGN)),
        &["catalog/trust.toml:5:14: key `b` is the same key as `a`"],
    );
    check(
        "schema_version = 1\nrequire_signature = true\n",
        &["catalog/trust.toml:2:21: signatures are required, and no key is named"],
    );
    check(
        "schema_version = 1\nrequire_signature = 1\n",
        &["catalog/trust.toml:2:21: `require_signature` is a whole"],
    );
}

#[test]
fn a_key_that_two_files_name_is_a_problem() {
    let text = format!("schema_version = 1\n[key.lab]\npublic_key = \"{MINISIGN}\"\n");
    let more = Source::user("catalog/lab/catalog/trust.toml", text.clone()).expect("a file of trust");
    let found = problems(Catalog::load(&with(&text).with(more)));
    assert!(found.iter().any(|problem| problem.contains("key `lab` is defined twice")), "{found:?}");
}

#[test]
fn signatures_of_models_are_planned_for_themselves_and_for_what_is_made_from_them() {
    let inputs = lab_with(&[(
        "catalog/models/models.toml",
        "size_bytes = 3",
        "size_bytes = 3\nsignature = \"~/base.minisig\"",
    )]);
    assert!(MODELS.contains("size_bytes = 3"));
    let catalog = Catalog::load(&inputs).expect("no problem");
    let expected = Some(SignatureSource::File { path: "~/base.minisig".to_owned() });
    assert_eq!(catalog.models["base"].provenance.signature_from, expected);
    let half = &catalog.models["half"].provenance;
    assert_eq!((&half.signature_from, &half.parent_signature_from), (&None, &expected));
    let inputs = lab_with(&[(
        "catalog/models/models.toml",
        "size_bytes = 3",
        "size_bytes = 3\nsignature = \"http://x/y\"",
    )]);
    let found = problems(Catalog::load(&inputs));
    assert!(found.len() == 1 && found[0].contains("does not begin with https://"), "{found:?}");
}

const SERVED: &str = r#"schema_version = 1
[runtime.served]
title = "Served"
dialect = "openai_chat"
ready_limit_ms = 5_000
[runtime.served.server]
program = "server"
args = ["-m", "{model}", "--port={port}"]
ready_path = "/health"
"#;

fn served(more: &str) -> Inputs {
    lab().with(Source::user("catalog/runtimes/served.toml", format!("{SERVED}{more}")).expect("a runtime"))
}

#[test]
fn programs_are_pinned_for_all_devices_or_for_each_kind() {
    let pins = |more: &str| {
        let asked = Ask { runtimes: vec!["served".to_owned()], models: vec!["base".to_owned()], ..ask() };
        let plan = dyno_plan::freeze(&served(more), &asked).expect("no problem");
        plan.runtimes["served"].server.clone().expect("a server").pins
    };
    let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
    assert!(pins("").is_empty());
    let found = pins(&format!("sha256 = \"{one}\"\nsignature = \"https://a.example/s\"\n"));
    assert_eq!(found["any"].sha256, one);
    let expected = Some(SignatureSource::Https { url: "https://a.example/s".to_owned() });
    assert_eq!(found["any"].signature_from, expected);
    let found = pins(&format!(
        "[runtime.served.server.sha256]\nx86_64 = \"{one}\"\naarch64 = \"{two}\"\n\
         [runtime.served.server.signature]\naarch64 = \"https://a.example/s\"\n"
    ));
    assert_eq!((&found["x86_64"].sha256, &found["aarch64"].sha256), (&one, &two));
    assert_eq!((&found["x86_64"].signature_from, &found["aarch64"].signature_from), (&None, &expected));
}

#[test]
fn problems_of_pins_are_told() {
    let check = |more: &str, expected: &[&str]| {
        let found = problems(Catalog::load(&served(more)));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}");
        }
    };
    check("sha256 = \"abc\"\n", &["served.toml:10:10: `abc` is not a sha256"]);
    let good = Digest::of(b"1");
    check(&format!("sha256 = {{ arm64 = \"{good}\" }}\n"), &["unknown architecture `arm64`"]);
    check("signature = \"s.minisig\"\n", &["a signature without the sha256 that it is of"]);
    check(
        &format!("sha256 = {{ x86_64 = \"{good}\" }}\nsignature = \"s.minisig\"\n"),
        &["a signature without the sha256 that it is of"],
    );
}
