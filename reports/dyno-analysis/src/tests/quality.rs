//! Pass rates against values counted by hand.

use std::path::Path;

use dyno_model::event::{Event, EventKind};
use dyno_model::grader::Grader;
use dyno_model::ids::CellId;
use dyno_model::outcome::Outcome;
use dyno_model::plan::Plan;
use dyno_model::request::FinishReason;
use dyno_view::comparison::{ColumnFigure, ComparedFigure};
use dyno_view::quality::{PassRateView, QualityView};
use dyno_view::report::Report;
use tempfile::tempdir;

use super::sample::{Asked, End, launch, named, ok, plan, written};
use crate::cell::CellRecord;
use crate::measure::{launch_value, request_value};
use crate::record::Record;
use crate::{report, report_of};

fn numeric() -> Grader {
    Grader::Numeric { expected: 42.0, tolerance: 0.0 }
}

/// `p-0` (chat) wants Paris, `p-1` (code) wants 42, and `p-2` (chat) has no grader.
fn graded(n_runs: u32) -> Plan {
    with_graders(plan(n_runs), [Some(Grader::Exact { expected: "Paris".to_owned() }), Some(numeric()), None])
}

fn with_graders(mut plan: Plan, graders: [Option<Grader>; 3]) -> Plan {
    for (prompt, grader) in plan.prompts.values_mut().zip(graders) {
        prompt.grader = grader;
    }
    plan
}

/// A launch whose requests are answered so, in their order.
fn answered(run: u32, texts: &[&str], end: &End) -> Vec<Event> {
    let start = 10_000 * u64::from(run + 1);
    let asked: Vec<Asked> = (0..texts.len() as u32)
        .map(|idx| ok(idx, start + 100 + 100 * u64::from(idx), &[10, 20, 30 + 2 * u64::from(run)], 5))
        .collect();
    let mut events = launch(run, 1, start, &asked, end);
    for (record, text) in requests(&mut events).zip(texts) {
        (*text).clone_into(&mut record.text);
    }
    events
}

fn requests(events: &mut [Event]) -> impl Iterator<Item = &mut dyno_model::request::RequestRecord> {
    events.iter_mut().filter_map(|event| match &mut event.kind {
        EventKind::Request(record) => Some(&mut **record),
        _ => None,
    })
}

fn made(dir: &Path, plan: &Plan, launches: &[Vec<Event>]) -> Report {
    report(&written(dir, plan, launches)).expect("a good record")
}

fn quality(report: &Report) -> &QualityView {
    report.cells[0].quality.as_ref().expect("answers were graded")
}

/// Prompts, passed, answers, answers that pass.
fn counts(of: &PassRateView) -> (u64, f64, u64, u64) {
    (of.n, of.n_passed, of.n_answers, of.n_answers_passed)
}

#[test]
fn each_answer_has_its_verdict() {
    let dir = tempdir().expect("a folder");
    let launches = [
        answered(0, &["Paris.", "It is 41", "anything"], &End::Valid),
        answered(1, &["I think Paris", "6 times 7 is 42", "anything"], &End::Valid),
    ];
    let campaign = written(dir.path(), &graded(2), &launches);
    let record = Record::read(&campaign).expect("a good record");
    let verdicts: Vec<Option<bool>> = (0..6).map(|row| record.passed(row)).collect();
    assert_eq!(verdicts, [Some(true), Some(false), None, Some(false), Some(true), None]);
    let cell = CellRecord::of(&record, &record.plan.cells[0]);
    assert_eq!(
        [0, 1, 2].map(|row| request_value(&cell, "passed", row)),
        [Some(1.0), Some(0.0), None],
        "a yes or no as a number"
    );
    assert_eq!(launch_value(&cell, "passed", &cell.launches[0]), Some(0.5));
}

