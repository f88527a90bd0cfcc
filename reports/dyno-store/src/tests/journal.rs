//! The journal and the folder around it.

use std::fs;

use dyno_model::blame::{Blame, Classify};
use dyno_model::clock::WallNs;
use dyno_model::ids::{CampaignId, RunId};
use dyno_model::line::write_line;
use dyno_model::outcome::Outcome;
use tempfile::tempdir;

use super::sample::{campaign, event, launch, plan, request, write_all};
use crate::{Campaign, Journal, JournalEntry, JournalError, JournalReader, LayoutError, Store};

fn entries(campaign: &Campaign) -> Vec<JournalEntry> {
    let reader = JournalReader::open(&campaign.journal_path()).expect("a journal");
    reader.map(|line| line.expect("a good line").entry).collect()
}

#[test]
fn a_campaign_is_found_again_with_its_plan() {
    let dir = tempdir().expect("a folder");
    let made = campaign(dir.path());
    let store = Store::new(dir.path());
    let opened = store.open("c-1").expect("it was made");
    assert_eq!(opened, made);
    assert_eq!(opened.plan(), &plan());
    assert_eq!(opened.plan_digest(), &plan().digest());
    assert_eq!(store.list().expect("a folder"), [CampaignId::from("c-1")]);
    assert_eq!(Store::new(dir.path().join("none")).list().expect("nothing is no error"), []);
}

#[test]
fn a_folder_that_exists_is_refused() {
    let dir = tempdir().expect("a folder");
    campaign(dir.path());
    let again = Store::new(dir.path()).create(&CampaignId::from("c-1"), &plan());
    let error = again.expect_err("the folder is there");
    assert!(matches!(error, LayoutError::Exists { .. }), "{error}");
    assert_eq!(error.blame(), Blame::User);
}

#[test]
fn a_root_that_is_a_file_is_refused_and_nothing_is_left() {
    let dir = tempdir().expect("a folder");
    let root = dir.path().join("runs");
    fs::write(&root, "not a folder").expect("a file");
    let error = Store::new(&root).create(&CampaignId::from("c-1"), &plan()).expect_err("a file is no folder");
    assert!(matches!(error, LayoutError::Io { action: "create the folder", .. }), "{error}");
    assert_eq!(fs::read(&root).expect("still there"), b"not a folder");
}

#[test]
fn names_cannot_leave_the_folder() {
    let dir = tempdir().expect("a folder");
    let store = Store::new(dir.path().join("runs"));
    for name in ["", "..", ".hidden", "a/b", "a\\b", "a b"] {
        let error = store.create(&CampaignId::from(name), &plan()).expect_err("no such name");
        assert!(matches!(error, LayoutError::BadName { .. }), "{name}: {error}");
    }
    assert!(!dir.path().join("runs").exists());
}

#[test]
fn an_unknown_campaign_is_answered_with_the_known_ones() {
    let dir = tempdir().expect("a folder");
    campaign(dir.path());
    let error = Store::new(dir.path()).open("c-2").expect_err("there is none");
    assert_eq!(error.hints(), ["there are: c-1"]);
    assert!(Store::new(dir.path()).open("../c-1").is_err());
}

#[test]
fn a_newer_plan_is_refused_by_its_version() {
    let dir = tempdir().expect("a folder");
    let made = campaign(dir.path());
    fs::write(made.dir().join("plan.json"), r#"{"format": 99, "something": "else"}"#).expect("a file");
    let error = Store::new(dir.path()).open("c-1").expect_err("too new");
    assert!(error.to_string().contains("format 99, this edgedyno reads up to 1"), "{error}");
}

#[test]
fn what_is_appended_is_read_back() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    write_all(&campaign);
    let read = entries(&campaign);
    // A header, a session, two launches of nine events, the session's end.
    assert_eq!(read.len(), 2 + 18 + 1);
    assert!(matches!(read[0], JournalEntry::Header { format: 1, .. }));
    assert_eq!(read[2], JournalEntry::Event { session: 0, event: launch(0, 1, &[0, 1]).remove(0) });
}

