//! Evidence packs from end to end: made here, verified where there is nothing but the pack and a key.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dyno_evidence::{Contents, Member, Opened, PUBLIC_KEY_FILE, SigningKey, Source};
use dyno_model::line::write_line;
use serde_json::Value;

use crate::sandbox::{Done, SCRIPTED, Sandbox, bytes};

/// The scripted runtime with an answer that is found again wherever it leaks to.
fn runtime() -> String {
    SCRIPTED.replace("\"token \"", "\"lighthouse \"")
}

/// A measured campaign and two keys.
struct Lab {
    sandbox: Sandbox,
}

impl Lab {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("catalog/runtimes/scripted.toml", &runtime());
        sandbox.ok(&["run", "--runtime", "scripted", "--model", "none", "--repetitions", "1", "--name", "c"]);
        for key in ["mine", "other"] {
            sandbox.ok(&["evidence", "keygen", key]);
        }
        Self { sandbox }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sandbox.project().join(name)
    }

    /// A pack of that name, made with these flags.
    fn packed(&self, name: &str, flags: &[&str]) -> Done {
        let args = [&["evidence", "pack", "c", "--output", name], flags].concat();
        self.sandbox.ok(&args)
    }

    /// Verifies on "another machine": no home, no cache, no project, no environment.
    fn verify(&self, pack: &Path, key: Option<&str>) -> (Option<i32>, Value, String) {
        let elsewhere = tempfile::tempdir().expect("a temporary folder");
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_edgedyno"));
        command.args(["evidence", "verify", "--json"]).arg(pack);
        if let Some(key) = key {
            command.arg("--public-key").arg(self.path(key));
        }
        command.env_clear().env("HOME", elsewhere.path()).env("TMPDIR", temporary.path());
        let done =
            command.current_dir(elsewhere.path()).stdin(Stdio::null()).output().expect("edgedyno starts");
        for folder in [&elsewhere, &temporary] {
            let left = std::fs::read_dir(folder.path()).expect("the folder").count();
            assert_eq!(left, 0, "verifying leaves nothing behind");
        }
        let stderr = String::from_utf8(done.stderr).expect("edgedyno writes UTF-8");
        (done.status.code(), serde_json::from_slice(&done.stdout).unwrap_or(Value::Null), stderr)
    }

    /// Repacks a pack after a change, as somebody who holds the key could.
    fn resigned(&self, change: impl Fn(&str, &mut Vec<u8>)) -> PathBuf {
        let pack = Opened::open(&self.path("pack.zip")).expect("a pack");
        let names = pack.manifest().files.iter().map(|file| file.name.as_str());
        let members = names.filter(|name| *name != PUBLIC_KEY_FILE).map(|name| {
            let mut content = pack.bytes(name).expect("readable").expect("a member");
            change(name, &mut content);
            Member { name: name.to_owned(), source: Source::Bytes(content) }
        });
        let manifest = pack.manifest();
        let contents = Contents {
            campaign: manifest.campaign.clone(),
            packed_by: manifest.packed_by.clone(),
            members: members.collect(),
            redaction: manifest.redaction.clone(),
        };
        let key = SigningKey::read(&self.path("mine")).expect("a private key");
        contents.write(Some(&key), &self.path("resigned.zip")).expect("a pack is written");
        self.path("resigned.zip")
    }
}

/// What failed, as `check: text`.
fn failed(result: &Value) -> Vec<String> {
    let checks = result["checks"].as_array().expect("a list of checks");
    let bad = checks.iter().filter(|check| check["state"] == "fails");
    bad.map(|check| {
        format!("{}: {}", check["check"].as_str().unwrap_or(""), check["text"].as_str().unwrap_or(""))
    })
    .collect()
}

