//! Notes that are torn, foreign or hostile.

use std::fs;
use std::os::unix::fs::symlink;

use dyno_model::prepare::{Fate, PrepareSpec};

use super::bench::Bench;

const GOVERNOR_0: &str = "sys/devices/system/cpu/cpufreq/policy0/scaling_governor";

fn prepared() -> (Bench, String) {
    let bench = Bench::board();
    bench.prepared(&PrepareSpec { governor: Some("performance".to_owned()), ..PrepareSpec::default() });
    let note = bench.note().expect("something was set");
    bench.done();
    (bench, note)
}

/// Something that is no note: nothing is done, it is told, and it does not stand in the way.
fn refused(bench: &Bench) -> String {
    let restored = bench.recovered().expect("something lies there");
    assert!(restored.settings.is_empty() && restored.commands.is_empty());
    assert_eq!(bench.done(), [""; 0]);
    assert_eq!(bench.value(GOVERNOR_0), "performance");
    assert_eq!(bench.recovered(), None, "it was set aside");
    assert!(fs::symlink_metadata(bench.work_dir().join("restore.broken.json")).is_ok());
    restored.problems().join("\n")
}

#[test]
fn a_note_torn_anywhere_is_told_and_set_aside() {
    let (bench, note) = prepared();
    // The last byte is a newline, which a note can do without.
    for end in 0..note.len() - 2 {
        fs::write(bench.note_path(), &note.as_bytes()[..end]).expect("our own file");
        let told = refused(&bench);
        assert!(told.starts_with("the restore note cannot be read ("), "{end}: {told}");
        assert!(told.ends_with("may still be set, see restore.broken.json in the agent's folder"), "{told}");
    }
}

#[test]
fn a_note_with_any_byte_changed_never_sets_what_the_device_cannot_be() {
    let (bench, note) = prepared();
    let governors = ["schedutil", "ondemand", "performance", "powersave"];
    for at in 0..note.len() {
        let mut bytes = note.clone().into_bytes();
        bytes[at] ^= 0x15;
        fs::write(bench.note_path(), bytes).expect("our own file");
        bench.recovered();
        for policy in ["policy0", "policy4"] {
            assert!(governors.contains(&bench.clock(policy, "scaling_governor").as_str()), "byte {at}");
            assert!(bench.clock(policy, "scaling_max_freq").parse::<u64>().is_ok(), "byte {at}");
        }
    }
}

#[test]
fn what_is_no_note_of_ours_is_refused() {
    let (bench, note) = prepared();
    let long = format!("{}{note}", " ".repeat(1 << 20));
    let many = note
        .replace("\"entries\": [", &format!("\"entries\": [{}", entry("governor", "x", "y").repeat(5000)));
    let texts = [
        ("text", "sudo reboot".to_owned()),
        ("an empty file", String::new()),
        ("another version", note.replace("\"format\": 1", "\"format\": 2")),
        ("a further key", note.replace("\"format\": 1", "\"format\": 1, \"run\": [\"reboot\"]")),
        ("a kind that is none", note.replace("\"governor\"", "\"file\"")),
        ("a path as a kind", note.replace("\"governor\"", "\"/etc/shadow\"")),
        ("a campaign that climbs", note.replace("20261121-080000-quick", "../../etc")),
        ("a value with a line break", note.replace("schedutil", "a\\nb")),
        ("a value without end", note.replace("schedutil", &"a".repeat(65))),
        ("a place without end", note.replace("policy0", &"a".repeat(129))),
        ("too long", long),
        ("too many", many),
        ("too deep", "[".repeat(100_000)),
    ];
    for (what, text) in texts {
        assert_ne!(text, note, "{what}");
        fs::write(bench.note_path(), text).expect("our own file");
        assert!(refused(&bench).starts_with("the restore note cannot be read ("), "{what}");
    }
}

fn entry(kind: &str, site: &str, before: &str) -> String {
    format!(
        r#"{{"setting": {{"kind": "{kind}", "site": "{site}"}}, "before": "{before}", "asked": "performance", "after": null}},"#
    )
}

#[test]
fn a_note_cannot_name_a_file_of_its_own() {
    let bench = Bench::board();
    bench.put("etc/passwd", "root\n");
    for site in
        ["../../../../../etc/passwd", "policy0/../../../../../../etc/passwd", "policy9", "policy0\\u002f", ""]
    {
        let note = hostile(&entry("governor", site, "x"));
        fs::write(bench.note_path(), note).expect("our own file");
        let restored = bench.recovered().expect("it reads as a note");
        assert_eq!(restored.settings[0].fate, Fate::Gone, "{site}");
    }
    assert_eq!(bench.done(), [""; 0]);
    assert_eq!(bench.value("etc/passwd"), "root");
}

