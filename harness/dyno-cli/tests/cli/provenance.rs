//! Models and runtimes that are what they claim: signatures, pins, and terms that must be accepted.
//!
//! Signatures of the minisign form are made by the crate `minisign`, those of the ssh form by `ssh-keygen`: neither
//! shares code with what verifies them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dyno_model::digest::Digest;
use dyno_model::plan::{Plan, SyntheticShape};
use dyno_model::trust::SignatureState;
use minisign::KeyPair;

use crate::sandbox::{Done, Sandbox, bytes};

const SUITE: &str = r#"schema_version = 1
[suite.one]
description = "One question."
model = "tiny"
runtime = "embedded"
load = { kind = "single" }
context_tokens = 256
corpus = "one"
prompt_order = "fixed"
repetitions = 1
seed = 1
max_tokens = 4
temperature = 0
request_limit_ms = 60_000
sampling_period_ms = 100
"#;

const PROMPTS: &str = r#"{"id":"a","category":"qa","language":"en","osl_class":"short","messages":[{"role":"user","content":"Hello?"}]}
"#;

/// A project with one small model of seeded noise as a published file, which the engine really runs.
struct Bench {
    sandbox: Sandbox,
    keys: KeyPair,
    file: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let file = sandbox.root().join("tiny.gguf");
        let shape = SyntheticShape {
            architecture: "llama".to_owned(),
            quantization: "q8_0".to_owned(),
            n_layers: 2,
            n_embedding: 64,
            n_feed_forward: 128,
            n_heads: 2,
            n_kv_heads: 2,
            head_dim: 32,
            n_vocabulary: 512,
            context_tokens: 256,
            tied_embeddings: true,
        };
        dyno_runtimes::engine::write_synthetic(&file, &shape, 1).expect("a temporary file");
        sandbox.write("catalog/suites/one.toml", SUITE);
        sandbox.write("prompts/one/a.jsonl", PROMPTS);
        sandbox.write(
            "prompts/one/corpus.toml",
            &format!(
                "schema_version = 1\nname = \"one\"\ntitle = \"one\"\ndescription = \"one question\"\n\
                 license = \"MIT\"\nlanguages = [\"en\"]\nfiles = [\"a.jsonl\"]\nn_prompts = 1\n\
                 digest = \"{}\"\ncategories = {{ qa = 1 }}\n",
                Digest::of(PROMPTS.as_bytes())
            ),
        );
        let keys = KeyPair::generate_unencrypted_keypair().expect("random bytes");
        Self { sandbox, keys, file }
    }

    /// Names the model's file as it is now in the catalogue, with more words.
    fn name(&self, more: &str) {
        let bytes = bytes(&self.file);
        self.sandbox.write(
            "catalog/models/tiny.toml",
            &format!(
                "schema_version = 1\n[model.tiny]\nkind = \"published\"\ntitle = \"tiny\"\nlicense = \"MIT\"\n\
                 context_tokens = 256\nfile = \"tiny.gguf\"\nsha256 = \"{}\"\nsize_bytes = {}\n\
                 source = [{{ kind = \"file\", path = \"{}\" }}]\n{more}",
                Digest::of(&bytes),
                bytes.len(),
                self.file.display()
            ),
        );
    }

    /// A project that trusts the key `lab`, with more words before the key.
    fn trust(&self, words: &str) {
        let key = self.keys.pk.to_base64();
        let words = format!("schema_version = 1\n{words}\n[key.lab]\npublic_key = \"{key}\"\n");
        self.sandbox.write("catalog/trust.toml", &words);
    }

    /// The signature of the model's file as it is now.
    fn signature(&self, keys: &KeyPair) -> String {
        let file = fs::File::open(&self.file).expect("the model");
        let signed = minisign::sign(Some(&keys.pk), &keys.sk, file, Some("release 7"), None);
        signed.expect("a signature").to_string()
    }

    fn change_a_byte(path: &Path) {
        let mut bytes = bytes(path);
        let at = bytes.len() - 1;
        bytes[at] ^= 1;
        fs::write(path, bytes).expect("a temporary file");
    }

    /// Runs the suite as campaign `name`.
    fn measure(&self, name: &str) -> Done {
        self.sandbox.run(&["run", "--suite", "one", "--name", name])
    }

    fn plan(&self, name: &str) -> Plan {
        let text = bytes(&self.sandbox.campaign(name).join("plan.json"));
        serde_json::from_slice(&text).expect("a plan")
    }
}

/// Refused with that exit code, and these words on stderr.
fn refused(done: &Done, code: i32, words: &[&str]) {
    assert_eq!(done.code, Some(code), "{}", done.stderr);
    for word in words {
        assert!(done.stderr.contains(word), "`{word}` is not in: {}", done.stderr);
    }
}