#[test]
fn a_second_writer_is_refused() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    let first = Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal");
    let error = Journal::open(&campaign, "0.1.0", WallNs(2)).expect_err("it is locked");
    assert!(matches!(error, JournalError::Locked { .. }), "{error}");
    drop(first);
    Journal::open(&campaign, "0.1.0", WallNs(2)).expect("the lock is gone with its holder");
}

#[test]
fn journal_survives_a_tail_torn_at_every_byte() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    write_all(&campaign);
    let whole = fs::read(campaign.journal_path()).expect("a journal");
    let ends: Vec<usize> = (0..whole.len()).filter(|i| whole[*i] == b'\n').map(|i| i + 1).collect();
    let last_two = ends[ends.len() - 3];
    for cut in last_two..whole.len() {
        fs::write(campaign.journal_path(), &whole[..cut]).expect("a journal");
        let intact = *ends.iter().rfind(|end| **end <= cut).expect("lines before");
        let opened = Journal::open(&campaign, "0.1.0", WallNs(5)).expect("a torn tail is no damage");
        let after = fs::read(campaign.journal_path()).expect("a journal");
        assert!(after.starts_with(&whole[..intact]), "cut at {cut}");
        match opened.cut {
            None => assert_eq!(cut, intact, "cut at {cut}"),
            Some((n_bytes, kept)) => {
                assert_eq!(n_bytes as usize, cut - intact, "cut at {cut}");
                assert_eq!(fs::read(&kept).expect("kept"), &whole[intact..cut]);
                fs::remove_file(kept).expect("kept");
            }
        }
        drop(opened.journal);
        assert!(matches!(entries(&campaign).last(), Some(JournalEntry::Resumed { .. })), "cut at {cut}");
    }
}

#[test]
fn torn_tails_are_kept_under_new_names() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    write_all(&campaign);
    for expected in ["journal.torn-1", "journal.torn-2"] {
        let mut bytes = fs::read(campaign.journal_path()).expect("a journal");
        bytes.extend_from_slice(b"deadbeef {\"ent");
        fs::write(campaign.journal_path(), bytes).expect("a journal");
        let opened = Journal::open(&campaign, "0.1.0", WallNs(5)).expect("a torn tail");
        let (n_bytes, kept) = opened.cut.expect("a tail was torn");
        assert_eq!((n_bytes, kept.file_name().expect("a name").to_str()), (14, Some(expected)));
    }
}

#[test]
fn a_journal_without_a_whole_line_is_begun_again() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    fs::write(campaign.journal_path(), b"0123").expect("a journal");
    let opened = Journal::open(&campaign, "0.1.0", WallNs(5)).expect("its writer died at once");
    assert_eq!(opened.cut.map(|(n_bytes, _)| n_bytes), Some(4));
    assert!(matches!(entries(&campaign)[..], [JournalEntry::Header { .. }]));
}

#[test]
fn damage_in_the_middle_is_reported_with_its_line() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    write_all(&campaign);
    let mut bytes = fs::read(campaign.journal_path()).expect("a journal");
    let third = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).expect("two lines").0 + 1;
    bytes[third + 20] ^= 1;
    fs::write(campaign.journal_path(), &bytes).expect("a journal");
    let read: Result<Vec<_>, _> = JournalReader::open(&campaign.journal_path()).expect("a header").collect();
    assert!(matches!(read, Err(JournalError::Damaged { line: 3, .. })), "{read:?}");
    let opened = Journal::open(&campaign, "0.1.0", WallNs(5));
    assert!(matches!(opened, Err(JournalError::Damaged { line: 3, .. })), "{opened:?}");
    assert_eq!(fs::read(campaign.journal_path()).expect("untouched"), bytes);
}

