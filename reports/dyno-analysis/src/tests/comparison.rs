//! Cells side by side, with figures computed by hand.

use std::path::Path;

use dyno_model::clock::{ClockSample, MonoNs, WallNs};
use dyno_model::digest::Digest;
use dyno_model::event::Event;
use dyno_model::ids::{CampaignId, CellId, DeviceId};
use dyno_model::plan::{ModelOrigin, Plan, PlannedModel, TransportSpec};
use dyno_store::{Campaign, Journal, JournalEntry, Store};
use dyno_view::comparison::{
    ComparedFigure, ComparisonView, LengthsView, OverlapView, RowPart, RowState, ShareView, TokensView,
    WorkPart,
};
use dyno_view::report::Report;
use tempfile::tempdir;

use super::sample::{Asked, End, WALL, launch, ok, plan, session};
use crate::report;

const NAMES: [&str; 3] = ["local", "pi5", "phone"];

/// One cell on each of `n` devices, two runs of three requests each; runs `2 i` and `2 i + 1` are device `i`'s.
fn shelf(n: usize) -> Plan {
    let mut all = plan(2 * n as u32);
    let (cell, device) = (all.cells.remove(0), all.devices.values().next().expect("one device").clone());
    all.devices.clear();
    for (place, name) in NAMES.iter().take(n).enumerate() {
        let mut device = device.clone();
        if place > 0 {
            device.transport = TransportSpec::Ssh { host: (*name).to_owned() };
        }
        all.devices.insert(DeviceId::from(*name), device);
        let id = CellId(format!("cell-{place}"));
        all.cells.push(dyno_model::plan::Cell {
            id: id.clone(),
            device: DeviceId::from(*name),
            ..cell.clone()
        });
        for run in &mut all.runs[2 * place..2 * place + 2] {
            run.cell = id.clone();
        }
    }
    all
}

fn contact(number: u32, device: &str) -> JournalEntry {
    let JournalEntry::Session { mut facts, build_id, wall, .. } = session(number) else {
        panic!("the sample makes sessions")
    };
    facts.boot_id = Some(format!("boot of {device}"));
    JournalEntry::Session {
        session: number,
        device: DeviceId::from(device),
        transport: "ssh2".to_owned(),
        build_id,
        facts,
        model_digests: [("none".to_owned(), Digest::of(b"m"))].into(),
        notes: Vec::new(),
        wall,
    }
}

fn write(dir: &Path, plan: &Plan, entries: &[JournalEntry], launches: &[Vec<Event>]) -> Campaign {
    let campaign = Store::new(dir).create(&CampaignId::from("c-1"), plan).expect("an empty folder");
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(WALL)).expect("a new journal");
    for entry in entries {
        journal.append(entry).expect("disk has room");
    }
    for events in launches {
        journal.append_events(0, events).expect("disk has room");
    }
    campaign
}

/// Two good runs of the device at that place, whose six first tokens come at `from`, `from + 10` … `from + 50`.
fn good(place: u32, from: u64) -> [Vec<Event>; 2] {
    [0, 1].map(|half| {
        let run = 2 * place + half;
        let start = 100_000 * u64::from(run + 1);
        let asked: Vec<Asked> = (0..3_u32)
            .map(|i| {
                let ttft = from + 10 * u64::from(3 * half + i);
                ok(i, start + 1000 * u64::from(i + 1), &[ttft, ttft + 100, ttft + 200], 8)
            })
            .collect();
        launch(run, 1, start, &asked, &End::Valid)
    })
}

fn report_of(plan: &Plan, entries: &[JournalEntry], launches: &[Vec<Event>]) -> Report {
    let dir = tempdir().expect("a folder");
    report(&write(dir.path(), plan, entries, launches)).expect("a good record")
}

fn view(report: &Report) -> &ComparisonView {
    report.comparison.as_ref().expect("several cells are compared")
}