/// It went on to the report; a machine without a CPU to spare makes it invalid.
fn measured(done: &Done) {
    assert!(matches!(done.code, Some(0 | 5)), "{}\n{}", done.stdout, done.stderr);
}

fn in_literal_quotes(text: &str) -> String {
    format!("signature = '''\n{}\n'''\n", text.trim_end())
}

#[test]
fn a_signed_model_with_one_changed_byte_is_refused_by_name() {
    let bench = Bench::new();
    bench.trust("require_signature = true");
    let signature = in_literal_quotes(&bench.signature(&bench.keys));
    bench.name(&signature);
    measured(&bench.measure("good"));
    let found = bench.plan("good").models["tiny"].provenance.signature.clone();
    assert!(
        matches!(&found, Some(SignatureState::Signed { key, comment, .. })
            if key == "lab" && comment.as_deref() == Some("release 7")),
        "{found:?}"
    );
    let page = String::from_utf8(bytes(&bench.sandbox.campaign("good").join("report/report.json")));
    assert!(page.expect("JSON").contains("signed by lab (minisign, “release 7”)"));

    // In the cache, after it was taken.
    let stored = bench.sandbox.ok(&["models", "pull", "tiny"]).stdout;
    let stored = PathBuf::from(stored.trim_end());
    Bench::change_a_byte(&stored);
    let done = bench.measure("changed");
    refused(
        &done,
        3,
        &["model `tiny` is refused", "`tiny.gguf` was changed: sha256", "hint: do not use this file"],
    );
    assert!(!bench.sandbox.campaign("changed").exists(), "nothing was begun");
    let done = bench.sandbox.run(&["models", "verify"]);
    assert!(done.code == Some(3) && done.stdout.contains("CHANGED"), "{}", done.stdout);

    // At its source, with the digest of the catalogue changed to fit: only the signature tells.
    fs::remove_file(&stored).expect("the changed file");
    Bench::change_a_byte(&bench.file);
    bench.name(&signature);
    let done = bench.measure("forged");
    refused(&done, 3, &["model `tiny` is refused", "the key `lab` has not signed this file"]);
    assert!(!bench.sandbox.campaign("forged").exists(), "nothing was begun");
}

#[test]
fn what_nobody_trusted_has_signed_is_refused_where_signatures_are_required() {
    let bench = Bench::new();
    bench.name("");
    measured(&bench.measure("free"));
    assert_eq!(bench.plan("free").models["tiny"].provenance.signature, Some(SignatureState::Unsigned));

    bench.trust("require_signature = { models = true }");
    refused(&bench.measure("unsigned"), 2, &["model `tiny` is refused", "`tiny.gguf` is unsigned"]);

    // Somebody else's signature, which is a good one.
    let other = KeyPair::generate_unencrypted_keypair().expect("random bytes");
    bench.name(&in_literal_quotes(&bench.signature(&other)));
    refused(&bench.measure("other"), 2, &["is signed by minisign key", "does not trust (it trusts lab)"]);

    // Without the demand it is measured, and the reader is told that nothing was checked.
    bench.trust("");
    let done = bench.measure("told");
    measured(&done);
    assert!(done.stderr.contains("so its signature was not checked"), "{}", done.stderr);
    let found = bench.plan("told").models["tiny"].provenance.signature.clone();
    assert!(matches!(found, Some(SignatureState::UnknownSigner { .. })), "{found:?}");
}

#[test]
fn what_is_no_signature_is_refused_without_harm() {
    let bench = Bench::new();
    bench.trust("");
    let path = bench.sandbox.root().join("tiny.gguf.minisig");
    bench.name(&format!("signature = \"{}\"\n", path.display()));
    let check = |content: &[u8], words: &str| {
        fs::write(&path, content).expect("a temporary file");
        refused(&bench.sandbox.run(&["models", "pull", "tiny"]), 3, &["model `tiny` is refused", words]);
    };
    check(&vec![b'A'; 8 << 20], "it has more than 16384 bytes");
    check(b"\xff\xfe\0", "it is not UTF-8");
    check(b"hello", "it is no signature of minisign or of ssh-keygen");
    let good = bench.signature(&bench.keys);
    check(good.replace("RU", "!!").as_bytes(), "its second line is no signature");
    check(good.replace("release 7", "release 8").as_bytes(), "its trusted comment is not the one");
    fs::remove_file(&path).expect("it was just written");
    let done = bench.sandbox.run(&["models", "pull", "tiny"]);
    refused(&done, 3, &["the signature of `tiny.gguf` cannot be had from"]);
    fs::write(&path, good).expect("a temporary file");
    bench.sandbox.ok(&["models", "pull", "tiny"]);
}

