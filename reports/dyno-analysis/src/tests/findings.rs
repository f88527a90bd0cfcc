//! What a reader is told, and what not.

use dyno_model::clock::WallNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::outcome::Outcome;
use dyno_model::prepare::{Fate, Prepared, PreparedSetting, Restored, RestoredSetting, Setting, SettingKind};
use dyno_model::request::UsageSource;
use dyno_store::{Journal, JournalEntry};
use dyno_view::report::{Finding, FindingLevel};
use tempfile::tempdir;

use super::sample::{Asked, End, campaign, launch, ok, session};
use crate::report;

fn findings(n_runs: u32, launches: &[Vec<Event>], more: &[JournalEntry]) -> Vec<Finding> {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path(), n_runs, launches);
    let mut journal = Journal::open(&campaign, "0.1.0", WallNs(5)).expect("a journal").journal;
    for entry in more {
        journal.append(entry).expect("disk has room");
    }
    report(&campaign).expect("a good record").findings
}

fn check(findings: &[Finding], level: FindingLevel, text: &str) {
    let found = findings.iter().any(|finding| finding.level == level && finding.text == text);
    assert!(found, "no {level:?} `{text}` in {findings:#?}");
}

/// Three good requests of equal pace.
fn good(run: u32, pace: u64) -> Vec<Event> {
    let start = 100_000 * u64::from(run + 1);
    let asked: Vec<Asked> = (0..3)
        .map(|i| ok(i, start + 1000 * u64::from(i + 1), &[300, 300 + pace, 300 + 2 * pace], 8))
        .collect();
    launch(run, 1, start, &asked, &End::Valid)
}

#[test]
fn a_whole_and_even_record_is_only_annotated() {
    let findings = findings(2, &[good(0, 100), good(1, 104)], &[]);
    let texts: Vec<&str> = findings.iter().map(|finding| finding.text.as_str()).collect();
    let expected = [
        "the CPU governor of local is powersave, not performance: clocks follow the load",
        "model none: no model: scripted answers",
    ];
    assert_eq!(texts, expected);
    assert!(findings.iter().all(|finding| finding.level == FindingLevel::Note));
}

#[test]
fn missing_requests_come_with_the_command_that_measures_them() {
    let findings = findings(2, &[good(0, 100)], &[]);
    let text = "3 of 6 planned requests are missing: `edgedyno resume c-1` measures them";
    check(&findings, FindingLevel::Warning, text);
}

#[test]
fn failed_requests_are_told_by_outcome() {
    let failed = Asked { outcome: Outcome::Timeout { limit_ms: 9 }, ..ok(1, 12_000, &[50], 6) };
    let asked = [ok(0, 10_000, &[300, 400], 12), failed, ok(2, 30_000, &[200, 300], 12)];
    let findings = findings(1, &[launch(0, 1, 9000, &asked, &End::Valid)], &[]);
    let text = "1 of 3 requests did not end well (1 timeout); they are in no latency";
    check(&findings, FindingLevel::Warning, text);
}

#[test]
fn launches_that_differ_are_told() {
    // 110 / 100 − 1.
    let findings = findings(2, &[good(0, 100), good(1, 110)], &[]);
    let text = "the median TPOT of the 2 launches differs by up to 10.0 %: more launches tell more than more requests";
    check(&findings, FindingLevel::Warning, text);
}

#[test]
fn a_costly_agent_is_told() {
    let mut events = good(0, 100);
    if let Some(Event { kind: EventKind::LaunchEnded { own, .. }, .. }) = events.last_mut() {
        (own.cpu_ns, own.wall_ns, own.n_dropped) = (30_000, 1_000_000, 1);
        own.lateness_p99_ns = Some(30_000_000);
    }
    let findings = findings(1, &[events], &[]);
    check(&findings, FindingLevel::Warning, "measuring took 3.0 % of one CPU, more than the 1 % that it may");
    check(&findings, FindingLevel::Warning, "1 row of samples were lost for want of room");
    let late = "sensors were read late: p99 of the lateness is 30.0 % of the period in the worst launch";
    check(&findings, FindingLevel::Note, late);
}

#[test]
fn counts_by_chunks_are_told() {
    let mut events = good(0, 100);
    for event in &mut events {
        if let EventKind::Request(request) = &mut event.kind {
            request.usage.source = UsageSource::Chunks;
        }
    }
    let text = "tokens were counted by chunks, for the runtime says no number: TPOT may be too high";
    check(&findings(1, &[events], &[]), FindingLevel::Warning, text);
}

#[test]
fn the_story_of_an_interrupted_campaign_is_told() {
    let cut = launch(0, 1, 9000, &[ok(0, 10_000, &[300, 400], 12)], &End::CutOff);
    let more = [
        JournalEntry::Interrupted { reason: "Ctrl-C".to_owned(), wall: WallNs(6) },
        JournalEntry::SessionEnded { session: 0, error: Some("the link broke".to_owned()), wall: WallNs(7) },
        JournalEntry::Resumed { tool_version: "0.2.0".to_owned(), wall: WallNs(8) },
    ];
    let findings = findings(1, &[cut], &more);
    check(&findings, FindingLevel::Note, "the campaign was interrupted: Ctrl-C");
    check(&findings, FindingLevel::Warning, "the session with local ended early: the link broke");
    let versions = "more than one version of edgedyno measured this campaign: 0.1.0, 0.2.0";
    check(&findings, FindingLevel::Warning, versions);
    let cut = "run 0 was cut off, so its guards could not judge it; the requests that it finished count";
    check(&findings, FindingLevel::Note, cut);
    assert!(findings.is_sorted_by_key(|finding| finding.level));
}