#[test]
fn a_pack_made_here_verifies_where_nothing_else_is() {
    let lab = Lab::new();
    let done = lab.packed("pack.zip", &["--key", "mine"]);
    assert!(!done.stderr.contains("NOT SIGNED"), "{}", done.stderr);
    let (code, result, stderr) = lab.verify(&lab.path("pack.zip"), Some("mine.pub"));
    assert_eq!((code, &result["verified"]), (Some(0), &Value::Bool(true)), "{result:#} {stderr}");
    assert_eq!(result["signature"]["state"], "good");
    let states: Vec<&str> = result["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .map(|check| check["state"].as_str().expect("a word"))
        .collect();
    assert!(states.iter().all(|state| *state == "holds") && states.len() >= 8, "{result:#}");
    // The same campaign and key give the same bytes.
    lab.packed("again.zip", &["--key", "mine"]);
    assert_eq!(bytes(&lab.path("pack.zip")), bytes(&lab.path("again.zip")));
}

#[test]
fn unknown_key_wrong_key_and_no_signature_are_three_words() {
    let lab = Lab::new();
    lab.packed("pack.zip", &["--key", "mine"]);
    let done = lab.packed("bare.zip", &[]);
    assert!(done.stderr.contains("NOT SIGNED"), "{}", done.stderr);
    for (pack, key, code, state) in [
        ("pack.zip", Some("mine.pub"), 0, "good"),
        ("pack.zip", None, 0, "unknown_key"),
        ("pack.zip", Some("other.pub"), 5, "wrong_key"),
        ("bare.zip", None, 0, "no_signature"),
        ("bare.zip", Some("mine.pub"), 5, "no_signature"),
    ] {
        let (found, result, _) = lab.verify(&lab.path(pack), key);
        assert_eq!(
            (found, result["signature"]["state"].as_str()),
            (Some(code), Some(state)),
            "{pack} {key:?}"
        );
    }
}

#[test]
fn what_the_key_holder_changed_is_found_by_computing_it_again() {
    let lab = Lab::new();
    lab.packed("pack.zip", &["--key", "mine"]);
    let (code, _, _) = lab.verify(&lab.resigned(|_, _| {}), Some("mine.pub"));
    assert_eq!(code, Some(0), "a pack that was made anew of the same files is as good");
    let replaced = |member: &'static str, from: &'static str, to: &'static str| {
        lab.resigned(move |name, content| {
            if name == member {
                let text = String::from_utf8(content.clone()).expect("text");
                assert!(text.contains(from), "{from} is not in {name}");
                *content = text.replacen(from, to, 1).into_bytes();
            }
        })
    };
    let check = |pack: PathBuf, words: &str| {
        let (code, result, stderr) = lab.verify(&pack, Some("mine.pub"));
        let failed = failed(&result);
        assert_eq!(code, Some(5), "{result:#} {stderr}");
        assert!(failed.iter().any(|text| text.contains(words)), "{words} is not in {failed:#?}");
        assert_eq!(result["signature"]["state"], "good");
    };
    check(
        replaced("report.json", "120000000.0", "119000000.0"),
        "is 119000000.0 in the pack and 120000000.0 when computed",
    );
    check(
        replaced("report.json", "\"complete\": true", "\"complete\": false"),
        "/campaign/complete is false in the pack",
    );
    check(replaced("report.html", "</body>", " </body>"), "report.html: its SHA-256 is");
    check(
        replaced("inputs.json", "\"launches\": 1", "\"launches\": 2"),
        "inputs.json: /runtimes/0/launches is 2",
    );
    check(replaced("plan.json", "\"seed\":", "\"seed\" :"), "record: the journal was written for plan");
}

#[test]
fn a_journal_that_was_changed_with_its_checksums_gives_another_report() {
    let lab = Lab::new();
    lab.packed("pack.zip", &["--key", "mine"]);
    let pack = lab.resigned(|name, content| {
        if name == "journal.log" {
            *content = faster(content);
        }
    });
    let (code, result, _) = lab.verify(&pack, Some("mine.pub"));
    assert_eq!(code, Some(5), "{result:#}");
    assert!(failed(&result)[0].starts_with("report.json: /"), "{result:#}");
    // A line whose checksum does not fit is no line.
    let pack = lab.resigned(|name, content| {
        if name == "journal.log" {
            content[0] ^= 1;
        }
    });
    let (code, result, _) = lab.verify(&pack, Some("mine.pub"));
    assert_eq!(code, Some(5), "{result:#}");
    assert!(failed(&result)[0].contains("line 1 is damaged"), "{result:#}");
    let pack = lab.resigned(|name, content| {
        if name == "plan.json" {
            *content = b"[]".to_vec();
        }
    });
    let (code, result, _) = lab.verify(&pack, Some("mine.pub"));
    assert_eq!(code, Some(5), "{result:#}");
    assert!(failed(&result)[0].starts_with("record: the record cannot be read"), "{result:#}");
}