#[test]
fn an_added_file_brings_its_signature_into_the_catalogue() {
    let bench = Bench::new();
    bench.trust("require_signature = true");
    let path = bench.file.to_str().expect("a plain path");
    refused(&bench.sandbox.run(&["models", "add", path]), 2, &["model `tiny` is refused", "is unsigned"]);
    let beside = bench.sandbox.root().join("tiny.gguf.minisig");
    fs::write(&beside, bench.signature(&bench.keys)).expect("a temporary file");
    // As a shell leaves it that is to write the entry there.
    bench.sandbox.write("catalog/models/tiny.toml", "");
    let added = bench.sandbox.ok(&["models", "add", path]);
    assert!(added.stderr.contains("signed by lab (minisign: release 7)"), "{}", added.stderr);
    bench.sandbox.write("catalog/models/tiny.toml", &added.stdout);
    let verified = bench.sandbox.ok(&["models", "verify"]);
    assert!(
        verified.stdout.starts_with("intact ") && verified.stdout.contains("signed by lab"),
        "{}",
        verified.stdout
    );
    measured(&bench.measure("c"));

    // A signature of another file beside it.
    Bench::change_a_byte(&bench.file);
    let done = bench.sandbox.run(&["models", "add", path]);
    refused(&done, 3, &["model `tiny` is refused", "has not signed this file"]);
}

#[test]
fn a_file_of_trust_is_checked_with_its_lines() {
    let bench = Bench::new();
    bench.name("");
    let key = bench.keys.pk.to_base64();
    let check = |text: &str, words: &[&str]| {
        bench.sandbox.write("catalog/trust.toml", text);
        refused(&bench.sandbox.run(&["models", "list"]), 2, words);
    };
    let of = |name: &str, key: &str| format!("[key.{name}]\npublic_key = \"{key}\"\n");
    let twice = format!("schema_version = 1\n{}{}", of("lab", &key), of("lab", &key));
    check(&twice, &["catalog/trust.toml:4"]);
    let same = format!("schema_version = 1\n{}{}", of("lab", &key), of("other", &key));
    check(&same, &["catalog/trust.toml:5", "key `other` is the same key as `lab`"]);
    check(
        &format!("schema_version = 1\n{}", of("lab", "RWQ")),
        &["catalog/trust.toml:3", "key `lab` is no public key"],
    );
    check("schema_version = 1\nrequire_signature = true\n", &["catalog/trust.toml:2", "no key is named"]);
    check("schema_version = 1\nrequire_signature = { model = true }\n", &["unknown key `model`", "models"]);
}

#[test]
fn terms_are_accepted_once_and_the_record_says_by_what() {
    const URL: &str = "https://terms.example/";
    let bench = Bench::new();
    bench.name(&format!("terms_url = \"{URL}\"\n"));
    let asked = ["model `tiny` comes under the terms `MIT`, which must be accepted", URL, "--accept-terms"];
    refused(&bench.measure("not-yet"), 2, &asked);
    refused(&bench.sandbox.run(&["models", "pull", "tiny", "--json"]), 2, &asked);

    // A file that a person brings comes under the same terms as one that is pulled.
    let added = bench.sandbox.ok(&["models", "add", bench.file.to_str().expect("a plain path")]);
    assert!(added.stderr.contains("the catalogue knows this file as tiny"), "{}", added.stderr);
    refused(&bench.measure("added"), 2, &asked);

    measured(&bench.sandbox.run(&["run", "--suite", "one", "--name", "first", "--accept-terms"]));
    let first = bench.plan("first").models["tiny"].provenance.terms.clone().expect("they were accepted");
    assert_eq!((first.url.as_str(), first.by.as_str()), (URL, "--accept-terms"));
    assert!(first.at.is_some());
    measured(&bench.measure("second"));
    assert_eq!(bench.plan("second").models["tiny"].provenance.terms, Some(first));
    let page = String::from_utf8(bytes(&bench.sandbox.campaign("second").join("report/report.json")));
    assert!(page.expect("JSON").contains("MIT (https://terms.example/) by --accept-terms, "));
}

#[test]
fn a_project_accepts_terms_in_its_file() {
    let bench = Bench::new();
    bench.name("terms_url = \"https://terms.example/\"\n");
    bench.trust("accepted_terms = [\"https://terms.example/\"]");
    measured(&bench.measure("c"));
    let terms = bench.plan("c").models["tiny"].provenance.terms.clone().expect("they were accepted");
    assert_eq!(terms.by, "catalog/trust.toml");
}