#[test]
fn launches_of_one_prompt_are_one_observation() {
    let dir = tempdir().expect("a folder");
    let launches = [
        answered(0, &["Paris", "42", "x"], &End::Valid),
        answered(1, &["Paris", "41", "x"], &End::Valid),
        answered(2, &["Paris", "40", "x"], &End::Valid),
        // Its numbers may not be used.
        answered(3, &["Rome", "0", "x"], &End::Invalid("too hot")),
    ];
    let report = made(dir.path(), &graded(4), &launches);
    let quality = quality(&report);
    // Paris passes each time, 42 once in three: 4/3 of 2 prompts.
    let (n, n_passed, n_answers, n_answers_passed) = counts(&quality.overall);
    assert_eq!((n, n_answers, n_answers_passed), (2, 6, 4));
    assert!((n_passed - 4.0 / 3.0).abs() < 1e-12, "{n_passed}");
    assert_eq!((quality.overall.n_mixed, quality.overall.n_ungraded), (1, 1));
    // R: binom.test(1, 2) begins at 0.01257912; two of two have no upper bound.
    let [low, high] = quality.overall.interval.expect("two prompts");
    assert!((low - 0.012_579_117).abs() < 1e-8 && high == 1.0, "{low} {high}");
    let of = |place: usize| (quality.categories[place].category.as_str(), quality.categories[place].rate.n);
    assert_eq!((quality.categories.len(), of(0), of(1)), (2, ("chat", 1), ("code", 1)));
    let shown: Vec<_> =
        quality.failures.iter().map(|of| (of.prompt_id.as_str(), of.answer.as_str())).collect();
    assert_eq!((shown, quality.n_not_passed), (vec![("p-1", "41")], 1));
    let failure = &quality.failures[0];
    assert_eq!((failure.grader.as_str(), failure.accepts.as_str()), ("numeric", "42"));
    assert_eq!((failure.prompt.as_str(), failure.n_answers, failure.n_passed), ("Question 1?", 3, 1));
}

#[test]
fn failed_and_cut_requests_are_told_apart() {
    let dir = tempdir().expect("a folder");
    let mut events = answered(0, &["Paris", "4", "x"], &End::Valid);
    for record in requests(&mut events) {
        match record.idx {
            0 => record.outcome = Outcome::Timeout { limit_ms: 1000 },
            _ => record.finish = Some(FinishReason::Length),
        }
    }
    let report = made(dir.path(), &graded(1), &[events]);
    let of = quality(&report).overall;
    assert_eq!(counts(&of), (1, 0.0, 1, 0), "only the answer to p-1 can be judged");
    assert_eq!((of.n_failed, of.n_cut, of.n_cut_passed, of.n_ungraded), (1, 1, 0, 1));
    assert_eq!(quality(&report).failures[0].finish.as_deref(), Some("length"));
}

#[test]
fn a_grader_that_does_not_compile_is_a_finding() {
    let dir = tempdir().expect("a folder");
    let broken = Grader::Regex { pattern: "(".to_owned() };
    let plan = with_graders(plan(1), [Some(broken), Some(numeric()), None]);
    let report = made(dir.path(), &plan, &[answered(0, &["(", "42", "x"], &End::Valid)]);
    assert_eq!(counts(&quality(&report).overall), (1, 1.0, 1, 1));
    assert_eq!(quality(&report).overall.n_ungraded, 2);
    let texts: Vec<&str> = report.findings.iter().map(|finding| finding.text.as_str()).collect();
    assert!(
        texts
            .iter()
            .any(|text| text.starts_with("1 grader of the plan cannot be used")
                && text.contains("p-0 (regex)")),
        "{texts:?}"
    );
}

#[test]
fn without_graders_nothing_is_said() {
    let dir = tempdir().expect("a folder");
    let launches = [answered(0, &["Paris", "42", "x"], &End::Valid)];
    let report = made(dir.path(), &plan(1), &launches);
    assert!(report.cells[0].quality.is_none() && report.quality.is_none());
    let dir = tempdir().expect("a folder");
    let people = with_graders(plan(1), [Some(Grader::None), None, None]);
    assert!(made(dir.path(), &people, &launches).cells[0].quality.is_none(), "only a person can judge");
}

#[test]
fn forced_lengths_are_told() {
    let dir = tempdir().expect("a folder");
    let mut plan = graded(1);
    for request in &mut plan.runs[0].requests {
        request.sampling.ignore_eos = true;
    }
    let report = made(dir.path(), &plan, &[answered(0, &["Paris and so on", "42", "x"], &End::Valid)]);
    assert_eq!(quality(&report).notes.len(), 1);
}

/// Cells `none` and `worse`, three runs each: runs 0 to 2 and 3 to 5.
fn two_models() -> Plan {
    let mut all = graded(6);
    let mut other = all.cells[0].clone();
    (other.id, other.model) = (CellId("00000000000000bb".to_owned()), "worse".to_owned());
    all.models.insert("worse".to_owned(), all.models["none"].clone());
    for run in &mut all.runs[3..] {
        run.cell = other.id.clone();
    }
    all.cells.push(other);
    all
}

