//! Memory and roofline of whole records, worked out by hand.

use dyno_model::clock::MonoNs;
use dyno_model::event::{Event, EventKind};
use dyno_model::launch::{Dialect, ModelFacts};
use dyno_model::machine::{ClusterFigures, MachineFigures, RateFigure};
use dyno_model::outcome::Outcome;
use dyno_model::plan::{Cell, Plan};
use dyno_model::sample::{AccuracyClass, Channel, Quantity, SampleBatch, SensorDeclared};
use dyno_store::{Campaign, Journal, JournalEntry};
use dyno_view::memory::{BoundedView, FitsWord, MemoryView};
use dyno_view::report::{FindingLevel, Report};
use dyno_view::roofline::RooflineWord;
use tempfile::tempdir;

use super::sample::{End, launch, ok, plan, with, written};
use crate::report;

const WEIGHTS: u64 = 100_000_000;
const KV: u64 = 20_000;

/// What a process had at an instant: anonymous, file, swapped-in bytes, major faults, and stalled ns.
type Row = (u64, [i64; 5]);

/// Memory of a runtime and of its system.
fn sensed(rows: &[Row]) -> Vec<EventKind> {
    let channel = |quantity, site: &str| Channel::new(quantity, site, AccuracyClass::A, 100);
    let declared = SensorDeclared {
        sensor: 7,
        driver: "procfs".to_owned(),
        channels: vec![
            channel(Quantity::AnonBytes, "process"),
            channel(Quantity::FileBytes, "process"),
            channel(Quantity::SwapInBytes, "system"),
            channel(Quantity::MajorFaults, "process"),
            channel(Quantity::StallFullNs, "memory"),
        ],
    };
    let batch = SampleBatch {
        sensor: 7,
        at_ns: rows.iter().map(|(at, _)| MonoNs(*at)).collect(),
        values: rows.iter().flat_map(|(_, values)| values.map(Some)).collect(),
    };
    vec![EventKind::Sensor(declared), EventKind::Samples(batch)]
}

/// A launch with a model that says what it reads and keeps.
fn modelled(mut events: Vec<Event>) -> Vec<Event> {
    for event in &mut events {
        if let EventKind::Ready { facts } = &mut event.kind {
            facts.model = Some(ModelFacts {
                bytes_per_token: WEIGHTS,
                kv_bytes_per_token: Some(KV),
                n_active_parameters: Some(200_000_000),
                ..ModelFacts::default()
            });
        }
    }
    events
}

/// A launch of run `run` that began at `start`, with two requests of `isl` tokens and two answers each.
fn served(run: u32, start: u64, isl: u32, rows: &[Row]) -> Vec<Event> {
    let asked = [ok(0, start + 100, &[10, 20], isl), ok(1, start + 500, &[10, 20], isl)];
    modelled(with(launch(run, 1, start, &asked, &End::Valid), sensed(rows)))
}

/// The rows of a healthy process that has `anon` bytes.
fn healthy(start: u64, anon: i64) -> Vec<Row> {
    vec![
        (start + 70, [anon / 2, 5000, 0, 3, 0]),
        (start + 130, [anon, 5000, 0, 9, 40]),
        (start + 520, [anon, 4000, 0, 9, 40]),
    ]
}

fn embedded(mut plan: Plan) -> Plan {
    plan.runtimes.values_mut().for_each(|runtime| runtime.dialect = Dialect::Embedded);
    plan
}

/// The memory of the first cell.
fn memory_of(report: &Report) -> &MemoryView {
    report.cells[0].memory.as_ref().expect("memory was sampled")
}

fn named<'v>(figures: &'v [BoundedView], label: &str) -> &'v BoundedView {
    figures.iter().find(|figure| figure.label.starts_with(label)).unwrap_or_else(|| panic!("no {label}"))
}

fn near(found: Option<f64>, expected: f64) {
    let found = found.expect("a figure");
    assert!((found - expected).abs() <= expected.abs() * 1e-9, "{found}, not {expected}");
}

#[test]
fn peaks_are_apart_and_three_healthy_launches_fit() {
    let dir = tempdir().expect("a folder");
    let starts = [1000, 5000, 9000];
    let launches: Vec<Vec<Event>> = (0..)
        .zip(starts)
        .map(|(run, start)| served(run, start, 250, &healthy(start, 1_000_000 + i64::from(run))))
        .collect();
    // 250 tokens of prompt and 2 of answer are 252 of 256: nearly all of the context.
    let campaign = written(dir.path(), &plan(3), &launches);
    let report = report(&campaign).expect("a report");
    let memory = memory_of(&report);
    near(named(&memory.figures, "Anonymous").value, 1_000_002.0);
    near(named(&memory.figures, "File-resident").value, 5000.0);
    assert_eq!(named(&memory.figures, "GPU").value, None);
    assert_eq!(named(&memory.figures, "GPU").note, "not sampled here");
    // Faults of the start, before the first request was over, are none of serving.
    assert_eq!(memory.fits, FitsWord::Fits, "{:?}", memory.reasons);
    assert!(memory.growth.is_none() && memory.ladder.is_none());
}