#[test]
fn verdicts_are_judged_again() {
    let lab = Lab::new();
    lab.packed("pack.zip", &["--key", "mine", "--slo", "assistant", "--operator", "the <b>lab</b>"]);
    let (code, result, stderr) = lab.verify(&lab.path("pack.zip"), Some("mine.pub"));
    assert_eq!(code, Some(0), "{result:#} {stderr}");
    let checks = result["checks"].as_array().expect("checks");
    for name in ["compliance.json", "compliance.html"] {
        assert!(checks.iter().any(|check| check["check"] == name), "{result:#}");
    }
    for (member, from, to, words) in [
        ("compliance.json", "\"checked_by\": \"", "\"checked_by\": \"x", "compliance.json: /"),
        ("compliance.html", "</body>", " </body>", "compliance.html: its SHA-256 is"),
        ("claim.json", "\"operator\": \"the", "\"operator\": \"The", "compliance.json: /"),
        ("claim.json", "\"slo\"", "\"sla\"", "claim.json: it cannot be read"),
    ] {
        let pack = lab.resigned(|name, content| {
            if name == member {
                let text = String::from_utf8(content.clone()).expect("text");
                assert!(text.contains(from), "{from} is not in {name}");
                *content = text.replacen(from, to, 1).into_bytes();
            }
        });
        let (code, result, _) = lab.verify(&pack, Some("mine.pub"));
        let failed = failed(&result);
        assert_eq!(code, Some(5), "{member}: {result:#}");
        assert!(failed.iter().any(|text| text.contains(words)), "{words} is not in {failed:#?}");
    }
}

/// Every first token a millisecond earlier, with checksums that fit.
fn faster(journal: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in String::from_utf8(journal.to_vec()).expect("a journal is UTF-8").lines() {
        let mut entry: Value = serde_json::from_str(&line[9..]).expect("behind the checksum stands JSON");
        if entry["event"]["event"] == "request" {
            let first = entry["event"]["chunk_ns"][0].as_u64().expect("an arrival");
            entry["event"]["chunk_ns"][0] = (first - 1_000_000).into();
        }
        write_line(&mut out, &entry).expect("JSON");
    }
    out
}

#[test]
fn one_changed_byte_anywhere_fails() {
    let lab = Lab::new();
    lab.packed("pack.zip", &["--key", "mine"]);
    let whole = bytes(&lab.path("pack.zip"));
    for at in (0..whole.len()).step_by(whole.len() / 12).chain([whole.len() - 1]) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(lab.path("changed.zip"), &changed).expect("a temporary file");
        let (code, result, stderr) = lab.verify(&lab.path("changed.zip"), Some("mine.pub"));
        assert_eq!(code, Some(5), "byte {at}: {result:#} {stderr}");
        assert!(!failed(&result).is_empty(), "byte {at} is not named: {result:#}");
    }
}

#[test]
fn what_is_no_pack_is_a_usage_error() {
    let lab = Lab::new();
    std::fs::write(lab.path("empty"), b"").expect("a temporary file");
    std::fs::write(lab.path("text"), b"hello").expect("a temporary file");
    for name in ["empty", "text", "absent", "runs"] {
        let (code, _, stderr) = lab.verify(&lab.path(name), None);
        assert_eq!(code, Some(2), "{name}: {stderr}");
        assert!(stderr.contains("hint: "), "{name}: {stderr}");
    }
    let (code, _, stderr) = lab.verify(&lab.path("text"), Some("mine"));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("this is a private key"), "{stderr}");
}