fn sessions(n: usize) -> Vec<JournalEntry> {
    NAMES.iter().take(n).zip(0_u32..).map(|(name, number)| contact(number, name)).collect()
}

fn finding(report: &Report, part: &str) -> bool {
    report.findings.iter().any(|finding| finding.text.contains(part))
}

#[test]
fn one_cell_is_compared_with_nothing() {
    assert_eq!(report_of(&shelf(1), &sessions(1), &good(0, 300)).comparison, None);
}

#[test]
fn devices_with_equal_work_are_rows_of_one_table() {
    let report = report_of(&shelf(2), &sessions(2), &[good(0, 300), good(1, 700)].concat());
    let view = view(&report);
    assert_eq!((view.groups.len(), view.differences.as_slice()), (1, [].as_slice()));
    let group = &view.groups[0];
    assert_eq!(group.differ_in, [RowPart::Device]);
    assert_eq!((group.work.n_prompts, group.work.max_tokens, group.work.context_tokens), (3, Some(8), 256));
    let names: Vec<&str> = group.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["local", "pi5"]);
    let row = &group.rows[1];
    assert_eq!((row.state, row.n, row.error.as_ref()), (RowState::Valid, 6, None));
    assert_eq!((row.launches, row.requests), (ShareView { n: 2, of: 2 }, ShareView { n: 6, of: 6 }));
    // Of 6 observations the median is the third, and its interval goes from the first to the last.
    let ttft = ComparedFigure::Estimate { value: 720.0, low: 700.0, high: 750.0, n: 6 };
    assert_eq!(row.figures[0], ttft);
    assert_eq!(row.figures[1], ComparedFigure::TooFew { n: 6, needed: 72 });
    // 1e9 / 100 tokens a second, each of them.
    assert_eq!(row.figures[2], ComparedFigure::Estimate { value: 1e7, low: 1e7, high: 1e7, n: 6 });
    assert_eq!(row.figures[5], ComparedFigure::Highest { value: 9003.0, n: 2 });
    assert_eq!(row.figures.len(), view.columns.len());
}

#[test]
fn intervals_that_overlap_are_told() {
    // [300, 350] and [340, 390] for TTFT; E2E is 200 more; the rates of decode are equal.
    let overlapping = report_of(&shelf(2), &sessions(2), &[good(0, 340), good(1, 300)].concat());
    let found = &view(&overlapping).groups[0].overlaps;
    let of = |column: u32| found.iter().find(|overlap| overlap.column == column);
    assert_eq!(of(0), Some(&OverlapView { column: 0, rows: vec![1, 0] }), "in the order of their values");
    assert!(of(4).is_some() && of(2).is_some());
    let apart = report_of(&shelf(2), &sessions(2), &[good(0, 300), good(1, 700)].concat());
    let found = &view(&apart).groups[0].overlaps;
    assert!(found.iter().all(|overlap| overlap.column == 2), "{found:?}");
}

#[test]
fn charts_have_a_row_for_each_cell_and_grow_logarithmic_when_values_lie_far_apart() {
    let chart = |far: u64| {
        let report = report_of(&shelf(2), &sessions(2), &[good(0, 300), good(1, far)].concat());
        view(&report).groups[0].charts[0].clone()
    };
    let near = chart(700);
    assert_eq!(near.series[1].points, [[700.0, 2.0], [720.0, 2.0], [750.0, 2.0]]);
    assert_eq!(near.x.scale, dyno_view::chart::Scale::Linear);
    // 3,010 / 300 is more than 10.
    assert_eq!(chart(3010).x.scale, dyno_view::chart::Scale::Log);
}