fn six_launches() -> Vec<Vec<Event>> {
    let right = (0..3).map(|run| answered(run, &["Paris", "42", "x"], &End::Valid));
    let wrong = (3..6).map(|run| answered(run, &["Paris", "41", "x"], &End::Valid));
    right.chain(wrong).collect()
}

#[test]
fn speed_and_quality_of_two_models_stand_side_by_side() {
    let dir = tempdir().expect("a folder");
    let report = made(dir.path(), &two_models(), &six_launches());
    let table = report.quality.as_ref().expect("two models were graded");
    let [group] = &table.groups[..] else { panic!("equal prompts and loads: {table:?}") };
    let rows: Vec<_> = group.rows.iter().map(|row| (row.name.as_str(), row.quality.rate)).collect();
    assert_eq!(rows, [("none", Some(1.0)), ("worse", Some(0.5))]);
    assert_eq!(group.judged_by, ["pass rate", "decode rate"]);
    // The last token comes 2 ns later with each run, so the second is slower, too.
    assert_eq!((group.rows[0].beaten_by.len(), &group.rows[1].beaten_by), (0, &vec!["none".to_owned()]));
    assert!(group.work.starts_with("2 prompts with a grader, "), "{}", group.work);
    let ids: Vec<&str> = group.charts.iter().map(|chart| chart.id.as_str()).collect();
    assert_eq!(ids, ["quality-speed"], "p95 takes 72 answers");
    let chart = &group.charts[0];
    assert_eq!(chart.series.len(), 2, "one cell is best in both: no line");
    // TPOT of runs 0 to 2: (30 + 2 · run − 10) / 2 = 10, 11 and 12 ns; the median of nine rates is that of 11 ns.
    assert!((chart.series[0].points[0][0] - 1e9 / 11.0).abs() < 1.0, "{:?}", chart.series[0].points);
}

#[test]
fn the_comparison_has_a_column_of_pass_rates() {
    let dir = tempdir().expect("a folder");
    let report = made(dir.path(), &two_models(), &six_launches());
    let comparison = report.comparison.as_ref().expect("two cells");
    let place = comparison.columns.iter().position(|column| column.figure == ColumnFigure::Share);
    let place = place.expect("answers were graded");
    let figures: Vec<_> = comparison
        .groups
        .iter()
        .flat_map(|group| &group.rows)
        .map(|row| match row.figures[place] {
            ComparedFigure::Estimate { value, n, .. } => (value, n),
            ref other => panic!("no rate: {other:?}"),
        })
        .collect();
    assert_eq!(figures, [(1.0, 2), (0.5, 2)]);
    let dir = tempdir().expect("a folder");
    let (mut plain, launches) = (two_models(), six_launches());
    plain = with_graders(plain, [None, None, None]);
    let report = made(dir.path(), &plain, &launches);
    let columns = &report.comparison.as_ref().expect("two cells").columns;
    assert!(columns.iter().all(|column| column.figure != ColumnFigure::Share), "nothing was graded");
}

#[test]
fn other_graders_are_other_questions() {
    let dir = tempdir().expect("a folder");
    let other =
        with_graders(two_models(), [None, Some(Grader::Numeric { expected: 41.0, tolerance: 0.0 }), None]);
    let one = named("c-1", dir.path(), &two_models(), &six_launches());
    let unlike = named("c-2", dir.path(), &other, &six_launches());
    let both = report_of(&[one, unlike], Vec::new()).expect("good records");
    let groups = &both.quality.as_ref().expect("two models in each").groups;
    assert_eq!(groups.iter().map(|group| group.rows.len()).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn cells_of_several_campaigns_share_one_front() {
    let dir = tempdir().expect("a folder");
    let one = named("c-1", dir.path(), &two_models(), &six_launches());
    let again = named("c-2", dir.path(), &two_models(), &six_launches());
    let both = report_of(&[one, again], Vec::new()).expect("good records");
    let groups = &both.quality.as_ref().expect("two models").groups;
    let names: Vec<&str> = groups[0].rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["c-1 · none", "c-1 · worse", "c-2 · none", "c-2 · worse"]);
}