#[test]
fn a_redacted_pack_has_no_text_and_every_figure() {
    let lab = Lab::new();
    let plan: Value =
        serde_json::from_slice(&bytes(&lab.sandbox.campaign("c").join("plan.json"))).expect("a plan");
    let prompts = plan["prompts"].as_object().expect("prompts").values();
    let asked: Vec<&str> = prompts
        .flat_map(|prompt| prompt["messages"].as_array().expect("messages"))
        .map(|message| message["content"].as_str().expect("a text"))
        .collect();
    for mode in ["drop", "hash"] {
        let name = format!("{mode}.zip");
        lab.packed(&name, &["--key", "mine", "--redact", mode]);
        let archive = String::from_utf8_lossy(&bytes(&lab.path(&name))).into_owned();
        assert!(!archive.contains("lighthouse"), "{mode}: an answer is in the pack");
        for text in &asked {
            let json = serde_json::to_string(text).expect("a text");
            assert!(!archive.contains(&json[1..json.len() - 1]), "{mode}: {text} is in the pack");
        }
        let (code, result, stderr) = lab.verify(&lab.path(&name), Some("mine.pub"));
        assert_eq!((code, result["redaction"].as_str()), (Some(0), Some(mode)), "{result:#} {stderr}");
        let pack = Opened::open(&lab.path(&name)).expect("a pack");
        let figures = |bytes: Vec<u8>| -> Value {
            let report: Value = serde_json::from_slice(&bytes).expect("a report");
            report["cells"][0]["metrics"].clone()
        };
        let whole = lab.sandbox.ok(&["report", "c", "--format", "json"]).stdout.into_bytes();
        assert_eq!(figures(pack.bytes("report.json").expect("readable").expect("there")), figures(whole));
        let originals = &pack.manifest().redaction.as_ref().expect("it says so").originals;
        let digest =
            |name: &str| dyno_model::digest::Digest::of(&bytes(&lab.sandbox.campaign("c").join(name)));
        assert_eq!(originals[0].sha256, digest("plan.json"));
        assert_eq!(originals[1].sha256, digest("journal.log"));
    }
}

#[test]
fn a_redacted_pack_still_opens_as_a_campaign() {
    let lab = Lab::new();
    lab.packed("drop.zip", &["--redact", "drop"]);
    let pack = Opened::open(&lab.path("drop.zip")).expect("a pack");
    let folder = lab.path("unpacked/c");
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    for name in ["plan.json", "journal.log"] {
        std::fs::write(folder.join(name), pack.bytes(name).expect("readable").expect("there"))
            .expect("a file");
    }
    let shown = lab.sandbox.ok(&["report", &folder.display().to_string(), "--format", "json"]).stdout;
    assert_eq!(shown.into_bytes(), pack.bytes("report.json").expect("readable").expect("there"));
}

#[test]
fn a_campaign_that_cannot_be_packed_leaves_no_pack() {
    let lab = Lab::new();
    let fails = |args: &[&str], code: i32, words: &str| {
        let done = lab.sandbox.run(&[&["evidence", "pack"], args].concat());
        assert_eq!(done.code, Some(code), "{}", done.stderr);
        assert!(done.stderr.contains(words), "{}", done.stderr);
    };
    fails(&["absent"], 2, "no campaign `absent`");
    fails(&["c", "--key", "mine.pub"], 2, "this is a public key");
    fails(&["c", "--key", "absent"], 2, "cannot read the key");
    let journal = lab.sandbox.campaign("c").join("journal.log");
    let lock = std::fs::File::open(&journal).expect("the journal");
    lock.lock().expect("nobody else has it");
    fails(&["c"], 2, "is being measured");
    drop(lock);
    let mut damaged = bytes(&journal);
    damaged[200] ^= 1;
    std::fs::write(&journal, damaged).expect("the journal");
    fails(&["c", "--output", "x.zip"], 3, "is damaged");
    assert!(!lab.path("x.zip").exists());
}

#[test]
fn a_pack_shows_what_it_says_of_itself() {
    let lab = Lab::new();
    lab.packed("pack.zip", &["--key", "mine", "--redact", "hash"]);
    let shown = lab.sandbox.ok(&["evidence", "show", "pack.zip"]);
    for words in [
        "campaign     c\n",
        "Merkle root  ",
        "journal.log",
        "not in it    texts of prompts",
        "by hand      unzip",
    ] {
        assert!(shown.stdout.contains(words), "{words} is not in {}", shown.stdout);
    }
    assert!(shown.stderr.contains("nothing of this was checked"), "{}", shown.stderr);
    let json: Value =
        serde_json::from_str(&lab.sandbox.ok(&["evidence", "show", "pack.zip", "--json"]).stdout)
            .expect("a manifest");
    assert_eq!(json["kind"], "edgedyno evidence pack");
}