#[test]
fn unlike_work_is_not_put_side_by_side() {
    let launches = [good(0, 300), good(1, 700)].concat();
    let check = |change: fn(&mut Plan), expected: &[WorkPart]| {
        let mut plan = shelf(2);
        change(&mut plan);
        let report = report_of(&plan, &sessions(2), &launches);
        let view = view(&report);
        assert_eq!((view.groups.len(), view.differences.as_slice()), (2, expected));
        assert!(view.groups.iter().all(|group| group.rows.len() == 1 && group.overlaps.is_empty()));
    };
    check(|plan| plan.cells[1].context_tokens = 512, &[WorkPart::Context]);
    check(|plan| plan.cells[1].load = dyno_model::load::LoadModel::Single { think_ms: 5 }, &[WorkPart::Load]);
    check(
        |plan| {
            plan.runs
                .iter_mut()
                .skip(2)
                .flat_map(|run| &mut run.requests)
                .for_each(|of| of.sampling.max_tokens = 9);
        },
        &[WorkPart::Answers],
    );
    check(|plan| plan.runs.iter_mut().skip(2).for_each(|run| drop(run.requests.pop())), &[WorkPart::Prompts]);
    check(
        |plan| {
            let model = PlannedModel {
                origin: ModelOrigin::Published {
                    digest: Digest::of(b"other"),
                    bytes: 1,
                    file: "f".to_owned(),
                    sources: Vec::new(),
                    terms_url: None,
                },
                ..plan.models["none"].clone()
            };
            plan.models.insert("other".to_owned(), model);
            "other".clone_into(&mut plan.cells[1].model);
        },
        &[WorkPart::Model],
    );
}

#[test]
fn a_model_that_differs_on_a_device_is_unlike_work() {
    let mut plan = shelf(3);
    let origin = ModelOrigin::Derived {
        from: "x".to_owned(),
        quantize: "q8_0".to_owned(),
        digest: None,
        published: Box::new(ModelOrigin::None),
    };
    plan.models.get_mut("none").expect("the sample has it").origin = origin;
    // The third was never reached: it would have had the file of the others.
    let mut entries = sessions(2);
    let launches = [good(0, 300), good(1, 700)].concat();
    let report = report_of(&plan, &entries, &launches);
    assert_eq!(view(&report).groups.len(), 1);
    assert_eq!(view(&report).groups[0].work.model_digest.as_deref(), Some(Digest::of(b"m").as_str()));
    if let JournalEntry::Session { model_digests, .. } = &mut entries[1] {
        model_digests.insert("none".to_owned(), Digest::of(b"another"));
    }
    let report = report_of(&plan, &entries, &launches);
    let sizes: Vec<usize> = view(&report).groups.iter().map(|group| group.rows.len()).collect();
    assert_eq!((sizes, view(&report).differences.as_slice()), (vec![2, 1], [WorkPart::Model].as_slice()));
}

#[test]
fn a_device_that_failed_has_a_row_with_its_error() {
    let mut entries = sessions(2);
    let error = "cannot reach phone: connection refused".to_owned();
    entries.push(JournalEntry::GivenUp {
        device: DeviceId::from("phone"),
        error: error.clone(),
        wall: WallNs(9),
    });
    let report = report_of(&shelf(3), &entries, &[good(0, 300), good(1, 700)].concat());
    let rows = &view(&report).groups[0].rows;
    assert_eq!(rows.len(), 3);
    assert_eq!((rows[2].state, rows[2].error.as_ref()), (RowState::NotMeasured, Some(&error)));
    let missing = ComparedFigure::Missing { reason: "not measured".to_owned() };
    assert!(rows[2].figures.iter().all(|figure| *figure == missing));
    assert_eq!(rows[0].error, None);
    assert!(finding(&report, "phone was not reached, so nothing was measured on it: cannot reach phone"));
    assert_eq!(report.devices[1].transport, "ssh phone");
    assert_eq!(report.devices[2].transport, "ssh pi5 (ssh2)");
}