/// A runtime that starts `program` with no model, pinned as `more` says.
fn runtime(program: &Path, more: &str) -> String {
    format!(
        "schema_version = 1\n[runtime.served]\ntitle = \"served\"\ndialect = \"openai_chat\"\n\
         ready_limit_ms = 5_000\n[runtime.served.server]\nprogram = \"{}\"\nargs = [\"{{port}}\"]\n\
         ready_path = \"/health\"\n{more}",
        program.display()
    )
}

const SERVED: [&str; 8] = ["run", "--suite", "one", "--runtime", "served", "--model", "none", "--name"];

#[test]
fn a_program_that_is_not_the_pinned_one_is_never_started() {
    let bench = Bench::new();
    bench.name("");
    let (program, trace) = (bench.sandbox.root().join("server"), bench.sandbox.root().join("started"));
    let text = format!("#!/bin/sh\ntouch '{}'\n", trace.display());
    fs::write(&program, &text).expect("a temporary file");
    Command::new("chmod").arg("755").arg(&program).status().expect("chmod");
    let (own, other) = (Digest::of(text.as_bytes()), Digest::of(b"another build"));
    bench
        .sandbox
        .write("catalog/runtimes/served.toml", &runtime(&program, &format!("sha256 = \"{other}\"\n")));
    let done = bench.sandbox.run(&[&SERVED[..], &["c"]].concat());
    assert_ne!(done.code, Some(0), "{}", done.stdout);
    let said = done.stdout + &done.stderr;
    let journal = String::from_utf8(bytes(&bench.sandbox.campaign("c").join("journal.log"))).expect("UTF-8");
    for words in [own.as_str(), other.as_str(), "is not the pinned one"] {
        assert!(said.contains(words) || journal.contains(words), "`{words}` is nowhere: {said}");
    }
    assert!(journal.contains("\"refused\"") && !trace.exists(), "{journal}");
}

#[test]
fn a_pin_must_be_signed_where_signatures_are_required() {
    let bench = Bench::new();
    bench.name("");
    let ssh = |args: &[&str]| {
        let done = Command::new("ssh-keygen").args(args).current_dir(bench.sandbox.root()).output();
        let done = done.expect("ssh-keygen, which the tests over ssh need, too");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    ssh(&["-q", "-t", "ed25519", "-N", "", "-f", "key"]);
    let program = bench.sandbox.root().join("server");
    fs::write(&program, "no program at all").expect("a temporary file");
    ssh(&["-Y", "sign", "-q", "-f", "key", "-n", "file", "-O", "hashalg=sha256", "server"]);
    let public = String::from_utf8(bytes(&bench.sandbox.root().join("key.pub"))).expect("UTF-8");
    let signature = bench.sandbox.root().join("server.sig");
    bench.sandbox.write(
        "catalog/trust.toml",
        &format!(
            "schema_version = 1\nrequire_signature = {{ runtimes = true }}\n[key.desk]\npublic_key = \"{}\"\n",
            public.trim()
        ),
    );
    let check = |name: &str, more: &str| {
        bench.sandbox.write("catalog/runtimes/served.toml", &runtime(&program, more));
        bench.sandbox.run(&[&SERVED[..], &[name]].concat())
    };
    refused(&check("unpinned", ""), 2, &["runtime `served` is refused", "is not pinned"]);
    let pin = |digest: &Digest| format!("sha256 = \"{digest}\"\n");
    let own = Digest::of(b"no program at all");
    refused(&check("unsigned", &pin(&own)), 2, &["runtime `served` is refused", "is unsigned"]);
    let signed = |digest: &Digest| format!("{}signature = \"{}\"\n", pin(digest), signature.display());
    let other = check("other", &signed(&Digest::of(b"another build")));
    refused(&other, 3, &["runtime `served` is refused", "the key `desk` has not signed this file"]);
    // Signed: it is started, and is no program.
    check("signed", &signed(&own));
    let plan = bench.plan("signed");
    let pins = &plan.runtimes["served"].server.as_ref().expect("a server").pins;
    let found = pins["any"].signature.clone();
    assert!(matches!(&found, Some(SignatureState::Signed { key, .. }) if key == "desk"), "{found:?}");

    let done = bench.sandbox.run(&[
        "run",
        "--suite",
        "one",
        "--endpoint",
        "http://127.0.0.1:9/v1",
        "--model",
        "m",
        "--name",
        "attached",
    ]);
    refused(&done, 2, &["is refused: it runs already, so nothing of it can be checked"]);
}