#[test]
fn a_newer_journal_is_refused_with_both_versions() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    let mut line = Vec::new();
    write_line(&mut line, &serde_json::json!({"entry": "header", "format": 7, "new": true}))
        .expect("plain JSON");
    fs::write(campaign.journal_path(), line).expect("a journal");
    let error = JournalReader::open(&campaign.journal_path()).expect_err("too new");
    assert!(error.to_string().contains("format 7, this edgedyno reads up to 1"), "{error}");
}

#[test]
fn a_file_that_is_no_journal_is_refused() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    let mut line = Vec::new();
    write_line(&mut line, &serde_json::json!({"entry": "interrupted", "reason": "x", "wall": 1}))
        .expect("plain JSON");
    fs::write(campaign.journal_path(), line).expect("a journal");
    let error = JournalReader::open(&campaign.journal_path()).expect_err("no header");
    assert!(matches!(error, JournalError::NoHeader { .. }), "{error}");
}

#[test]
fn a_journal_of_another_plan_is_refused() {
    let dir = tempdir().expect("a folder");
    let made = campaign(dir.path());
    write_all(&made);
    let mut other = plan();
    other.seed += 1;
    fs::write(made.dir().join("plan.json"), other.canonical()).expect("a plan");
    let changed = Campaign::open_dir(made.dir()).expect("a plan");
    let error = Journal::open(&changed, "0.1.0", WallNs(5)).expect_err("not its plan");
    assert!(matches!(error, JournalError::OtherPlan { .. }), "{error}");
}

#[test]
fn what_was_left_out_is_not_missing() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal");
    // Two runs of two requests; one request of the first is there.
    journal.append_events(0, &[event(0, 1, 0, request(0, Outcome::Ok, 3))]).expect("disk has room");
    assert_eq!(journal.progress().missing(&plan()).to_string(), "3 requests");
    let left_out = JournalEntry::LeftOut {
        session: 0,
        run: RunId(1),
        why: "p95 of TTFT is known".to_owned(),
        wall: WallNs(7),
    };
    journal.append(&left_out).expect("disk has room");
    drop(journal);
    let opened = Journal::open(&campaign, "0.1.0", WallNs(2)).expect("a journal");
    let progress = opened.journal.progress();
    assert_eq!(progress.missing(&plan()).to_string(), "1 request");
    assert_eq!(progress.left_out().get(&RunId(1)).map(String::as_str), Some("p95 of TTFT is known"));
    assert_eq!(entries(&campaign)[2], left_out);
    // The line as it stands in every journal of this format, but for its checksum.
    let text = fs::read_to_string(campaign.journal_path()).expect("a journal");
    let line = r#"{"entry":"left_out","session":0,"run":1,"why":"p95 of TTFT is known","wall":7}"#;
    assert_eq!(text.lines().nth(2).and_then(|all| all.get(9..)), Some(line));
}

#[test]
fn progress_knows_what_need_not_be_measured_again() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal");
    let failed = request(1, Outcome::Timeout { limit_ms: 5 }, 0);
    let cancelled = request(0, Outcome::Cancelled, 0);
    let events =
        [event(0, 1, 0, request(0, Outcome::Ok, 3)), event(0, 1, 1, failed), event(1, 2, 0, cancelled)];
    assert_eq!(journal.append_events(0, &events).expect("disk has room"), 3);
    assert_eq!(journal.append_events(0, &events).expect("nothing to write"), 0);
    drop(journal);
    let opened = Journal::open(&campaign, "0.1.0", WallNs(2)).expect("a journal");
    let progress = opened.journal.progress();
    // A failure was measured; a cancelled request was not.
    let done: Vec<_> = progress.finished_requests().iter().copied().collect();
    assert_eq!(done, [(RunId(0), 0), (RunId(0), 1)]);
    assert_eq!([0, 1, 2].map(|run| progress.next_launch(RunId(run))), [2, 3, 1]);
    assert_eq!(progress.next_session(), 0);
    assert!(progress.has(&events[1]));
    assert!(!progress.has(&event(0, 1, 2, request(1, Outcome::Ok, 1))));
}