#[test]
fn what_was_not_seen_is_no_fit_and_what_speaks_against_it_is_told() {
    let check = |rows: &[Row], isl, expected, words: &str| {
        let dir = tempdir().expect("a folder");
        let campaign = written(dir.path(), &plan(1), &[served(0, 1000, isl, rows)]);
        let report = report(&campaign).expect("a report");
        let memory = memory_of(&report);
        assert_eq!(memory.fits, expected, "{:?}", memory.reasons);
        assert!(memory.reasons.iter().any(|reason| reason.contains(words)), "{:?}", memory.reasons);
        let told = report.findings.iter().any(|finding| finding.text.contains("does not fit"));
        assert_eq!(told, expected == FitsWord::DoesNotFit);
    };
    let start = 1000;
    check(&healthy(start, 99), 250, FitsWord::NotShown, "1 of the 3 launches");
    check(&healthy(start, 99), 50, FitsWord::NotShown, "at most 52 of the context's 256 tokens");
    let at =
        |values| vec![(start + 70, [9, 9, 0, 0, 0]), (start + 130, [9, 9, 0, 0, 0]), (start + 520, values)];
    check(&at([9, 9, 0, 4, 0]), 250, FitsWord::DoesNotFit, "4 pages were read from storage again");
    check(&at([9, 9, 8192, 0, 0]), 250, FitsWord::DoesNotFit, "8192 bytes came back from swap");
    // Between the requests' ends at 1,125 and 1,525 there are readings at 1,130 and 1,520: 1 ns of 390.
    check(&at([9, 9, 0, 0, 1]), 250, FitsWord::DoesNotFit, "for 0.26 % of the time");
}

#[test]
fn growth_is_the_slope_over_contexts_beside_the_formula() {
    let mut plan = embedded(plan(1));
    let cell = plan.cells[0].clone();
    plan.cells.clear();
    plan.runs.truncate(1);
    let run = plan.runs[0].clone();
    plan.runs.clear();
    let mut launches = Vec::new();
    for (place, context) in (0_u32..).zip([512_u32, 1024, 2048, 4096]) {
        let id = format!("cell-{context}").as_str().into();
        plan.cells.push(Cell { id, context_tokens: context, ..cell.clone() });
        plan.runs.push(dyno_model::plan::PlannedRun {
            id: dyno_model::ids::RunId(place),
            cell: format!("cell-{context}").as_str().into(),
            ..run.clone()
        });
        let start = 1000 + u64::from(place) * 4000;
        // 2 tokens of answer: the context holds `context − 10` in all, at 22,000 bytes each and 5 MB for the rest.
        let anon = 5_000_000 + 22_000 * i64::from(context - 10);
        let mut events = served(place, start, context - 12, &healthy(start, anon));
        if context == 4096 {
            for event in &mut events {
                if let EventKind::LaunchEnded { outcome, .. } = &mut event.kind {
                    *outcome = Outcome::Oom { detail: "killed at 99 MB".to_owned() };
                }
            }
        }
        launches.push(events);
    }
    let dir = tempdir().expect("a folder");
    let campaign = written(dir.path(), &plan, &launches);
    let report = report(&campaign).expect("a report");
    let memory = memory_of(&report);
    let growth = memory.growth.as_ref().expect("four contexts");
    near(growth.measured.value, 22_000.0);
    near(growth.formula_bytes_per_token, 20_000.0);
    near(growth.ratio.as_ref().and_then(|ratio| ratio.value), 1.1);
    assert_eq!(growth.n, 4);
    let ladder = memory.ladder.as_ref().expect("four contexts");
    assert_eq!((ladder.largest_ok, ladder.first_failed), (Some(2048), Some(4096)));
    assert_eq!(ladder.rungs[3].failed.as_deref(), Some("run 3 ended as oom: killed at 99 MB"));
    let told = report
        .findings
        .iter()
        .filter(|finding| finding.text.contains("a context of 4096 tokens did not go well"));
    assert_eq!(told.count(), 1, "{:?}", report.findings);
}