#[test]
fn a_link_that_was_lost_and_had_again_is_told_once() {
    let ended = |session, error: &str| JournalEntry::SessionEnded {
        session,
        error: Some(error.to_owned()),
        wall: WallNs(7),
    };
    let more = [session(1), ended(1, "no answer"), session(2), ended(2, "connection reset"), session(3)];
    let findings = findings(1, &[good(0, 100)], &more);
    let text = "the link to local was lost and had again 2 times; the device measured on meanwhile, and what it \
                recorded is in the record (connection reset)";
    check(&findings, FindingLevel::Note, text);
    assert!(findings.iter().all(|finding| !finding.text.contains("ended early")), "{findings:#?}");
}

#[test]
fn a_link_that_was_given_up_after_it_was_lost_is_told_with_its_last_words() {
    let ended = |session| JournalEntry::SessionEnded {
        session,
        error: Some("no answer".to_owned()),
        wall: WallNs(7),
    };
    let given_up = JournalEntry::GivenUp {
        device: "local".into(),
        error: "the link is lost, and could not be had again within 60 s".to_owned(),
        wall: WallNs(8),
    };
    let findings = findings(1, &[good(0, 100)], &[session(1), ended(1), session(2), ended(2), given_up]);
    let text = "the session with local ended early: the link is lost, and could not be had again within 60 s";
    check(&findings, FindingLevel::Warning, text);
    assert_eq!(findings.iter().filter(|finding| finding.text.contains("ended early")).count(), 1);
    assert!(findings.iter().any(|finding| finding.text.contains("lost and had again once")));
}

#[test]
fn a_device_that_restarted_is_told_in_words() {
    let mut events = launch(0, 1, 9000, &[ok(0, 10_000, &[300, 400], 12)], &End::Invalid("judged by nobody"));
    if let Some(Event { kind: EventKind::LaunchEnded { outcome, .. }, .. }) = events.last_mut() {
        *outcome = Outcome::Rebooted;
    }
    let findings = findings(1, &[events], &[]);
    let text =
        "the device restarted during run 0: what it had recorded before is in the record and in no figure";
    check(&findings, FindingLevel::Invalid, text);
    let invalid = findings.iter().filter(|finding| finding.level == FindingLevel::Invalid).count();
    assert_eq!(invalid, 1, "one story, one finding: {findings:#?}");
}

#[test]
fn what_was_set_and_what_was_not_put_back_is_told() {
    let setting = |site: &str| Setting { kind: SettingKind::Governor, site: Some(site.to_owned()) };
    let prepared = |site: &str, problem: Option<&str>| PreparedSetting {
        setting: setting(site),
        before: Some("schedutil".to_owned()),
        asked: "performance".to_owned(),
        after: Some(if problem.is_some() { "schedutil" } else { "performance" }.to_owned()),
        problem: problem.map(str::to_owned),
        hint: None,
    };
    let settings = vec![prepared("policy0", None), prepared("policy4", Some("permission denied"))];
    let restored = RestoredSetting {
        setting: setting("policy0"),
        before: "schedutil".to_owned(),
        found: Some("powersave".to_owned()),
        now: Some("powersave".to_owned()),
        fate: Fate::LeftAlone,
        problem: Some("somebody else has set powersave since".to_owned()),
    };
    let more = [
        JournalEntry::Prepared {
            session: 0,
            prepared: Box::new(Prepared { settings, ..Prepared::default() }),
        },
        JournalEntry::Restored {
            session: 0,
            restored: Box::new(Restored { settings: vec![restored], ..Restored::default() }),
        },
    ];
    let findings = findings(1, &[good(0, 100)], &more);
    check(
        &findings,
        FindingLevel::Note,
        "local was prepared: governor (policy0) performance (was schedutil)",
    );
    let not_set = "local is not as it was asked to be: governor (policy4): permission denied";
    check(&findings, FindingLevel::Warning, not_set);
    let not_back =
        "local was not put back as it was: governor (policy0): somebody else has set powersave since";
    check(&findings, FindingLevel::Warning, not_back);
}

#[test]
fn what_the_agent_put_right_is_told() {
    let JournalEntry::Session { device, transport, build_id, facts, model_digests, wall, .. } = session(1)
    else {
        panic!("the sample makes sessions")
    };
    let notes = vec!["waited 3 s for another agent".to_owned()];
    let again =
        JournalEntry::Session { session: 1, device, transport, build_id, facts, model_digests, notes, wall };
    let findings = findings(1, &[good(0, 100)], &[again]);
    check(&findings, FindingLevel::Note, "local: waited 3 s for another agent");
}

#[test]
fn launches_without_sensors_are_told_once_in_the_agents_words() {
    let text = "no sensor is sampled: there is no folder /host";
    let blind = |run| {
        let mut events = good(run, 100);
        let note = Event { kind: EventKind::Note { text: text.to_owned() }, ..events[0].clone() };
        events.insert(1, note);
        for (seq, event) in (0..).zip(&mut events) {
            event.seq = seq;
        }
        events
    };
    let findings = findings(2, &[blind(0), blind(1)], &[]);
    check(&findings, FindingLevel::Warning, text);
    assert_eq!(findings.iter().filter(|finding| finding.text == text).count(), 1, "{findings:#?}");
}
