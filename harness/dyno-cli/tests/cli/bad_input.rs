//! Bad input gets one clear error that says what, where and what to do next, and leaves nothing half-written.

use crate::sandbox::{Done, Sandbox, bytes};

fn has(done: &Done, code: i32, words: &[&str]) {
    assert_eq!(done.code, Some(code), "{}", done.stderr);
    for word in words {
        assert!(done.stderr.contains(word), "`{word}` is not in:\n{}", done.stderr);
    }
}

fn fake(sandbox: &Sandbox) -> Done {
    sandbox.run(&["run", "--runtime", "fake", "--model", "none", "--name", "c"])
}

#[test]
fn broken_toml_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write("devices.toml", "schema_version = 1\n[device.local\n");
    has(&fake(&sandbox), 2, &["devices.toml:2"]);
    assert!(!sandbox.campaign("c").exists());
}

#[test]
fn an_unknown_key_comes_with_the_nearest_known_one() {
    let sandbox = Sandbox::new();
    sandbox.write("devices.toml", "schema_version = 1\n[device.local]\ntransprot = { kind = \"local\" }\n");
    has(&fake(&sandbox), 2, &["devices.toml:3", "transprot", "transport"]);
}

#[test]
fn all_problems_are_told_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "devices.toml",
        "schema_version = 1\n[device.local]\ntransport = { kind = \"locla\" }\nprice = 3\n",
    );
    sandbox.write("catalog/suites/mine.toml", "schema_version = 1\n[suite.mine]\nrepetitions = \"three\"\n");
    has(&fake(&sandbox), 2, &["devices.toml:3", "devices.toml:4", "mine.toml:3"]);
}

#[test]
fn unknown_names_come_with_the_list() {
    let sandbox = Sandbox::new();
    has(&sandbox.run(&["run", "--suite", "quik"]), 2, &["quik", "quick"]);
    has(&sandbox.run(&["run", "--device", "nowhere"]), 2, &["nowhere", "local"]);
    has(&sandbox.run(&["run", "--model", "gpt-9"]), 2, &["gpt-9", "smollm2-135m-instruct"]);
    has(&sandbox.run(&["run", "--runtime", "warp"]), 2, &["warp", "embedded"]);
    has(&sandbox.run(&["report", "nothing"]), 2, &["nothing"]);
    has(&sandbox.run(&["models", "pull", "gpt-9"]), 2, &["gpt-9", "smollm2-135m-instruct"]);
    assert!(!sandbox.project().join("runs").exists());
}

#[test]
fn a_corpus_line_that_is_no_json_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    let corpus = "schema_version = 1\nname = \"mine\"\ntitle = \"t\"\ndescription = \"d\"\nlicense = \"MIT\"\nlanguages = [\"en\"]\nfiles = [\"a.jsonl\"]\n";
    sandbox.write("prompts/mine/corpus.toml", corpus);
    sandbox.write("prompts/mine/a.jsonl", "{\"id\":\"a\",\"category\":\"c\",\"language\":\"en\",\"osl_class\":\"short\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}\n\nnot json\n");
    has(&fake(&sandbox), 2, &["a.jsonl:2", "a.jsonl:3"]);
}

#[test]
fn an_existing_output_folder_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("runs/c/precious", "mine");
    has(&fake(&sandbox), 2, &["exists", "--name"]);
    assert_eq!(bytes(&sandbox.campaign("c").join("precious")), b"mine");
}

#[test]
fn an_output_folder_that_cannot_be_written_is_told_before_work_begins() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    let done = sandbox.run(&["run", "--runtime", "fake", "--model", "none", "--runs", "file/runs"]);
    has(&done, 3, &["file/runs", "--runs"]);
}

#[test]
fn a_model_file_that_is_no_model_is_refused_and_kept_out() {
    let sandbox = Sandbox::new();
    sandbox.write("text.gguf", "this is no model");
    has(&sandbox.run(&["models", "add", "text.gguf"]), 2, &["text.gguf", "GGUF"]);
    assert!(!sandbox.ok(&["models", "list", "--json"]).stdout.contains("text.gguf"));
}

/// A catalogue entry for a file of this test.
fn model_of(path: &str, sha256: &str, bytes: usize) -> String {
    format!(
        "schema_version = 1\n[model.mine]\nkind = \"published\"\ntitle = \"mine\"\nlicense = \"MIT\"\ncontext_tokens = 512\n\
         file = \"weights.gguf\"\nsha256 = \"{sha256}\"\nsize_bytes = {bytes}\n[[model.mine.source]]\nkind = \"file\"\npath = \"{path}\"\n"
    )
}

#[test]
fn a_model_of_the_wrong_digest_never_enters_the_cache() {
    let sandbox = Sandbox::new();
    let path = sandbox.project().join("weights.gguf");
    std::fs::write(&path, b"GGUF and then something else").expect("a temporary file");
    sandbox.write("catalog/models/mine.toml", &model_of(&path.display().to_string(), &"0".repeat(64), 28));
    let done = sandbox.run(&["models", "pull", "mine"]);
    has(&done, 3, &["sha256", &"0".repeat(64)]);
    let cache = std::fs::read_dir(sandbox.project().join("../cache/models"));
    let kept = cache.map_or(0, |entries| {
        entries.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir())).count()
    });
    assert_eq!(kept, 0);
}

#[test]
fn a_truncated_model_is_a_refused_launch_in_the_record() {
    use sha2::Digest as _;
    let sandbox = Sandbox::new();
    let weights = b"GGUF\x03\x00\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00";
    let path = sandbox.project().join("weights.gguf");
    std::fs::write(&path, weights).expect("a temporary file");
    let digest = dyno_model::digest::Digest::from_hasher(sha2::Sha256::new_with_prefix(weights));
    sandbox.write(
        "catalog/models/mine.toml",
        &model_of(&path.display().to_string(), digest.as_str(), weights.len()),
    );
    let done = sandbox.run(&["run", "--model", "mine", "--repetitions", "1", "--name", "c"]);
    assert_eq!(done.code, Some(4), "{}\n{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("refused"), "{}", done.stdout);
}

#[test]
fn a_record_of_a_newer_format_is_told_as_such() {
    let sandbox = Sandbox::new();
    assert_eq!(fake(&sandbox).code, Some(0));
    let journal = sandbox.campaign("c").join("journal.log");
    let text = String::from_utf8(bytes(&journal)).expect("UTF-8");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let json = lines[0][9..].replace("\"format\":1", "\"format\":999");
    lines[0] = format!("{:08x} {json}", crc32fast::hash(json.as_bytes()));
    std::fs::write(&journal, lines.join("\n") + "\n").expect("a temporary file");
    std::fs::remove_dir_all(sandbox.campaign("c").join("tables")).expect("tables");
    has(&sandbox.run(&["report", "c"]), 2, &["999", "1"]);
}

#[test]
fn damage_in_the_middle_of_a_journal_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    assert_eq!(fake(&sandbox).code, Some(0));
    let journal = sandbox.campaign("c").join("journal.log");
    let mut damaged = bytes(&journal);
    let third_line =
        damaged.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).expect("lines").0 + 20;
    damaged[third_line] ^= 0x20;
    std::fs::write(&journal, damaged).expect("a temporary file");
    std::fs::remove_dir_all(sandbox.campaign("c").join("tables")).expect("tables");
    let done = sandbox.run(&["report", "c"]);
    assert_ne!(done.code, Some(0));
    assert!(done.stderr.contains("line 3") || done.stderr.contains("journal.log:3"), "{}", done.stderr);
}