/// A record whose 12 answers take `gap_ns` for each token; with `peak`, of a device whose bandwidth and arithmetic were
/// measured.
fn decoded(dir: &std::path::Path, gap_ns: u64, cache_bytes: Option<u64>, peak: Option<u64>) -> Campaign {
    let chunks: Vec<u64> = (1..=11).map(|n| n * gap_ns).collect();
    let spacing = 20 * gap_ns;
    let mut plan = plan(1);
    plan.runs[0].requests = vec![plan.runs[0].requests[0].clone(); 12];
    let asked: Vec<_> = (0..12).map(|idx| ok(idx, 100 + u64::from(idx) * spacing, &chunks, 495)).collect();
    let events = modelled(launch(0, 1, 10, &asked, &End::Valid));
    let campaign = written(dir, &plan, &[events]);
    if let Some(peak) = peak {
        let rate =
            |best_per_s| RateFigure { best_per_s, median_per_s: best_per_s, worst_per_s: best_per_s, n: 10 };
        let cluster = ClusterFigures {
            label: "all 2 CPUs".to_owned(),
            cpus: vec![0, 1],
            read: Some(rate(22_000_000_000)),
            triad: None,
            f32_ops: None,
            i8_ops: Some(rate(peak)),
            array_bytes: 1 << 28,
            cache_bytes,
        };
        let figures = MachineFigures { clusters: vec![cluster], ..MachineFigures::default() };
        let mut journal =
            Journal::open(&campaign, "0.1.0", dyno_model::clock::WallNs(9)).expect("a journal").journal;
        journal
            .append(&JournalEntry::Machine { session: 0, figures: Box::new(figures) })
            .expect("disk has room");
    }
    campaign
}

#[test]
fn a_decode_has_its_ceiling_and_its_share_of_it() {
    let dir = tempdir().expect("a folder");
    let campaign = decoded(dir.path(), 10_000_000, None, Some(50_000_000_000_000));
    let report = report(&campaign).expect("a report");
    let roofline = report.cells[0].roofline.as_ref().expect("a model");
    assert_eq!(roofline.verdict, RooflineWord::Below, "{}", roofline.why);
    // Weights 100 MB; 495 tokens and half of 11 are 500.5 of 20,000 bytes: 110.01 MB every 10 ms is 11.001 GB/s of 22.
    near(named(&roofline.figures, "Keys and values").value, 500.5 * 20_000.0);
    near(named(&roofline.figures, "MBU, of the measured").value, 0.500_045_454_545_454_5);
    near(roofline.ceiling.map(|of| of.ceiling_tokens_per_s), 22e9 / 110.01e6);
    near(roofline.ceiling.map(|of| of.rate_tokens_per_s), 100.0);
    // 495 tokens in 10 ms: 2 · 200 M · 495 operations in 0.01 s are 19.8 Top/s of 50.
    near(named(&roofline.figures, "MFU").value, 0.396);
    assert_eq!(named(&roofline.figures, "MBU, of the data sheet").value, None);
}

#[test]
fn a_decode_above_its_ceiling_is_invalid_unless_the_cache_explains_it() {
    let check = |cache, expected, level| {
        let dir = tempdir().expect("a folder");
        let report = report(&decoded(dir.path(), 4_000_000, cache, Some(500_000_000_000))).expect("a report");
        let roofline = report.cells[0].roofline.as_ref().expect("a model");
        // 110.01 MB every 4 ms are 27.5 GB/s of 22; less 23 MB of cache, 21.75.
        assert_eq!(roofline.verdict, expected, "{}", roofline.why);
        // 19.8 Top/s of 0.5 cannot be.
        assert_eq!(named(&roofline.figures, "MFU").value, None);
        let told = report.findings.iter().find(|finding| finding.text.contains("above its ceiling"));
        assert_eq!(told.map(|finding| finding.level), Some(level), "{:?}", report.findings);
    };
    check(None, RooflineWord::Impossible, FindingLevel::Invalid);
    check(Some(23_000_000), RooflineWord::FromCache, FindingLevel::Note);
    check(Some(22_000_000), RooflineWord::Impossible, FindingLevel::Invalid);
}

#[test]
fn without_a_measured_bandwidth_there_is_no_ceiling_and_the_reason_is_told() {
    let dir = tempdir().expect("a folder");
    let report = report(&decoded(dir.path(), 10_000_000, None, None)).expect("a report");
    let roofline = report.cells[0].roofline.as_ref().expect("a model");
    assert_eq!((roofline.verdict, roofline.ceiling), (RooflineWord::Unknown, None));
    assert!(roofline.why.contains("no bandwidth was measured"), "{}", roofline.why);
}
