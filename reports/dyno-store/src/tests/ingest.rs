//! From the journal to the tables and back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dyno_model::care::Hold;
use dyno_model::clock::WallNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::ids::CampaignId;
use dyno_model::outcome::Outcome;
use dyno_model::request::ChunkKind;
use dyno_model::sample::Quantity;
use tempfile::tempdir;

use super::sample::{campaign, event, launch, request, session, write_all};
use crate::index::Index;
use crate::{Campaign, Journal, JournalEntry, Store, TableError, Tables};

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path());
    read.map(|path| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read(&path).expect("a file"))
    })
    .collect()
}

fn tables(campaign: &Campaign) -> Tables {
    Tables::open(campaign).expect("a good journal")
}

#[test]
fn tables_hold_what_the_journal_holds() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    write_all(&campaign);
    let tables = tables(&campaign);
    let requests = tables.requests().expect("a table");
    assert_eq!((requests.run, requests.idx), (vec![0, 0, 1, 1], vec![0, 1, 0, 1]));
    assert_eq!(requests.category, ["chat", "code", "chat", "code"]);
    assert_eq!(requests.prompt_tokens, [Some(12); 4]);
    assert_eq!(requests.cached_tokens, [None; 4]);
    assert_eq!(requests.usage_source, ["engine"; 4]);
    assert_eq!(requests.n_chunks, [5; 4]);
    assert_eq!(tables.n_chunks(), 20);
    let some = tables.chunks(5, 2).expect("a part of a table");
    assert_eq!(some.at_ns, [0, 10]);
    let chunks = tables.chunks(0, 20).expect("a table");
    assert_eq!(chunks.at_ns[5..10], [0, 10, 20, 30, 40]);
    assert_eq!(chunks.kind[5..7], [ChunkKind::Role, ChunkKind::Content]);
    assert_eq!(chunks.n_tokens[5..7], [None, Some(1)]);
    assert_eq!((chunks.is_token(5), chunks.is_token(6)), (false, true));
    assert_eq!(tables.text(2).expect("a row"), "ab ab ab ab ");
    assert!(tables.text(4).is_err());
    let texts = tables.texts().expect("a table");
    assert_eq!(texts.len(), 4);
    assert_eq!(tables.texts_of(1, 2).expect("a part of a table"), texts[1..3]);
    assert_eq!(tables.texts_of(3, Tables::ANSWERS_AT_ONCE).expect("its end"), texts[3..]);
    assert!(matches!(
        tables.sessions().expect("a list")[..],
        [JournalEntry::Header { .. }, JournalEntry::Session { .. }, JournalEntry::SessionEnded { .. }]
    ));
}

#[test]
fn launches_and_samples_come_back() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    write_all(&campaign);
    let tables = tables(&campaign);
    let launches = tables.launches().expect("a table");
    let first = &launches[0];
    assert_eq!(
        (first.run, first.launch, first.started_at_ns, first.ready_at_ns),
        (0, 1, Some(1000), Some(1002))
    );
    assert_eq!(first.invalid.as_deref(), Some(&["slept 5 ms".to_owned()][..]));
    assert_eq!((first.outcome.as_deref(), first.peak_rss_bytes), (Some("ok"), Some(8192)));
    assert_eq!(first.own.as_ref().and_then(|own| own.lateness_p99_ns), Some(9));
    assert_eq!(first.facts.as_ref().map(|facts| facts.name.as_str()), Some("fake"));
    assert_eq!(first.notes, ["hello"]);
    let channels = tables.channels().expect("a table");
    assert_eq!(channels.len(), 4);
    assert_eq!((channels[1].what.quantity, channels[1].what.site.as_str()), (Quantity::CpuNs, "process"));
    let points = tables.samples().expect("a table").by_channel();
    assert_eq!(points[&(0, 1, 3, 0)], [(1100, 4096)]);
    assert_eq!(points[&(1, 1, 3, 1)], [(1100, 10), (1200, 20)]);
}