#[test]
fn a_note_cannot_ask_for_a_value_that_the_setting_cannot_have() {
    let cases = [
        ("governor", "policy0", "; reboot"),
        ("governor", "policy0", "warp"),
        ("governor", "policy0", ""),
        ("max_freq_khz", "policy0", "0"),
        ("max_freq_khz", "policy0", "-1"),
        ("max_freq_khz", "policy0", "99999999999999999999"),
        ("suspend_charging", "BAT0/charge_behaviour", "explode"),
        ("suspend_charging", "BAT0/input_suspend", "2"),
    ];
    for (kind, site, before) in cases {
        let bench = Bench::board();
        bench.put("sys/class/power_supply/BAT0/charge_behaviour", "[auto] inhibit-charge\n");
        bench.put("sys/class/power_supply/BAT0/input_suspend", "0\n");
        fs::write(bench.note_path(), hostile(&entry(kind, site, before))).expect("our own file");
        let restored = bench.recovered().expect("it reads as a note");
        assert_eq!(restored.settings[0].fate, Fate::LeftAlone, "{kind} {before}");
        assert_eq!(bench.done(), [""; 0], "{kind} {before}");
    }
}

#[test]
fn a_note_for_a_phone_cannot_smuggle_words_into_a_program() {
    let cases = [
        ("stay_awake", "stay_on_while_plugged_in", "7 --user 10"),
        ("airplane_mode", "airplane_mode_on", "enable"),
        ("power_mode", "battery_saver", "-1"),
        ("power_mode", "fixed_performance", "true; reboot"),
        ("screen", "wakefulness", "KEYCODE_POWER"),
    ];
    for (kind, site, before) in cases {
        let bench = Bench::phone();
        fs::write(bench.note_path(), hostile(&entry(kind, site, before))).expect("our own file");
        let restored = bench.recovered().expect("it reads as a note");
        assert_eq!(restored.settings[0].fate, Fate::LeftAlone, "{kind} {before}");
        assert_eq!(bench.done(), [""; 0], "{kind} {before}");
    }
}

fn hostile(entries: &str) -> String {
    let entries = entries.trim_end_matches(',');
    format!(
        r#"{{"format": 1, "campaign": "c", "prepared_at": 1, "boot_id": null, "entries": [{entries}], "after": null}}"#
    )
}

#[test]
fn links_folders_and_pipes_are_no_notes_and_nobody_waits_for_them() {
    let (bench, note) = prepared();
    let path = bench.note_path();
    let elsewhere = bench.work_dir().join("elsewhere");
    fs::write(&elsewhere, &note).expect("our own file");
    fs::remove_file(&path).expect("our own file");
    symlink(&elsewhere, &path).expect("a fresh link");
    assert!(refused(&bench).contains("it is no plain file"));
    symlink("/nonexistent", &path).expect("a fresh link");
    assert!(refused(&bench).contains("it is no plain file"));
    let made = std::process::Command::new("mkfifo").arg(&path).status().expect("coreutils");
    assert!(made.success());
    assert!(refused(&bench).contains("it is no plain file"));
    fs::remove_file(bench.work_dir().join("restore.broken.json")).expect("our own file");
    fs::create_dir(&path).expect("our own folder");
    assert!(refused(&bench).contains("it is no plain file"));
    assert_eq!(fs::read_to_string(&elsewhere).expect("our own file"), note);
}

#[test]
fn a_link_in_the_place_of_the_new_note_is_not_written_through() {
    let bench = Bench::board();
    let victim = bench.work_dir().join("victim");
    fs::write(&victim, "precious").expect("our own file");
    symlink(&victim, bench.work_dir().join("restore.json.part")).expect("a fresh link");
    bench.prepared(&PrepareSpec { governor: Some("performance".to_owned()), ..PrepareSpec::default() });
    assert_eq!(fs::read_to_string(&victim).expect("our own file"), "precious");
    assert!(bench.note().is_some());
}

#[test]
fn without_a_note_nothing_is_set() {
    let bench = Bench::board();
    // A folder that cannot be removed by removing a file: no note can be written there.
    fs::create_dir(bench.work_dir().join("restore.json.part")).expect("our own folder");
    let error = bench
        .apply(&PrepareSpec { governor: Some("performance".to_owned()), ..PrepareSpec::default() })
        .expect_err("no note can be kept");
    assert!(error.to_string().starts_with("cannot keep the restore note "), "{error}");
    assert_eq!(bench.done(), [""; 0]);
    assert_eq!(bench.value(GOVERNOR_0), "schedutil");
}