#[test]
fn a_device_that_failed_midway_is_incomplete_until_it_is_resumed() {
    let mut entries = sessions(2);
    let ended = |session, error: Option<&str>| JournalEntry::SessionEnded {
        session,
        error: error.map(str::to_owned),
        wall: WallNs(9),
    };
    entries.push(ended(1, Some("the agent on pi5 is gone")));
    let [first, second] = good(1, 700);
    let half = [good(0, 300).to_vec(), vec![first.clone()]].concat();
    let broken = report_of(&shelf(2), &entries, &half);
    let row = &view(&broken).groups[0].rows[1];
    assert_eq!((row.state, row.error.as_deref()), (RowState::Incomplete, Some("the agent on pi5 is gone")));
    assert_eq!(row.figures[0], ComparedFigure::TooFew { n: 3, needed: 6 });
    let note = "figures of pi5 leave out requests that failed or are missing";
    assert!(view(&broken).groups[0].notes.iter().any(|text| text.starts_with(note)));
    assert!(finding(&broken, "the session with pi5 ended early: the agent on pi5 is gone"));

    entries.push(JournalEntry::Resumed { tool_version: "0.1.0".to_owned(), wall: WallNs(10) });
    entries.extend([contact(2, "pi5"), ended(2, None)]);
    let whole = report_of(&shelf(2), &entries, &[half, vec![second]].concat());
    let row = &view(&whole).groups[0].rows[1];
    assert_eq!((row.state, row.error.as_ref()), (RowState::Valid, None));
}

#[test]
fn a_failure_of_some_launches_is_in_the_row() {
    let mut launches = [good(0, 300), good(1, 700)].concat();
    let asked = [ok(0, 400_100, &[1, 2], 8)];
    launches[3] = launch(3, 1, 400_000, &asked, &End::Invalid("the device slept 7 ms"));
    let report = report_of(&shelf(2), &sessions(2), &launches);
    let row = &view(&report).groups[0].rows[1];
    assert_eq!((row.state, row.launches), (RowState::Partly, ShareView { n: 1, of: 2 }));
}

#[test]
fn an_emulated_and_a_virtual_cpu_carry_their_mark() {
    let mut entries = sessions(3);
    for (entry, (arch, cpu, hypervisor)) in entries.iter_mut().zip([
        ("x86_64", "AMD EPYC", Some("KVM")),
        ("aarch64", "implementer 0x0 part 0x51", None),
        ("aarch64", "Arm Cortex-A76", None),
    ]) {
        if let JournalEntry::Session { facts, .. } = entry {
            (facts.arch, facts.cpu) = (arch.to_owned(), Some(cpu.to_owned()));
            facts.hypervisor = hypervisor.map(str::to_owned);
        }
    }
    let launches = [good(0, 300), good(1, 700), good(2, 800)].concat();
    let marks = |entries: &[JournalEntry]| -> Vec<String> {
        let report = report_of(&shelf(3), entries, &launches);
        view(&report).groups[0].rows.iter().map(|row| row.marks.join("; ")).collect()
    };
    assert_eq!(marks(&entries), ["virtual machine (KVM)", "emulated CPU", ""]);
    // The third in the same boot as this machine, and of another instruction set: no CPU carries out both.
    for entry in &mut entries {
        if let JournalEntry::Session { facts, .. } = entry {
            facts.boot_id = Some("one boot".to_owned());
        }
    }
    assert_eq!(marks(&entries), ["virtual machine (KVM)", "emulated CPU", "emulated CPU"]);
    let report = report_of(&shelf(3), &entries, &launches);
    let one = "local, phone and pi5 are one machine (they say the same boot)";
    assert!(finding(&report, one) && view(&report).groups[0].notes[0].starts_with(one), "{report:#?}");
    assert!(finding(&report, "pi5 runs on an emulated CPU: its CPU is no maker's"));
}