#[test]
fn deleting_and_ingesting_again_gives_the_same_bytes() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    write_all(&campaign);
    tables(&campaign);
    let first = files(&campaign.tables_dir());
    assert_eq!(first.len(), 7, "{:?}", first.keys());
    fs::remove_dir_all(campaign.tables_dir()).expect("a folder");
    tables(&campaign);
    assert!(files(&campaign.tables_dir()) == first);
}

#[test]
fn tables_are_made_again_when_the_journal_grew_or_a_table_changed() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    write_all(&campaign);
    let before = tables(&campaign).manifest().clone();
    let path = campaign.tables_dir().join("requests.parquet");
    let good = fs::read(&path).expect("a table");
    fs::write(&path, b"PAR1").expect("a table");
    assert_eq!(tables(&campaign).manifest(), &before);
    assert_eq!(fs::read(&path).expect("a table"), good);
    drop(Journal::open(&campaign, "0.1.0", WallNs(8)).expect("a journal"));
    let after = tables(&campaign).manifest().clone();
    assert_eq!(after.n_lines, before.n_lines + 1);
}

#[test]
fn a_journal_torn_at_every_byte_of_its_last_lines_is_ingested() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    write_all(&campaign);
    let whole = fs::read(campaign.journal_path()).expect("a journal");
    let ends: Vec<usize> = (0..whole.len()).filter(|i| whole[*i] == b'\n').map(|i| i + 1).collect();
    let from = ends[ends.len() - 3];
    for cut in from..whole.len() {
        fs::write(campaign.journal_path(), &whole[..cut]).expect("a journal");
        let index = Index::read(&campaign.journal_path(), &std::collections::BTreeSet::new())
            .expect("a torn tail is no damage");
        let n_whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(index.n_lines as usize, n_whole, "cut at {cut}");
        assert_eq!(index.torn_bytes as usize, cut - ends[n_whole - 1], "cut at {cut}");
        assert_eq!(index.requests.len(), 4, "cut at {cut}");
        // Writing the tables is slow in a debug build and no longer depends on the tail.
        if cut % 50 == 0 {
            assert_eq!(tables(&campaign).requests().expect("a table").len(), 4, "cut at {cut}");
        }
    }
}

#[test]
fn a_request_that_was_measured_again_is_there_once() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal");
    journal.append(&session(0)).expect("disk has room");
    let first = [
        event(0, 1, 0, request(0, Outcome::Ok, 4)),
        event(0, 1, 1, request(1, Outcome::Cancelled, 0)),
        event(1, 1, 0, request(0, Outcome::Timeout { limit_ms: 3 }, 1)),
    ];
    journal.append_events(0, &first).expect("disk has room");
    // The same events once more, past the journal's own guard, and a second launch.
    journal.append(&JournalEntry::Event { session: 1, event: first[0].clone() }).expect("disk has room");
    let second = [
        event(0, 2, 0, request(0, Outcome::Ok, 2)),
        event(0, 2, 1, request(1, Outcome::Ok, 3)),
        event(1, 2, 0, request(0, Outcome::Cancelled, 0)),
    ];
    journal.append_events(1, &second).expect("disk has room");
    drop(journal);
    let made = tables(&campaign);
    assert_eq!((made.manifest().n_duplicate_events, made.manifest().n_superseded_requests), (1, 3));
    let requests = made.requests().expect("a table");
    let rows: Vec<_> = (0..requests.len())
        .map(|i| (requests.run[i], requests.launch[i], requests.idx[i], requests.outcome[i].as_str()))
        .collect();
    assert_eq!(rows, [(0, 1, 0, "ok"), (0, 2, 1, "ok"), (1, 1, 0, "timeout")]);
    assert_eq!(requests.completion_tokens[0], Some(4));
}

#[test]
fn tables_of_an_empty_journal_are_empty() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    drop(Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal"));
    let made = tables(&campaign);
    assert!(made.requests().expect("a table").is_empty());
    assert_eq!(made.chunks(0, 0).expect("a table").at_ns, [0_u64; 0]);
    assert!(made.launches().expect("a table").is_empty());
    assert!(made.samples().expect("a table").run.is_empty());
}

#[test]
fn newer_tables_are_refused_with_both_versions() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    write_all(&campaign);
    tables(&campaign);
    let page = campaign.tables_dir().join("ingest.json");
    fs::write(&page, r#"{"table_format": 5}"#).expect("a page");
    let error = Tables::open(&campaign).expect_err("too new");
    assert!(error.to_string().contains("format 5, this edgedyno reads up to 3"), "{error}");
}

#[test]
fn a_run_that_is_not_in_the_plan_is_refused() {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal");
    journal.append_events(0, &launch(9, 1, &[0])).expect("disk has room");
    drop(journal);
    let error = Tables::open(&campaign).expect_err("no such run");
    assert!(matches!(error, TableError::ForeignRun { run: 9, .. }), "{error}");
    assert!(!campaign.tables_dir().exists() && !campaign.dir().join("tables.partial").exists());
}

/// The lab's plan with every load held.
fn held_campaign(dir: &Path) -> Campaign {
    let mut plan = super::sample::plan();
    let hold = Hold { for_ms: 1000, max_requests: None, steady_after_ms: None, duty: None };
    plan.cells[0].hold = Some(hold);
    Store::new(dir).create(&CampaignId::from("held"), &plan).expect("an empty folder takes a campaign")
}

/// A launch whose requests go round, with that end; `None` is one that was cut off.
fn held_launch(run: u32, number: u16, n: u32, outcome: Option<Outcome>) -> Vec<Event> {
    let mut events = launch(run, number, &(0..n).collect::<Vec<_>>());
    match (&mut events.last_mut().expect("an end").kind, outcome) {
        (EventKind::LaunchEnded { outcome: found, .. }, Some(outcome)) => *found = outcome,
        _ => drop(events.pop()),
    }
    events
}

#[test]
fn of_a_held_load_the_last_launch_that_came_to_its_end_counts_whole() {
    let check = |launches: &[(u16, u32, Option<Outcome>)], kept: u16, n_kept: u32, n_superseded: u64| {
        let dir = tempdir().expect("a folder");
        let campaign = held_campaign(dir.path());
        let mut journal = Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal");
        for (number, n, outcome) in launches {
            journal.append_events(0, &held_launch(0, *number, *n, outcome.clone())).expect("disk has room");
        }
        let is_complete = launches.iter().any(|(.., end)| end.as_ref().is_some_and(Outcome::ends_hold));
        let missing = journal.progress().missing(campaign.plan());
        assert_eq!((missing.n_requests, missing.n_held), (0, 2 - usize::from(is_complete)), "{launches:?}");
        drop(journal);
        let tables = tables(&campaign);
        let requests = tables.requests().expect("a table");
        assert_eq!(requests.launch, vec![u32::from(kept); n_kept as usize], "{launches:?}");
        assert_eq!(requests.idx, (0..n_kept).collect::<Vec<_>>(), "{launches:?}");
        assert_eq!(tables.manifest().n_superseded_requests, n_superseded, "{launches:?}");
        // The launches themselves stay in the record.
        assert_eq!(tables.launches().expect("a table").len(), launches.len());
        // A round later, the prompts are those of the plan again.
        assert!(requests.category.iter().all(|category| !category.is_empty()));
    };
    let crashed = || Outcome::Crashed { exit: "signal 9".to_owned(), stderr_tail: String::new() };
    let limit = || Outcome::AtLimit { detail: "91 °C".to_owned() };
    check(&[(1, 7, Some(Outcome::Ok))], 1, 7, 0);
    check(&[(1, 7, Some(Outcome::Cancelled)), (2, 3, Some(Outcome::Ok))], 2, 3, 7);
    check(&[(1, 7, Some(limit())), (2, 3, None)], 1, 7, 3);
    check(&[(1, 7, None), (2, 3, Some(Outcome::Cancelled))], 2, 3, 7);
    check(&[(1, 2, Some(crashed())), (2, 9, Some(Outcome::Rebooted)), (3, 4, None)], 2, 9, 6);
}