#[test]
fn answers_of_unlike_length_are_told() {
    let [first, _] = good(0, 300);
    let long = |run: u32| {
        let start = 100_000 * u64::from(run + 1);
        let asked: Vec<Asked> =
            (0..3_u32).map(|i| ok(i, start + 1000 * u64::from(i + 1), &[300, 400, 500, 600], 8)).collect();
        launch(run, 1, start, &asked, &End::Valid)
    };
    let [_, second] = good(0, 300);
    let report = report_of(&shelf(2), &sessions(2), &[first, second, long(2), long(3)]);
    let group = &view(&report).groups[0];
    let [unlike] = group.unlike.as_slice() else { panic!("{:?}", group.unlike) };
    assert_eq!(unlike.reason, "the answers are not of equal length (median 4 tokens on pi5, 3 on local)");
    // The fifth column is E2E latency.
    assert_eq!(unlike.columns, [4]);
    let work = group.rows[1].work.as_ref().expect("six answers");
    assert_eq!(work.answers, Some(TokensView { n: 6, sum: 24, p10: 4, p50: 4, p90: 4 }));
    assert_eq!(
        (work.lengths, work.sources.as_slice()),
        (LengthsView::Natural, ["engine".to_owned()].as_slice())
    );
}

#[test]
fn cells_on_one_device_are_told_apart_by_what_differs() {
    let mut plan = shelf(2);
    plan.cells[1].device = DeviceId::from("local");
    plan.cells[1].threads = Some(1);
    plan.devices.remove(&DeviceId::from("pi5"));
    let report = report_of(&plan, &sessions(1), &[good(0, 300), good(1, 700)].concat());
    let group = &view(&report).groups[0];
    let names: Vec<&str> = group.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(
        (group.differ_in.as_slice(), names),
        ([RowPart::Threads].as_slice(), vec!["2 threads", "1 thread"])
    );
}

#[test]
fn a_hostile_name_is_kept_as_it_is() {
    let name = "pi'; $(rm -rf /)\n\u{1b}[31m <b>";
    let mut plan = shelf(2);
    let device = plan.devices.remove(&DeviceId::from("pi5")).expect("it is there");
    plan.devices.insert(DeviceId::from(name), device);
    plan.cells[1].device = DeviceId::from(name);
    let entries = [contact(0, "local"), contact(1, name)];
    let report = report_of(&plan, &entries, &[good(0, 300), good(1, 700)].concat());
    assert_eq!(view(&report).groups[0].rows[1].name, name);
}

#[test]
fn a_device_with_a_wrong_clock_does_not_move_the_campaign() {
    let hour = 3_600_000_000_000;
    let sample = |at_s: u64, offset_ns, err_ns| ClockSample {
        at: MonoNs(at_s * 1_000_000_000),
        offset_ns,
        err_ns,
        wall_offset_ns: hour,
        n_probes: 8,
    };
    let mut entries = sessions(2);
    for (at, offset, err) in [(0, 0, 500), (10, 100_000, 400), (20, 200_000, 500)] {
        entries.push(JournalEntry::Clock { session: 1, sample: sample(at, offset, err) });
    }
    let mut launches = good(1, 700).to_vec();
    for event in launches.iter_mut().flatten() {
        if let dyno_model::event::EventKind::LaunchStarted { wall, .. } = &mut event.kind {
            wall.0 += hour.cast_unsigned();
        }
    }
    let report = report_of(&shelf(2), &entries, &launches);
    assert_eq!(report.campaign.started_at.as_deref(), Some("2026-11-21T04:30:00Z"));
    let clock = report.devices[1].clock.clone().expect("clocks were compared");
    assert_eq!((clock.wall_offset_ns, clock.err_ns, clock.n_comparisons), (hour, 400, 3));
    let drift = clock.drift.expect("three comparisons over 20 s");
    // 100 µs in 10 s; errors by hand: (10 · 500 + 0 · 400 + 10 · 500) ns·s over 200 s².
    assert!((drift.ppm - 10.0).abs() < 1e-9 && (drift.err_ppm - 0.05).abs() < 1e-9, "{drift:?}");
    assert_eq!(report.devices[0].clock, None);
}
